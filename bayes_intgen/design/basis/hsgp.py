"""Smooth functions of one action: a Hilbert space approximation of a Gaussian process.

With x = (a - centre) / half_width, the box [-c, c] and the eigenfunctions of the Laplacian on it,

    psi_j(x) = c^(-1/2) sin(w_j (x + c)),     w_j = pi j / (2 c),     j = 1..m,

the weight of psi_j has prior variance scale^2 S(w_j), where S(w) = sqrt(2 pi) l exp(-l^2 w^2 / 2)
is the spectral density of a unit squared-exponential kernel with lengthscale l (in half-widths).
The lengthscale scales the prior only, so it stays a free hyperparameter while the features stay
fixed.
A linear function is added, with a prior scale of its own: it carries the trend, and runs on beyond
the box, where the eigenfunctions are held at its edge.

These carry what is smooth over the whole range. What happens where the rows are (a bend inside the
bulk of a long-tailed action, a kink, a threshold) is for a second set: eigenfunctions at the warped
coordinate w(a) of :mod:`bayes_intgen.design.basis.warp`, with the spectral density of a Matern
kernel of smoothness 5/2 (:mod:`bayes_intgen.model.priors`), whose longer tail has room for corners;
the first few enter products. An action far from normal has its normal score, its square
and its cube besides: w is flat in long tails. So has one that is even over a range, whose tails are
short. Without, errors of thresholds of even actions rise by 12% (standard error 3%, 9 systems of
three); where their experiments have 60 rows they fall by 21% (4%, 8 systems), else by 3% or so.
Each value that one row in fifty has where the action is left alone, such as zero, has an indicator,
and each place where the mean of the outcome is seen to jump a step
(:mod:`bayes_intgen.design.basis.jumps`).

References
----------
Solin and Särkkä (2020), "Hilbert space methods for reduced-rank Gaussian process regression",
Statistics and Computing 30. Riutort-Mayol et al. (2023), "Practical Hilbert space approximate
Bayesian Gaussian processes for probabilistic programming", Statistics and Computing 33.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log10, pi, sqrt
from typing import Any, ClassVar, Self

import numpy as np

from bayes_intgen.base.arguments import read_real, read_whole
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array, Scale
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.function import ActionBasis, BasisFunction
from bayes_intgen.design.basis.warp import Warp, fill_waves, find_masses

__all__ = ["FEW_COVARIATES", "HSGP", "HSGPBasis"]

MOST_FUNCTIONS = 1000
MANY_VARIABLES, VERY_MANY = 3, 6  # from which on there are fewer functions of each
RAW_SIZES = (10, 5)  # m and m_pair without a warped coordinate
SMOOTHNESS = 2.5  # of the kernel of the warped coordinate
WARP_BOX = 1.3
MOST_IN_PRODUCTS = 8
LINEAR, SMOOTH, ROUGH = 0.3, 0.5, 0.7  # shares in products: which sum to one at most
FEW_COVARIATES = 2
RESOLUTION = 1.75  # m functions resolve lengthscales down to 1.75 c / m (Riutort-Mayol et al.)


@dataclass(frozen=True)
class HSGP:
    """Ask for smooth functions of unknown wiggliness.

    There are eigenfunctions of the action and of its warped coordinate
    (:mod:`bayes_intgen.design.basis.warp`), which is fine where the rows are: long tails,
    thresholds, kinks, many zeros. Sizes that are None follow the number of rows N of all regimes,

        m = 3 + 0.8 log10 N,   m_pair = 1.1 + 0.5 log10 N,   warp = 13 + 3 log10 N,

    rounded; with K > 3 actions and covariates (of which two count) warp is multiplied by 3 / K and
    m_pair by its root, with K > 6 m by the root of 6 / K. (Smooth curves of five actions, 12 data
    sets: 4 / K in place of 3 / K has the same error and takes 1.6 times as long.) ``HSGP(warp=0)``
    is the basis of 0.1, without a warped coordinate: 10 eigenfunctions, 5 of them in products.

    Parameters
    ----------
    m
        Number of eigenfunctions of one action; 10 resolve lengthscales down to 0.26 half-widths
        of the data. None by the rows.
    m_pair
        Number of them (of those of the warped coordinate if there are any), in each of two
        actions, that are multiplied by one another; 0 for none.
    c
        Half-width of the box over that of the data.
    warp
        Number of eigenfunctions of the action's warped coordinate; 0 for none. None by the rows.

    Raises
    ------
    ModelError
        If a size is not a whole number in its range, or ``c`` is not a finite number above 1.

    Examples
    --------
    >>> HSGP(m=12)
    HSGP(m=12, m_pair=None, c=1.5, warp=None)
    """

    m: int | None = None
    m_pair: int | None = None
    c: float = 1.5
    warp: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("m", 1), ("m_pair", 0), ("warp", 0)):
            if getattr(self, name) is not None:
                read_whole(getattr(self, name), name, least, MOST_FUNCTIONS)
        name = "m" if self.warp == 0 else "warp"
        most = RAW_SIZES[0] if name == "m" and self.m is None else getattr(self, name)
        if self.m_pair is not None and most is not None and self.m_pair > most:
            raise ModelError(f"m_pair must be at most {name} = {most}, got {self.m_pair}.")
        rule = "a finite number greater than 1 (the data's own range) and up to 1000"
        read_real(self.c, "c", rule, 1.0 + 1e-9, 1000.0)

    def sizes(self, n_rows: int, n_variables: int = 1) -> tuple[int, int, int]:
        """Return m, m_pair and warp for a number of rows, and of actions and covariates.

        Examples
        --------
        >>> ig.HSGP().sizes(5000), ig.HSGP(warp=0).sizes(5000)
        ((6, 3, 24), (10, 5, 0))
        """
        decades = log10(max(n_rows, 10))
        part = min(1.0, MANY_VARIABLES / n_variables)
        by_rows = (
            (3 + 0.8 * decades) * sqrt(min(1.0, VERY_MANY / n_variables)),
            max((1.1 + 0.5 * decades) * sqrt(part), 2.0),
            (13 + 3 * decades) * part,
        )
        usual = (*RAW_SIZES, 0) if self.warp == 0 else (round(size) for size in by_rows)
        chosen = (self.m, self.m_pair, self.warp)
        both = zip(chosen, usual, strict=True)
        m, m_pair, warp = (int(size if own is None else own) for own, size in both)
        return m, min(m_pair, warp or m), warp

    def freeze(self, action: str, summary: Summary) -> "HSGPBasis":
        """Take the box from the actions pooled over all regimes, without their outermost rows.

        Examples
        --------
        >>> basis = ig.HSGP().freeze("a1", ig.Moments.from_data(data).summary)
        >>> basis.evaluate(frame["a1"].to_numpy()).shape == (600, len(basis.functions))
        True
        """
        rows = sum(part.n for part in summary.regimes.values())
        few = min(len(summary.covariates), FEW_COVARIATES)
        m, m_pair, m_warp = self.sizes(rows, len(summary.actions) + few)
        low, high = summary.pooled_core(action)
        box = Scale((low + high) / 2, (high - low) / 2)
        basis = HSGPBasis(summary.scales[action], box, m, m_pair, float(self.c))
        if not m_warp:
            return basis
        kinds = summary.pooled_rows(action)
        return replace(basis, warp=Warp.of(kinds, box), m_warp=m_warp, masses=find_masses(kinds))

    def made(self, basis: ActionBasis) -> bool:
        """Say whether a frozen basis is of this kind (also of 0.1), and of the sizes not None.

        Examples
        --------
        >>> basis = ig.HSGP().freeze("a1", ig.Moments.from_data(data).summary)
        >>> ig.HSGP().made(basis), ig.HSGP(warp=9).made(basis), ig.Polynomial(2).made(basis)
        (True, False, False)
        """
        if not isinstance(basis, HSGPBasis) or self.c != basis.c:
            return False
        m, m_pair, warp = self.sizes(0) if self.warp == 0 else (self.m, self.m_pair, self.warp)
        if m_pair is not None:  # no more are multiplied than there are
            m_pair = min(m_pair, basis.m_warp or basis.m)
        found = (basis.m, basis.m_pair, basis.m_warp)
        return all(own in (None, size) for own, size in zip((m, m_pair, warp), found, strict=True))


@dataclass(frozen=True)
class HSGPBasis:
    """A linear function, eigenfunctions and indicators of frequent values of one action."""

    scale: Scale  # mean and standard deviation of the action, for the linear function
    box: Scale  # centre and half-width of the data
    # as in :class:`HSGP`
    m: int
    m_pair: int
    c: float
    warp: Warp | None = None  # the warped coordinate, if there is one
    m_warp: int = 0  # number of its eigenfunctions
    masses: tuple[float, ...] = ()  # the values with an indicator of their own
    jumps: tuple[float, ...] = ()  # the places of steps
    pooled: bool = False  # whether curves and trends have the prior scales of all pooled variables
    kind: ClassVar[str] = "hsgp"

    @cached_property
    def functions(self) -> Sequence[BasisFunction]:
        """The labels of the functions.

        Without a warped coordinate: the linear function, then the eigenfunctions by frequency. In
        products the linear functions go with one another and the eigenfunctions likewise: a
        surface is a bilinear term plus a smooth one.

        With one: the linear function, its eigenfunctions, those of the action, the normal score
        and its curves where they are of use, indicators and steps. A surface then is a bilinear
        term, smooth functions of one times linear ones of the other, and a smooth term of the
        first ``m_pair`` of each, as in smoothing splines (Gu 2013).
        """
        if self.warp is None:
            share = 0.5 if self.m_pair else 1.0
            return [
                BasisFunction("", "linear", share, trend=True),
                *(
                    BasisFunction(f"~{j}", "wiggly", 0.5 if j <= self.m_pair else 1.0, w)
                    for j, w in enumerate(self.frequencies.tolist(), start=1)
                ),
            ]
        linear, smooth, lone = (LINEAR, SMOOTH, ROUGH) if self.m_pair else (1.0, 1.0, 1.0)
        warped = [
            BasisFunction(
                f"~w{j}",
                "warped",
                smooth if j <= self.m_pair else lone if j <= 2 * self.m_pair else 1.0,
                j * pi / (2 * WARP_BOX),
                coordinate="warped",
                smoothness=SMOOTHNESS,
                fine=0 < 2 * self.m_pair < j,
            )
            for j in range(1, self.m_warp + 1)
        ]
        waves = [
            BasisFunction(f"~{j}", "smooth", 1.0, frequency)
            for j, frequency in enumerate(self.frequencies.tolist(), start=1)
        ]
        trend = BasisFunction("", "linear", linear, order=2)
        scores = [BasisFunction("~z", "linear", 1.0, fine=True)]
        scores += [BasisFunction(f"~z{j}", "curved", 1.0, fine=True) for j in (2, 3)]
        alone = smooth if len(self.masses) <= MOST_IN_PRODUCTS else 1.0
        names = [f"={value!r}".removesuffix(".0") for value in self.masses]
        masses = [BasisFunction(name, "mass", alone) for name in names]
        steps = [BasisFunction(f">{place:.6g}", "step", 1.0, fine=True) for place in self.jumps]
        curves = [*warped, *waves, *(scores if self.warp.bent else ())]
        return [*(replace(f, pooled=self.pooled) for f in (trend, *curves)), *masses, *steps]

    @cached_property
    def frequencies(self) -> Array:
        """The frequencies w_j of the eigenfunctions, in radians per half-width; shape (m,)."""
        return np.linspace(1, self.m, self.m) * (pi / (2 * self.c))

    @property
    def limits(self) -> tuple[float, float]:
        """The edges of the box, in the action's unit."""
        reach = self.c * self.box.spread
        return self.box.centre - reach, self.box.centre + reach

    @property
    def description(self) -> str:
        """Kind, size, the finest resolution, and the box outside which queries are refused."""
        finest = self.c * RESOLUTION / self.m
        low, high = self.limits
        further = f" and {self.m_warp} warped ones" if self.m_warp else ""
        masses = f", {len(self.masses)} frequent values" if self.masses else ""
        places = ", ".join(f"{place:.4g}" for place in self.jumps)
        jumps = f", jumps at {places}" if places else ""
        return (
            f"smooth (HSGP: {self.m} functions{further}, {self.m_pair} in products, lengthscales "
            f"from {finest * self.box.spread:.2g}{masses}{jumps}) within [{low:.3g}, {high:.3g}]"
        )

    def evaluate(self, values: Array) -> Array:
        """Evaluate; all but the linear function are held at the edge of the box beyond it."""
        table = np.empty((len(self.functions), len(values)))
        table[0] = (values - self.scale.centre) / self.scale.spread
        held = np.clip(values, *self.limits)
        end = 1 + self.m_warp
        if self.warp is not None:
            fill_waves(np.clip(self.warp(held), -WARP_BOX, WARP_BOX), WARP_BOX, table[1:end])
        x = np.clip((values - self.box.centre) / self.box.spread, -self.c, self.c)
        fill_waves(x, self.c, table[end : end + self.m])
        end += self.m
        if self.warp is not None and self.warp.bent:
            curves = self.warp.curves(held)
            table[end : end + len(curves)] = curves
            end += len(curves)
        for row, value in zip(table[end:], self.masses, strict=False):
            np.equal(values, value, out=row)
        end += len(self.masses)
        for row, place in zip(table[end:], self.jumps, strict=True):
            np.subtract(values > place, 0.5, out=row)
        return table.T

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON types."""
        scale, box = ([own.centre, own.spread] for own in (self.scale, self.box))
        state: dict[str, Any] = {"kind": self.kind, "scale": scale, "box": box, "c": self.c}
        state["sizes"] = [self.m, self.m_pair]
        if self.warp is None:
            return state
        further: dict[str, Any] = {"m_warp": self.m_warp, "masses": list(self.masses)}
        further |= {"jumps": list(self.jumps)} if self.jumps else {}
        further |= {"pooled": True} if self.pooled else {}
        return {**state, "warp": self.warp.to_dict(), **further}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the basis from :meth:`to_dict`."""
        m, m_pair = state["sizes"]
        basis = cls(Scale(*state["scale"]), Scale(*state["box"]), m, m_pair, state["c"])
        if "warp" not in state:
            return basis
        masses, jumps = (tuple(state.get(name, ())) for name in ("masses", "jumps"))
        warp = Warp.from_dict(state["warp"])
        rest = {"masses": masses, "jumps": jumps, "pooled": state.get("pooled", False)}
        return replace(basis, warp=warp, m_warp=state["m_warp"], **rest)

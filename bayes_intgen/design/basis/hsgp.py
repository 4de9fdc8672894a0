"""Smooth functions of one action: a Hilbert space approximation of a Gaussian process.

With x = (a - centre) / half_width, the box [-c, c] and the eigenfunctions of the Laplacian on it,

    psi_j(x) = c^(-1/2) sin(w_j (x + c)),     w_j = pi j / (2 c),     j = 1..m,

the weight of psi_j has prior variance scale^2 S(w_j), where S(w) = sqrt(2 pi) l exp(-l^2 w^2 / 2)
is the spectral density of a unit squared-exponential kernel with lengthscale l (in half-widths).
The lengthscale scales the prior only, so it stays a free hyperparameter while the features stay
fixed.
A linear function is added, with a prior scale of its own: it carries the trend, and runs on beyond
the box, where the eigenfunctions are held at its edge.

References
----------
Solin and Särkkä (2020), "Hilbert space methods for reduced-rank Gaussian process regression",
Statistics and Computing 30. Riutort-Mayol et al. (2023), "Practical Hilbert space approximate
Bayesian Gaussian processes for probabilistic programming", Statistics and Computing 33.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import pi, sqrt
from typing import Any, ClassVar, Self

import numpy as np

from bayes_intgen.base.arguments import read_real, read_whole
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array, Scale
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.function import ActionBasis, BasisFunction

__all__ = ["HSGP", "HSGPBasis"]

MOST_FUNCTIONS = 1000
RESOLUTION = 1.75  # m functions resolve lengthscales down to 1.75 c / m (Riutort-Mayol et al.)


@dataclass(frozen=True)
class HSGP:
    """Ask for smooth functions of unknown wiggliness.

    Parameters
    ----------
    m
        Number of eigenfunctions of one action; 10 resolve lengthscales down to 0.26 half-widths
        of the data.
    m_pair
        Number of them, in each of two actions, that enter products; 0 for none.
    c
        Half-width of the box over that of the data.

    Raises
    ------
    ModelError
        If a size is not a whole number in its range, or ``c`` is not a finite number above 1.

    Examples
    --------
    >>> HSGP(m=12)
    HSGP(m=12, m_pair=5, c=1.5)
    """

    m: int = 10
    m_pair: int = 5
    c: float = 1.5

    def __post_init__(self) -> None:
        for name, least in (("m", 1), ("m_pair", 0)):
            read_whole(getattr(self, name), name, least, MOST_FUNCTIONS)
        if self.m_pair > self.m:
            raise ModelError(f"m_pair must be at most m = {self.m}, got {self.m_pair}.")
        rule = "a finite number greater than 1 (the data's own range) and up to 1000"
        read_real(self.c, "c", rule, 1.0 + 1e-9, 1000.0)

    def freeze(self, action: str, summary: Summary) -> "HSGPBasis":
        """Take the box from the actions pooled over all regimes, without their outermost rows.

        Examples
        --------
        >>> basis = ig.HSGP().freeze("a1", ig.Moments.from_data(data).summary)
        >>> basis.evaluate(frame["a1"].to_numpy()).shape == (600, len(basis.functions))
        True
        """
        low, high = summary.pooled_core(action)
        box = Scale((low + high) / 2, (high - low) / 2)
        return HSGPBasis(summary.scales[action], box, int(self.m), int(self.m_pair), float(self.c))

    def made(self, basis: ActionBasis) -> bool:
        """Say whether a frozen basis is of this kind and size.

        Examples
        --------
        >>> basis = ig.HSGP().freeze("a1", ig.Moments.from_data(data).summary)
        >>> ig.HSGP().made(basis), ig.Polynomial(2).made(basis)
        (True, False)
        """
        sizes = (self.m, self.m_pair, self.c)
        return isinstance(basis, HSGPBasis) and (basis.m, basis.m_pair, basis.c) == sizes


@dataclass(frozen=True)
class HSGPBasis:
    """A linear function and eigenfunctions of one action.

    Parameters
    ----------
    scale
        Mean and standard deviation of the action, for the linear function.
    box
        Centre and half-width of the data.
    m, m_pair, c
        As in :class:`HSGP`.
    """

    scale: Scale
    box: Scale
    m: int
    m_pair: int
    c: float
    kind: ClassVar[str] = "hsgp"

    @cached_property
    def functions(self) -> Sequence[BasisFunction]:
        """The linear function, then the eigenfunctions by frequency.

        In products the linear functions go with one another and the eigenfunctions likewise: a
        surface is a bilinear term plus a smooth one.
        """
        waves = [
            BasisFunction(f"~{j}", "wiggly", 0.5 if j <= self.m_pair else 1.0, frequency)
            for j, frequency in enumerate(self.frequencies.tolist(), start=1)
        ]
        return [BasisFunction("", "linear", share=0.5 if self.m_pair else 1.0, trend=True), *waves]

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
        return (
            f"smooth (HSGP: {self.m} functions, {self.m_pair} in products, lengthscales from "
            f"{finest * self.box.spread:.2g}) within [{low:.3g}, {high:.3g}]"
        )

    def evaluate(self, values: Array) -> Array:
        """Evaluate; the eigenfunctions are held at the edge of the box beyond it.

        Only the first is a sine: with t = w_1 (x + c), sin((j+1) t) = 2 cos(t) sin(j t) -
        sin((j-1) t).
        """
        x = np.clip((values - self.box.centre) / self.box.spread, -self.c, self.c)
        angle = (x + self.c) * (pi / (2 * self.c))
        table = np.empty((self.m + 1, len(values)))
        table[0] = (values - self.scale.centre) / self.scale.spread
        np.sin(angle, out=table[1])
        table[1] /= sqrt(self.c)
        twice = 2 * np.cos(angle)
        before: Array | float = 0.0
        for j in range(2, self.m + 1):
            np.multiply(twice, table[j - 1], out=table[j])
            table[j] -= before
            before = table[j - 1]
        return table.T

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON types."""
        return {
            "kind": self.kind,
            "scale": [self.scale.centre, self.scale.spread],
            "box": [self.box.centre, self.box.spread],
            "sizes": [self.m, self.m_pair],
            "c": self.c,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the basis from :meth:`to_dict`."""
        m, m_pair = state["sizes"]
        return cls(Scale(*state["scale"]), Scale(*state["box"]), m, m_pair, state["c"])

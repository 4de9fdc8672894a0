"""A fit: everything that is kept of it, and the expected outcomes that its draws give.

For any set S of actions that are set, E[Y | do(a_S), a_rest] = phi(a)' theta_S with
theta_S = beta + sum over k not in S of delta_k (equation 2 of the model). S = all actions gives the
joint effect of Theorem 1, any other S a mixed effect of Proposition 1. With covariates phi is a
function of z too, and the answer is E[Y | do(a_S), a_rest, z].
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from bayes_intgen.components import Kind, component_curve, read_component
from bayes_intgen.data import Points
from bayes_intgen.departures import Additivity
from bayes_intgen.design import Design
from bayes_intgen.errors import QueryError
from bayes_intgen.identify import require_known_cuts
from bayes_intgen.inference import Convergence
from bayes_intgen.lift_check import LiftCheck
from bayes_intgen.metrics import INTERVAL, credible_interval
from bayes_intgen.moves import usual_values
from bayes_intgen.rank import RankCondition, require_determined
from bayes_intgen.regimes import Regime, format_regime, parse_regime, read_do
from bayes_intgen.storage import FitState, write_fit
from bayes_intgen.structure_learning import LearnedStructure
from bayes_intgen.summary import Scale, Summary
from bayes_intgen.support import BEYOND, classify_support, find_beyond

__all__ = ["Fitted"]

VALUES_AT_ONCE = 2**24

type Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """What a :class:`bayes_intgen.Posterior` consists of, which describes the parameters."""

    idata: xr.DataTree = field(repr=False)
    design: Design = field(repr=False)
    summary: Summary = field(repr=False)
    outcome_scale: Scale
    convergence: Convergence
    learned: LearnedStructure | None = None
    additivity: Additivity | None = None

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions."""
        return self.summary.actions

    @property
    def covariates(self) -> tuple[str, ...]:
        """Names of the covariates."""
        return self.summary.covariates

    @property
    def outcome(self) -> str:
        """Name of the outcome."""
        return self.summary.outcome

    @property
    def target(self) -> Regime:
        """The regime that the fit was to identify; all actions unless another was given."""
        label = self.idata.attrs.get("target")
        return self.actions if label is None else parse_regime(str(label), self.actions)

    def expected_outcome(
        self,
        at: Any,
        do: str | Iterable[str] | None = None,
        beyond: Literal["error", "clamp"] = "error",
    ) -> xr.DataArray:
        """Posterior of E[Y | do(a_S), a_rest] at some points, at their covariates if any.

        Parameters
        ----------
        at
            The values of ALL actions and covariates in their own units: a frame or a mapping of
            names to numbers or arrays, levels for a categorical one. Scalars are repeated, other
            columns ignored, a frame's index becomes ``point``.
        do
            The actions S that are set, as names or as a regime's label; the others are conditioned
            on. None sets all of them, ``[]`` none (the observational mean).
        beyond
            What to do about points beyond the box on which smooth curves are defined (1.5 times
            the half-width of the data): raise an error, or ``"clamp"`` the wiggly part of a curve
            at the edge while its linear part runs on.

        Returns
        -------
        xarray.DataArray
            In the outcome's unit, dims (chain, draw, point). Coordinates along ``point`` hold the
            values of actions and covariates and ``support``: ``supported``, ``extrapolated``
            (beyond the joint support of the data), ``outside`` (beyond the observed range of one
            of them) or ``beyond`` (the box). The attribute ``do`` is the regime's label.

        Raises
        ------
        QueryError
            If a value is missing, not a finite number or not a level of the data, ``do`` names an
            unknown action or a part of a block that no experiment sets, or points lie beyond the
            box.
        NotIdentifiedError
            If the data do not determine this effect.

        References
        ----------
        Kekić, Garrido Mejia and Schölkopf (2025), Theorem 1 and Proposition 1.
        """
        regime = read_do(do, self.actions)
        self.require(regime)
        points = self.points(at)
        support = self.support(points, regime, beyond)
        values = self.theta(regime) @ self.design.features.evaluate(points.values).T
        values += self.outcome_scale.centre
        answer = self.label(values, points, self.outcome)
        answer.attrs["do"] = format_regime(regime)
        return answer.assign_coords(support=("point", support))

    def component(
        self, action: str, at: Any, kind: Kind = "int", beyond: Literal["error", "clamp"] = "error"
    ) -> xr.DataArray:
        """Draws of one curve of the decomposition.

        Parameters
        ----------
        action
            The action k, or a block by its label, such as ``"a1+a2"``.
        at
            Values of the action, or a mapping with values of more actions (as a block needs) and
            covariates; those not given are held at their means over the regimes (weighted equally)
            or most frequent levels.
        kind
            ``"int"``: the causal effect u_k(a_k), relative to that held value, at the point's
            covariates; for an action within a block, that of moving it alone. ``"bias"``: the
            confounding bias d_k(a_k, a_parents), which a block has as a whole. ``"obs"``: their
            sum, the effect that observational rows show.
        beyond
            As in :meth:`expected_outcome`.

        Returns
        -------
        xarray.DataArray
            In the outcome's unit, dims (chain, draw, point).

        Raises
        ------
        QueryError
            If the action, the kind or a name in the mapping is unknown, values are not finite
            numbers, or the bias of an action within a block is asked for.
        """
        usual = usual_values(self.summary)
        block = read_component(self.design, action, kind)
        if len(block) > 1 and not isinstance(at, Mapping):
            raise QueryError(
                f"at: the block {action!r} takes values of {list(block)}, got "
                f"{type(at).__name__}; give a mapping of names to values."
            )
        points = self.complete(at if isinstance(at, Mapping) else {action: at})
        find_beyond(points, self.design.features.bases, beyond)
        values = component_curve(self.design, self.weights, points.values, usual, action, kind)
        return self.label(values, points, f"{kind}:{action}")

    def table(
        self,
        at: Any,
        do: str | Iterable[str] | None = None,
        probability: float = INTERVAL,
        beyond: Literal["error", "clamp"] = "error",
    ) -> pd.DataFrame:
        """Summarise :meth:`expected_outcome`, one row per point.

        The points are worked through in portions, so that their number is not bound by memory.

        Parameters
        ----------
        at, do, beyond
            As in :meth:`expected_outcome`.
        probability
            Probability inside the equal-tailed credible interval.

        Returns
        -------
        pandas.DataFrame
            The actions and covariates, then ``mean``, ``sd``, ``lower``, ``upper`` and ``support``.
        """
        points = self.points(at)
        find_beyond(points, self.design.features.bases, beyond)
        sizes = self.idata["posterior"].sizes
        rows = max(1, VALUES_AT_ONCE // (sizes["chain"] * sizes["draw"]))
        parts = []
        for start in range(0, len(points), rows):
            draws = self.expected_outcome(points.take(start, start + rows), do, beyond)
            lower, upper = credible_interval(draws, probability)
            columns = {name: draws[name] for name in points.variables}
            columns["mean"] = draws.mean(("chain", "draw"))
            columns["sd"] = draws.std(("chain", "draw"), ddof=1)
            columns |= {"lower": lower, "upper": upper, "support": draws["support"]}
            parts.append(
                pd.DataFrame({name: column.to_numpy() for name, column in columns.items()})
            )
        return pd.concat(parts).set_index(pd.Index(points.index, name="point"))

    def save(self, path: str | Path) -> None:
        """Write everything to a netCDF file; an existing file is replaced in one step.

        Raises
        ------
        FileError
            If the folder does not exist or cannot be written to.
        """
        write_fit(self._state, Path(path))

    @property
    def lifts(self) -> LiftCheck | None:
        """Lift tests of the fit, and whether they agree with all else; None if there were none.

        ``print(posterior.lifts)`` gives the verdict, ``.table`` a row per test, ``.ok`` whether
        none is in conflict.
        """
        tree = self.idata
        data = tree["constant_data"].dataset if "constant_data" in tree.children else xr.Dataset()
        return LiftCheck.from_dataset(data, self.summary.levels)

    @cached_property
    def condition(self) -> RankCondition:
        """What the regimes and lift tests of the fit determine under its design."""
        found = self.lifts
        rows = None if found is None else found.functionals
        return RankCondition(self.design, tuple(self.summary.regimes), rows)

    def require(self, regime: Regime) -> None:
        """Refuse a regime whose mean the data do not determine."""
        require_known_cuts(self.summary.regimes, regime, self.design.blocks)
        require_determined(self.condition, regime)

    def require_contrast(self, before: Array, after: Array, regime: Regime) -> None:
        """Refuse contrasts that the data do not determine; shape (points, variables) each."""
        require_known_cuts(self.summary.regimes, regime, self.design.blocks)
        moved = (before != after).any(axis=0)
        names = [name for name, moves in zip(self.design.variables, moved, strict=True) if moves]
        steps = self.functionals(after, regime) - self.functionals(before, regime)
        require_determined(self.condition, regime, names, steps)

    def functionals(self, values: Array, regime: Regime) -> Array:
        """Return what turns weights into the mean of a regime at some points.

        Shape (points, weights).
        """
        phi = self.design.features.evaluate(values)
        return phi[:, self.design.positions] * self.design.active(regime)

    def points(self, at: Any) -> Points:
        """Read points at which a question is asked; all actions and covariates are needed."""
        return Points.read(at, self.actions, self.summary.levels, self.covariates)

    def complete(self, some: Mapping[str, Any]) -> Points:
        """Read points that give some variables by name, the others at their usual values."""
        usual = usual_values(self.summary)
        return Points.complete(some, self.actions, self.summary.levels, usual, self.covariates)

    def support(self, points: Points, regime: Regime, beyond: str) -> npt.NDArray[np.str_]:
        """Flag points, and refuse those beyond the box unless they are to be clamped."""
        far = find_beyond(points, self.design.features.bases, beyond)
        parents, blocks = self.design.parents, self.design.blocks
        flags = classify_support(points.values, regime, self.summary, parents, blocks)
        return np.where(far, BEYOND, flags)

    @property
    def weights(self) -> Array:
        """Draws of the weights of all components, shape (chain, draw, weights)."""
        return self.idata["posterior"].dataset["weight"].to_numpy()

    def theta(self, regime: Regime) -> Array:
        """Return the coefficients of the features in the mean of a regime.

        Draws of theta_S, shape (chain, draw, features), in the outcome's unit and relative to the
        centre of ``outcome_scale``.
        """
        return self.design.collect(self.weights, self.design.active(regime))

    def label(self, values: Array, points: Points, name: str) -> xr.DataArray:
        """Give names to draws at some points, shape (chain, draw, point)."""
        draws = self.idata["posterior"].dataset
        coords = {dim: draws[dim].to_numpy() for dim in ("chain", "draw")}
        dims = ("chain", "draw", "point")
        return xr.DataArray(values, dims=dims, coords={**coords, **points.coords()}, name=name)

    @property
    def _state(self) -> FitState:
        return FitState(
            self.idata,
            self.design,
            self.summary,
            self.outcome_scale,
            self.convergence,
            self.learned,
            self.additivity,
        )

"""The posterior: every question is arithmetic on its draws.

For any set S of actions that are set, E[Y | do(a_S), a_rest] = phi(a)' theta_S with
theta_S = beta + sum over k not in S of delta_k (equation 2 of the model). S = all actions gives the
joint effect of Theorem 1, any other S a mixed effect of Proposition 1.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from bayes_intgen.components import Kind, component_curve
from bayes_intgen.data import Points
from bayes_intgen.departures import Additivity
from bayes_intgen.design import Design
from bayes_intgen.errors import NotIdentifiedError
from bayes_intgen.inference import Convergence
from bayes_intgen.lift_check import LiftCheck
from bayes_intgen.metrics import INTERVAL, credible_interval
from bayes_intgen.moves import standard_moves, usual_values
from bayes_intgen.plots import plot_structure
from bayes_intgen.rank import RankCondition, require_determined
from bayes_intgen.regimes import Regime, format_regime, read_do
from bayes_intgen.report import describe_fit
from bayes_intgen.storage import FitState, write_fit
from bayes_intgen.structure_learning import LearnedStructure
from bayes_intgen.summary import Scale, Summary
from bayes_intgen.support import BEYOND, classify_support, find_beyond

__all__ = ["Posterior"]

VALUES_AT_ONCE = 2**24


@dataclass(frozen=True)
class Posterior:
    """Posterior draws of a fitted model, and the questions they answer.

    Made by :meth:`bayes_intgen.InterventionModel.fit` or :func:`bayes_intgen.load`.

    Parameters
    ----------
    idata
        The draws, as a tree that every ArviZ function takes: groups ``posterior`` (sigma,
        prior_scale and weight in the outcome's unit, lengthscale in half-widths of the action's
        data; with a learned variance, sigma is that of a row whose weight is one; ``nu``, or
        ``variance_scale`` and ``variance_weight``, if the likelihood has them),
        ``sample_stats``, ``log_likelihood`` (per regime), ``log_prior`` and ``constant_data``.
    design
        Features, components and possible parents.
    summary
        Counts, ranges and covariances of the data.
    outcome_scale
        Centre and spread by which the outcome was standardised.
    convergence
        The verdict on the sampler.
    learned
        The evidence on who depends on whom, if the structure was learned.
    additivity
        Which rung of the ladder of interactions the data need; None if there were no rows to test.
    """

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
    def outcome(self) -> str:
        """Name of the outcome."""
        return self.summary.outcome

    def expected_outcome(
        self,
        at: Any,
        do: str | Iterable[str] | None = None,
        beyond: Literal["error", "clamp"] = "error",
    ) -> xr.DataArray:
        """Posterior of E[Y | do(a_S), a_rest] at some points.

        Parameters
        ----------
        at
            The values of ALL actions in their own units: a frame or a mapping of names to numbers
            or arrays, levels for a categorical action. Scalars are repeated, other columns ignored,
            a frame's index becomes ``point``.
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
            values of the actions and ``support``: ``supported``, ``extrapolated`` (beyond the
            joint support of the data), ``outside`` (beyond an action's observed range) or
            ``beyond`` (the box). The attribute ``do`` is the regime's label.

        Raises
        ------
        QueryError
            If an action's value is missing, not a finite number or not a level of the data, ``do``
            names an unknown action, or points lie beyond the box.
        NotIdentifiedError
            If the data do not determine this effect.

        References
        ----------
        Kekić, Garrido Mejia and Schölkopf (2025), Theorem 1 and Proposition 1.
        """
        regime = read_do(do, self.actions)
        require_determined(self.condition, regime)
        points = Points.read(at, self.actions, self.summary.levels)
        far = find_beyond(points, self.design.features.bases, beyond)
        theta = self._theta(regime)
        values = theta @ self.design.features.evaluate(points.values).T
        values += self.outcome_scale.centre
        support = classify_support(points.values, regime, self.summary, self.design.parents)
        support = np.where(far, BEYOND, support)
        answer = self._label(values, points, self.outcome)
        answer.attrs["do"] = format_regime(regime)
        return answer.assign_coords(support=("point", support))

    def component(
        self, action: str, at: Any, kind: Kind = "int", beyond: Literal["error", "clamp"] = "error"
    ) -> xr.DataArray:
        """Draws of one curve of the decomposition.

        Parameters
        ----------
        action
            The action k.
        at
            Values of the action, or a mapping with values of more actions; those not given are held
            at their means over the regimes (weighted equally) or most frequent levels.
        kind
            ``"int"``: the causal effect u_k(a_k), relative to that held value. ``"bias"``:
            the confounding bias d_k(a_k, a_parents). ``"obs"``: their sum, the effect that
            observational rows show.
        beyond
            As in :meth:`expected_outcome`.

        Returns
        -------
        xarray.DataArray
            In the outcome's unit, dims (chain, draw, point).

        Raises
        ------
        QueryError
            If the action or the kind is unknown, or values are not finite numbers.
        """
        usual = usual_values(self.summary)
        known = at if isinstance(at, Mapping) else {action: at}
        points = Points.complete(known, self.actions, self.summary.levels, usual)
        find_beyond(points, self.design.features.bases, beyond)
        weights = self.idata["posterior"].dataset["weight"].to_numpy()
        values = component_curve(self.design, weights, points.values, usual, action, kind)
        return self._label(values, points, f"{kind}:{action}")

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
            The actions, then ``mean``, ``sd``, ``lower``, ``upper`` and ``support``.
        """
        points = Points.read(at, self.actions, self.summary.levels)
        find_beyond(points, self.design.features.bases, beyond)
        sizes = self.idata["posterior"].sizes
        rows = max(1, VALUES_AT_ONCE // (sizes["chain"] * sizes["draw"]))
        parts = []
        for start in range(0, len(points), rows):
            draws = self.expected_outcome(points.take(start, start + rows), do, beyond)
            lower, upper = credible_interval(draws, probability)
            columns = {action: draws[action] for action in self.actions}
            columns["mean"] = draws.mean(("chain", "draw"))
            columns["sd"] = draws.std(("chain", "draw"), ddof=1)
            columns |= {"lower": lower, "upper": upper, "support": draws["support"]}
            parts.append(
                pd.DataFrame({name: column.to_numpy() for name, column in columns.items()})
            )
        return pd.concat(parts).set_index(pd.Index(points.index, name="point"))

    def effects(self) -> pd.DataFrame:
        """Summarise the change when one action moves from mean - sd to mean + sd.

        A categorical action moves from its most frequent level to each other one. The other actions
        stay at their means and most frequent levels; means, sd and frequencies are over all
        regimes, weighted equally.

        Returns
        -------
        pandas.DataFrame
            A row per action, or per level as ``channel[tv]``: ``from`` and ``to`` (the action's
            unit, or levels), ``mean``, ``lower`` and ``upper`` of the change in E[Y | do(all)], and
            ``observational``, the mean change in E[Y | a], which holds the confounding too (the
            outcome's unit). No number where the data do not determine the change.

        Raises
        ------
        NotIdentifiedError
            If the data determine none of these changes, or not the observational ones.
        """
        moves = standard_moves(self.summary)
        before = np.array([move.before for move in moves])
        after = np.array([move.after for move in moves])
        moved = [self.actions[int(np.flatnonzero(step)[0])] for step in before != after]
        steps = self._functionals(after, self.actions) - self._functionals(before, self.actions)
        known = [
            self.condition.status(self.actions, [action], step[None]) != "unknown"
            for action, step in zip(moved, steps, strict=True)
        ]
        if not any(known):
            require_determined(self.condition, self.actions, self.actions)
        require_determined(self.condition, (), self.actions)
        joint = self._change(before, after, self.actions)
        lower, upper = credible_interval(joint)
        columns = {
            "from": [move.start for move in moves],
            "to": [move.end for move in moves],
            "mean": np.where(known, joint.mean(("chain", "draw")), np.nan),
            "lower": np.where(known, lower, np.nan),
            "upper": np.where(known, upper, np.nan),
            "observational": self._change(before, after, ()).mean(("chain", "draw")).to_numpy(),
        }
        return pd.DataFrame(columns, index=pd.Index([move.name for move in moves], name="action"))

    def plot_structure(self, ax: Axes | None = None) -> Axes:
        """Draw which action may depend on which: learned, with its evidence, or as given.

        Parameters
        ----------
        ax
            Where to draw; a new figure by default.
        """
        given = [(p, child, "given") for child, ps in self.design.parents.items() for p in ps]
        learned = self.learned.edges if self.learned else ()
        found = [(e.parent, e.child, e.status) for e in learned if e.status != "absent"]
        axes = ax if ax is not None else plt.subplots(figsize=(4, 4), layout="constrained")[1]
        return plot_structure(axes, self.actions, found if self.learned else given)

    def save(self, path: str | Path) -> None:
        """Write everything to a netCDF file; an existing file is replaced in one step.

        Raises
        ------
        FileError
            If the folder does not exist or cannot be written to.
        """
        write_fit(self._state, Path(path))

    def __str__(self) -> str:
        try:
            return describe_fit(self._state, self.effects())
        except NotIdentifiedError as error:
            return describe_fit(self._state, str(error))

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

    def _label(self, values: np.ndarray, points: Points, name: str) -> xr.DataArray:
        draws = self.idata["posterior"].dataset
        coords = {dim: draws[dim].to_numpy() for dim in ("chain", "draw")}
        dims = ("chain", "draw", "point")
        return xr.DataArray(values, dims=dims, coords={**coords, **points.coords()}, name=name)

    def _theta(self, regime: Regime) -> np.ndarray:
        weights = self.idata["posterior"].dataset["weight"].to_numpy()
        return self.design.collect(weights, self.design.active(regime))

    def _functionals(self, values: np.ndarray, regime: Regime) -> np.ndarray:
        phi = self.design.features.evaluate(values)
        return phi[:, self.design.positions] * self.design.active(regime)

    def _change(self, before: np.ndarray, after: np.ndarray, regime: Regime) -> xr.DataArray:
        features = self.design.features
        step = features.evaluate(after) - features.evaluate(before)
        return xr.DataArray(self._theta(regime) @ step.T, dims=("chain", "draw", "action"))

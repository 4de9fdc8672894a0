"""Questions to a posterior about what to do: curves, averages over a population, the best action.

What is computed stands in :mod:`bayes_intgen.posterior.estimands`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import xarray as xr

from bayes_intgen.data.points import Beyond
from bayes_intgen.posterior.estimands.average import average_contrast, average_outcome
from bayes_intgen.posterior.estimands.best_action import BestAction, best_action
from bayes_intgen.posterior.estimands.dose_response import dose_response
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["Policies"]


class Policies(Fitted):
    """The questions of :class:`bayes_intgen.Posterior` about settings and populations."""

    def dose_response(
        self,
        action: str,
        grid: Any = None,
        at: Mapping[str, Any] | None = None,
        population: Any = None,
        do: str | Iterable[str] | None = None,
        weights: Any = None,
        beyond: Beyond = "error",
    ) -> xr.DataArray:
        """Posterior of the expected outcome along one action.

        Parameters
        ----------
        action
            The action that varies.
        grid
            Its values or levels; by default 50 over the core range (0.05% to 99.95% quantile) of
            the experiments that set it, or all its levels.
        at
            Where the other actions and the covariates are held; those not given stay at their means
            over the regimes (weighted equally) or most frequent levels.
        population
            Rows over which the curve is averaged instead, a frame or a mapping with the other
            actions and the covariates.
        do
            The actions that are set; None for all. If ``action`` is not among them, the curve is
            that of the outcome given the action, which holds its confounding.
        weights
            Of the rows of the population, equal by default.
        beyond
            As in :meth:`expected_outcome`.

        Returns
        -------
        xarray.DataArray
            Dims (chain, draw, <action>). Along the action, ``support`` is the flag, the worst one
            of the rows if there is a population, and ``supported_share`` the share of rows that are
            supported.

        Raises
        ------
        QueryError
            If the action is unknown, values cannot be read, or points lie beyond the box.
        NotIdentifiedError
            If the data do not determine this effect.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=500, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel().fit(data, method="laplace")
        >>> curve = posterior.dose_response("a1", at={"a2": 0.1})
        >>> curve.dims, curve.sizes["a1"]
        (('chain', 'draw', 'a1'), 50)
        """
        return dose_response(self, action, grid, at, population, do, weights, beyond)

    def average_outcome(
        self,
        population: Any,
        do: str | Iterable[str] | None = None,
        setting: Mapping[str, Any] | None = None,
        shift: Mapping[str, Any] | None = None,
        weights: Any = None,
        beyond: Beyond = "error",
    ) -> xr.DataArray:
        """Posterior of the expected outcome averaged over rows of a reference population.

        Parameters
        ----------
        population
            The rows, a frame or a mapping with all actions (but for those in ``setting``) and
            covariates.
        do
            The actions that are set; None for all. The rows stand for the distribution of the
            others, so that where those respond to what is set, rows must come from that regime.
        setting
            Actions that are set to a value, or to one value per row.
        shift
            Numeric actions to whose values in the rows an amount is added.
        weights
            Of the rows, equal by default.
        beyond
            As in :meth:`expected_outcome`.

        Returns
        -------
        xarray.DataArray
            In the outcome's unit, dims (chain, draw); the coordinate ``supported_share`` is the
            share of the rows that are supported.

        Raises
        ------
        QueryError
            If rows, changes or weights cannot be read, or rows lie beyond the box.
        NotIdentifiedError
            If the data do not determine this effect.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=500, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel().fit(data, method="laplace")
        >>> rows = frame[frame["regime"] == "obs"]
        >>> posterior.average_outcome(rows, setting={"a1": 0.1}, beyond="clamp").dims
        ('chain', 'draw')
        """
        return average_outcome(self, population, do, setting, shift, weights, beyond)

    def average_contrast(
        self,
        population: Any,
        do: str | Iterable[str] | None = None,
        setting: Mapping[str, Any] | None = None,
        shift: Mapping[str, Any] | None = None,
        baseline: Mapping[str, Any] | None = None,
        weights: Any = None,
        beyond: Beyond = "error",
    ) -> xr.DataArray:
        """Posterior of the average change over rows when actions are set or shifted.

        Parameters
        ----------
        population, do, setting, shift, weights, beyond
            As in :meth:`average_outcome`; at least one of ``setting`` and ``shift`` is needed.
        baseline
            Actions that are set to a value in what is compared with; by default the rows as they
            are.

        Returns
        -------
        xarray.DataArray
            In the outcome's unit, dims (chain, draw); ``supported_share`` is the share of the rows
            that are supported before and after.

        Raises
        ------
        QueryError
            If rows, changes or weights cannot be read, or rows lie beyond the box.
        NotIdentifiedError
            If the data do not determine this effect.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=500, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel().fit(data, method="laplace")
        >>> rows = frame[frame["regime"] == "obs"]
        >>> more = posterior.average_contrast(rows, shift={"a1": 0.1}, beyond="clamp")
        >>> more.sizes
        Frozen({'chain': 1, 'draw': 1000})
        """
        return average_contrast(self, population, do, setting, shift, baseline, weights, beyond)

    def best_action(
        self,
        bounds: Mapping[str, Any] | None = None,
        budget: float | None = None,
        cost: Mapping[str, Any] | None = None,
        grid: Any = None,
        minimize: bool = False,
        do: str | Iterable[str] | None = None,
        at: Mapping[str, Any] | None = None,
        beyond: Beyond = "error",
    ) -> BestAction:
        """Find the joint action with the best expected outcome, and how sure it is.

        Parameters
        ----------
        bounds
            The actions that may be chosen: (low, high) of a numeric one, the levels allowed of a
            categorical one, or None for the core range of its experiments or all levels. By default
            every action that is set and not held by ``at``.
        budget
            Limit of sum_k c_k a_k over these actions; None for no limit.
        cost
            Cost c_k per unit of a numeric action, 1 by default; for a categorical action a mapping
            of levels to costs, 0 by default.
        grid
            Points per numeric action between its bounds, or a mapping of actions to numbers of
            points or to values. By default 41, and fewer for actions that interact, of which every
            combination is tried (20,000 at most; 200,000 if asked for).
        minimize
            Look for the smallest outcome.
        do
            The actions that are set; None for all.
        at
            Where the actions that are not chosen and the covariates stay; those not given are at
            their means over the regimes (weighted equally) or most frequent levels.
        beyond
            As in :meth:`expected_outcome`, for grid points beyond the box.

        Returns
        -------
        BestAction
            The setting whose posterior mean is best, the distribution of the setting that is best
            in each draw, the probability of being best, and the expected regret. Print it.

        Raises
        ------
        QueryError
            If bounds, costs or grids are not valid, nothing is within the budget, or there are too
            many settings to be tried.
        NotIdentifiedError
            If the data do not determine this effect.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=500, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> posterior = ig.InterventionModel().fit(data, method="laplace")
        >>> best = posterior.best_action({"a1": (0, 0.6), "a2": (-0.6, 0)}, budget=0.3, grid=9)
        >>> best.cost < 0.3 + 1e-9, best.support
        (True, 'supported')
        """
        return best_action(self, bounds, budget, cost, grid, minimize, do, at, beyond)

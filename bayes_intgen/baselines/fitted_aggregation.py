"""A fit of causal aggregation: the effect of setting all actions, and its standard error.

With beta and V of (3) in :mod:`bayes_intgen.baselines.aggregation`, lambda_r of its (4), and
l_r = mean_r(Y) - mean_r(phi)'beta,

    (1)  E[Y | do(a)] = sum_r lambda_r l_r + phi(a)'beta,
    (2)  its variance = sum_r lambda_r^2 sigma_r^2 / n_r + (phi(a) - m)'V (phi(a) - m)

with m = sum_r lambda_r mean_r(phi).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_intgen.base.blocks import Blocks
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import Regime, format_regime, read_do
from bayes_intgen.base.types import Array
from bayes_intgen.baselines.regime_moments import RegimeMoments
from bayes_intgen.data.points import Points

__all__ = ["FittedAggregation"]


@dataclass(frozen=True)
class FittedAggregation:
    """What causal aggregation says of a data set.

    Made by :meth:`bayes_intgen.CausalAggregation.fit`.

    Parameters
    ----------
    moments
        The functions phi, and what was summed.
    blocks
        The blocks of actions.
    beta, covariance
        Coefficients of phi without its constant, and V, in the outcome's standard unit.
    level_weights
        lambda_r, by regime.
    noise
        sigma_r^2 by regime, in the same unit.
    """

    moments: RegimeMoments = field(repr=False)
    actions: tuple[str, ...]
    outcome: str
    levels: dict[str, tuple[str, ...]]
    blocks: Blocks
    beta: Array = field(repr=False)
    covariance: Array = field(repr=False)
    level_weights: dict[Regime, float]
    noise: dict[Regime, float] = field(repr=False)

    @property
    def table(self) -> pd.DataFrame:
        """The functions of the actions: ``coefficient`` and ``sd``, in the outcome's unit.

        Returns
        -------
        pandas.DataFrame
            A row per function (polynomials of the standardised actions, indicators of levels).
        """
        unit = self.moments.outcome_scale.spread
        sds = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        names = pd.Index(self.moments.features.names[1:], name="function")
        return pd.DataFrame({"coefficient": unit * self.beta, "sd": unit * sds}, names)

    def expected_outcome(self, at: Any, do: object = None) -> xr.DataArray:
        """Estimate E[Y | do(a)] with all actions set.

        Parameters
        ----------
        at
            The values of ALL actions: a frame, or a mapping of names to numbers or arrays.
        do
            All actions, or None for the same: what is left alone carries a confounding that the
            method does not estimate.

        Returns
        -------
        xarray.DataArray
            In the outcome's unit, dimension ``point``, with the actions as coordinates and ``sd``,
            the standard error by (2).

        Raises
        ------
        QueryError
            If a value is missing or not a finite number, or ``do`` leaves an action alone.
        """
        target = read_do(do, self.actions)
        if target != self.actions:
            raise QueryError(
                f"do: causal aggregation estimates effects of setting all of {list(self.actions)}, "
                f"got {format_regime(target)!r}; use InterventionModel, RidgeEstimator or "
                f"AdditiveNoise for actions that are left alone."
            )
        points = Points.read(at, self.actions, self.levels)
        phi = self.moments.features.evaluate(points.values)[:, 1:]
        level, centre, variance = 0.0, np.zeros(len(self.beta)), 0.0
        for regime, weight in self.level_weights.items():  # (1)
            mean = self.moments.by_regime[regime].mean
            level += weight * (mean[-1] - mean[:-1] @ self.beta)
            centre += weight * mean[:-1]
            variance += weight**2 * self.noise[regime] / self.moments.by_regime[regime].n
        away = phi - centre
        spread = variance + np.einsum("ij,jk,ik->i", away, self.covariance, away)  # (2)
        scale = self.moments.outcome_scale
        answer = points.to_xarray(
            scale.centre + scale.spread * (level + phi @ self.beta), self.outcome
        )
        sd = scale.spread * np.sqrt(np.maximum(spread, 0.0))
        return answer.assign_coords(sd=("point", sd)).assign_attrs(
            {"do": format_regime(target), "estimator": "CausalAggregation"}
        )

    def contrast(self, at: Any, baseline: Any) -> xr.DataArray:
        """Estimate E[Y | do(a)] - E[Y | do(b)], in which the level cancels.

        Parameters
        ----------
        at, baseline
            The values of ALL actions, as in :meth:`expected_outcome`; one baseline for all points,
            or as many as points.

        Returns
        -------
        xarray.DataArray
            In the outcome's unit, dimension ``point``, with ``sd``, the standard error.

        Raises
        ------
        QueryError
            If a value is missing or not a finite number.

        Examples
        --------
        >>> fit = ig.CausalAggregation().fit(data)
        >>> fit.contrast({"a1": 0.1, "a2": 0.2}, {"a1": 0.0, "a2": 0.2}).sizes
        Frozen({'point': 1})
        """
        points = Points.read(at, self.actions, self.levels)
        start = Points.read(baseline, self.actions, self.levels)
        if len(start) not in (1, len(points)):
            raise QueryError(
                f"baseline must be one point or as many as at, {len(points)}, got {len(start)}."
            )
        evaluate = self.moments.features.evaluate
        step = (evaluate(points.values) - evaluate(start.values))[:, 1:]
        spread = np.einsum("ij,jk,ik->i", step, self.covariance, step)
        unit = self.moments.outcome_scale.spread
        answer = points.to_xarray(unit * step @ self.beta, self.outcome)
        return answer.assign_coords(sd=("point", unit * np.sqrt(np.maximum(spread, 0.0))))

    def __str__(self) -> str:
        table = self.table.to_string(float_format=lambda value: f"{value:.4g}")
        return f"CausalAggregation of E[{self.outcome} | do({', '.join(self.actions)})]\n{table}"

"""Fitted regressions of the regimes, combined to estimate the mean under any intervention.

The mean under do(a_S) is a combination of the regressions m_r of the regimes r at hand,

    E[Y | do(a_S), a_rest] = sum_r lambda_r m_r(a),

with the coefficients lambda of :mod:`bayes_intgen.design.identification.identify`: for the paper's
K + 1 regimes those of its Theorem 1 (S = all actions) and Proposition 1 (any other S). A baseline
has one regression and takes it for every mean. With covariates the same holds at every z,
and the regressions are functions of z too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_intgen.base.regimes import format_regime, parse_regime, read_do
from bayes_intgen.base.types import Scale
from bayes_intgen.baselines.penalised import PenalisedRegression
from bayes_intgen.data.points import Points
from bayes_intgen.design.identification.identify import identify, require_identified

__all__ = ["FittedRidge"]


@dataclass(frozen=True)
class FittedRidge:
    """Penalised polynomial regressions, combined to answer any do(...).

    Made by the ``fit`` of :class:`bayes_intgen.RidgeEstimator` and of its baselines.

    Parameters
    ----------
    name
        Name of the estimator.
    actions, outcome
        Names of the actions and of the outcome.
    outcome_scale
        Centre and spread by which the outcome was standardised.
    regressions
        By the label of the regime whose rows each was fitted to, or ``pooled``.
    baseline
        Whether the only regression stands for every mean.
    covariates
        Names of the covariates.
    """

    name: str
    actions: tuple[str, ...]
    outcome: str
    outcome_scale: Scale = field(repr=False)
    regressions: Mapping[str, PenalisedRegression]
    baseline: bool
    covariates: tuple[str, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """What was fitted: a row per regression.

        Returns
        -------
        pandas.DataFrame
            ``rows``, the penalty ``alpha`` chosen, and ``r2``, the coefficient of determination on
            held-out rows, averaged over the folds.
        """
        rows = [(fit.n, fit.alpha, fit.r2) for fit in self.regressions.values()]
        index = pd.Index(list(self.regressions), name="regression")
        return pd.DataFrame(rows, index, columns=["rows", "alpha", "r2"])

    def weights(self, do: str | Iterable[str] | None = None) -> dict[str, float]:
        """Return the coefficient lambda of each regression in the mean under an intervention.

        Parameters
        ----------
        do
            As in :meth:`expected_outcome`.

        Raises
        ------
        QueryError
            If ``do`` names an unknown action.
        NotIdentifiedError
            If the regimes at hand do not determine the answer.
        """
        target = read_do(do, self.actions)
        if self.baseline:
            return dict.fromkeys(self.regressions, 1.0)
        regimes = [parse_regime(label, self.actions) for label in self.regressions]
        require_identified(regimes, target)
        coefficients = identify(regimes, target).weights.values()  # in the order of the regimes
        return dict(zip(self.regressions, coefficients, strict=True))

    def expected_outcome(self, at: Any, do: str | Iterable[str] | None = None) -> xr.DataArray:
        """Estimate E[Y | do(a_S), a_rest], at given covariates if there are any.

        Parameters
        ----------
        at
            The values of ALL actions and covariates in their own units: a frame or a mapping of
            names to numbers or arrays. Scalars are repeated, other columns ignored, a frame's index
            becomes ``point``.
        do
            The actions S that are set, as names or as a regime's label; the others are conditioned
            on. None sets all of them, ``[]`` none. A baseline answers every ``do`` with its one
            regression, whatever that is worth: this is what makes it a baseline.

        Returns
        -------
        xarray.DataArray
            In the outcome's unit, dimension ``point``, with actions and covariates as coordinates.
            The attributes ``do`` and ``estimator`` say what was asked, and of what.

        Raises
        ------
        QueryError
            If a value is missing or not a finite number, or ``do`` names an unknown
            action.
        NotIdentifiedError
            If the regimes at hand do not determine this effect.
        """
        coefficients = self.weights(do)
        points = Points.read(at, self.actions, covariates=self.covariates)
        total = np.zeros(len(points))
        for label, regression in self.regressions.items():
            total += coefficients[label] * regression.predict(points.values)
        total = self.outcome_scale.centre + self.outcome_scale.spread * total
        answer = points.to_xarray(total, self.outcome)
        target = format_regime(read_do(do, self.actions))
        return answer.assign_attrs({"do": target, "estimator": self.name})

    def __str__(self) -> str:
        table = self.table.to_string(float_format=lambda value: f"{value:.4g}")
        return f"{self.name} of E[{self.outcome} | do({', '.join(self.actions)})]\n{table}"

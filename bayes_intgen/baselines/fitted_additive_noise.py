"""Fitted equations with correlated normal errors, and their answers.

Equations are numbered in :mod:`bayes_intgen.baselines.additive_noise`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_intgen.base.errors import NotIdentifiedError
from bayes_intgen.base.regimes import Regime, format_regime, read_do
from bayes_intgen.base.types import Scale
from bayes_intgen.baselines.noise_covariance import Equations
from bayes_intgen.data.points import Points
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.polynomial import PolynomialBasis
from bayes_intgen.design.structure import Parents

__all__ = ["FittedAdditiveNoise"]


@dataclass(frozen=True)
class FittedAdditiveNoise:
    """Structural equations with correlated normal errors, fitted.

    Made by :meth:`bayes_intgen.AdditiveNoise.fit`.

    Parameters
    ----------
    actions, outcome
        Names of the actions and of the outcome.
    regimes
        The regimes that it was fitted to.
    parents
        What each action depends on.
    features, outcome_scale
        The functions, and the outcome's unit. Equations are in standard units.
    equations
        The equations of the actions, and last that of the outcome.
    """

    actions: tuple[str, ...]
    outcome: str
    regimes: tuple[Regime, ...]
    parents: Parents
    features: FeatureMap = field(repr=False)
    outcome_scale: Scale = field(repr=False)
    equations: Equations = field(repr=False)

    @property
    def noise(self) -> pd.DataFrame:
        """The covariance Sigma of the errors, in the units of the data.

        Returns
        -------
        pandas.DataFrame
            A row and a column per action, and one for the outcome.
        """
        names = [*self.actions, self.outcome]
        units = np.array([*(s.spread for s in self._scales), self.outcome_scale.spread])
        return pd.DataFrame(self.equations.sigma * np.outer(units, units), names, names)

    def expected_outcome(self, at: Any, do: object = None) -> xr.DataArray:
        """Estimate E[Y | do(a_S), a_rest] by (2).

        Parameters
        ----------
        at
            The values of ALL actions: a frame, or a mapping of names to numbers or arrays.
        do
            The actions S that are set, as names or as a regime's label; the others are conditioned
            on. None sets all of them, ``[]`` none.

        Returns
        -------
        xarray.DataArray
            In the outcome's unit, dimension ``point``, with the actions as coordinates.

        Raises
        ------
        QueryError
            If a value is missing or not a finite number, or ``do`` names an unknown action.
        NotIdentifiedError
            If two actions are left alone that no regime at hand leaves alone together.
        """
        target = read_do(do, self.actions)
        rest = [k for k, name in enumerate(self.actions) if name not in target]
        self._require_covariances([self.actions[k] for k in rest])
        points = Points.read(at, self.actions)
        phi = self.features.evaluate(points.values)
        mean = phi @ self.equations.theta[-1]
        if rest:
            sigma = self.equations.sigma
            slope = np.linalg.solve(sigma[np.ix_(rest, rest)], sigma[rest, -1])
            scales = self._scales
            values = [scales[k].standardise(points.values[:, k]) for k in rest]
            errors = np.column_stack(values) - phi @ self.equations.theta[rest].T
            mean = mean + errors @ slope  # (2)
        answer = points.to_xarray(
            self.outcome_scale.centre + self.outcome_scale.spread * mean, self.outcome
        )
        return answer.assign_attrs({"do": format_regime(target), "estimator": "AdditiveNoise"})

    @property
    def _scales(self) -> list[Scale]:
        return [_scale(self.features, action) for action in self.actions]

    def _require_covariances(self, rest: Sequence[str]) -> None:
        groups = [*combinations(rest, 2), *((name,) for name in rest)]
        for group in groups:
            if not any(set(group).isdisjoint(regime) for regime in self.regimes):
                raise NotIdentifiedError(
                    f"do: it leaves {list(group)} alone, which no regime at hand does "
                    f"({[format_regime(regime) for regime in self.regimes]}), so that the "
                    f"covariance of their errors is unknown; add observational rows, or set one."
                )

    def __str__(self) -> str:
        noise = self.noise.to_string(float_format=lambda value: f"{value:.4g}")
        return (
            f"AdditiveNoise of E[{self.outcome} | do({', '.join(self.actions)})]\n"
            f"covariance of the errors:\n{noise}"
        )


def _scale(features: FeatureMap, action: str) -> Scale:
    basis = features.bases[action]
    assert isinstance(basis, PolynomialBasis)
    return basis.scale

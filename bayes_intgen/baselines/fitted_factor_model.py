"""Fitted regressions whose log densities are added up, and their answers.

Equations are numbered in :mod:`bayes_intgen.baselines.factor_model`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from bayes_intgen.base.blocks import Blocks
from bayes_intgen.base.regimes import Regime, format_regime, read_do
from bayes_intgen.base.types import Array, Scale
from bayes_intgen.baselines.multinomial import softmax_rows
from bayes_intgen.data.points import Points
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.identification.identify import (
    identify_from,
    require_identified,
    require_known_cuts,
)

__all__ = ["FittedFactorModel"]


@dataclass(frozen=True)
class FittedFactorModel:
    """Regressions of the regimes whose log densities are added up.

    Made by :meth:`bayes_intgen.FactorModel.fit`.

    Parameters
    ----------
    values
        The values of a discrete outcome; None for one with normal factors.
    coefficients
        Of each regime, over the monomials: w_rl of (2), shape (features, values - 1), or those of
        the mean, shape (features, 1).
    """

    actions: tuple[str, ...]
    outcome: str
    levels: Mapping[str, tuple[str, ...]] = field(repr=False)
    blocks: Blocks
    values: tuple[float, ...] | None
    features: FeatureMap = field(repr=False)
    outcome_scale: Scale = field(repr=False)
    coefficients: Mapping[Regime, Array] = field(repr=False)

    def expected_outcome(self, at: Any, do: object = None) -> xr.DataArray:
        """Estimate E[Y | do(a_S), a_rest], the mean of (1).

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
            If the regimes at hand do not determine this effect.
        """
        target = read_do(do, self.actions)
        regimes = list(self.coefficients)
        require_known_cuts(regimes, target, self.blocks)
        require_identified(regimes, target, self.blocks)
        weights = identify_from(regimes, target, self.blocks).weights
        points = Points.read(at, self.actions, self.levels)
        total = sum(  # (1), whose logarithm is linear in the coefficients
            weight * self.coefficients[regime]
            for regime, weight in zip(regimes, weights.values(), strict=True)
        )
        scores = self.features.evaluate(points.values) @ total
        if self.values is None:
            mean = self.outcome_scale.centre + self.outcome_scale.spread * scores[:, 0]
        else:
            mean = softmax_rows(scores) @ np.array(self.values)  # (2)
        answer = points.to_xarray(mean, self.outcome)
        return answer.assign_attrs({"do": format_regime(target), "estimator": "FactorModel"})

    def __str__(self) -> str:
        kind = (
            "normal factors of one variance"
            if self.values is None
            else f"{len(self.values)} values of the outcome"
        )
        labels = ", ".join(map(format_regime, self.coefficients))
        return f"FactorModel of E[{self.outcome} | do({', '.join(self.actions)})]: {kind}; {labels}"

"""Sums from which the variance of the outcome is regressed on the actions, in every regime.

With residuals e_i of a first fit, smooth features psi of the actions and row weights omega_i that
are proportional to 1 / v_r(a_i) within a regime, kept are the count, the means and the centred
second moments of (psi_i, e_i^2), weighted by omega_i^2: the squared residual of a row with variance
v has a variance of about (2 + kurtosis) v^2, so that these weights are right up to a constant per
regime, which the regression infers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from bayes_intgen.basis import FeatureMap
from bayes_intgen.centred import CentredMoments
from bayes_intgen.regimes import Regime

__all__ = ["SquaredResiduals"]

type Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SquaredResiduals:
    """Moments of squared residuals.

    Parameters
    ----------
    features
        The features psi, the constant first.
    parts
        Moments of (psi without its constant, e^2) of each regime, weighted by omega^2; residuals in
        standard units of the outcome.
    """

    features: FeatureMap
    parts: Mapping[Regime, CentredMoments] = field(repr=False)

    @classmethod
    def empty(cls, features: FeatureMap, regimes: Iterable[Regime]) -> Self:
        """Return the sums over no rows at all."""
        size = len(features.features)
        return cls(features, {regime: CentredMoments.empty(size) for regime in regimes})

    def columns(self, features: FeatureMap) -> npt.NDArray[np.intp]:
        """Return the positions of psi among the features of a map that holds them all."""
        order = {feature.factors: i for i, feature in enumerate(features.features)}
        return np.array([order[feature.factors] for feature in self.features.features])

    def add(self, regime: Regime, psi: Array, residual: Array, weights: Array) -> Self:
        """Return the sums with some more rows of one regime.

        Parameters
        ----------
        regime
            The regime of all these rows.
        psi
            Their features, the constant included, shape (n, features).
        residual, weights
            e and omega, shape (n,).
        """
        rows = np.column_stack([psi[:, 1:], residual**2])
        found = CentredMoments.from_rows(rows, weights**2)
        merged = self.parts[regime].merge(found)
        return type(self)(self.features, {**self.parts, regime: merged})

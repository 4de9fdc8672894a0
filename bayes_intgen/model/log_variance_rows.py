"""The features of log-variance functions that are inferred jointly with the means.

In regime r the logarithm of the outcome's variance is, up to a constant,

    h_r(a) = 4 tanh(l_r(a) / 4),        l_r(a) = (psi(clamp_r(a)) - psi_r)' gamma_r,

where psi are the smooth features of :mod:`bayes_intgen.model.log_variance`, clamp_r holds every
action within quantiles of the regime's own rows, 2.5% and 97.5% or ten rows from either end, and
psi_r is the mean of psi(clamp_r(a)) over its rows. A spread cannot be learned from a few rows:
without the clamp the mean can run through the outermost row while the variance there falls to
nothing, and chains get stuck in that spike of the likelihood. The bound lets the standard deviation
in a regime vary by e^2 = 7.4 up and down, and keeps its square from overflowing on the way of a
trajectory.
"""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from bayes_intgen.base.types import Array
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.model.log_variance import VarianceFeatures
from bayes_intgen.moments.feature_rows import Rows

__all__ = ["BOUND", "VarianceRows", "bound_log_variance"]

BOUND = 4.0
TAIL, END_ROWS, MOST_TAIL = 0.025, 10, 0.25


@dataclass(frozen=True)
class VarianceRows:
    """The variance features of every row, by regime."""

    names: tuple[str, ...]  # of the features
    relative: Array  # their relative prior scales D, shape (features,)
    # lower and upper end of clamp_r for each action and covariate, shape (regimes, 2, variables)
    limits: Array
    centre: Array  # psi_r, shape (regimes, features)
    # psi(clamp_r(a)) - psi_r, each of shape (rows, features)
    psi: tuple[Array, ...] = field(repr=False)

    @classmethod
    def read(cls, rows: Rows, features: FeatureMap) -> Self:
        """Evaluate the features of all rows."""
        chosen = VarianceFeatures.of(features)
        smooth = FeatureMap(features.bases, tuple(features.features[i] for i in chosen.columns))
        limits = [_limits(actions) for actions in rows.actions]
        psi = [
            smooth.evaluate(np.clip(actions, *ends))
            for actions, ends in zip(rows.actions, limits, strict=True)
        ]
        centre = np.array([of_regime.mean(axis=0) for of_regime in psi])
        centred = tuple(
            np.ascontiguousarray(raw - mean) for raw, mean in zip(psi, centre, strict=True)
        )
        return cls(smooth.names, chosen.relative, np.array(limits), centre, centred)


def _limits(actions: Array) -> Array:
    """Return the ends of the clamp, shape (2, K)."""
    tail = min(max(TAIL, END_ROWS / len(actions)), MOST_TAIL)
    return np.quantile(actions, [tail, 1 - tail], axis=0)


def bound_log_variance(linear: Array) -> Array:
    """Return h = 4 tanh(l / 4)."""
    return np.asarray(BOUND * np.tanh(linear / BOUND))

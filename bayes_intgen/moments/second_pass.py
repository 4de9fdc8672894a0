"""What one pass over the rows sums for moments, and what it finds in each regime."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Counts, Scale
from bayes_intgen.data.folds import FOLDS, Chunk
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.moments.feature_sums import FeatureSums, RowWeights, sum_features
from bayes_intgen.moments.residual_moments import ResidualMoments

__all__ = ["Recipe", "RegimeSums"]


@dataclass(frozen=True)
class Recipe:
    """What is summed over the rows.

    Parameters
    ----------
    features
        The features whose moments are wanted, the constant first.
    outcome_scale
        Centre and spread of the outcome.
    variances
        What says how much each row counts; all count the same by default.
    theta
        Coefficients of the features in the mean of each regime, from a first fit: then moments of
        its squared residuals are computed as well.
    folds
        Number of cross-validation folds whose moments are kept apart: three or one.
    """

    features: FeatureMap
    outcome_scale: Scale
    variances: Mapping[Regime, RowWeights] | None = None
    theta: Mapping[Regime, Array] | None = None
    folds: int = FOLDS

    def empty(self) -> "RegimeSums":
        """Return the sums over no rows at all."""
        size = len(self.features.features)
        folds = (CentredMoments.empty(size),) * self.folds
        none = np.zeros(len(self.features.variables), dtype=np.int64)
        return RegimeSums(folds, 0.0, none, ResidualMoments.empty(size) if self.theta else None)

    def sum(self, chunk: Chunk) -> tuple[Regime, int, FeatureSums]:
        """Sum over a chunk of one regime and fold."""
        regime, fold, values = chunk
        weights = None if self.variances is None else self.variances[regime]
        mean = None if self.theta is None else self.theta[regime]
        found = sum_features(values, self.features, self.outcome_scale, weights, mean)
        return regime, min(fold, self.folds - 1), found


@dataclass(frozen=True)
class RegimeSums:
    """The sums of one regime.

    Parameters
    ----------
    folds
        Moments of (features without the constant, outcome) of each fold.
    log_weight
        Sum of the logarithms of the rows' weights.
    clamped
        Number of rows beyond the box of each variable, shape (variables,).
    residuals
        Moments of the squared residuals over all folds, if there are residuals.
    """

    folds: tuple[CentredMoments, ...] = field(repr=False)
    log_weight: float
    clamped: Counts
    residuals: ResidualMoments | None = field(repr=False)

    def add(self, fold: int, found: FeatureSums) -> "RegimeSums":
        """Add a chunk of one fold."""
        folds = list(self.folds)
        folds[fold] = folds[fold].merge(found.moments)
        log_weight, clamped = self.log_weight + found.log_weight, self.clamped + found.clamped
        squares = _add(self.residuals, found.residuals)
        return RegimeSums(tuple(folds), log_weight, clamped, squares)

    def merge(self, other: "RegimeSums") -> "RegimeSums":
        """Return the sums over the rows of both."""
        folds = tuple(a.merge(b) for a, b in zip(self.folds, other.folds, strict=True))
        log_weight, clamped = self.log_weight + other.log_weight, self.clamped + other.clamped
        return RegimeSums(folds, log_weight, clamped, _add(self.residuals, other.residuals))


def _add(one: ResidualMoments | None, two: ResidualMoments | None) -> ResidualMoments | None:
    return None if one is None or two is None else one.add(two)

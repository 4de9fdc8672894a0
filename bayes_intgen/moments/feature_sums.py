"""Second pass over the rows: sums of products of features and outcome, block by block.

With phi the features of a row (phi_0 = 1), y its outcome in standard units, w its weight, e its
residual and c a reference close to the means, a block of a few hundred rows adds

    (1) sum w t t',  t = (1, phi - c, y - c_y),        (2) sum w^2 e^2 phi phi',

to symmetric matrices; each is one product of a matrix that fits into the cache with its own
transpose. The first row of the first sum holds sum w t, from which mean and centred moments
follow at the end:

    (3) mean = c + sum w t / sum w,    scatter = sum w t t' - (sum w t)(sum w t)' / sum w.

That subtraction is harmless, since c is the mean of the first block: of n rows of which the first
block is the share f, the scatter is at least f times what it is taken from.

Sums of squared residuals hold whether or not the model of their variance does: (2) is the middle of
the sandwich covariance of White (1980), "A heteroskedasticity-consistent covariance matrix
estimator and a direct test for heteroskedasticity", Econometrica 48; sum w e^2 phi and sum w e^4,
with the weighted moments of the features, are those of a regression of e^2 on the features.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from typing import Protocol

import numpy as np

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Counts, Indices, Scale
from bayes_intgen.data.grouping import Grouping, relative_units
from bayes_intgen.data.row_pass import FOLDS, Chunk
from bayes_intgen.data.sources import merge_each
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.moments.block_moments import BlockMoments, block_rows
from bayes_intgen.moments.cluster_sums import ClusterSums
from bayes_intgen.moments.row_groups import GroupTotals, RowGroups

__all__ = [
    "FeatureSums",
    "Recipe",
    "ResidualMoments",
    "RowWeights",
    "sum_features",
    "take_groups",
]


class RowWeights(Protocol):
    """Anything that can say how much each row counts."""

    def log_weights(self, phi: Array) -> Array:
        """Return the log weights of rows of features, shape (n, features) to (n,)."""
        ...


@dataclass(frozen=True)
class ResidualMoments:
    """Sums over the rows of one regime, residuals in standard units of the outcome."""

    n: int  # number of rows
    meat: Array = field(repr=False)  # sum omega^2 e^2 phi phi', shape (features, features)
    cross: Array = field(repr=False)  # sum omega e^2 phi, shape (features,)
    fourth: float  # sum omega e^4
    square: float  # sum e^2, not weighted

    @classmethod
    def from_columns(
        cls,
        phi: Array,
        residual: Array,
        row_weights: Array,
        work: Array | None = None,
        units: Array | float = 1.0,
    ) -> "ResidualMoments":
        """Sum over rows, which are columns here.

        Parameters
        ----------
        phi
            Features, shape (features, n).
        residual, row_weights
            Shape (n,).
        work
            An array of the shape of ``phi`` that is overwritten by sum omega e phi, row by row.
        units
            How many units each row is the mean of, by which its squared residual is multiplied.
        """
        scaled = np.multiply(phi, row_weights * residual, out=work)
        squares = units * residual**2
        weighted = row_weights * squares
        fourth, square = float(weighted @ squares), float(squares.sum())
        return cls(phi.shape[1], scaled @ scaled.T, phi @ weighted, fourth, square)

    def merge(self, other: "ResidualMoments") -> "ResidualMoments":
        """Return the sums over the rows of both."""
        return ResidualMoments(
            self.n + other.n,
            self.meat + other.meat,
            self.cross + other.cross,
            self.fourth + other.fourth,
            self.square + other.square,
        )

    def select(self, columns: Indices) -> "ResidualMoments":
        """Keep some of the features, in the order given."""
        meat = self.meat[np.ix_(columns, columns)]
        return ResidualMoments(self.n, meat, self.cross[columns], self.fourth, self.square)


@dataclass(frozen=True)
class FeatureSums:
    """Sums over some rows of one regime."""

    # moments of (features without the constant, outcome), by cross-validation fold
    by_fold: Mapping[int, CentredMoments] = field(repr=False)
    log_weight: float  # sum of the logarithms of the rows' weights
    clamped: Counts  # number of rows beyond the box of each variable, shape (variables,)
    # moments of the squared residuals, if there are residuals
    residuals: ResidualMoments | None = field(repr=False)
    clusters: ClusterSums | None = field(default=None, repr=False)  # if rows are grouped

    @property
    def moments(self) -> CentredMoments:
        """Moments over all folds."""
        return reduce(CentredMoments.merge, self.by_fold.values())

    def folds(self, n_folds: int) -> tuple[CentredMoments, ...]:
        """Return the moments of each fold; a fold may have no rows."""
        none = CentredMoments.empty(len(next(iter(self.by_fold.values())).mean))
        return tuple(self.by_fold.get(fold, none) for fold in range(n_folds))

    def merge(self, other: "FeatureSums") -> "FeatureSums":
        """Return the sums over the rows of both."""
        clusters = None if self.clusters is None else self.clusters.merge(_known(other.clusters))
        return self._merge(other, clusters)

    def absorb(self, later: "FeatureSums") -> "FeatureSums":
        """Merge, in arrays of this one, which must not be used any more."""
        clusters = None if self.clusters is None else self.clusters.absorb(_known(later.clusters))
        return self._merge(later, clusters)

    def _merge(self, other: "FeatureSums", clusters: ClusterSums | None) -> "FeatureSums":
        return FeatureSums(
            merge_each(self.by_fold, other.by_fold),
            self.log_weight + other.log_weight,
            self.clamped + other.clamped,
            _merge(self.residuals, other.residuals),
            clusters,
        )


def _known(clusters: ClusterSums | None) -> ClusterSums:
    if clusters is None:
        raise ValueError("clusters: some rows are grouped, others not.")
    return clusters


def _merge(one: ResidualMoments | None, two: ResidualMoments | None) -> ResidualMoments | None:
    return two if one is None else one if two is None else one.merge(two)


@dataclass(frozen=True)
class Recipe:
    """What is summed over the rows, and how: called with a chunk, it returns its sums.

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
    n_folds
        Number of cross-validation folds whose moments are kept apart: three or one.
    grouping
        What says which rows share a random intercept, whose sums are kept too; None if none do.
    mean_units
        Mean number of units that a row stands for, by which weights of rows are divided.
    """

    features: FeatureMap
    outcome_scale: Scale
    variances: Mapping[Regime, RowWeights] | None = None
    theta: Mapping[Regime, Array] | None = None
    n_folds: int = FOLDS
    grouping: Grouping | None = None
    mean_units: float = 1.0

    def __call__(self, chunk: Chunk) -> FeatureSums:
        """Sum over a chunk of one regime and fold."""
        regime, fold, values, marks = chunk
        variance = None if self.variances is None else self.variances[regime]
        theta = None if self.theta is None else self.theta[regime]
        fold = min(fold, self.n_folds - 1)
        units = relative_units(marks, self.mean_units)
        groups = (
            None
            if self.grouping is None
            else RowGroups.of(self.grouping.keys(regime, values, marks))
        )
        if groups is not None:  # rows of a group side by side
            values = values[groups.order]
            units = None if units is None else units[groups.order]
        chosen = (self.features, self.outcome_scale, variance, theta, fold)
        return sum_features(values, *chosen, units, groups)


def sum_features(
    values: Array,
    features: FeatureMap,
    scale: Scale,
    variance: RowWeights | None = None,
    theta: Array | None = None,
    fold: int = 0,
    units: Array | None = None,
    groups: RowGroups | None = None,
) -> FeatureSums:
    """Sum over rows of one regime and fold.

    Parameters
    ----------
    values
        Actions and covariates, then the outcome, in their own units, shape (n, columns), n > 0.
    features, scale, variance, theta
        Those of the regime in a :class:`Recipe`.
    fold
        That of the rows.
    units
        How many units each row stands for, relative to their mean; all alike by default.
    groups
        The groups of the rows, which are in their order; none by default.
    """
    size = len(features.features)
    step = min(block_rows(size), len(values))
    table, moments = np.empty((size, step)), BlockMoments(size)
    scaled = np.empty((size if theta is not None else 0, step))
    residuals: ResidualMoments | None = None
    log_weight = 0.0
    totals = None if groups is None else GroupTotals(groups, size)
    for start in range(0, len(values), step):
        block = values[start : start + step]
        phi, key = features.fill(block[:, :-1], table[:, : len(block)])
        y = scale.standardise(block[:, -1])
        row_weights = None
        logs = None if variance is None else variance.log_weights(phi.T)
        if logs is not None and logs.any():  # otherwise rows count the same
            log_weight += float(logs.sum())
            row_weights = np.exp(logs)
        own_units: Array | float = 1.0
        if units is not None:
            own_units = units[start : start + step]
            log_weight += float(np.log(own_units).sum())
            row_weights = own_units if row_weights is None else row_weights * own_units
        counts = np.ones(len(y)) if row_weights is None else row_weights
        if totals is not None:
            totals.add(phi, y, start, counts)
        if theta is not None:  # before the block is centred in place
            work = scaled[:, : len(block)]
            more = ResidualMoments.from_columns(phi, y - theta @ phi, counts, work, own_units)
            residuals = _merge(residuals, more)  # (2)
            if totals is not None:
                totals.add_scores(work, start)
        moments.add(partial(np.asarray, phi), y, row_weights, key)  # (1)
    by_fold = {fold: moments.result()}
    clusters = None if totals is None else totals.result(len(values))
    return FeatureSums(by_fold, log_weight, _count_clamped(values, features), residuals, clusters)


def _count_clamped(values: Array, features: FeatureMap) -> Counts:
    counts = np.zeros(len(features.bases), dtype=np.int64)
    for k, basis in enumerate(features.bases.values()):
        if basis.limits is not None:
            low, high = basis.limits
            column = values[:, k]
            counts[k] = np.count_nonzero(column < low) + np.count_nonzero(column > high)
    return counts


def take_groups(by_regime: dict[Regime, FeatureSums]) -> dict[Regime, ClusterSums]:
    """Take the sums per group out, and add up their parts, regime by regime for want of memory."""
    clusters = {}
    for regime in list(by_regime):
        sums = by_regime.pop(regime)
        by_regime[regime] = replace(sums, clusters=None)
        if sums.clusters is not None:
            clusters[regime] = sums.clusters.settle()
        del sums  # the parts
    return clusters

"""Sums of products over some rows, block by block: where the time of a pass over the rows goes.

With phi the features of a row (phi_0 = 1), y its outcome in standard units, w its weight, e its
residual and c a reference close to the means, a block of a few hundred rows adds

    sum w t t',  t = (1, phi - c, y - c_y),        sum w^2 e^2 phi phi',

to symmetric matrices; each is one product of a matrix that fits into the cache with its own
transpose. The first row of the first sum holds sum w t, from which mean and centred moments
follow at the end:

    mean = c + sum w t / sum w,        scatter = sum w t t' - (sum w t)(sum w t)' / sum w.

That subtraction is harmless, since c is the mean of the first block: of n rows of which the first
block is the share f, the scatter is at least f times what it is taken from.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.types import Array, Counts, Scale
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.moments.residual_moments import ResidualMoments

__all__ = ["BlockMoments", "FeatureSums", "RowWeights", "block_rows", "sum_features"]

BLOCK_VALUES = 2**17  # one megabyte, the cache of one core
LEAST_BLOCK = 256


class BlockMoments:
    """Moments of weighted rows that are added block by block; rows are columns here.

    Parameters
    ----------
    size
        Number of columns of the table, of which the first is one everywhere and not counted.
    """

    def __init__(self, size: int) -> None:
        self._n = 0
        self._gram, self._product = np.zeros((size, size)), np.empty((size, size))
        self._reference: Array | None = None

    def add(self, block: Array, weights: Array | None = None) -> None:
        """Add a block, shape (size, rows), which is overwritten; weights have shape (rows,)."""
        if self._reference is None:
            self._reference = _mean(block)
        block -= self._reference
        if weights is not None:
            block *= np.sqrt(weights)
        np.matmul(block, block.T, out=self._product)
        self._gram += self._product
        self._n += block.shape[1]

    def result(self) -> CentredMoments:
        """Return the moments of all rows that were added."""
        if self._reference is None:
            return CentredMoments.empty(len(self._gram) - 1)
        total, sums = float(self._gram[0, 0]), self._gram[0, 1:]
        scatter = self._gram[1:, 1:] - np.outer(sums, sums / total)
        mean = self._reference[1:, 0] + sums / total
        return CentredMoments(self._n, total, mean, (scatter + scatter.T) / 2)


def block_rows(size: int) -> int:
    """Return how many rows of a table of some columns make up a block."""
    return max(BLOCK_VALUES // size, size, LEAST_BLOCK)


class RowWeights(Protocol):
    """Anything that can say how much each row counts."""

    def log_weights(self, phi: Array) -> Array:
        """Return the log weights of rows of features, shape (n, features) to (n,)."""
        ...


@dataclass(frozen=True)
class FeatureSums:
    """What some rows of one regime add to its moments.

    Parameters
    ----------
    moments
        Of (features without the constant, outcome).
    log_weight
        Sum of the logarithms of the rows' weights.
    clamped
        Number of rows beyond the box of each variable, shape (variables,).
    residuals
        Moments of the squared residuals, if there are residuals.
    """

    moments: CentredMoments
    log_weight: float
    clamped: Counts
    residuals: ResidualMoments | None


def sum_features(
    values: Array,
    features: FeatureMap,
    scale: Scale,
    variance: RowWeights | None = None,
    theta: Array | None = None,
) -> FeatureSums:
    """Sum over rows of one regime.

    Parameters
    ----------
    values
        Actions and covariates, then the outcome, in their own units, shape (n, columns), n > 0.
    features
        The features, the constant first.
    scale
        Centre and spread of the outcome.
    variance
        What says how much each row counts; all count the same by default.
    theta
        Coefficients of the features in the mean of the regime, from a first fit: then moments of
        its squared residuals are computed as well.
    """
    size = len(features.features)
    step = min(block_rows(size), len(values))
    table, moments = np.empty((size + 1, step)), BlockMoments(size + 1)
    scaled = np.empty((size if theta is not None else 0, step))
    squares = None if theta is None else ResidualMoments.empty(size)
    log_weight = 0.0
    for start in range(0, len(values), step):
        part = values[start : start + step]
        rows = table[:, : len(part)]
        phi, y = rows[:-1], rows[-1]
        features.fill(part[:, :-1], phi)
        y[:] = scale.standardise(part[:, -1])
        weights = None
        if variance is not None:
            logs = variance.log_weights(phi.T)
            log_weight += float(logs.sum())
            weights = np.exp(logs)
        if theta is not None and squares is not None:
            residual = y - theta @ phi
            counts = np.ones(len(y)) if weights is None else weights
            work = scaled[:, : len(part)]
            squares = squares.add(ResidualMoments.from_columns(phi, residual, counts, work))
        moments.add(rows, weights)
    return FeatureSums(moments.result(), log_weight, _count_clamped(values, features), squares)


def _count_clamped(values: Array, features: FeatureMap) -> Counts:
    counts = np.zeros(len(features.bases), dtype=np.int64)
    for k, basis in enumerate(features.bases.values()):
        if basis.limits is not None:
            low, high = basis.limits
            column = values[:, k]
            counts[k] = np.count_nonzero(column < low) + np.count_nonzero(column > high)
    return counts


def _mean(rows: Array) -> Array:
    """Return the mean of each row but the first, whose mean is to count as zero; shape (p, 1).

    Exact for a feature that is constant, whose scatter then is exactly zero.
    """
    first = rows[:, :1].copy()
    mean = first + (rows - first).mean(axis=1, keepdims=True)
    mean[0] = 0.0
    return np.asarray(mean)

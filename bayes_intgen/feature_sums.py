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
import numpy.typing as npt

from bayes_intgen.basis import FeatureMap
from bayes_intgen.centred import CentredMoments
from bayes_intgen.residuals import ResidualMoments
from bayes_intgen.summary import Scale

__all__ = ["FeatureSums", "RowWeights", "sum_features"]

BLOCK_VALUES = 2**17  # one megabyte, the cache of one core
LEAST_BLOCK = 256

type Array = npt.NDArray[np.float64]


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
    residuals
        Moments of the squared residuals, if there are residuals.
    """

    moments: CentredMoments
    log_weight: float
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
    step = min(max(BLOCK_VALUES // size, size, LEAST_BLOCK), len(values))
    table = np.empty((size + 1, step))
    gram, product = np.zeros((size + 1, size + 1)), np.empty((size + 1, size + 1))
    scaled = np.empty((size if theta is not None else 0, step))
    squares = None if theta is None else ResidualMoments.empty(size)
    reference = None
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
        if reference is None:
            reference = _mean(rows)
        rows -= reference
        if weights is not None:
            rows *= np.sqrt(weights)
        np.matmul(rows, rows.T, out=product)
        gram += product
    if reference is None:
        return FeatureSums(CentredMoments.empty(size), 0.0, squares)
    return FeatureSums(_centre(gram, reference[1:, 0], len(values)), log_weight, squares)


def _mean(rows: Array) -> Array:
    """Return the mean of each row but the first, whose mean is to count as zero; shape (p, 1).

    Exact for a feature that is constant, whose scatter then is exactly zero.
    """
    first = rows[:, :1].copy()
    mean = first + (rows - first).mean(axis=1, keepdims=True)
    mean[0] = 0.0
    return np.asarray(mean)


def _centre(gram: Array, reference: Array, n: int) -> CentredMoments:
    total, sums = float(gram[0, 0]), gram[0, 1:]
    scatter = gram[1:, 1:] - np.outer(sums, sums / total)
    return CentredMoments(n, total, reference + sums / total, (scatter + scatter.T) / 2)

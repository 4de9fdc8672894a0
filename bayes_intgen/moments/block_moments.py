"""Moments of weighted rows that are added block by block, each in the cache of one core.

Equations (1) and (3) of :mod:`bayes_intgen.moments.feature_sums`.
"""

import numpy as np

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.types import Array

__all__ = ["BlockMoments", "block_rows"]

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

    def add(self, block: Array, row_weights: Array | None = None) -> None:
        """Add a block, shape (size, rows), which is overwritten; weights have shape (rows,)."""
        if self._reference is None:
            self._reference = _mean(block)
        block -= self._reference
        if row_weights is not None:
            block *= np.sqrt(row_weights)
        np.matmul(block, block.T, out=self._product)
        self._gram += self._product
        self._n += block.shape[1]

    def result(self) -> CentredMoments:
        """Return the moments of all rows that were added."""
        if self._reference is None:
            return CentredMoments.empty(len(self._gram) - 1)
        total, sums = float(self._gram[0, 0]), self._gram[0, 1:]
        scatter = self._gram[1:, 1:] - np.outer(sums, sums / total)  # (3)
        mean = self._reference[1:, 0] + sums / total
        return CentredMoments(self._n, total, mean, (scatter + scatter.T) / 2)


def block_rows(size: int) -> int:
    """Return how many rows of a table of some columns make up a block."""
    return max(BLOCK_VALUES // size, size, LEAST_BLOCK)


def _mean(rows: Array) -> Array:
    """Return the mean of each row but the first, whose mean is to count as zero; shape (p, 1).

    Exact for a feature that is constant, whose scatter then is exactly zero.
    """
    first = rows[:, :1].copy()
    mean = first + (rows - first).mean(axis=1, keepdims=True)
    mean[0] = 0.0
    return np.asarray(mean)

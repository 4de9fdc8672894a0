"""Moments of weighted rows that are added block by block, each in the cache of one core.

Equations (1) and (3) of :mod:`bayes_intgen.moments.feature_sums`. The outcome is added beside the
features and not among them: many outcomes share the products of features of rows that count the
same, and each adds only what is its own, cross-products of the outcome.
"""

from collections.abc import Callable, Hashable

import numpy as np

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.shared_work import shared
from bayes_intgen.base.types import Array

__all__ = ["BlockMoments", "block_rows"]

BLOCK_VALUES = 2**17  # one megabyte, the cache of one core
LEAST_BLOCK = 256


class BlockMoments:
    """Moments of weighted rows that are added block by block; rows are columns here.

    Parameters
    ----------
    size
        Number of columns of the table, of which the first is one everywhere and not counted; the
        outcome is not among them.
    """

    def __init__(self, size: int) -> None:
        self._n, self._square = 0, 0.0
        self._gram, self._product = np.zeros((size, size)), np.empty((size, size))
        self._cross = np.zeros(size)
        self._reference: Array | None = None  # of the table
        self._centre = 0.0  # of the outcome
        self._first: Hashable = None  # the key of the first block, from which the reference follows

    def add(
        self,
        table: Callable[[], Array],
        y: Array,
        row_weights: Array | None = None,
        key: Hashable = None,
    ) -> None:
        """Add a block of rows.

        Parameters
        ----------
        table
            Returns the features, shape (size, rows); they are overwritten unless there is a key.
        y
            The outcome, shape (rows,).
        row_weights
            How much each row counts, shape (rows,); all alike by default.
        key
            By which the features are shared (:func:`bayes_intgen.base.shared_work.shared`); None
            if they are not.
        """
        if not self._n:
            self._centre = float(y[0] + (y - y[0]).mean())
            self._first = key
        own = y - self._centre
        if key is not None and row_weights is None:
            self._reference, block, product = self._shared(table, key)
        else:
            block = table()
            if self._reference is None:
                self._reference = _mean(block)
            block = np.subtract(block, self._reference, out=block if key is None else None)
            if row_weights is not None:
                root = np.sqrt(row_weights)
                block *= root
                own *= root
            product = np.matmul(block, block.T, out=self._product)
        self._gram += product
        self._cross += block @ own
        self._square += float(own @ own)
        self._n += len(y)

    def _shared(self, table: Callable[[], Array], key: Hashable) -> tuple[Array, Array, Array]:
        """Return reference, rows less that, and their products: the same for many outcomes."""
        known = self._reference

        def compute() -> tuple[Array, Array, Array]:
            rows = table()
            reference = _mean(rows) if known is None else known
            block = rows - reference
            found = reference, block, block @ block.T
            for array in found:
                array.flags.writeable = False
            return found

        whole = ("products", key, self._first)
        return shared(whole, compute, lambda found: sum(array.nbytes for array in found))

    def result(self) -> CentredMoments:
        """Return the moments of (table without its first column, outcome) of all rows."""
        if self._reference is None:
            return CentredMoments.empty(len(self._gram))
        total = float(self._gram[0, 0])
        sums = np.append(self._gram[0, 1:], self._cross[0])
        products = np.empty((len(sums), len(sums)))
        products[:-1, :-1] = self._gram[1:, 1:]
        products[-1, :-1] = products[:-1, -1] = self._cross[1:]
        products[-1, -1] = self._square
        scatter = products - np.outer(sums, sums / total)  # (3)
        mean = np.append(self._reference[1:, 0], self._centre) + sums / total
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

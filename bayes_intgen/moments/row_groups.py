"""The groups that the rows of a chunk are in, side by side, and sums over each of them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayes_intgen.base.types import Array, Indices
from bayes_intgen.moments.cluster_sums import MOST_UNITS, ClusterSums, bins_of
from bayes_intgen.moments.keyed_rows import group_rows, sum_rows

__all__ = ["GroupTotals", "RowGroups"]


@dataclass(frozen=True)
class RowGroups:
    """The groups of the rows of a chunk."""

    keys: Indices  # of each group, shape (groups, 2)
    order: Indices  # of the rows, by group
    starts: Indices  # the first row of each group in that order

    @classmethod
    def of(cls, keys: Indices) -> "RowGroups":
        """Gather the rows by their keys, shape (rows, 2)."""
        order, starts = group_rows(keys)
        return cls(keys[order][starts], order, starts)

    @cached_property
    def units(self) -> "RowGroups":
        """The groups, or bins of them where they are many, of which scores are kept."""
        if len(self.keys) <= MOST_UNITS:
            return self
        bins = bins_of(self.keys)
        _, first = group_rows(bins)  # they are in order already
        return RowGroups(bins[first], self.order, self.starts[first])

    def sum(self, table: Array, start: int) -> tuple[slice, Array]:
        """Sum rows ``start`` and on, columns of a table here: which groups they are of, and sums.

        Shape (some groups, rows of the table).
        """
        end = start + table.shape[1]
        first = int(np.searchsorted(self.starts, start, side="right")) - 1
        last = int(np.searchsorted(self.starts, end, side="left"))
        inner = np.maximum(self.starts[first:last] - start, 0)
        rows = np.ascontiguousarray(table.T)
        return slice(first, last), sum_rows(rows, np.arange(len(rows)), inner)


class GroupTotals:
    """Sums over the groups of a chunk, (1) of :mod:`bayes_intgen.moments.cluster_sums`.

    Parameters
    ----------
    groups
        Of the rows.
    size
        Number of features, the constant first.
    """

    def __init__(self, groups: RowGroups, size: int) -> None:
        count = len(groups.keys)
        self._groups = groups
        self._weight, self._outcome, self._residual = np.zeros((3, count))
        self._sums = np.zeros((count, size - 1))
        self._scores: Array | None = None

    def add(self, table: Array, start: int) -> None:
        """Add rows ``start`` and on: columns of v (1, phi, y)."""
        some, sums = self._groups.sum(table, start)
        self._weight[some] += sums[:, 0]
        self._sums[some] += sums[:, 1:-1]
        self._outcome[some] += sums[:, -1]

    def add_scores(self, table: Array, start: int) -> None:
        """Add rows ``start`` and on: columns of v e (1, phi)."""
        units = self._groups.units
        if self._scores is None:
            self._scores = np.zeros((len(units.keys), len(table)))
        some, scores = units.sum(table, start)
        self._scores[some] += scores
        if units is self._groups:
            self._residual[some] += scores[:, 0]
        else:
            some, residual = self._groups.sum(table[:1], start)
            self._residual[some] += residual[:, 0]

    def result(self, n: int) -> ClusterSums:
        """Put them together, of n rows in all."""
        keys = self._groups.keys
        rows = np.diff(self._groups.starts, append=n).astype(float)
        sums = (self._weight, self._outcome, self._sums, self._residual)
        known = ClusterSums.of(keys, rows, *sums)
        if self._scores is None:
            return known
        return known.with_scores(self._groups.units.keys, self._scores)

"""The groups that the rows of a chunk are in, side by side, and sums over each of them."""

from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.types import Array, Indices
from bayes_intgen.moments.cluster_sums import ClusterSums, group_rows, sum_rows

__all__ = ["RowGroups"]


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

    def add(self, sums: Array, table: Array, start: int) -> None:
        """Add rows ``start`` and on, columns of a table here, to the sums of their groups."""
        end = start + table.shape[1]
        first = int(np.searchsorted(self.starts, start, side="right")) - 1
        last = int(np.searchsorted(self.starts, end, side="left"))
        inner = np.maximum(self.starts[first:last] - start, 0)
        rows = np.ascontiguousarray(table.T)
        sums[first:last] += sum_rows(rows, np.arange(len(rows)), inner)

    def sums(self, n: int, by_group: Array, scores: Array) -> ClusterSums:
        """Put sums of groups together, of n rows in all; the first feature is the constant.

        ``by_group``: shape (groups, features and outcome); ``scores``: (groups, features), or none.
        """
        rows = np.diff(self.starts, append=n).astype(float)
        weight, sums = by_group[:, 0].copy(), by_group[:, 1:].copy()
        if not len(scores):
            return ClusterSums.of(self.keys, rows, weight, sums)
        known = ClusterSums.of(self.keys, rows, weight, sums, scores[:, 0].copy())
        return known.with_scores(scores)

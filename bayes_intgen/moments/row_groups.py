"""The groups that the rows of a chunk are in, side by side, and sums over each of them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayes_intgen.base.types import Array, Indices
from bayes_intgen.moments.cluster_sums import MOST_UNITS, ClusterSums, bins_of
from bayes_intgen.moments.keyed_rows import add_columns, group_rows

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

    @cached_property
    def places(self) -> Indices:
        """The group of each row, in the order of the rows by group, shape (rows,)."""
        counts = np.diff(self.starts, append=len(self.order))
        return np.repeat(np.arange(len(self.starts)), counts)


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
        self._weight, self._outcome, self._residual = np.zeros((3, count, 1))
        self._sums = np.zeros((count, size - 1))
        self._scores: Array | None = None

    def add(self, phi: Array, y: Array, start: int, row_weights: Array) -> None:
        """Add rows ``start`` and on: columns of (1, phi), y, and how much each counts."""
        places = self._groups.places[start : start + len(row_weights)]
        add_columns(self._weight, places, phi[:1], row_weights)
        add_columns(self._sums, places, phi[1:], row_weights)
        add_columns(self._outcome, places, y[None], row_weights)

    def add_scores(self, table: Array, start: int) -> None:
        """Add rows ``start`` and on: columns of v e (1, phi)."""
        units = self._groups.units
        if self._scores is None:
            self._scores = np.zeros((len(units.keys), len(table)))
        rows, ones = slice(start, start + table.shape[1]), np.ones(table.shape[1])
        add_columns(self._scores, units.places[rows], table, ones)
        add_columns(self._residual, self._groups.places[rows], table[:1], ones)

    def result(self, n: int) -> ClusterSums:
        """Put them together, of n rows in all."""
        keys = self._groups.keys
        rows = np.diff(self._groups.starts, append=n).astype(float)
        weight, outcome, residual = self._weight[:, 0], self._outcome[:, 0], self._residual[:, 0]
        known = ClusterSums.of(keys, rows, weight, outcome, self._sums, residual)
        if self._scores is None:
            return known
        return known.with_scores(self._groups.units.keys, self._scores)

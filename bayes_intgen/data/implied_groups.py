"""Regime data whose rows are in groups that no column names, but that the rows show.

Rows of a table often stand in the order in which they came about, or sorted by what they have in
common: by region, by plate. Where that order shows in the residuals
(:mod:`bayes_intgen.inference.verdicts.row_order`) and neither clusters nor times were named, the
number of a row within its regime, in lengths of a block, takes the place of its time, and blocks of
adjacent rows share an intercept (:mod:`bayes_intgen.data.grouping`).

Rows of a cluster may also have their settings in common
(:func:`bayes_intgen.inference.verdicts.dependence.count_settings`); then those of equal settings
are taken for clusters.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.conversion import LabelledBatch
from bayes_intgen.data.first_pass import summarise
from bayes_intgen.data.grouping import hash_settings
from bayes_intgen.data.marks import HASH_BITS, MarkColumns
from bayes_intgen.data.sources import LocalSource, Source

if TYPE_CHECKING:
    from bayes_intgen.data.regime_data import RegimeData

__all__ = ["SETTINGS", "by_settings", "in_blocks"]

ROW_NUMBER, SETTINGS = "(row number)", "(settings)"  # stand for names of columns


@dataclass(frozen=True)
class MarkedSource(LocalSource):
    """Rows with one more mark, the first behind their values."""

    source: Source
    columns: Columns  # of the source
    mark: Callable[[Regime, Array, int], Array]  # of rows, and the number of the first of them

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the batches of the source, each with one column more."""
        seen: dict[Regime, int] = {}
        for label, values, texts in self.source.batches():
            regime = self.columns.regime_of(label)
            marks = self.mark(regime, values, seen.get(regime, 0))
            seen[regime] = seen.get(regime, 0) + len(values)
            yield label, np.insert(values, len(self.columns.values), marks, axis=1), texts


def in_blocks(data: "RegimeData", rows: Mapping[Regime, int]) -> "RegimeData | None":
    """Return the data, their rows in blocks of adjacent ones, of so many in each regime.

    None where partitions are read on their own, so that rows have no order, where clusters or times
    are given, or no lengths.
    """

    def number(regime: Regime, values: Array, first: int) -> Array:
        return np.arange(first, first + len(values)) / rows[regime]

    weights = data.columns.marks.weights
    marked = _mark(data, MarkColumns(time=ROW_NUMBER, weights=weights), number) if rows else None
    return marked and replace(marked, summary=replace(marked.summary, block_rows=dict(rows)))


def by_settings(data: "RegimeData") -> "RegimeData | None":
    """Return the data, rows of equal settings as clusters.

    None as in :func:`in_blocks`, or where settings are levels, whose codes are known only later.
    """
    if any(name in data.levels for name in data.actions):
        return None
    names = data.columns.values
    places = [names.index(name) for name in data.actions]

    def code(regime: Regime, values: Array, first: int) -> Array:
        return hash_settings(values[:, places], HASH_BITS).astype(float)

    weights = data.columns.marks.weights
    return _mark(data, MarkColumns(cluster=(SETTINGS,), weights=weights), code)


def _mark(
    data: "RegimeData", marks: MarkColumns, mark: Callable[[Regime, Array, int], Array]
) -> "RegimeData | None":
    """Return the data with marks of which one is computed; None if there are some, or no order."""
    given = data.columns.marks
    if given.cluster or given.time or data.source.partitions != 1:
        return None
    columns = replace(data.columns, marks=marks)
    source = MarkedSource(data.source, data.columns, mark)
    counts = {regime: own.n for regime, own in data.summary.regimes.items()}
    read = (source, columns, data.levels, counts, data.rows_before, data.regimes)
    return replace(data, columns=columns, source=source, summary=summarise(*read))

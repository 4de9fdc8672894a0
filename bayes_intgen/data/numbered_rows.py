"""Regime data whose rows are in blocks by their number, where nothing else says what they share.

Rows of a table often stand in the order in which they came about, or sorted by what they have in
common: by region, by plate. Where that order shows in the residuals
(:mod:`bayes_intgen.inference.verdicts.row_order`) and no column was named, the number of a row
within its regime takes the place of its time, and blocks of adjacent rows share an intercept
(:mod:`bayes_intgen.data.grouping`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bayes_intgen.base.regimes import Regime
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.conversion import LabelledBatch
from bayes_intgen.data.first_pass import summarise
from bayes_intgen.data.sources import LocalSource, Source

if TYPE_CHECKING:
    from bayes_intgen.data.regime_data import RegimeData

__all__ = ["ROW_NUMBER", "NumberedSource", "in_blocks"]

ROW_NUMBER = "row number"  # stands for the name of a column of times


@dataclass(frozen=True)
class NumberedSource(LocalSource):
    """Rows with their number within the regime, from 0, as the time behind their values."""

    source: Source
    columns: Columns  # of the source

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the batches of the source, each with one column more."""
        seen: dict[Regime, int] = {}
        position = len(self.columns.values)
        for label, values, texts in self.source.batches():
            regime = self.columns.regime_of(label)
            first = seen.get(regime, 0)
            seen[regime] = first + len(values)
            numbers = np.arange(first, seen[regime], dtype=float)
            yield label, np.insert(values, position, numbers, axis=1), texts


def in_blocks(data: "RegimeData", rows: int) -> "RegimeData | None":
    """Return the data, their rows in blocks of so many adjacent ones of a regime.

    None where partitions are read on their own, so that rows have no order, or where clusters or
    times are given.
    """
    marks = data.columns.marks
    if marks.cluster or marks.time or data.source.partitions != 1:
        return None
    columns = replace(data.columns, marks=replace(marks, time=ROW_NUMBER))
    source = NumberedSource(data.source, data.columns)
    counts = {regime: own.n for regime, own in data.summary.regimes.items()}
    read = (source, columns, data.levels, counts, data.rows_before, data.regimes)
    summary = replace(summarise(*read), block_rows=rows)
    return replace(data, columns=columns, source=source, summary=summary)

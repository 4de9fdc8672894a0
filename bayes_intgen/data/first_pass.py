"""First pass over the rows of a source: the levels of its columns, and a summary of each regime.

The codes of levels are settled, and the sample of rows in partitions is laid out, only when all
rows have been seen once. So categorical columns, and partitions, take a read of their own before
that which makes the summaries; other sources are read once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import compress

import numpy as np

from bayes_intgen.base.errors import DataError, RegimeError
from bayes_intgen.base.parallel import one_blas_thread
from bayes_intgen.base.regimes import Regime, format_regime, sort_regimes
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.conversion import Levels, regime_batches
from bayes_intgen.data.labels import unknown_labels
from bayes_intgen.data.levels import check_number, sort_levels
from bayes_intgen.data.regime_summary import RegimeSummary, ThinnedSample
from bayes_intgen.data.sources import Source
from bayes_intgen.data.summary import Summary

__all__ = [
    "MIN_ROWS",
    "RowsBefore",
    "check_columns_usable",
    "check_range",
    "levels_in_use",
    "read_summary",
    "summarise",
]

MIN_ROWS = 8
LEAST_RANGE, MOST_RANGE = 1e-100, 1e100

type RowsBefore = Mapping[Regime, int]
"""Number of rows of each regime in the partitions before some partition."""


def read_summary(
    source: Source, columns: Columns, further: bool = False
) -> tuple[Summary, tuple[RowsBefore, ...]]:
    """Read a source and see that it can be used.

    ``further``: whether the rows are further ones, that add to earlier rows with the same columns:
    these may be few, and alike.

    Returns
    -------
    summary
        Of the regimes in canonical order.
    rows_before
        The number of rows of each regime before each partition.

    Raises
    ------
    DataError
        If there are no rows, or a column cannot be used.
    RegimeError
        If a label is unknown, or a regime has fewer than 8 rows.
    """
    try:
        summary, rows_before = _read(source, columns)
    except RegimeError as error:
        labels = (label for label, *_ in source.batches())
        unknown = unknown_labels(labels, columns.actions, columns.regime_of)
        raise unknown or error from error
    if not summary.regimes:
        raise DataError("frame: the table has no rows.")
    for regime, rows in summary.regimes.items():
        if rows.n < MIN_ROWS and not further:
            raise RegimeError(
                f"regime {format_regime(regime)!r} has {rows.n} rows; at least {MIN_ROWS} are "
                f"needed. Drop those rows, or collect more."
            )
    if further:
        _check_size(columns, summary)
    else:
        check_columns_usable(columns, summary)
    return summary, rows_before


def _read(source: Source, columns: Columns) -> tuple[Summary, tuple[RowsBefore, ...]]:
    """Settle the levels, and summarise the rows."""
    levels: Levels = {}
    counts: dict[Regime, int] = {}
    rows_before: tuple[RowsBefore, ...] = ({},) * source.partitions
    if columns.categorical or source.partitions > 1:
        per_partition = partial(_tally, columns)
        tallies = source.reduce(per_partition, range(source.partitions))
        texts = [tally.levels for tally in tallies.values()]
        levels = {
            name: sort_levels(set().union(*(by_name[name] for by_name in texts)))
            for name in columns.categorical
        }
        for name in columns.categorical:
            check_number(name, levels[name], columns.role(name))
        counts = {regime: sum(tally.rows.values()) for regime, tally in tallies.items()}
        rows_before = _rows_before(tallies, source.partitions)
    return summarise(source, columns, levels, counts, rows_before), rows_before


@dataclass(frozen=True)
class _Tally:
    """Number of rows of a regime in each partition, by its position, and the levels seen there."""

    rows: dict[int, int]
    levels: dict[str, set[str]]

    def merge(self, other: "_Tally") -> "_Tally":
        """Return the tally of the rows of both."""
        rows = self.rows | {k: self.rows.get(k, 0) + n for k, n in other.rows.items()}
        return _Tally(rows, {name: seen | other.levels[name] for name, seen in self.levels.items()})


def _tally(columns: Columns, source: Source, partition: int) -> dict[Regime, _Tally]:
    tallies: dict[Regime, _Tally] = {}
    for label, values, texts in source.batches():
        regime = columns.regime_of(label)
        levels = {}
        for name, own in texts.items():  # a batch may come with levels that only others have
            rows = np.bincount(values[:, columns.values.index(name)].astype(int))
            levels[name] = set(compress(own, rows))
        tally = _Tally({partition: len(values)}, levels)
        tallies[regime] = tallies[regime].merge(tally) if regime in tallies else tally
        for name, seen in tallies[regime].levels.items():
            check_number(name, sorted(seen), columns.role(name))
    return tallies


def _rows_before(tallies: Mapping[Regime, _Tally], partitions: int) -> tuple[RowsBefore, ...]:
    """Return the number of rows of each regime before each partition."""
    ends = {
        regime: np.cumsum([0] + [tally.rows.get(k, 0) for k in range(partitions)]).tolist()
        for regime, tally in tallies.items()
    }
    return tuple({regime: end[k] for regime, end in ends.items()} for k in range(partitions))


def summarise(
    source: Source,
    columns: Columns,
    levels: Levels,
    counts: Mapping[Regime, int],
    rows_before: Sequence[RowsBefore],
    regimes: Collection[Regime] | None = None,
) -> Summary:
    """Summarise each regime in one read of a source.

    ``counts``: number of rows of each regime, as far as it is known. ``rows_before``: the same
    before each partition. ``regimes``: those that are wanted; all by default.
    """
    per_partition = partial(_summarise, columns, levels, counts, regimes)
    by_regime = source.reduce(per_partition, rows_before)
    ranked = {regime: by_regime[regime] for regime in sort_regimes(by_regime, columns.actions)}
    return Summary(columns.actions, columns.outcome, ranked, levels, columns.covariates)


def _summarise(
    columns: Columns,
    levels: Levels,
    counts: Mapping[Regime, int],
    regimes: Collection[Regime] | None,
    source: Source,
    rows_before: RowsBefore,
) -> dict[Regime, RegimeSummary]:
    sizes = {columns.values.index(name): len(texts) for name, texts in levels.items()}
    width = len(columns.values)
    summaries: dict[Regime, RegimeSummary] = {}
    # threads only wait for one another on matrices this narrow; values too large are told later
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
        for regime, values in regime_batches(source.batches(), columns, levels, regimes):
            if regime not in summaries:
                first, n = rows_before.get(regime, 0), counts.get(regime, 0)
                sample = ThinnedSample.empty(width, first, n, columns.marks.kept)
                summaries[regime] = RegimeSummary.empty(sample, sizes)
            summaries[regime] = summaries[regime].extend(*columns.split(values))
    return summaries


def levels_in_use(summary: Summary) -> Levels:
    """Return the levels of each categorical column that any row of some regime has."""
    return {
        name: tuple(compress(levels, summary.level_counts(name).any(axis=0)))
        for name, levels in summary.levels.items()
    }


def column_ranges(columns: Columns, summary: Summary) -> list[tuple[str, float, float]]:
    """Return each column of numbers with its smallest and its largest value over all regimes."""
    low = reduce(np.minimum, [regime.low for regime in summary.regimes.values()])
    high = reduce(np.maximum, [regime.high for regime in summary.regimes.values()])
    ends = zip(columns.values, low.tolist(), high.tolist(), strict=True)
    return [column for column in ends if column[0] not in columns.categorical]


def _check_size(columns: Columns, summary: Summary) -> None:
    """Raise a DataError if a value is too large to be computed with."""
    for name, least, most in column_ranges(columns, summary):
        if max(-least, most) > MOST_RANGE:
            raise DataError(
                f"{columns.role(name)}: column {name!r} runs from {least:g} to {most:g}; values up "
                f"to {MOST_RANGE:g} can be computed with. Correct or drop those rows."
            )


def check_columns_usable(columns: Columns, summary: Summary) -> None:
    """Raise a DataError if a column is constant over all regimes, or its range is too extreme."""
    for name, levels in levels_in_use(summary).items():
        if len(levels) == 1:
            raise DataError(
                f"{columns.role(name)}: column {name!r} is {levels[0]!r} in every row of "
                f"every regime; nothing can be learned about it. Leave it out, or add rows in "
                f"which it varies."
            )
    for name, least, most in column_ranges(columns, summary):
        check_range(name, columns.role(name), least, most)


def check_range(name: str, role: str, least: float, most: float) -> None:
    """Raise a DataError if a column of numbers is constant, or its range is too extreme."""
    if least == most:
        raise DataError(
            f"{role}: column {name!r} is {least:g} in every row of every regime; nothing can "
            f"be learned about it. Leave it out, or add rows in which it varies."
        )
    if not LEAST_RANGE < most - least < MOST_RANGE:
        raise DataError(
            f"{role}: column {name!r} runs from {least:g} to {most:g}; a range between "
            f"{LEAST_RANGE:g} and {MOST_RANGE:g} can be computed with. Rescale the column."
        )
    if most - least < 1e-12 * max(abs(least), abs(most)):
        raise DataError(
            f"{role}: column {name!r} varies by {most - least:g} around {least:g}, fewer "
            f"digits than floating point keeps. Subtract the offset first."
        )

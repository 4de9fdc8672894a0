"""How many rows each regime has and how far they reach: what the one validation pass finds."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np
from threadpoolctl import threadpool_limits

from bayes_intgen.base.errors import DataError, RegimeError
from bayes_intgen.base.regimes import Regime, format_regime, parse_regime, sort_regimes
from bayes_intgen.base.types import Array
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.conversion import Texts
from bayes_intgen.data.dask_source import DaskSource
from bayes_intgen.data.levels import check_number, sort_levels
from bayes_intgen.data.regime_summary import RegimeSummary
from bayes_intgen.data.sources import FrameSource, Source

__all__ = ["MIN_ROWS", "Extent", "Measured", "check_varies", "find_levels", "measure"]

MIN_ROWS = 8
LEAST_RANGE, MOST_RANGE = 1e-100, 1e100


@dataclass(frozen=True)
class Extent:
    """How many rows a regime has and how far they reach.

    Parameters
    ----------
    n
        Number of rows.
    low, high
        Smallest and largest value of every column (actions, covariates, outcome); NaN for a
        categorical one.
    counts
        Number of rows at each level of each categorical column.
    """

    n: int
    low: Array
    high: Array
    counts: Mapping[str, Counter[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Array, texts: Texts, columns: Columns) -> "Extent":
        """Measure an array of shape (n, columns), where texts holds the levels of its codes."""
        low, high = values.min(axis=0), values.max(axis=0)
        counts = {}
        for name, levels in texts.items():
            position = columns.values.index(name)
            low[position] = high[position] = np.nan
            rows = np.bincount(values[:, position].astype(int), minlength=len(levels))
            pairs = zip(levels, rows.tolist(), strict=True)
            counts[name] = Counter({level: n for level, n in pairs if n})
        return cls(len(values), low, high, counts)

    def merge(self, other: "Extent") -> "Extent":
        """Return the extent of the rows of both."""
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        counts = {name: n + other.counts[name] for name, n in self.counts.items()}
        return Extent(self.n + other.n, low, high, counts)


@dataclass(frozen=True)
class Measured:
    """What the first pass over the rows finds.

    Parameters
    ----------
    extents
        Of each regime, in canonical order.
    summaries
        The summary of each regime, if no column is categorical (the codes of levels are settled
        only at the end) and the rows do not lie in partitions.
    starts
        Of rows in partitions, the number of rows of each regime before each partition.
    """

    extents: dict[Regime, Extent]
    summaries: dict[Regime, RegimeSummary] | None = None
    starts: tuple[Mapping[Regime, int], ...] = ()


def measure(source: Source, columns: Columns, further: bool = False) -> Measured:
    """Read everything once: measure the regimes and see that every column varies.

    ``further``: whether the rows only add to earlier ones, so that they may be few and alike.

    Raises
    ------
    DataError
        If there are no rows, or a column cannot be used.
    RegimeError
        If a label is unknown, or a regime has fewer than 8 rows.
    """
    if isinstance(source, DaskSource):
        parts = source.map(_measure_partition, [columns] * len(source.parts))
        found = Measured(reduce(_merge, parts), starts=_starts(parts))
    elif columns.categorical:
        found = Measured(_measure(source, columns))
    else:
        summaries = _summarise(source, columns)
        extents = {r: Extent(s.moments.n, s.low, s.high) for r, s in summaries.items()}
        found = Measured(extents, summaries)
    extents = found.extents
    if not extents:
        raise DataError("frame: the table has no rows.")
    for name in columns.categorical:
        for extent in extents.values():
            check_number(name, extent.counts[name], columns.role(name))
    for regime, extent in extents.items():
        if extent.n < MIN_ROWS and not further:
            raise RegimeError(
                f"regime {format_regime(regime)!r} has {extent.n} rows; at least {MIN_ROWS} are "
                f"needed. Drop those rows, or collect more."
            )
    (_check_size if further else check_varies)(columns, extents.values())
    ranked = {regime: extents[regime] for regime in sort_regimes(extents, columns.actions)}
    return replace(found, extents=ranked)


def _measure(source: Source, columns: Columns) -> dict[Regime, Extent]:
    extents: dict[Regime, Extent] = {}
    for label, values, texts in source.batches():
        regime = parse_regime(label, columns.actions)
        extent = Extent.of(values, texts, columns)
        extents[regime] = extents[regime].merge(extent) if regime in extents else extent
        for name, counts in extents[regime].counts.items():
            check_number(name, counts, columns.role(name))
    return extents


def _summarise(source: Source, columns: Columns) -> dict[Regime, RegimeSummary]:
    parts: dict[Regime, RegimeSummary] = {}
    # threads only wait for one another on matrices this narrow; values too large are told later
    with threadpool_limits(1), np.errstate(over="ignore", invalid="ignore"):
        for label, values, _ in source.batches():
            regime = parse_regime(label, columns.actions)
            known = parts.get(regime)
            parts[regime] = known.extend(values) if known else RegimeSummary.from_rows(values)
    return parts


def _measure_partition(rows: FrameSource, columns: Columns) -> dict[Regime, Extent]:
    return _measure(rows, columns)


def _merge(one: dict[Regime, Extent], two: dict[Regime, Extent]) -> dict[Regime, Extent]:
    both = {r: extent.merge(two[r]) if r in two else extent for r, extent in one.items()}
    return {**two, **both}


def _starts(parts: Sequence[Mapping[Regime, Extent]]) -> tuple[Mapping[Regime, int], ...]:
    before: dict[Regime, int] = {}
    starts = []
    for part in parts:
        starts.append(dict(before))
        for regime, extent in part.items():
            before[regime] = before.get(regime, 0) + extent.n
    return tuple(starts)


def find_levels(columns: Columns, extents: Iterable[Extent]) -> dict[str, tuple[str, ...]]:
    """Return the levels of each categorical column over all regimes, sorted."""
    total = reduce(Extent.merge, extents)
    return {name: sort_levels(total.counts[name]) for name in columns.categorical}


def _check_size(columns: Columns, extents: Iterable[Extent]) -> None:
    """Raise a DataError if a value is too large to be computed with."""
    total = reduce(Extent.merge, extents)
    for name, least, most in zip(columns.values, total.low, total.high, strict=True):
        if max(-least, most) > MOST_RANGE:
            raise DataError(
                f"{columns.role(name)}: column {name!r} runs from {least:g} to {most:g}; values up "
                f"to {MOST_RANGE:g} can be computed with. Correct or drop those rows."
            )


def check_varies(columns: Columns, extents: Iterable[Extent]) -> None:
    """Raise a DataError if a column is constant over all regimes, or its range is too extreme."""
    total = reduce(Extent.merge, extents)
    for name in columns.categorical:
        role = columns.role(name)
        check_number(name, total.counts[name], role)
        if len(total.counts[name]) == 1:
            raise DataError(
                f"{role}: column {name!r} is {next(iter(total.counts[name]))!r} in every row of "
                f"every regime; nothing can be learned about it. Leave it out, or add rows in "
                f"which it varies."
            )
    for name, least, most in zip(columns.values, total.low, total.high, strict=True):
        if name in columns.categorical:
            continue
        role = columns.role(name)
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

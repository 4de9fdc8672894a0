"""How many rows each regime has and how far they reach: what the one validation pass finds."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import numpy.typing as npt

from bayes_intgen.data.columns import Columns
from bayes_intgen.data.levels import check_number, sort_levels
from bayes_intgen.data.sources import Source, Texts
from bayes_intgen.errors import DataError, RegimeError
from bayes_intgen.regimes import Regime, format_regime, parse_regime, sort_regimes

__all__ = ["MIN_ROWS", "Extent", "check_varies", "find_levels", "measure"]

MIN_ROWS = 8
LEAST_RANGE, MOST_RANGE = 1e-100, 1e100

type Array = npt.NDArray[np.float64]


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


def measure(source: Source, columns: Columns) -> dict[Regime, Extent]:
    """Read everything once: measure the regimes and see that every column varies.

    Raises
    ------
    DataError
        If there are no rows, or a column cannot be used.
    RegimeError
        If a label is unknown, or a regime has fewer than 8 rows.
    """
    extents: dict[Regime, Extent] = {}
    for label, values, texts in source.batches():
        regime = parse_regime(label, columns.actions)
        extent = Extent.of(values, texts, columns)
        extents[regime] = extents[regime].merge(extent) if regime in extents else extent
        for name, counts in extents[regime].counts.items():
            check_number(name, counts, columns.role(name))
    if not extents:
        raise DataError("frame: the table has no rows.")
    for regime, extent in extents.items():
        if extent.n < MIN_ROWS:
            raise RegimeError(
                f"regime {format_regime(regime)!r} has {extent.n} rows; at least {MIN_ROWS} are "
                f"needed. Drop those rows, or collect more."
            )
    check_varies(columns, extents.values())
    return {regime: extents[regime] for regime in sort_regimes(extents, columns.actions)}


def find_levels(columns: Columns, extents: Iterable[Extent]) -> dict[str, tuple[str, ...]]:
    """Return the levels of each categorical column over all regimes, sorted."""
    total = reduce(Extent.merge, extents)
    return {name: sort_levels(total.counts[name]) for name in columns.categorical}


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

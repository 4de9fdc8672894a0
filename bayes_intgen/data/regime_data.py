"""Samples of actions and outcome under several regimes: validated once, here.

The data of the paper (its equations 4 and 5): observational rows and rows of experiments, told
apart by a label. Everything downstream may rely on what this module has checked.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from bayes_intgen.data.columns import Columns
from bayes_intgen.data.sources import Source, open_source
from bayes_intgen.errors import DataError, RegimeError
from bayes_intgen.regimes import (
    Regime,
    check_action_names,
    format_regime,
    parse_regime,
    sort_regimes,
)

__all__ = ["MIN_ROWS", "RegimeData"]

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
        Smallest and largest value of the actions and the outcome, shape (K + 1,).
    """

    n: int
    low: Array
    high: Array

    @classmethod
    def of(cls, values: Array) -> "Extent":
        """Measure an array of shape (n, K + 1)."""
        return cls(len(values), values.min(axis=0), values.max(axis=0))

    def merge(self, other: "Extent") -> "Extent":
        """Return the extent of the rows of both."""
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        return Extent(self.n + other.n, low, high)


@dataclass(frozen=True)
class RegimeData:
    """Regime-labelled samples of actions and an outcome.

    Make one with :meth:`from_frame`. It holds the rows of a frame, or only the path of a file
    whose rows are read again when needed.

    Parameters
    ----------
    columns
        The names of the columns in use.
    extents
        Row count and ranges of each regime, in canonical order: observational, then single
        interventions in the order of the actions, then larger sets.
    source
        Where the rows come from.

    Examples
    --------
    >>> import bayes_intgen as ig
    >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    >>> frame = scm.sample_regimes([(), ("a1",), ("a2",)], n=100, random_seed=2)
    >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"], regime="regime")
    >>> data.regimes
    ('obs', 'a1', 'a2')
    >>> data.n_rows
    300
    """

    columns: Columns
    extents: dict[Regime, Extent]
    source: Source = field(repr=False)

    @classmethod
    def from_frame(
        cls, frame: Any, outcome: str, actions: Sequence[str], regime: str = "regime"
    ) -> Self:
        """Read and validate a table.

        Parameters
        ----------
        frame
            A pandas, polars or pyarrow table with one row per unit, or the path of a CSV or
            Parquet file, which is read in batches and need not fit into memory.
        outcome
            Column of the outcome, in any unit.
        actions
            Columns of the actions, in any units.
        regime
            Column of the regime labels: ``"obs"`` for observational rows, the name of the action
            that an experiment set, or several names joined by ``"+"``.

        Raises
        ------
        DataError
            If a column is missing, not numeric, has missing or infinite values, or is constant
            over all regimes.
        RegimeError
            If a label is unknown or empty, or a regime has fewer than 8 rows.
        FileError
            If the path does not lead to a readable CSV or Parquet file.
        """
        columns = Columns(outcome, check_action_names(actions), regime)
        source = open_source(frame, columns)
        return cls(columns, _validate(source, columns), source)

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions."""
        return self.columns.actions

    @property
    def outcome(self) -> str:
        """Name of the outcome."""
        return self.columns.outcome

    @property
    def regimes(self) -> tuple[str, ...]:
        """Labels of the regimes, in canonical order."""
        return tuple(format_regime(regime) for regime in self.extents)

    @property
    def n_rows(self) -> int:
        """Number of rows over all regimes."""
        return sum(extent.n for extent in self.extents.values())

    def drop(self, regimes: str | Iterable[str]) -> Self:
        """Return the data without the rows of some regimes.

        Raises
        ------
        RegimeError
            If a label names a regime that is not in the data, or nothing would be left.
        DataError
            If an action or the outcome is constant in what is left.
        """
        if not isinstance(regimes, Iterable):
            raise RegimeError(f"drop: regimes must be a label or several, got {regimes!r}.")
        labels = [regimes] if isinstance(regimes, str) else list(regimes)
        dropped = {parse_regime(label, self.actions) for label in labels}
        absent = [format_regime(regime) for regime in dropped if regime not in self.extents]
        if absent:
            raise RegimeError(
                f"drop: the data have no regime {absent}; they have {list(self.regimes)}."
            )
        kept = {regime: e for regime, e in self.extents.items() if regime not in dropped}
        if not kept:
            raise RegimeError("drop: at least one regime must be left.")
        _check_varies(self.columns, kept.values())
        return type(self)(self.columns, kept, self.source)

    def batches(self) -> Iterator[tuple[Regime, Array]]:
        """Yield the rows of one regime at a time, in their original order within each regime.

        Yields
        ------
        regime
            The regime of all rows of the batch.
        values
            Actions, then outcome, in their own units; shape (rows, K + 1).
        """
        for label, values in self.source.batches():
            regime = parse_regime(label, self.actions)
            if regime in self.extents:
                yield regime, values

    def rows(self, regime: str) -> Array:
        """Return all rows of one regime: actions, then outcome; shape (n, K + 1).

        Raises
        ------
        RegimeError
            If the data have no such regime.
        """
        wanted = parse_regime(regime, self.actions)
        if wanted not in self.extents:
            raise RegimeError(f"regime {regime!r} is not in the data: {list(self.regimes)}.")
        return np.concatenate([values for found, values in self.batches() if found == wanted])

    def __str__(self) -> str:
        width = max(len("regime"), *(len(label) for label in self.regimes))
        lines = [
            f"RegimeData: outcome {self.outcome!r}, actions {list(self.actions)}",
            f"{'regime':<{width}}  {'rows':>12}  actions set",
        ]
        for regime, extent in self.extents.items():
            setting = ", ".join(regime) or "none (observational)"
            lines.append(f"{format_regime(regime):<{width}}  {extent.n:>12,}  {setting}")
        return "\n".join(lines)


def _validate(source: Source, columns: Columns) -> dict[Regime, Extent]:
    """Read everything once: measure the regimes and see that every column varies."""
    extents: dict[Regime, Extent] = {}
    for label, values in source.batches():
        regime = parse_regime(label, columns.actions)
        extent = Extent.of(values)
        extents[regime] = extents[regime].merge(extent) if regime in extents else extent
    if not extents:
        raise DataError("frame: the table has no rows.")
    for regime, extent in extents.items():
        if extent.n < MIN_ROWS:
            raise RegimeError(
                f"regime {format_regime(regime)!r} has {extent.n} rows; at least {MIN_ROWS} are "
                f"needed. Drop those rows, or collect more."
            )
    _check_varies(columns, extents.values())
    return {regime: extents[regime] for regime in sort_regimes(extents, columns.actions)}


def _check_varies(columns: Columns, extents: Iterable[Extent]) -> None:
    total = reduce(Extent.merge, extents)
    for name, least, most in zip(columns.numeric, total.low, total.high, strict=True):
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

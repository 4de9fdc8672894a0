"""Marks of rows, beside their values: the cluster, the time, and the units a row stands for.

A table may have columns that say which rows depend on one another (``cluster``: regions, users,
plates), in which order they came (``time``), and of how many units a row is the mean (``weights``).
They are numbers behind the values in an array of rows. Of a cluster that is a hash of its name or
names, 53 bits, which a double holds exactly: it is the same in every file and on every machine, and
two of 10^5 clusters share one with a probability of 10^-6. Times are numbers as they stand, or days
of dates.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa

from bayes_intgen.base.arguments import show
from bayes_intgen.base.errors import DataError
from bayes_intgen.base.types import Array
from bayes_intgen.data.column_types import arrow_name

__all__ = ["MarkColumns", "Marks", "read_marks"]

HASH_BITS = 53
MICROSECONDS_A_DAY = 86_400e6
MASKS = np.array([2 ** (8 * length) - 1 for length in range(9)], dtype=np.uint64)  # first bytes


@dataclass(frozen=True)
class MarkColumns:
    """The columns that hold marks; all may be missing."""

    cluster: tuple[str, ...] = ()  # rows that agree in all of these may depend on one another
    time: str = ""  # by which the rows of a cluster are ordered
    weights: str = ""  # number of units that a row is the mean of

    @classmethod
    def read(cls, cluster: Any, time: Any, weights: Any, taken: Iterable[str]) -> Self:
        """Check the arguments of :meth:`bayes_intgen.RegimeData.from_frame`.

        ``taken``: the outcome and the actions, which cannot be marks.
        """
        given = [] if cluster is None else [cluster] if isinstance(cluster, str) else cluster
        if not isinstance(given, Iterable):
            raise DataError(
                f"cluster must be the name of a column or a list of names, got {show(cluster)}."
            )
        columns = cls(tuple(given), time or "", weights or "")
        for role, name in columns.by_role:
            if not isinstance(name, str) or not name:
                raise DataError(f"{role} must be the name of a column, got {show(name)}.")
            if name in taken:
                raise DataError(
                    f"{role} names column {name!r}, which is the outcome or an action; name the "
                    f"column of {_MEANING[role]}."
                )
        return columns

    @property
    def by_role(self) -> list[tuple[str, str]]:
        """Each argument and column, a cluster's columns one after the other."""
        pairs = [("cluster", name) for name in self.cluster]
        pairs += [("time", self.time)] if self.time else []
        return pairs + ([("weights", self.weights)] if self.weights else [])

    @property
    def used(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(name for _, name in self.by_role)

    @property
    def kept(self) -> tuple[str, ...]:
        """The marks that rows have, in the order of their columns behind the values."""
        return tuple(dict.fromkeys(role for role, _ in self.by_role))

    @property
    def given(self) -> dict[str, Any]:
        """The arguments that were given, by name."""
        cluster = {"cluster": list(self.cluster)} if self.cluster else {}
        rest = {"time": self.time, "weights": self.weights}
        return cluster | {role: name for role, name in rest.items() if name}


_MEANING = {
    "cluster": "regions, users or whatever groups rows that depend on one another",
    "time": "the weeks or dates of the rows",
    "weights": "the number of units that each row is the mean of",
}


@dataclass(frozen=True)
class Marks:
    """The marks of some rows."""

    kept: tuple[str, ...]  # which there are
    table: Array  # shape (rows, marks)

    @property
    def cluster(self) -> Array | None:
        """The hash of each row's cluster; None if none was given."""
        return self._column("cluster")

    @property
    def time(self) -> Array | None:
        """The time of each row; None if none was given."""
        return self._column("time")

    @property
    def weights(self) -> Array | None:
        """The number of units that each row stands for; None if none was given."""
        return self._column("weights")

    def _column(self, name: str) -> Array | None:
        return self.table[:, self.kept.index(name)] if name in self.kept else None

    def __getitem__(self, rows: Any) -> "Marks":
        return Marks(self.kept, self.table[rows])


def read_marks(column: Callable[[str], pa.Array], columns: MarkColumns, first_row: int) -> Array:
    """Convert the columns of marks, shape (rows, marks).

    Parameters
    ----------
    column
        Returns a column as an Arrow array.
    columns
        Their names.
    first_row
        The number of the first row, for error messages.

    Raises
    ------
    DataError
        If a value is missing, a time is no number and no date, or a weight is not positive.
    """
    marks = []
    if columns.cluster:
        codes = np.zeros(0, dtype=np.uint64)
        for name in columns.cluster:
            own = _hash(_present(column(name), "cluster", name, first_row))
            codes = own if not len(codes) else codes * np.uint64(0x9E3779B97F4A7C15) + own
        marks.append((codes >> np.uint64(64 - HASH_BITS)).astype(float))
    if columns.time:
        marks.append(
            _times(_present(column(columns.time), "time", columns.time, first_row), columns)
        )
    if columns.weights:
        name = columns.weights
        values = _present(column(name), "weights", name, first_row)
        marks.append(_positive(values, name, first_row))
    return np.column_stack(marks)


def _present(column: pa.Array, role: str, name: str, first_row: int) -> pa.Array:
    """Return a column without missing values, or raise a DataError."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    missing = column.is_null(nan_is_null=True)
    if missing.true_count:
        row = first_row + int(np.argmax(missing.to_numpy(zero_copy_only=False)))
        raise DataError(
            f"{role}: column {name!r} has {missing.true_count} missing values, the first in row "
            f"{row} (counted from 0). Fill them in, or drop those rows."
        )
    return column


def _hash(column: pa.Array) -> Any:
    """Hash every value by its text; whole numbers alike whether they are stored as such or not."""
    if pa.types.is_integer(column.type):
        return hash_texts(column.cast(pa.string()))
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    distinct = column.dictionary
    if pa.types.is_floating(distinct.type):
        numbers = distinct.to_numpy(zero_copy_only=False)
        if np.all(numbers == np.round(numbers)):
            distinct = pa.array(numbers.astype(np.int64)).cast(pa.string())
    if not pa.types.is_string(distinct.type):
        distinct = pa.array([str(value) for value in distinct.to_pylist()], type=pa.string())
    return hash_texts(distinct)[column.indices.to_numpy(zero_copy_only=False)]


def hash_texts(texts: pa.StringArray) -> Any:
    """Hash texts to 64 bits, shape (n,), each by itself.

    Eight bytes of UTF-8 at a time are mixed in by the finaliser of SplitMix64 (Steele, Lea and
    Flood 2014, "Fast splittable pseudorandom number generators"); the last ones are padded with
    zeros.
    """
    hashes = np.full(len(texts), 0x9E3779B97F4A7C15, dtype=np.uint64)
    _, ends, written = texts.buffers()
    if written is None or not len(texts):
        return hashes
    bounds = np.frombuffer(ends, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    padded = np.concatenate([np.frombuffer(written, dtype=np.uint8), np.zeros(8, dtype=np.uint8)])
    words = np.lib.stride_tricks.sliding_window_view(padded, 8)
    lengths = np.diff(bounds)
    for start in range(0, int(lengths.max()), 8):
        left = np.clip(lengths - start, 0, 8)
        at = np.minimum(bounds[:-1] + start, len(words) - 1)
        mixed = hashes ^ (words[at].view("<u8")[:, 0] & MASKS[left])
        mixed ^= mixed >> np.uint64(30)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(27)
        mixed *= np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
        hashes = np.where(left > 0, mixed, hashes)
    return hashes


def _times(column: pa.Array, columns: MarkColumns) -> Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind) and not pa.types.is_time(kind):
        stamps = column.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False)
        return np.asarray(stamps.cast(pa.int64()).to_numpy() / MICROSECONDS_A_DAY)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
    raise DataError(
        f"time: column {columns.time!r} must hold numbers or dates, but its type is "
        f"{arrow_name(kind)}. Convert it first, for example with pandas.to_datetime."
    )


def _positive(column: pa.Array, name: str, first_row: int) -> Array:
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise DataError(
            f"weights: column {name!r} must hold numbers, but its type is {arrow_name(kind)}."
        )
    values = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    wrong = ~((values > 0) & np.isfinite(values))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"weights: column {name!r} must hold positive numbers of units, got {values[row]:g} in "
            f"row {first_row + row} (counted from 0). Drop rows that stand for nothing."
        )
    return values

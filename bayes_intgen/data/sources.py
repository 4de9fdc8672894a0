"""Sources of rows: a table in memory, lazy frames, functions that yield tables.

A source yields batches of rows that share one regime label: the label as it stands in the
table, and a float64 array of the actions, the covariates and the outcome. In the column of a
categorical one stand codes that hold for that batch only; the level of each comes with it. Rows of
equal label keep their order. Only a table in memory is held; each pass over any other source asks
for the rows again.

:meth:`Source.reduce` is how every pass goes over the rows, wherever they are: on this machine, or
in partitions of Dask (:mod:`bayes_intgen.data.dask_source`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import narwhals as nw
import pyarrow as pa

from bayes_intgen.base.errors import DataError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.conversion import LabelledBatch, convert_batch, convert_table

__all__ = [
    "FrameSource",
    "LazySource",
    "LocalSource",
    "Mergeable",
    "Source",
    "TablesSource",
    "merge_each",
]

BATCH_ROWS = 2**16


class Mergeable(Protocol):
    """What a pass over rows of one regime results in."""

    def merge(self, other: Self) -> Self:
        """Return the result for the rows of both, those of ``other`` being the later ones."""
        ...


def merge_each[Key, Result: Mergeable](
    one: Mapping[Key, Result], two: Mapping[Key, Result]
) -> dict[Key, Result]:
    """Merge the results of each regime or other key, those of ``two`` being of later rows."""
    merged = dict(one)
    for key, later in two.items():
        merged[key] = merged[key].merge(later) if key in merged else later
    return merged


class Source(Protocol):
    """Rows that can be read again and again, in the same order."""

    @property
    def partitions(self) -> int:
        """Number of pieces that a pass consists of."""
        ...

    @property
    def threads(self) -> int | None:
        """Number of threads that work on a piece; None for one per core."""
        ...

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield (label, values, texts).

        The values, of shape (rows, columns), are the actions, the covariates and the outcome, where
        a categorical column has codes; texts holds the level of each code by column.
        """
        ...

    def reduce[Result: Mergeable](
        self,
        per_partition: Callable[["Source", Any], dict[Regime, Result]],
        arguments: Sequence[Any],
    ) -> dict[Regime, Result]:
        """Apply a function to every partition, and merge the results regime by regime.

        Parameters
        ----------
        per_partition
            Takes the rows of a partition, as a source of its own, and its argument.
        arguments
            One per partition.
        """
        ...


class LocalSource:
    """A source that is read on this machine, as one partition."""

    partitions = 1
    threads = None

    def reduce[Result: Mergeable](
        self, per_partition: Callable[[Any, Any], dict[Regime, Result]], arguments: Sequence[Any]
    ) -> dict[Regime, Result]:
        """Apply the function to all rows at once."""
        (argument,) = arguments
        return per_partition(self, argument)


@dataclass(frozen=True)
class FrameSource(LocalSource):
    """A table held in memory, converted to float64 and split by regime once."""

    labelled: list[LabelledBatch] = field(repr=False)

    @classmethod
    def read(cls, frame: Any, columns: Columns) -> "FrameSource":
        """Convert a pandas, polars or pyarrow table."""
        return cls(list(convert_table(frame, columns)))

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows in slices, one regime after the other."""
        for label, values, texts in self.labelled:
            for start in range(0, len(values), BATCH_ROWS):
                yield label, values[start : start + BATCH_ROWS], texts


@dataclass(frozen=True)
class LazySource(LocalSource):
    """A polars lazy frame, of which only the columns in use are collected, in batches."""

    frame: Any
    columns: Columns

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows in the order of the frame."""
        self.columns.check_present(self.frame.collect_schema().names())
        wanted = self.frame.select([*self.columns.used])
        if hasattr(wanted, "collect_batches"):
            tables = wanted.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True)
        else:  # earlier versions of polars
            tables = wanted.collect().iter_slices(BATCH_ROWS)
        first_row = 0
        for table in tables:
            yield from convert_table(table, self.columns, first_row)
            first_row += len(table)


@dataclass(frozen=True)
class TablesSource(LocalSource):
    """Tables from a function that yields them, or from a list."""

    # called at each pass, and must yield the same rows every time: pandas, polars or pyarrow
    # tables, or Arrow batches
    tables: Callable[[], Iterable[Any]]
    columns: Columns

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows of one table after the other."""
        tables = self.tables()
        if not isinstance(tables, Iterable):
            raise DataError(
                f"frame: the function must return tables one after the other, as a generator "
                f"does; got {type(tables).__name__}."
            )
        first_row = 0
        for table in tables:
            if isinstance(table, pa.RecordBatch):
                self.columns.check_present(table.schema.names)
                yield from convert_batch(table, self.columns, first_row)
                first_row += table.num_rows
            else:
                yield from convert_table(table, self.columns, first_row)
                first_row += len(nw.from_native(table, eager_only=True))

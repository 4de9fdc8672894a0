"""Rows that come in tables one after the other: datasets, lazy frames, functions that yield tables.

None of them is held in memory: each pass over the rows asks for the tables again.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.dataset

from bayes_intgen.base.errors import DataError
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.conversion import LabelledBatch, convert_batch, convert_table
from bayes_intgen.data.sources import FileSource, read_batches

__all__ = ["DatasetSource", "FilesSource", "LazySource", "TablesSource"]

LAZY_ROWS = 2**16


@dataclass(frozen=True)
class DatasetSource:
    """A pyarrow dataset: one or many files, or tables, of any format that Arrow reads."""

    dataset: pyarrow.dataset.Dataset
    columns: Columns

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows in the order of the dataset."""
        self.columns.check_present(self.dataset.schema.names)
        yield from read_batches(self.dataset, self.columns)


@dataclass(frozen=True)
class FilesSource:
    """Several files, one after the other."""

    files: tuple[FileSource, ...]

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows in the order of the files."""
        for file in self.files:
            yield from file.batches()


@dataclass(frozen=True)
class LazySource:
    """A polars lazy frame, of which only the columns in use are collected, in batches."""

    frame: Any
    columns: Columns

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows in the order of the frame."""
        self.columns.check_present(self.frame.collect_schema().names())
        wanted = self.frame.select([*self.columns.used])
        if hasattr(wanted, "collect_batches"):
            tables = wanted.collect_batches(chunk_size=LAZY_ROWS, maintain_order=True)
        else:  # earlier versions of polars
            tables = wanted.collect().iter_slices(LAZY_ROWS)
        first_row = 0
        for table in tables:
            yield from convert_table(table, self.columns, first_row)
            first_row += len(table)


@dataclass(frozen=True)
class TablesSource:
    """Tables from a function that yields them, or from a list.

    Parameters
    ----------
    tables
        Is called at each pass, and must yield the same rows every time: pandas, polars or pyarrow
        tables, or Arrow batches.
    columns
        The columns in use.
    """

    tables: Callable[[], Iterable[Any]]
    columns: Columns

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows of one table after the other."""
        found = self.tables()
        if not isinstance(found, Iterable):
            raise DataError(
                f"frame: the function must return tables one after the other, as a generator "
                f"does; got {type(found).__name__}."
            )
        first_row = 0
        for table in found:
            if isinstance(table, pa.RecordBatch):
                self.columns.check_present(table.schema.names)
                yield from convert_batch(table, self.columns, first_row)
                first_row += table.num_rows
            else:
                yield from convert_table(table, self.columns, first_row)
                first_row += len(nw.from_native(table, eager_only=True))

"""Rows in files: CSV, Parquet or Arrow, one or several, and pyarrow datasets.

None of them is held in memory: each pass over the rows reads them again, in batches.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset

from bayes_intgen.base.errors import DataError, FileError
from bayes_intgen.base.files import is_file, is_folder
from bayes_intgen.data import sources
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.conversion import LabelledBatch, convert_batch, or_categorical
from bayes_intgen.data.csv_format import CsvFormat, plain_words
from bayes_intgen.data.sources import LocalSource

__all__ = ["DatasetSource", "FileSource", "FilesSource", "file_columns", "read_batches"]

ARROW = (".arrow", ".feather")
SUFFIXES = (".csv", ".parquet", ".pq", *ARROW)


def read_batches(
    dataset: pyarrow.dataset.Dataset, columns: Columns, empty_is_missing: bool = False
) -> Iterator[LabelledBatch]:
    """Read a dataset in batches, in its order, a few of them ahead.

    More would be read ahead by default: a file of any size would fill gigabytes.
    """
    first_row = 0
    for batch in dataset.to_batches(
        columns=[*columns.used],
        batch_size=sources.BATCH_ROWS,
        batch_readahead=2,
        fragment_readahead=1,
        fragment_scan_options=_scan_options(dataset),
    ):
        yield from convert_batch(batch, columns, first_row, empty_is_missing)
        first_row += batch.num_rows


def _scan_options(dataset: pyarrow.dataset.Dataset) -> Any:
    kind = getattr(dataset, "format", None)
    if isinstance(kind, pyarrow.dataset.ParquetFileFormat):
        return pyarrow.dataset.ParquetFragmentScanOptions(
            pre_buffer=False, use_buffered_stream=True
        )
    return None


@dataclass(frozen=True)
class FileSource(LocalSource):
    """A CSV or Parquet file, read in batches and never changed in between."""

    path: Path
    columns: Columns
    fingerprint: tuple[int, int]
    csv: CsvFormat = field(default_factory=CsvFormat)  # how a CSV file is written

    @classmethod
    def open(cls, path: Path, columns: Columns) -> "FileSource":
        """Check that the file is there, of a known kind, and has the columns."""
        _require_file(path)
        written = CsvFormat()
        if path.suffix.lower() == ".csv":
            try:
                written = CsvFormat.recognise(path, columns.used, "frame", columns.numeric)
            except OSError as error:
                raise FileError(f"frame: {str(path)!r} cannot be read: {error}") from error
        source = cls(path, columns, _fingerprint(path), written)
        columns.check_present(source._names())
        return source

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows in batches, checking each value."""
        if not is_file(self.path) or _fingerprint(self.path) != self.fingerprint:
            raise FileError(
                f"frame: the file {str(self.path)!r} has changed since it was opened; "
                f"call RegimeData.from_frame again."
            )
        try:
            yield from read_batches(self._dataset(), self.columns, self._is_csv)
        except (pa.ArrowInvalid, OSError) as error:
            raise self._explain(error) from error

    @property
    def _is_csv(self) -> bool:
        return self.path.suffix.lower() == ".csv"

    def _names(self) -> list[str]:
        try:
            return list(self._dataset().schema.names)
        except UnicodeDecodeError as error:
            raise FileError(
                f"frame: {str(self.path)!r} is not UTF-8 text; save it as UTF-8."
            ) from error

    def _dataset(self) -> pyarrow.dataset.Dataset:
        suffix = self.path.suffix.lower()
        if suffix not in SUFFIXES:
            raise FileError(
                f"frame: {str(self.path)!r} must end in .csv, .parquet, .pq, .arrow or .feather; "
                f"read other formats with pandas or polars and pass the frame, or save a "
                f"spreadsheet as CSV first (Save As, CSV UTF-8)."
            )
        try:
            labels = {self.columns.regime} - {""}
            kind: Any = pyarrow.dataset.ParquetFileFormat(dictionary_columns=labels)
            if self._is_csv:
                kind = pyarrow.dataset.CsvFileFormat(
                    self.csv.parse, convert_options=self.csv.convert(self._csv_types())
                )
            if suffix in ARROW:
                kind = "ipc"
            return pyarrow.dataset.dataset(self.path, format=kind)
        except (pa.ArrowInvalid, OSError) as error:
            raise self._explain(error) from error

    def _csv_types(self) -> dict[str, pa.DataType]:
        """Read numbers as float64, but a column of true and false as such, and levels as text."""
        labels = () if self.columns.flags else self.columns.labels
        header, outcomes = self._csv_header(), self.columns.outcomes
        truth = {name for name, kind in header if pa.types.is_boolean(kind)}
        words = {name for name, kind in header if pa.types.is_string(kind) and name in outcomes}
        numbers = dict.fromkeys(set(self.columns.values) - truth - words, pa.float64())
        texts = dict.fromkeys([*self.columns.categorical, *labels], pa.string())
        return {**numbers, **texts}

    def _csv_header(self) -> list[tuple[str, pa.DataType]]:
        with pyarrow.csv.open_csv(self.path, parse_options=self.csv.parse) as reader:
            return [(field.name, field.type) for field in reader.schema]

    def _explain(self, error: Exception) -> DataError | FileError:
        """Tell a cell that cannot be used from a file that cannot be read."""
        cell = re.search(r"In CSV column #(\d+): (.*)", str(error))
        if cell is None:
            return FileError(f"frame: {str(self.path)!r} cannot be read: {plain_words(error)}")
        name, _ = self._csv_header()[int(cell[1])]
        role = self.columns.role(name)
        return DataError(
            f"{role}: column {name!r} of {str(self.path)!r} cannot be read: "
            f"{plain_words(ValueError(cell[2]))}. Correct that cell{or_categorical(role)}."
        )


def file_columns(path: Path) -> list[str]:
    """Return the names of the columns of a file; a FileError if it is none that can be read."""
    _require_file(path)
    return FileSource(path, Columns("outcome", (), "regime"), _fingerprint(path))._names()


def _require_file(path: Path) -> None:
    if not is_file(path):
        what = "is a folder, not" if is_folder(path) else "is not"
        raise FileError(f"frame: {str(path)!r} {what} a file; give a CSV or Parquet file.")


def _fingerprint(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@dataclass(frozen=True)
class DatasetSource(LocalSource):
    """A pyarrow dataset: one or many files, or tables, of any format that Arrow reads."""

    dataset: pyarrow.dataset.Dataset
    columns: Columns

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows in the order of the dataset."""
        self.columns.check_present(self.dataset.schema.names)
        yield from read_batches(self.dataset, self.columns)


@dataclass(frozen=True)
class FilesSource(LocalSource):
    """Several files, one after the other."""

    files: tuple[FileSource, ...]

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows in the order of the files."""
        for file in self.files:
            yield from file.batches()

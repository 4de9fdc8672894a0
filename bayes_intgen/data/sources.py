"""Where rows come from: a table in memory, or a CSV or Parquet file read in batches.

A source yields batches of rows that share one regime label: the label as it stands in the
table, and a float64 array of the actions, the covariates and the outcome. In the column of a
categorical one stand codes that hold for that batch only; the level of each comes with it. Rows of
equal label keep their order.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset

from bayes_intgen.data.columns import Columns, check_finite
from bayes_intgen.data.levels import encode
from bayes_intgen.errors import DataError, FileError, RegimeError
from bayes_intgen.files import is_file, is_folder

__all__ = ["BATCH_ROWS", "FileSource", "FrameSource", "Source", "open_source"]

BATCH_ROWS = 2**16

type Values = npt.NDArray[np.float64]
type Texts = Mapping[str, tuple[str, ...]]
type LabelledBatch = tuple[object, Values, Texts]


class Source(Protocol):
    """Rows that can be read again and again, in the same order."""

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield (label, values, texts).

        The values, of shape (rows, columns), are the actions, the covariates and the outcome, where
        a categorical column has codes; texts holds the level of each code by column.
        """
        ...


def open_source(frame: Any, columns: Columns) -> Source:
    """Choose the source for a frame (pandas, polars, pyarrow) or a path."""
    if isinstance(frame, str | Path):
        return FileSource.open(Path(frame), columns)
    return FrameSource.read(frame, columns)


@dataclass(frozen=True)
class FrameSource:
    """A table held in memory, converted to float64 and split by regime once."""

    parts: list[LabelledBatch] = field(repr=False)

    @classmethod
    def read(cls, frame: Any, columns: Columns) -> "FrameSource":
        """Convert a pandas, polars or pyarrow table."""
        try:
            table = nw.from_native(frame, eager_only=True)
        except nw.exceptions.DuplicateError as error:
            raise DataError(f"frame: column names must be distinct ({error}).") from error
        except (TypeError, ValueError) as error:
            raise DataError(
                f"frame must be a pandas, polars or pyarrow table, or a path to a CSV or Parquet "
                f"file; got {type(frame).__name__}. Collect a lazy frame first."
            ) from error
        columns.check_present(table.columns)
        if len(set(table.columns)) < len(table.columns):
            raise DataError("frame: column names must be distinct; rename the repeated ones.")
        values = np.empty((len(table), len(columns.values)))
        texts = {}
        for position, name in enumerate(columns.values):
            role = columns.role(name)
            if name in columns.categorical:
                column = _to_arrow(table[name], name, role)
                values[:, position], texts[name] = encode(column, name, 0, role=role)
            else:
                values[:, position] = _to_float(table[name], name, role)
        labels = np.asarray(table[columns.regime].to_list(), dtype=object)
        return cls(list(_split(labels, values, texts)))

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows in slices, one regime after the other."""
        for label, values, texts in self.parts:
            for start in range(0, len(values), BATCH_ROWS):
                yield label, values[start : start + BATCH_ROWS], texts


def _to_float(series: nw.Series[Any], name: str, role: str) -> Values:
    dtype = series.dtype
    if not (dtype.is_numeric() or dtype == nw.Boolean):
        raise DataError(
            f"{role}: column {name!r} must hold numbers, but its type is {dtype}. "
            f"Convert it to numbers first{_or_categorical(role)}."
        )
    values = _numbers(series.to_arrow())
    check_finite(values, name, role, first_row=0)
    return values


def _to_arrow(series: nw.Series[Any], name: str, role: str) -> pa.Array:
    """Convert a categorical column."""
    if series.dtype != nw.Object:
        try:
            return series.to_arrow()
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError):
            pass  # a mixture of types
    raise DataError(
        f"{role}: the categorical column {name!r} must hold text, whole numbers, booleans or "
        f"categories of one type, but it is a mixture of types. Convert it to text first."
    )


def _or_categorical(role: str) -> str:
    return ", or list it in categorical" if role in ("actions", "covariates") else ""


@dataclass(frozen=True)
class FileSource:
    """A CSV or Parquet file, read in batches and never changed in between."""

    path: Path
    columns: Columns
    fingerprint: tuple[int, int]

    @classmethod
    def open(cls, path: Path, columns: Columns) -> "FileSource":
        """Check that the file is there, of a known kind, and has the columns."""
        if not is_file(path):
            what = "is a folder, not" if is_folder(path) else "is not"
            raise FileError(f"frame: {str(path)!r} {what} a file; give a CSV or Parquet file.")
        source = cls(path, columns, _fingerprint(path))
        try:
            names = source._dataset().schema.names
        except UnicodeDecodeError as error:
            raise FileError(f"frame: {str(path)!r} is not UTF-8 text; save it as UTF-8.") from error
        columns.check_present(names)
        return source

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows in batches, checking each value."""
        if not is_file(self.path) or _fingerprint(self.path) != self.fingerprint:
            raise FileError(
                f"frame: the file {str(self.path)!r} has changed since it was opened; "
                f"call RegimeData.from_frame again."
            )
        wanted = [*self.columns.values, self.columns.regime]
        first_row = 0
        try:
            for batch in self._dataset().to_batches(columns=wanted, batch_size=BATCH_ROWS):
                yield from self._convert(batch, first_row)
                first_row += batch.num_rows
        except (pa.ArrowInvalid, OSError) as error:
            raise self._explain(error) from error

    def _convert(self, batch: pa.RecordBatch, first_row: int) -> Iterator[LabelledBatch]:
        values = np.empty((batch.num_rows, len(self.columns.values)))
        texts = {}
        for position, name in enumerate(self.columns.values):
            column = batch.column(name)
            role = self.columns.role(name)
            if name in self.columns.categorical:
                found = encode(column, name, first_row, self._is_csv, role)
                values[:, position], texts[name] = found
                continue
            if not _is_number(column.type):
                raise DataError(
                    f"{role}: column {name!r} must hold numbers, but its type is {column.type}. "
                    f"Convert it to numbers first{_or_categorical(role)}."
                )
            values[:, position] = _numbers(column)
            check_finite(values[:, position], name, role, first_row)
        labels = np.asarray(batch.column(self.columns.regime).to_pylist(), dtype=object)
        return _split(labels, values, texts)

    @property
    def _is_csv(self) -> bool:
        return self.path.suffix.lower() == ".csv"

    def _dataset(self) -> pyarrow.dataset.Dataset:
        suffix = self.path.suffix.lower()
        if suffix not in (".csv", ".parquet", ".pq"):
            raise FileError(
                f"frame: {str(self.path)!r} must end in .csv, .parquet or .pq; "
                f"read other formats with pandas or polars and pass the frame."
            )
        try:
            kind: Any = "parquet"
            if self._is_csv:
                types = pyarrow.csv.ConvertOptions(column_types=self._csv_types())
                kind = pyarrow.dataset.CsvFileFormat(convert_options=types)
            return pyarrow.dataset.dataset(self.path, format=kind)
        except (pa.ArrowInvalid, OSError) as error:
            raise self._explain(error) from error

    def _csv_types(self) -> dict[str, pa.DataType]:
        """Read numbers as float64, but a column of true and false as such, and levels as text."""
        truth = {name for name, kind in self._csv_header() if pa.types.is_boolean(kind)}
        numbers = dict.fromkeys(set(self.columns.values) - truth, pa.float64())
        texts = dict.fromkeys([*self.columns.categorical, self.columns.regime], pa.string())
        return {**numbers, **texts}

    def _csv_header(self) -> list[tuple[str, pa.DataType]]:
        with pyarrow.csv.open_csv(self.path) as reader:
            return [(field.name, field.type) for field in reader.schema]

    def _explain(self, error: Exception) -> DataError | FileError:
        """Tell a cell that cannot be used from a file that cannot be read."""
        cell = re.search(r"In CSV column #(\d+): (.*)", str(error))
        if cell is None:
            return FileError(f"frame: {str(self.path)!r} cannot be read: {error}")
        name, _ = self._csv_header()[int(cell[1])]
        role = self.columns.role(name)
        return DataError(
            f"{role}: column {name!r} of {str(self.path)!r} cannot be read: {cell[2]}. "
            f"Correct that cell{_or_categorical(role)}."
        )


def _numbers(column: pa.Array) -> Values:
    """Convert to float64, missing values to NaN."""
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _is_number(kind: pa.DataType) -> bool:
    checks = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
    return any(check(kind) for check in checks)


def _brief(error: Exception) -> str:
    """Return the beginning of an error's text, with unprintable characters escaped."""
    return repr(str(error)[:200])


def _fingerprint(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _split(
    labels: npt.NDArray[np.object_], values: Values, texts: Texts
) -> Iterator[LabelledBatch]:
    """Part the rows by label; a missing label raises a RegimeError."""
    try:
        codes, uniques = pd.factorize(labels)
    except TypeError as error:
        raise RegimeError(
            f"regime: labels must be text, such as 'obs' or 'a1+a2', but some are collections "
            f"({error}); write them as text."
        ) from error
    if (codes < 0).any():
        raise RegimeError(
            f"regime: {int((codes < 0).sum())} rows have no label; "
            f"write 'obs' for observational rows."
        )
    for code, label in enumerate(uniques):
        yield label, values[codes == code], texts

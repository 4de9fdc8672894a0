"""The source that reads a table, or what stands for one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset

from bayes_intgen.base.errors import DataError
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.dask_source import DaskSource
from bayes_intgen.data.file_sources import DatasetSource, FileSource, FilesSource, file_columns
from bayes_intgen.data.sources import FrameSource, LazySource, Source, TablesSource
from bayes_intgen.data.spark_source import SparkSource
from bayes_intgen.data.stream_sources import Query, StreamSource, as_stream

__all__ = ["column_names", "open_source"]

TABLES_IN_MEMORY = ("pandas", "polars", "pyarrow", "modin", "cudf")


def open_source(frame: Any, columns: Columns) -> Source:
    """Choose the source.

    Parameters
    ----------
    frame
        A table of pandas, polars or pyarrow, a path or several, a pyarrow dataset, a polars lazy
        frame, a Dask table or delayed tables, a Spark table, a list of tables, a function that
        yields tables, or whatever offers Arrow streams, such as a DuckDB relation, an Ibis table
        or a query.
    columns
        The columns in use.

    Raises
    ------
    DataError
        If it is none of these, or an iterator, which can be read once only.
    """
    if isinstance(frame, str | Path):
        return FileSource.open(Path(frame), columns)
    if isinstance(frame, pyarrow.dataset.Dataset):
        return DatasetSource(frame, columns)
    if _is_dask(frame):
        return DaskSource.open(frame, columns)
    if _is_spark(frame):
        return SparkSource.open(frame, columns)
    if _is_lazy_polars(frame):
        return LazySource(frame, columns)
    if isinstance(frame, Iterator | pa.RecordBatchReader):
        raise DataError(
            f"frame: a {type(frame).__name__} can be read once only, and the rows are read more "
            f"often; give the function that makes it."
        )
    if isinstance(frame, list | tuple) and frame:
        if all(isinstance(item, str | Path) for item in frame):
            return FilesSource(tuple(FileSource.open(Path(path), columns) for path in frame))
        tables = tuple(frame)
        return TablesSource(lambda: tables, columns)
    if _is_stream(frame):
        return StreamSource.checked(as_stream(frame), columns)
    if callable(frame) and not isinstance(frame, type):
        return TablesSource(frame, columns)
    return FrameSource.read(frame, columns)


def column_names(frame: Any) -> list[str]:
    """Return the names of the columns of whatever :func:`open_source` takes.

    Raises
    ------
    DataError
        If it is none of these, or their columns are not known before rows are read.
    FileError
        If a path does not lead to a readable file.
    """
    if isinstance(frame, str | Path):
        return file_columns(Path(frame))
    if isinstance(frame, pyarrow.dataset.Dataset | pa.Table | pa.RecordBatch):
        return list(frame.schema.names)
    if _is_lazy_polars(frame):
        return list(frame.collect_schema().names())
    if isinstance(frame, list | tuple) and frame and not _is_dask(frame):
        return column_names(frame[0])
    if _is_stream(frame) and not _is_spark(frame):
        with as_stream(frame)(()) as reader:
            return list(reader.schema.names)
    if callable(frame) and not isinstance(frame, type):
        return column_names(next(iter(frame()), None))
    return list(map(str, getattr(frame, "columns", ())))


def _is_stream(frame: Any) -> bool:
    """Say whether something yields Arrow streams, and is no table in memory."""
    package = type(frame).__module__.partition(".")[0]
    yields = hasattr(frame, "__arrow_c_stream__") and package not in TABLES_IN_MEMORY
    return yields or isinstance(frame, Query)


def _is_lazy_polars(frame: Any) -> bool:
    kind = type(frame)
    return kind.__name__ == "LazyFrame" and kind.__module__.partition(".")[0] == "polars"


def _is_spark(frame: Any) -> bool:
    package = type(frame).__module__.partition(".")[0]
    return package == "pyspark" and hasattr(frame, "mapInArrow")


def _is_dask(frame: Any) -> bool:
    """Say whether something is a Dask table, a delayed table, or a list of those."""
    if isinstance(frame, list | tuple):
        return bool(frame) and all(map(_is_delayed, frame))
    return _is_delayed(frame) or (_comes_from_dask(frame) and hasattr(frame, "columns"))


def _is_delayed(frame: Any) -> bool:
    return _comes_from_dask(frame) and type(frame).__name__.startswith("Delayed")


def _comes_from_dask(frame: Any) -> bool:
    return type(frame).__module__.partition(".")[0] in ("dask", "dask_expr")

"""Rows from whatever offers Arrow streams, and from databases asked in SQL.

Nothing is held: each pass asks again. So a stream that can be read once only, as that of a record
batch reader, is refused; a relation of DuckDB, a table of Ibis, and whatever implements the Arrow
PyCapsule protocol (``__arrow_c_stream__``) for rows that stay where they are, gives a new one every
time. A database need not give rows in the same order twice, and folds and the sample of rows are
cut by position; so the passes are compared by their number of rows, and a query whose order matters
to the last digit says ``ORDER BY``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from bayes_intgen.base.arguments import show
from bayes_intgen.base.errors import BayesIntgenError, DataError, FileError
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.conversion import LabelledBatch, convert_batch
from bayes_intgen.data.sources import BATCH_ROWS, LocalSource

__all__ = ["Query", "StreamSource", "as_stream"]

QUOTE = '"'


@dataclass(frozen=True)
class Query:
    """A query in SQL and the connection that it is put to.

    Parameters
    ----------
    text
        The query, which yields a row per unit.
    connection
        A connection of DuckDB, or of ADBC (``adbc_driver_postgresql.dbapi.connect(...)`` and its
        like for other databases).
    """

    text: str
    connection: Any = field(repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not self.text.strip():
            raise DataError(f"query must be a query in SQL, got {show(self.text)}.")
        if not (_is_duckdb(self.connection) or hasattr(self.connection, "cursor")):
            raise DataError(
                f"connection must be a connection of DuckDB or ADBC, got "
                f"{type(self.connection).__name__}; read other databases into a table first."
            )

    @contextmanager
    def open(self, columns: tuple[str, ...] = ()) -> Iterator[pa.RecordBatchReader]:
        """Put the query, of which only some columns are asked for, and yield its batches.

        The text is put as it stands, in brackets; values do not enter it.
        """
        inner = self.text.strip().rstrip(";")
        wanted = ", ".join(_quoted(name) for name in columns) or "*"
        text = f"SELECT {wanted} FROM (\n{inner}\n) AS bayes_intgen_rows"
        if not columns:
            text += " LIMIT 0"
        cursor = None
        with _naming_query():
            if _is_duckdb(self.connection):
                reader = _duckdb_reader(self.connection.sql(text))
            else:
                cursor = self.connection.cursor()
                if not hasattr(cursor, "fetch_record_batch"):
                    raise DataError(
                        f"connection: the cursors of {type(self.connection).__module__} yield no "
                        f"Arrow batches; connect by DuckDB, or by ADBC, as with "
                        f"adbc_driver_postgresql.dbapi.connect(uri)."
                    )
                cursor.execute(text)
                reader = cursor.fetch_record_batch()
        try:
            yield reader
        finally:
            if cursor is not None:
                cursor.close()


@contextmanager
def _naming_query() -> Iterator[None]:
    """Say in our words what a database says."""
    try:
        yield
    except BayesIntgenError:
        raise
    except Exception as error:  # every database has exceptions of its own
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(
            f"query: the database could not answer: {first}. Does it run there by itself?"
        ) from error


@dataclass(frozen=True)
class StreamSource(LocalSource):
    """Batches of Arrow that are asked for anew at every pass."""

    # yields the batches of some columns, of none: only what columns there are
    open: Callable[[tuple[str, ...]], Any] = field(repr=False)
    columns: Columns
    rows: list[int] = field(default_factory=list, repr=False)  # of the first pass

    @classmethod
    def checked(cls, open: Callable[[tuple[str, ...]], Any], columns: Columns) -> "StreamSource":
        """Check that the columns are there."""
        with open(()) as reader, _naming_query():
            columns.check_present(reader.schema.names)
        return cls(open, columns)

    def batches(self) -> Iterator[LabelledBatch]:
        """Yield the rows in the order in which they come."""
        first_row = 0
        with self.open(self.columns.used) as reader:
            while True:
                with _naming_query():
                    batch = next(reader, None)
                if batch is None:
                    break
                for start in range(0, batch.num_rows, BATCH_ROWS):  # of any size
                    part = batch.slice(start, BATCH_ROWS)
                    yield from convert_batch(part, self.columns, first_row)
                    first_row += part.num_rows
        if self.rows and self.rows[0] != first_row:
            raise FileError(
                f"frame: there were {self.rows[0]:,} rows, and now there are {first_row:,}; the "
                f"rows must stay the same while they are read. Read from a snapshot, or from a "
                f"table of its own."
            )
        if not self.rows:
            self.rows.append(first_row)


def as_stream(frame: Any) -> Callable[[tuple[str, ...]], Any]:
    """Return what opens a stream of some columns, for :class:`StreamSource`."""
    if isinstance(frame, Query):
        return frame.open

    @contextmanager
    def open(columns: tuple[str, ...]) -> Iterator[pa.RecordBatchReader]:
        with _naming_query():
            reader = _reader(frame, columns)
        yield reader

    return open


def _reader(frame: Any, columns: tuple[str, ...]) -> pa.RecordBatchReader:
    package = type(frame).__module__.partition(".")[0]
    if package in ("duckdb", "_duckdb"):
        if not columns:
            return _duckdb_reader(frame.limit(0))
        return _duckdb_reader(frame.project(", ".join(map(_quoted, columns))))
    if package == "ibis":
        chosen = frame.select(list(columns)) if columns else frame.limit(0)
        connection: Any = getattr(frame.get_backend(), "con", None)
        if _is_duckdb(connection) and not hasattr(connection, "fetch_record_batch"):
            return _duckdb_reader(connection.sql(chosen.compile()))  # Ibis 12 knows DuckDB 1 only
        return chosen.to_pyarrow_batches(chunk_size=BATCH_ROWS)
    reader = pa.RecordBatchReader.from_stream(frame)
    if not columns:
        return reader
    return _select(reader, columns)


def _select(reader: pa.RecordBatchReader, columns: tuple[str, ...]) -> pa.RecordBatchReader:
    """Keep some columns of a stream that is asked for as a whole."""
    schema = pa.schema([reader.schema.field(name) for name in columns])
    return pa.RecordBatchReader.from_batches(
        schema, (batch.select(list(columns)) for batch in reader)
    )


def _duckdb_reader(relation: Any) -> pa.RecordBatchReader:
    """Return batches of a relation, which is carried out as they are read."""
    if hasattr(relation, "to_arrow_reader"):
        return relation.to_arrow_reader(BATCH_ROWS)
    return relation.fetch_record_batch(BATCH_ROWS)  # earlier versions of DuckDB


def _is_duckdb(connection: Any) -> bool:
    kind = type(connection)
    return kind.__name__ == "DuckDBPyConnection" and "duckdb" in kind.__module__


def _quoted(name: str) -> str:
    return f"{QUOTE}{name.replace(QUOTE, 2 * QUOTE)}{QUOTE}"

"""Files as delayed tables of Dask, and the connection to the cluster that reads them.

A Parquet file is cut at its row groups, about a million rows to a piece; any other file is one
piece. Every worker must see the files under the same paths. Nothing else imports this module, since
Dask is an optional dependency (the extra ``dask``).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
from distributed import Client

from bayes_intgen.base.errors import FileError, ModelError
from bayes_intgen.data.csv_format import CsvFormat, plain_words

__all__ = ["connect", "delayed_tables"]

PIECE_ROWS = 2**20
SECONDS_TO_CONNECT = 20


@contextmanager
def connect(
    address: str, seconds: float = SECONDS_TO_CONNECT, default: bool = True
) -> Iterator[Client]:
    """Connect to a Dask scheduler that has workers.

    Parameters
    ----------
    address
        Of the scheduler, such as ``tcp://host:8786``.
    seconds
        How long to wait for an answer.
    default
        Whether everything that Dask computes meanwhile goes there.

    Raises
    ------
    ModelError
        If nobody answers at this address, or the cluster has no workers.
    """
    try:
        client = Client(address, timeout=seconds, set_as_default=default)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"scheduler: no Dask scheduler answers at {address!r} ({error}); start one with "
            f"'dask scheduler' and give its address, such as tcp://host:8786."
        ) from error
    try:
        if not client.nthreads():
            raise ModelError(
                f"scheduler: the Dask cluster at {address!r} has no workers; "
                f"start some with 'dask worker {address}'."
            )
        yield client
    finally:
        client.close()


def delayed_tables(paths: Sequence[Path], columns: Sequence[str]) -> list[Any]:
    """Cut CSV, Parquet or Arrow files into delayed tables of some columns, in their order.

    Raises
    ------
    FileError
        If a file is missing, or is no Parquet file though its name says so.
    """
    read = dask.delayed(_read, pure=False)
    tables = []
    for path in paths:
        if not path.is_file():
            raise FileError(f"data: {str(path)!r} is not a file; give CSV or Parquet files.")
        pieces = _pieces(path) if path.suffix.lower() in (".parquet", ".pq") else [None]
        tables += [read(str(path), list(columns), piece) for piece in pieces]
    return tables


def _pieces(path: Path) -> list[list[int] | None]:
    """Gather row groups until they are about a million rows."""
    try:
        metadata = pyarrow.parquet.read_metadata(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise FileError(f"data: {str(path)!r} cannot be read: {plain_words(error)}") from error
    pieces: list[list[int] | None] = []
    current: list[int] = []
    rows = 0
    for group in range(metadata.num_row_groups):
        current.append(group)
        rows += metadata.row_group(group).num_rows
        if rows >= PIECE_ROWS:
            pieces.append(current)
            current, rows = [], 0
    return [*pieces, current] if current else pieces


def _read(path: str, columns: list[str], groups: list[int] | None) -> pa.Table:
    """Read a piece where the work is done; a missing column is reported when it is converted."""
    if groups is not None:
        file = pyarrow.parquet.ParquetFile(path)
        wanted = [name for name in columns if name in file.schema_arrow.names]
        return file.read_row_groups(groups, columns=wanted, use_threads=False)
    if Path(path).suffix.lower() == ".csv":
        written = CsvFormat.recognise(Path(path), columns, "data")
        options = pyarrow.csv.ConvertOptions(
            strings_can_be_null=True, null_values=[""], decimal_point=written.decimal
        )
        return pyarrow.csv.read_csv(path, parse_options=written.parse, convert_options=options)
    return pyarrow.feather.read_table(path)

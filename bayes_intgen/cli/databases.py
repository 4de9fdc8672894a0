"""Connections to databases that a command is given by their addresses."""

import argparse
import importlib
from pathlib import Path
from typing import Any

from bayes_intgen.base.errors import DataError, FileError, ModelError
from bayes_intgen.base.files import is_file

__all__ = ["add_database", "rows_of"]

DUCKDB = (".duckdb", ".ddb", ".db")
DRIVERS = {
    "postgresql": "adbc_driver_postgresql",
    "postgres": "adbc_driver_postgresql",
    "sqlite": "adbc_driver_sqlite",
    "flightsql": "adbc_driver_flightsql",
    "grpc": "adbc_driver_flightsql",
}


def add_database(parser: argparse.ArgumentParser) -> None:
    """Add a query in place of a file."""
    parser.add_argument(
        "--sql", metavar="QUERY", help="in place of DATA: a query with one row per unit"
    )
    parser.add_argument(
        "--database",
        metavar="URI",
        help="where to put it: a DuckDB file (rows.duckdb), postgresql://user@host/name, or the "
        "address of another ADBC driver that is installed",
    )


def rows_of(options: argparse.Namespace) -> Any:
    """Return the file, or the query, that the options name.

    Raises
    ------
    DataError
        Unless it is one of both.
    """
    if options.sql is None and options.database is None:
        if options.data is None:
            raise DataError("DATA: name the table to read, or give --sql and --database.")
        return options.data
    if options.data is not None:
        raise DataError(f"--sql: the rows come from DATA, {options.data!r}, or from a query.")
    if options.sql is None or options.database is None:
        raise DataError("--sql, --database: a query needs both.")
    from bayes_intgen.data.stream_sources import Query  # slow to import: --help need not

    return Query(options.sql, _connect(options.database))


def _connect(address: str) -> Any:
    scheme, separator, rest = address.partition("://")
    if not separator or scheme == "duckdb":
        path = rest if separator else address
        if not path.lower().endswith(DUCKDB):
            raise DataError(
                f"--database: {address!r} must be a DuckDB file that ends in {', '.join(DUCKDB)}, "
                f"or an address such as postgresql://user@host/name."
            )
        if not is_file(Path(path)):
            raise FileError(f"--database: there is no file {path!r}.")
        return _call(address, "duckdb", "duckdb", path, read_only=True)
    if scheme not in DRIVERS:
        raise DataError(f"--database: {scheme!r} must be duckdb or one of {sorted(DRIVERS)}.")
    return _call(address, f"{DRIVERS[scheme]}.dbapi", DRIVERS[scheme], address)


def _call(address: str, module: str, package: str, *arguments: Any, **options: Any) -> Any:
    try:
        driver = importlib.import_module(module)
    except ModuleNotFoundError as error:
        name = package.replace("_", "-")
        raise ModelError(
            f"--database: {address.partition('://')[0]!r} needs {error.name!r}, which is not "
            f"installed; install it with pip install {name}."
        ) from error
    try:
        return driver.connect(*arguments, **options)
    except Exception as error:  # every driver has exceptions of its own
        text = str(error).strip() or type(error).__name__
        raise FileError(
            f"--database: cannot connect: {text.splitlines()[0]}. Is the address right, and does "
            f"the server run?"
        ) from error

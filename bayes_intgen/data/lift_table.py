"""Tables of lift tests: their columns, the cells of a row, and the rows of the other actions."""

from collections.abc import Mapping
from math import isfinite, nan
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayes_intgen.base.errors import DataError, FileError
from bayes_intgen.base.files import is_file
from bayes_intgen.data.conversion import open_table
from bayes_intgen.data.csv_format import CsvFormat, plain_words, refuse_spreadsheet

__all__ = [
    "COLUMNS",
    "Columns",
    "LiftKind",
    "check_columns",
    "read_kind",
    "read_number",
    "read_others",
    "read_table",
]

COLUMNS = ("action", "from", "to", "effect")
ERRORS = ("standard_error", "se")

type LiftKind = Literal["direct", "total"]
type Columns = Mapping[str, npt.NDArray[Any]]


def read_table(frame: Any, name: str) -> tuple[dict[str, npt.NDArray[Any]], list[str]]:
    """Return the columns and the labels of the rows of a table or a file."""
    if isinstance(frame, str | Path):
        path = Path(frame)
        if not is_file(path):
            raise FileError(f"{name}: there is no file {str(path)!r}.")
        refuse_spreadsheet(path, name)
        try:
            if path.suffix == ".parquet":
                frame = pd.read_parquet(path)
            else:
                written = CsvFormat.recognise(path, [*COLUMNS, *ERRORS], name)
                frame = pd.read_csv(path, sep=written.delimiter, decimal=written.decimal)
        except FileError:
            raise
        except (OSError, ValueError) as error:
            raise FileError(
                f"{name}: {str(path)!r} cannot be read as a table: {plain_words(error)}"
            ) from error
    kinds = "must be a pandas, polars or pyarrow table, or a path to a CSV or Parquet file"
    table = open_table(frame, f"{name} {kinds}", DataError)
    index = frame.index if isinstance(frame, pd.DataFrame) else range(len(table))
    columns = {column: np.asarray(table[column].to_numpy()) for column in table.columns}
    return columns, [str(label) for label in index]


def check_columns(columns: Mapping[str, Any]) -> str:
    """Return the name of the column of standard errors, having seen that no other is missing."""
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise DataError(
            f"frame of lifts: the columns {missing} are missing; needed are {list(COLUMNS)} and "
            f"'standard_error', got {list(columns)}."
        )
    errors = [name for name in ERRORS if name in columns]
    if len(errors) != 1:
        raise DataError(
            f"frame of lifts: there must be one column 'standard_error' (or 'se'), got "
            f"{errors or 'none'}."
        )
    return errors[0]


def read_number(value: Any, label: object, what: str) -> float:
    """Return a cell as a number; a DataError names its row and what it holds."""
    try:
        number = nan if isinstance(value, bytes | bool) else float(value)
    except (TypeError, ValueError):
        number = nan
    if not isfinite(number):
        raise DataError(f"lifts: row {label}: {what} must be a finite number, got {value!r}.")
    return number


def read_kind(value: Any, label: object) -> LiftKind:
    """Return the kind of an effect, which is direct if the cell is empty."""
    if value is None or pd.isna(value):
        return "direct"
    if value == "direct":
        return "direct"
    if value == "total":
        return "total"
    raise DataError(f"lifts: row {label}: kind must be 'direct' or 'total', got {value!r}.")


def read_others(
    others: Any, frame: Any, label: str, position: int
) -> tuple[Columns, Columns] | None:
    """Return the rows of the others at both ends of a test, if any are given."""
    if others is None:
        return None
    if isinstance(others, Mapping):
        key = frame.index[position] if isinstance(frame, pd.DataFrame) else position
        if key not in others:
            return None
        others = others[key]
    if isinstance(others, tuple | list):
        if len(others) != 2:
            raise DataError(
                f"others: row {label} needs one table or a pair, as the other actions were at "
                f"'from' and at 'to'; got {len(others)} of them."
            )
        first, second = (read_table(table, "others")[0] for table in others)
        return first, second
    columns, _ = read_table(others, "others")
    return columns, columns

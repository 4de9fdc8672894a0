"""Levels of categorical columns: how a column becomes codes, and in which order levels stand.

A level is a text, whatever the type of its column: ``tv``, ``3``, ``True``. Levels are sorted, in
numeric order if every one of them is a number, and coded 0, 1, ... in that order; neither the order
nor the names matter to any answer.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from bayes_intgen.base.errors import DataError
from bayes_intgen.base.types import Array
from bayes_intgen.data.column_types import arrow_name

__all__ = [
    "MAX_LEVELS",
    "check_known",
    "check_number",
    "encode",
    "level_text",
    "list_levels",
    "sort_levels",
]

MAX_LEVELS = 50
SHOWN = 8


def encode(
    column: pa.Array | pa.ChunkedArray,
    name: str,
    first_row: int,
    empty_is_missing: bool = False,
    role: str = "actions",
) -> tuple[Array, tuple[str, ...]]:
    """Turn a column into codes.

    Parameters
    ----------
    column
        Text, whole numbers, booleans or categories.
    name
        Its name, for error messages.
    first_row
        Position of its first row in the table.
    empty_is_missing
        Whether an empty text is a missing value, as in CSV files.
    role
        The argument by which the column came in, for error messages.

    Returns
    -------
    codes
        Shape (n,).
    texts
        The level that each code stands for, in order of appearance.

    Raises
    ------
    DataError
        If the column is of another type, has missing values or more than 50 levels.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not _can_be_level(kind):
        raise DataError(
            f"{role}: the categorical column {name!r} must hold text, whole numbers, booleans or "
            f"categories, but its type is {arrow_name(kind)}. Convert it to text first."
        )
    encoded = column.cast(kind).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    if len(encoded.dictionary) > MAX_LEVELS:
        raise DataError(_too_many(name, [str(v) for v in encoded.dictionary[:5].to_pylist()], role))
    values = encoded.dictionary.to_pylist()
    try:
        texts = [None if empty_is_missing and v == "" else level_text(v) for v in values]
    except DataError as error:
        raise DataError(f"{role}: the categorical column {name!r}: {error}") from error
    codes = encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    levels = list(dict.fromkeys(text for text in texts if text is not None))
    # Several values may stand for one level (3 and 3.0); the last code is that of missing ones.
    to_code = np.array([*(np.nan if t is None else levels.index(t) for t in texts), np.nan])
    coded = to_code[codes]
    missing = np.isnan(coded)
    if missing.any():
        raise DataError(
            f"{role}: the categorical column {name!r} must hold a level in every row, but "
            f"{int(missing.sum())} values are missing, the first in row "
            f"{first_row + int(np.argmax(missing))} (counted from 0). Drop those rows, or give "
            f"them a level of their own, such as 'none'."
        )
    return coded, tuple(levels)


def level_text(value: Any) -> str | None:
    """Return the level that a value stands for, None if it is missing.

    Whole numbers of any type have one text: ``3`` and ``3.0`` are the level ``3``.

    Raises
    ------
    DataError
        If the value is a fraction, an infinity, or no text, number or boolean at all.
    """
    if isinstance(value, str):
        return str(value)
    if value is None or pd.isna(value) is True:
        return None
    if isinstance(value, bool | np.bool):
        return str(bool(value))
    if isinstance(value, int | float | np.number | Decimal) and _is_whole(value):
        return str(int(value))
    raise DataError(
        f"levels of a categorical column are texts, whole numbers or booleans, got {value!r}; "
        f"convert them to text, or leave the column out of categorical."
    )


def sort_levels(texts: Iterable[str]) -> tuple[str, ...]:
    """Sort levels: in numeric order if all are numbers, otherwise as texts.

    Examples
    --------
    >>> sort_levels(["10", "9"]), sort_levels(["10", "9", "other"])
    (('9', '10'), ('10', '9', 'other'))
    """
    levels = sorted(texts)
    try:
        numbers = {text: float(text) for text in levels}
    except ValueError:
        return tuple(levels)
    if not all(isfinite(number) for number in numbers.values()):
        return tuple(levels)
    return tuple(sorted(levels, key=lambda text: numbers[text]))


def check_number(name: str, levels: Collection[str], role: str = "actions") -> None:
    """Raise a DataError if a categorical column, of some role, has too many levels."""
    if len(levels) > MAX_LEVELS:
        raise DataError(_too_many(name, list(levels), role))


def check_known(levels: Mapping[str, Sequence[str]], earlier: Mapping[str, Sequence[str]]) -> None:
    """Raise a DataError if earlier data lack a level, or have other categorical columns."""
    if set(earlier) != set(levels):
        raise DataError(
            f"categorical: the columns {list(levels)} are categorical here, but "
            f"{list(earlier)} in the earlier data; read both with the same categorical."
        )
    for name, known in earlier.items():
        new = [level for level in levels[name] if level not in known]
        if new:
            raise DataError(
                f"categorical: column {name!r} has the levels {new}, which the earlier data "
                f"lack; they have {list(known)}. Leave those rows out, or start again from "
                f"all rows."
            )


def list_levels(levels: Sequence[str]) -> str:
    """Write levels for a message, the first few if there are many."""
    if len(levels) <= SHOWN:
        return ", ".join(levels)
    return f"{', '.join(levels[:SHOWN])}, ... ({len(levels)} levels)"


def _too_many(name: str, examples: Sequence[str], role: str) -> str:
    return (
        f"{role}: the categorical column {name!r} has more than {MAX_LEVELS} levels, such as "
        f"{list(examples[:5])}. If it holds numbers that mean an amount, leave it out of "
        f"categorical; if not, merge rare levels into one, such as 'other'."
    )


def _can_be_level(kind: pa.DataType) -> bool:
    checks = (
        *(pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        *(pa.types.is_integer, pa.types.is_boolean, pa.types.is_floating, pa.types.is_decimal),
        pa.types.is_null,
    )
    return any(check(kind) for check in checks)


def _is_whole(value: Any) -> bool:
    return isfinite(value) and value == int(value)

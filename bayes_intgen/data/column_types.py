"""Types of columns, as their own library calls them, and columns of Python objects."""

import re
from decimal import Decimal
from math import nan
from numbers import Real
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa

__all__ = ["arrow_name", "levels_among_objects", "numbers_among_objects", "own_type"]


def arrow_name(kind: pa.DataType) -> str:
    """Return what a type of Arrow is called where people meet it.

    Examples
    --------
    >>> import pyarrow
    >>> arrow_name(pyarrow.large_string()), arrow_name(pyarrow.timestamp("us"))
    ('string', 'timestamp[us]')
    """
    name = re.sub(r"^extension<\w+\.(\w+)<.*", r"\1", str(kind))  # of a column of pandas
    return name.removeprefix("large_").removesuffix("_view")


def own_type(series: nw.Series[Any]) -> str:
    """Return what the library of a column calls its type."""
    native = series.to_native()
    return str(native.type if isinstance(native, pa.ChunkedArray) else native.dtype)


def numbers_among_objects(series: nw.Series[Any]) -> pa.Array | None:
    """Convert a column of Python objects that are all numbers or missing; None if some are not.

    Such a column is left behind by operations of pandas on rows, and holds decimal numbers.
    """
    values = [nan if value is None or value is pd.NA else value for value in series.to_list()]
    if not all(isinstance(value, Real | Decimal | np.bool_) for value in values):
        return None
    return pa.array([float(value) for value in values], pa.float64())


def levels_among_objects(series: nw.Series[Any]) -> pa.Array:
    """Convert a column of Python objects that are all of one type, or missing, to levels.

    Raises
    ------
    TypeError
        If they are a mixture, or of a type that is no level.
    """
    values = [None if value is pd.NA else value for value in series.to_list()]
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) > 1 or not kinds <= {bool, int, str, np.bool_, np.int64}:
        raise TypeError
    return pa.array(values)

"""Tables of other libraries: opened, their types named in their own words, labels aligned."""

from collections.abc import Mapping
from decimal import Decimal
from math import nan
from numbers import Real
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import xarray as xr

from bayes_intgen.base.errors import BayesIntgenError, QueryError

__all__ = ["align", "numbers_among_objects", "open_table", "own_type"]


def open_table(frame: Any, expected: str, error: type[BayesIntgenError]) -> nw.DataFrame[Any]:
    """Open a pandas, polars or pyarrow table.

    ``expected``: the sentence, without its end, that says what is taken.

    Raises
    ------
    error
        If it is something else, or column names are repeated.
    """
    lazy = hasattr(frame, "collect")
    names = [] if lazy else list(getattr(frame, "column_names", getattr(frame, "columns", ())))
    repeated = sorted({str(name) for name in names if names.count(name) > 1})
    if repeated:
        raise error(f"{expected}; its column names must be distinct, got {repeated} repeatedly.")
    try:
        return nw.from_native(frame, eager_only=True)
    except (TypeError, ValueError):
        collect = "; collect it first" if lazy else ""
        raise error(f"{expected}; got {type(frame).__name__}{collect}.") from None


def own_type(series: nw.Series[Any]) -> str:
    """Return what the library of a column calls its type."""
    native = series.to_native()
    return str(native.type if isinstance(native, pa.ChunkedArray) else native.dtype)


def numbers_among_objects(series: nw.Series[Any]) -> pa.Array | None:
    """Convert a column of Python objects that are all numbers or missing; None if some are not.

    Such a column is left behind by operations of pandas on rows, and holds decimal numbers.

    Examples
    --------
    >>> column = pd.Series([1, Decimal("2.5"), None], dtype=object)
    >>> numbers_among_objects(nw.from_native(column, series_only=True)).to_pylist()
    [1.0, 2.5, nan]
    """
    values = [nan if value is None or value is pd.NA else value for value in series.to_list()]
    if not all(isinstance(value, Real | Decimal | np.bool_) for value in values):
        return None
    return pa.array([float(value) for value in values], pa.float64())


def align(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Put columns that carry labels, such as pandas Series, into the order of the first of them.

    Raises
    ------
    QueryError
        If the labels of two of them are not the same.

    Examples
    --------
    >>> first, second = pd.Series([1, 2], ["x", "y"]), pd.Series([4, 3], ["y", "x"])
    >>> align({"a": first, "b": second})["b"].tolist()
    [3, 4]
    """
    aligned = {name: _labelled(values) for name, values in columns.items()}
    labelled = [name for name, values in aligned.items() if isinstance(values, pd.Series)]
    for name in labelled[1:]:
        like, series = aligned[labelled[0]], aligned[name]
        if len(series) != len(like) or series.index.equals(like.index):
            continue  # of unequal lengths the reader of the columns tells
        unique = series.index.is_unique and like.index.is_unique
        if not (unique and series.index.isin(like.index).all()):
            raise QueryError(
                f"at: the values of {labelled[0]!r} and {name!r} carry different labels "
                f"({_some(like)} and {_some(series)}), so that it is open which belong together; "
                f"give a table, or their values without labels (.to_numpy())."
            )
        aligned[name] = series.reindex(like.index)
    return aligned


def _labelled(values: Any) -> Any:
    """Turn an array of xarray with labels into a Series; leave all else as it is."""
    if isinstance(values, xr.DataArray) and values.ndim == 1 and values.dims[0] in values.indexes:
        return pd.Series(values.to_numpy(), values.indexes[values.dims[0]])
    return values


def _some(series: pd.Series) -> str:
    shown = [str(label) for label in series.index[:3]]
    return f"{', '.join(shown)}{', ...' if len(series) > len(shown) else ''}"

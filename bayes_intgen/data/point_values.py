"""Values of one action or covariate at query points: numbers, or codes of levels."""

from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayes_intgen.base.errors import DataError, QueryError
from bayes_intgen.base.types import Array
from bayes_intgen.data.levels import level_text

__all__ = ["MOST_VALUE", "to_codes", "to_numbers"]

MOST_VALUE = 1e100


def to_numbers(values: Any, name: str, kind: str) -> Array:
    """Convert the values of an action or covariate (``kind``) to float64, one or along points."""
    raw = _as_array(values, f"{kind} {name!r}")
    if raw.dtype == object:
        raw = np.array([_or_nan(value) for value in raw.ravel()], object).reshape(raw.shape)
    text = raw.dtype == object and any(isinstance(value, str) for value in raw.ravel())
    must = f"at: the values of {kind} {name!r} must be numbers"
    if text or raw.dtype.kind not in "biufO":
        got = "text" if text or raw.dtype.kind in "UST" else raw.dtype
        raise QueryError(f"{must}, got {got}; convert them.")
    try:
        array = raw.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        got = next((v for v in raw.ravel() if not isinstance(v, Real | Decimal)), raw.ravel()[0])
        raise QueryError(f"{must}, got {_short(got)}; convert them.") from None
    _check_dimensions(array, f"{kind} {name!r}", "number")
    if not np.isfinite(array).all():
        raise QueryError(
            f"at: {kind} {name!r} has missing or infinite values at "
            f"{int((~np.isfinite(array)).sum())} points; drop those points."
        )
    if (np.abs(array) > MOST_VALUE).any():
        raise QueryError(
            f"at: the values of {kind} {name!r} must lie within {MOST_VALUE:g} of zero to be "
            f"computed with, got {float(np.abs(array).max()):g}; drop those points."
        )
    return array


def _as_array(values: Any, what: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(values)
    except (TypeError, ValueError):
        raise QueryError(
            f"at: the values of {what} must be one value or a one-dimensional array, got lists of "
            f"unequal lengths or something else that is no array: {_short(values)}."
        ) from None


def _or_nan(value: Any) -> Any:
    return np.nan if value is pd.NA else value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def to_codes(values: Any, name: str, levels: Sequence[str], kind: str) -> Array:
    """Convert the levels of a categorical action or covariate to their codes."""
    raw = _as_array(values, f"{kind} {name!r}")
    _check_dimensions(raw, f"{kind} {name!r}", "level")
    try:
        texts = [level_text(value) for value in raw.ravel().tolist()]
    except DataError as error:
        raise QueryError(f"at: {kind} {name!r}: {error}") from error
    if None in texts:
        raise QueryError(
            f"at: the categorical {kind} {name!r} has missing values at {texts.count(None)} "
            f"points; drop those points."
        )
    order = {level: code for code, level in enumerate(levels)}
    unknown = list(dict.fromkeys(text for text in texts if text not in order))
    if unknown:
        raise QueryError(
            f"at: {kind} {name!r} has no level {', '.join(map(repr, unknown[:5]))}; the data have "
            f"{list(levels)}. Nothing is known about a level without rows."
        )
    return np.array([order[str(text)] for text in texts], dtype=float).reshape(raw.shape)


def _check_dimensions(array: npt.NDArray[Any], what: str, kind: str) -> None:
    if array.ndim > 1:
        raise QueryError(
            f"at: the values of {what} must be one {kind} or a one-dimensional array, "
            f"got shape {array.shape}."
        )

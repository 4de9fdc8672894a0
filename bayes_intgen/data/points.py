"""Query points: the values of all actions and covariates at which an estimand is asked for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from numbers import Real
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.netcdf_names import writable
from bayes_intgen.base.types import Array
from bayes_intgen.data.conversion import open_table
from bayes_intgen.data.point_levels import to_codes

__all__ = ["MOST_VALUE", "Beyond", "Points"]

MOST_VALUE = 1e100

type Beyond = Literal["error", "clamp"]


@dataclass(frozen=True)
class Points:
    """Values of all actions and covariates at some points.

    Parameters
    ----------
    actions
        Names of the actions.
    values
        Actions, then covariates, in their own units, shape (points, variables); codes of the levels
        of a categorical one.
    index
        Labels of the points, shape (points,).
    levels
        The levels of each categorical action and covariate.
    covariates
        Names of the covariates.
    carried
        The labels that the values came with, of a frame or of Series; None if they had none.
    """

    actions: tuple[str, ...]
    values: Array
    index: npt.NDArray[Any]
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    covariates: tuple[str, ...] = ()
    carried: npt.NDArray[Any] | None = None

    @classmethod
    def read(
        cls,
        at: Any,
        actions: Sequence[str],
        levels: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
        covariates: Sequence[str] = (),
    ) -> "Points":
        """Read points from a frame (pandas, polars, pyarrow) or a mapping.

        Parameters
        ----------
        at
            A frame with a column per action and covariate, or a mapping of their names to numbers
            or to one-dimensional arrays of equal length. Scalars are repeated, other columns
            ignored, and the index of a pandas frame labels the points. Series are put into the
            order of the first. Points that were read already are returned as they are.
        actions
            The actions that must be there.
        levels
            The levels of each categorical column; its values must be among them.
        covariates
            The covariates that must be there.

        Raises
        ------
        QueryError
            If an action or covariate is missing, or its values are not finite numbers, or levels
            of a categorical one, of matching length.
        """
        if isinstance(at, Points):
            return at
        if isinstance(at, Mapping):
            columns, index = _align(at), None
        else:
            columns, index = _read_frame(at)
        variables = (*actions, *covariates)
        missing = [name for name in variables if name not in columns]
        if missing:
            raise QueryError(_say_missing(missing, columns, covariates))
        arrays = {}
        for name in variables:
            kind = "covariate" if name in covariates else "action"
            if name in levels:
                raw = _as_array(columns[name], f"{kind} {name!r}")
                _check_dimensions(raw, f"{kind} {name!r}", "level")
                arrays[name] = to_codes(raw, name, levels[name], kind)
            else:
                arrays[name] = _to_numbers(columns[name], name, kind)
        lengths = {array.size for array in arrays.values() if array.ndim == 1}
        if len(lengths) > 1:
            raise QueryError(
                f"at: the {'variables' if covariates else 'actions'} must have equally many values "
                f"(or one), got "
                f"{ {name: array.shape for name, array in arrays.items()} }."
            )
        size = lengths.pop() if lengths else 1
        if size == 0:
            raise QueryError("at must hold at least one point, got none.")
        values = np.column_stack([np.broadcast_to(arrays[name], size) for name in variables])
        carried = (
            _labels_of([columns[name] for name in variables], size) if index is None else index
        )
        labels = np.arange(size) if index is None else index
        return cls(tuple(actions), values, labels, levels, tuple(covariates), carried)

    @classmethod
    def complete(
        cls,
        some: Mapping[str, Any],
        actions: Sequence[str],
        levels: Mapping[str, tuple[str, ...]],
        reference: Array,
        covariates: Sequence[str] = (),
    ) -> "Points":
        """Read points that give only some of the variables; the others have reference values.

        Parameters
        ----------
        some, actions, levels, covariates
            As in :meth:`read`, but that other names are refused: one that is misspelt would be
            held at its reference value.
        reference
            A value, or the code of a level, for each action and covariate, shape (variables,).

        Raises
        ------
        QueryError
            As in :meth:`read`, or if a name is neither an action nor a covariate.
        """
        strange = [name for name in some if name not in (*actions, *covariates)]
        if strange:
            raise QueryError(
                f"at: there is no action{' or covariate' if covariates else ''} of the name "
                f"{', '.join(map(repr, strange))}; give some of {[*actions, *covariates]}, and the "
                f"others stay at their reference values."
            )
        rest = {
            name: levels[name][int(value)] if name in levels else value
            for name, value in zip((*actions, *covariates), reference, strict=True)
        }
        return cls.read({**rest, **some}, actions, levels, covariates)

    def take(self, start: int, stop: int) -> "Points":
        """Return some of the points."""
        chosen = slice(start, stop)
        carried = None if self.carried is None else self.carried[chosen]
        return replace(self, values=self.values[chosen], index=self.index[chosen], carried=carried)

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the actions, then of the covariates."""
        return (*self.actions, *self.covariates)

    def coords(self) -> dict[str, Any]:
        """Return xarray coordinates: ``point`` and the values of each variable along it."""
        columns: dict[str, Any] = {}
        for k, name in enumerate(self.variables):
            values: npt.NDArray[Any] = self.values[:, k]
            if name in self.levels:
                values = np.array(self.levels[name])[values.astype(int)]
            columns[name] = ("point", values)
        return {"point": _to_labels(self.index), **columns}

    def to_xarray(self, outcome: Array, name: str) -> xr.DataArray:
        """Label an array of one value per point."""
        return writable(xr.DataArray(outcome, dims="point", coords=self.coords(), name=name))

    def __len__(self) -> int:
        return len(self.values)


def _align(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Put columns that carry labels, such as pandas Series, into the order of the first of them.

    Raises
    ------
    QueryError
        If the labels of two of them are not the same.
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


def _labels_of(columns: Iterable[Any], size: int) -> npt.NDArray[Any] | None:
    """Return the labels that aligned columns carry along the points; None if none does."""
    first = next((v for v in columns if isinstance(v, pd.Series) and len(v) == size), None)
    return None if first is None else _flat(first.index)


def _flat(index: pd.Index) -> npt.NDArray[Any]:
    return np.array(index.map(str) if index.nlevels > 1 else index)


def _labelled(values: Any) -> Any:
    """Turn an array of xarray with labels into a Series; leave all else as it is."""
    if isinstance(values, xr.DataArray) and values.ndim == 1 and values.dims[0] in values.indexes:
        return pd.Series(values.to_numpy(), values.indexes[values.dims[0]])
    return values


def _some(series: pd.Series) -> str:
    shown = [str(label) for label in series.index[:3]]
    return f"{', '.join(shown)}{', ...' if len(series) > len(shown) else ''}"


def _to_labels(index: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Write labels that no file of arrays takes, such as periods, as the text that they show."""
    if index.dtype != object or all(isinstance(label, str) for label in index):
        return index
    return np.array([str(label) for label in index])


def _say_missing(missing: Sequence[str], given: Iterable[Any], covariates: Sequence[str]) -> str:
    also, whole = (" and covariate", "actions and covariates") if covariates else ("", "actions")
    return (
        f"at must give a value for every action{also}, but {missing} are missing; it has "
        f"{sorted(map(str, given))}. Even under do=None all {whole} are needed."
    )


def _read_frame(at: Any) -> tuple[dict[str, Any], npt.NDArray[Any] | None]:
    table = open_table(
        at,
        "at must be a pandas, polars or pyarrow table, or a mapping of column names to values",
        QueryError,
    )
    index = _flat(at.index) if isinstance(at, pd.DataFrame) else None
    return {name: table[name].to_numpy() for name in table.columns}, index


def _to_numbers(values: Any, name: str, kind: str) -> Array:
    """Convert the values of an action or covariate (``kind``) to float64, one or along points."""
    raw = _as_array(values, f"{kind} {name!r}")
    must = f"at: the values of {kind} {name!r} must be numbers"
    if raw.dtype == object:
        for value in raw.ravel():
            if np.ndim(value):  # a list, which is no number even if it holds one
                raise QueryError(f"{must}, got {_short(value)}; convert them.")
        raw = np.array([_or_nan(value) for value in raw.ravel()], object).reshape(raw.shape)
    text = raw.dtype == object and any(isinstance(value, str) for value in raw.ravel())
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


def _check_dimensions(array: npt.NDArray[Any], what: str, kind: str) -> None:
    if array.ndim > 1:
        raise QueryError(
            f"at: the values of {what} must be one {kind} or a one-dimensional array, "
            f"got shape {array.shape}."
        )

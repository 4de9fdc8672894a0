"""Labelled arrays that netCDF takes whatever a table calls its columns.

A column may be called ``price/unit``, but a slash parts groups in a netCDF file, and xarray refuses
to write it. Arrays in memory keep the names of the table. In a file such a name has ``_`` in the
place of each slash, and the attribute ``long_name``, by which xarray labels axes, is the true one.
"""

from collections.abc import Hashable, Iterable
from typing import Any

import xarray as xr

__all__ = ["DataArray", "Dataset", "without_slashes", "writable"]

SLASH = "/"


class DataArray(xr.DataArray):  # type: ignore[no-untyped-call]  # its __init_subclass__
    """An array of xarray whose names may hold a slash when it is written to netCDF.

    Examples
    --------
    >>> written = DataArray([1.0], {"price/unit": [9.5]}, name="sales").to_netcdf()
    >>> again = xr.load_dataarray(written)
    >>> again["price_unit"].item(), again["price_unit"].attrs["long_name"]
    (9.5, 'price/unit')
    """

    __slots__ = ()

    def to_netcdf(self, *args: Any, **kwargs: Any) -> Any:
        """Write to netCDF as xarray does, with ``_`` in the place of a slash in names."""
        encoding = kwargs.get("encoding")
        plain = xr.DataArray(self)
        names = _new_names([plain.name, *plain.dims, *plain.coords])
        renamed = _with_true_names(plain.rename(_only(names, [*plain.dims, *plain.coords])), names)
        if plain.name in names:
            renamed = renamed.rename(names[plain.name])
            renamed.attrs.setdefault("long_name", plain.name)
        if encoding:
            kwargs["encoding"] = {names.get(name, name): own for name, own in encoding.items()}
        return renamed.to_netcdf(*args, **kwargs)


class Dataset(xr.Dataset):  # type: ignore[no-untyped-call]  # its __init_subclass__
    """A dataset of xarray whose names may hold a slash when it is written to netCDF."""

    __slots__ = ()

    def to_netcdf(self, *args: Any, **kwargs: Any) -> Any:
        """Write to netCDF as xarray does, with ``_`` in the place of a slash in names."""
        names = _names_of(self)
        if kwargs.get("encoding"):
            encoding = kwargs["encoding"]
            kwargs["encoding"] = {names.get(name, name): own for name, own in encoding.items()}
        return without_slashes(self).to_netcdf(*args, **kwargs)


def writable[T: (xr.DataArray, xr.Dataset)](data: T) -> T:
    """Return an array or dataset that can be written to netCDF: itself, if no name has a slash."""
    if isinstance(data, xr.Dataset):
        return Dataset(data.data_vars, data.coords, data.attrs) if _names_of(data) else data
    return DataArray(data) if _new_names([data.name, *data.dims, *data.coords]) else data


def without_slashes(data: xr.Dataset) -> xr.Dataset:
    """Put ``_`` in the place of a slash in names, of which the attribute ``long_name`` tells.

    Examples
    --------
    >>> both = xr.Dataset({"price/unit": 1.0, "price_unit": 2.0})
    >>> sorted(without_slashes(both))
    ['price_unit', 'price_unit_']
    """
    names = _names_of(data)
    plain = xr.Dataset(data.data_vars, data.coords, data.attrs)
    return _with_true_names(plain.rename(names), names)


def _names_of(data: xr.Dataset) -> dict[Hashable, str]:
    return _new_names([*data.variables, *data.dims])


def _new_names(names: Iterable[Hashable]) -> dict[Hashable, str]:
    """Return a new name for each that holds a slash, different from all others."""
    distinct = list(dict.fromkeys(names))
    taken = set(distinct)
    new: dict[Hashable, str] = {}
    for name in distinct:
        if isinstance(name, str) and SLASH in name:
            own = name.replace(SLASH, "_")
            while own in taken:
                own += "_"
            taken.add(own)
            new[name] = own
    return new


def _only(names: dict[Hashable, str], wanted: Iterable[Hashable]) -> dict[Hashable, str]:
    return {name: names[name] for name in dict.fromkeys(wanted) if name in names}


def _with_true_names[T: (xr.DataArray, xr.Dataset)](data: T, names: dict[Hashable, str]) -> T:
    held = data.variables if isinstance(data, xr.Dataset) else data.coords
    for true, name in names.items():
        if name in held:
            data[name].attrs.setdefault("long_name", true)
    return data

"""Rows that carry keys, in two columns: put in order, and added up where keys are equal."""

from collections.abc import Sequence

import numba
import numpy as np
from scipy import sparse

from bayes_intgen.base.types import Array, Indices

__all__ = ["add_at", "add_by_key", "add_columns", "add_rows", "group_rows", "places_of", "sum_rows"]


def group_rows(keys: Indices) -> tuple[Indices, Indices]:
    """Return the order of rows by key, shape (rows, 2) to (rows,), and where each key starts."""
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    ranked = keys[order]
    changes = np.any(ranked[1:] != ranked[:-1], axis=1)
    return order, np.concatenate([[0], np.flatnonzero(changes) + 1]).astype(np.intp)


def sum_rows(values: Array, order: Indices, starts: Indices) -> Array:
    """Return sums over rows in some order, cut where each group starts, shape (groups, columns)."""
    ends = np.append(starts, len(order))
    ones = np.ones(len(order))
    groups = sparse.csr_array((ones, order, ends), shape=(len(starts), len(values)))
    return np.asarray(groups @ values)


def add_by_key(parts: "list[tuple[Indices, Array]]") -> tuple[Indices, Array]:
    """Add up rows with equal keys, given as (keys, values), in the order of the keys."""
    distinct = []
    for keys, values in parts:
        order, starts = group_rows(keys)
        if len(starts) < len(keys):
            distinct.append((keys[order][starts], sum_rows(values, order, starts)))
        else:
            distinct.append((keys, values))
    every, places = places_of([keys for keys, _ in distinct])
    return every, add_at(places, [values for _, values in distinct], len(every))


def places_of(parts: Sequence[Indices]) -> tuple[Indices, list[Indices]]:
    """Return the distinct keys of all parts, in their order, and where those of each part are."""
    every = np.concatenate(parts)
    order, starts = group_rows(every)
    places = np.empty(len(every), dtype=np.intp)
    places[order] = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(every)))
    return every[order][starts], np.split(places, np.cumsum([len(keys) for keys in parts])[:-1])


def add_at(places: Sequence[Indices], parts: Sequence[Array], size: int) -> Array:
    """Add up parts, the rows of each of which have places of their own."""
    total = np.zeros((size, *parts[0].shape[1:]))
    for place, values in zip(places, parts, strict=True):
        add_rows(total, place, values, np.arange(len(place)))
    return total


def add_rows(total: Array, places: Indices, values: Array, rows: Indices) -> None:
    """Add some rows of an array to rows of another one, where it stands."""
    _add_rows(_as_table(total), places, _as_table(values), rows)


@numba.njit(nogil=True, cache=True)
def _add_rows(total: Array, places: Indices, values: Array, rows: Indices) -> None:
    """Add in one pass and without copies."""
    for i in range(len(places)):
        to, source = total[places[i]], values[rows[i]]
        for j in range(len(to)):
            to[j] += source[j]


@numba.njit(nogil=True, cache=True)
def add_columns(total: Array, places: Indices, table: Array, weights: Array) -> None:
    """Add the columns of a table, weighted, to rows of an array, where it stands.

    Parameters
    ----------
    total
        Shape (groups, size).
    places
        The row of ``total`` that each column belongs to, shape (n,).
    table
        Shape (size, n).
    weights
        By which each column is multiplied, shape (n,).
    """
    for i in range(len(places)):
        to, weight = total[places[i]], weights[i]
        for j in range(len(to)):
            to[j] += weight * table[j, i]


def _as_table(values: Array) -> Array:
    """Return numbers of each group as a table of one column, which shares their memory."""
    return values if values.ndim == 2 else values[:, None]

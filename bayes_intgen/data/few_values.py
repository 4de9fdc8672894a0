"""Numeric actions that hold a few distinct values in all rows, such as 0 and 1.

Between the values of such an action a curve rests on its prior alone, and a setting in between may
not exist. So an action of two values is drawn, held and varied at these, as a categorical one is,
and the best setting is sought among the values that an action of up to seven has.
"""

from collections.abc import Iterable
from math import floor, log10

import numpy as np

from bayes_intgen.base.types import Array
from bayes_intgen.data.regime_summary import RegimeSummary
from bayes_intgen.data.summary import Summary

__all__ = ["FEW", "describe_few", "distinct_values", "few_values", "two_values"]

FEW = 7
TWO_VALUES = 1e-9
DIGITS = 6  # to which values of rows are told apart: a file keeps rows in single precision
SHOWN = 8  # names, in a line
LEAST_ROWS = 2  # at each value, for there to be no others


def two_values(summary: Summary, action: str) -> tuple[float, float] | None:
    """Return the two values of a numeric action that has no others; None if it has.

    Of all distributions between two ends, those on the ends alone have the largest variance, which
    is the product of the distances of the mean from both. Lift tests count as rows do.
    """
    if action in summary.levels:
        return None
    k, parts = summary.actions.index(action), summary.regimes.values()
    low = min(float(part.low[k]) for part in parts)
    high = max(float(part.high[k]) for part in parts)
    missing = [
        (high - part.moments.mean[k]) * (part.moments.mean[k] - low)
        - part.moments.scatter[k, k] / part.n
        for part in parts
    ]
    tested = {end[0] for end in summary.tested.get(action, ())}
    if max(missing) <= TWO_VALUES * (high - low) ** 2 and tested <= {low, high}:
        return low, high
    return None


def few_values(summary: Summary, action: str) -> tuple[float, ...] | None:
    """Return the values of a numeric action that has at most seven in all rows, else None.

    More than two are told from the rows that a fit keeps, to six digits: there must be no value
    that only one of these has, nor rows beyond them.
    """
    pair = two_values(summary, action)
    if pair or action in summary.levels:
        return pair
    k, parts = summary.actions.index(action), summary.regimes.values()
    rows = np.empty(0)
    for part in parts:
        own = distinct_values(part, k)
        rows = np.concatenate([rows, own])
        if not len(own) or len(np.unique(rows)) > FEW:
            return None
    values, counts = np.unique(rows, return_counts=True)
    if counts.min() < LEAST_ROWS:
        return None
    low = min(float(part.low[k]) for part in parts)
    high = max(float(part.high[k]) for part in parts)
    ends = [low, high, *(end[0] for end in summary.tested.get(action, ()))]
    near = np.abs(np.array(ends)[:, None] - values).min(axis=1)
    return tuple(values.tolist()) if near.max() < 1e-4 * (high - low) else None


def distinct_values(part: RegimeSummary, column: int) -> Array:
    """Return a variable in some rows of a regime, to six digits, shape (rows,)."""
    mean, sd = part.near_scale
    rows = mean[column] + part.near[:, column] * sd[column]
    unit = 10.0 ** floor(log10(max(float(np.abs(rows).max(initial=0.0)), 1e-300)))
    rounded, where = np.unique(np.round(rows / unit, DIGITS - 1) * unit + 0.0, return_inverse=True)
    return np.array([float(f"{value:.10g}") for value in rounded])[where]  # no negative zero


def describe_few(summary: Summary) -> Iterable[str]:
    """Say in a line which numeric actions hold two values only, and what follows."""
    alike: dict[tuple[float, float], list[str]] = {}
    for name in summary.actions:
        pair = two_values(summary, name)
        if pair:
            alike.setdefault(pair, []).append(name)
    for (low, high), names in alike.items():
        more = f" and {len(names) - SHOWN} others" if len(names) > SHOWN else ""
        hold = "holds" if len(names) == 1 else "hold"
        yield (
            f"{', '.join(names[:SHOWN])}{more} {hold} two values: treated as levels {low:.6g} and "
            f"{high:.6g}, with none between"
        )

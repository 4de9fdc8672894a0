"""Plot of where the experiments overlap: thinned rows, and flags on a grid of every pair.

In the panel of a pair all other actions and the covariates are at their reference values
(:mod:`bayes_intgen.data.reference`), so that it is one slice through the support; a point that is
supported there may not be with others.
"""

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import format_regime, read_do
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.data.reference import reference_values
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.plots.overlap import plot_overlap
from bayes_intgen.posterior import query
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["plot_support"]

GRID = 61
MARGIN = 0.15
MOST_ROWS = 400
MOST_ACTIONS = 8


def plot_support(
    fit: Fitted,
    at: Any = None,
    do: str | Iterable[str] | None = None,
    data: RegimeData | None = None,
) -> Figure:
    """Draw where the experiments overlap, and how far a query reaches beyond them.

    Below the diagonal are pairs of actions, the rows of every regime over shades of the support
    flags (white: supported), with the other variables at their means or most frequent levels; on
    the diagonal is the distribution of each action by regime.

    Parameters
    ----------
    at
        Query points, drawn as crosses.
    do
        The actions that are set in the query; None sets all.
    data
        The rows to draw, at most 400 of each regime. Needed by fits that were read from a file;
        others have kept some.

    Raises
    ------
    QueryError
        If there are no rows to draw, more than eight actions, or points cannot be read.

    Examples
    --------
    >>> figure = posterior.plot_support({"a1": [0.0, 1.0], "a2": 0.5})
    >>> len(figure.axes)
    4
    """
    regime = read_do(do, fit.actions)
    summary = fit.summary
    if len(fit.actions) > MOST_ACTIONS:
        raise QueryError(
            f"plot_support: {len(fit.actions)} actions make too many pairs for one picture, more "
            f"than {MOST_ACTIONS} actions; ask for support flags with table(at)."
        )
    rows = _rows_of(data) if data is not None else _rows_kept(fit)
    points = None if at is None else query.read_points(fit, at).values[:, : len(fit.actions)]
    grids = {name: _grid(fit, k, points) for k, name in enumerate(fit.actions)}
    reference = reference_values(summary)
    shades = {}
    for first, second in combinations(range(len(fit.actions)), 2):
        x, y = grids[fit.actions[first]], grids[fit.actions[second]]
        values = np.tile(reference, (len(x) * len(y), 1))
        values[:, first] = np.tile(x, len(y))
        values[:, second] = np.repeat(y, len(x))
        flags = query.flag_points(fit, query.points_of(fit, values), regime, "clamp")
        shades[fit.actions[first], fit.actions[second]] = (x, y, flags.reshape(len(y), len(x)))
    title = f"support under do({format_regime(regime).replace('+', ', ')})"
    if not regime:
        title = "support of the observational mean"
    levels = {name: levels for name, levels in summary.levels.items() if name in fit.actions}
    return plot_overlap(fit.actions, rows, shades, points, title, levels)


def _grid(fit: Fitted, column: int, points: Array | None) -> Array:
    name = fit.actions[column]
    if name in fit.summary.levels:
        return np.arange(len(fit.summary.levels[name]), dtype=float)
    low = min(float(part.low[column]) for part in fit.summary.regimes.values())
    high = max(float(part.high[column]) for part in fit.summary.regimes.values())
    if points is not None:
        low, high = min(low, float(points[:, column].min())), max(high, points[:, column].max())
    more = MARGIN * (high - low)
    return np.linspace(low - more, high + more, GRID)


def _rows_of(data: RegimeData) -> dict[str, Array]:
    count = len(data.actions)
    rows = {label: data.rows(label)[:, :count] for label in data.labels}
    return {label: values[_thin(len(values))] for label, values in rows.items()}


def _rows_kept(fit: Fitted) -> dict[str, Array]:
    """Return the thinned rows of the first pass; after loading there are none."""
    count, regimes = len(fit.actions), fit.summary.regimes.items()
    kept = {format_regime(regime): part.sample.rows[:, :count] for regime, part in regimes}
    if not all(map(len, kept.values())):
        raise QueryError("data: a fit that was read from a file holds no rows; give the data, too.")
    return {label: rows[_thin(len(rows))] for label, rows in kept.items()}


def _thin(n: int) -> Indices:
    return np.unique(np.linspace(0, n - 1, min(n, MOST_ROWS)).astype(np.intp))

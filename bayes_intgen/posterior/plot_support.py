"""The picture of where the experiments overlap: thinned rows, and flags on a grid of every pair.

In the picture of a pair all other actions and the covariates are at their usual values
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
from bayes_intgen.data.points import Points
from bayes_intgen.data.reference import reference_values
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.plots.overlap import plot_overlap
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["draw_support"]

GRID = 61
MARGIN = 0.15
MOST_ROWS = 400
MOST_ACTIONS = 8


def draw_support(
    fit: Fitted, data: RegimeData | None, at: Any, do: str | Iterable[str] | None
) -> Figure:
    """Draw the support of a question; :meth:`bayes_intgen.Posterior.plot_support` says more."""
    regime = read_do(do, fit.actions)
    summary = fit.summary
    if len(fit.actions) > MOST_ACTIONS:
        raise QueryError(
            f"plot_support: {len(fit.actions)} actions make too many pairs for one picture, more "
            f"than {MOST_ACTIONS} actions; ask for support flags with table(at)."
        )
    rows = _rows_of(data) if data is not None else _rows_kept(fit)
    points = None if at is None else fit.points(at).values[:, : len(fit.actions)]
    grids = {name: _grid(fit, k, points) for k, name in enumerate(fit.actions)}
    usual = reference_values(summary)
    shades = {}
    for first, second in combinations(range(len(fit.actions)), 2):
        x, y = grids[fit.actions[first]], grids[fit.actions[second]]
        values = np.tile(usual, (len(x) * len(y), 1))
        values[:, first] = np.tile(x, len(y))
        values[:, second] = np.repeat(y, len(x))
        places = np.arange(len(values))
        asked = Points(fit.actions, values, places, summary.levels, fit.covariates)
        flags = fit.support(asked, regime, "clamp").reshape(len(y), len(x))
        shades[fit.actions[first], fit.actions[second]] = (x, y, flags)
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
    found = {}
    for label in data.labels:
        rows = data.rows(label)[:, :count]
        found[label] = rows[_thin(len(rows))]
    return found


def _rows_kept(fit: Fitted) -> dict[str, Array]:
    """Return the thinned rows of the first pass; after loading there are none."""
    kept = {
        format_regime(regime): part.sample.rows[:, : len(fit.actions)]
        for regime, part in fit.summary.regimes.items()
    }
    if not all(map(len, kept.values())):
        raise QueryError("data: a fit that was read from a file holds no rows; give the data, too.")
    return {label: rows[_thin(len(rows))] for label, rows in kept.items()}


def _thin(n: int) -> Indices:
    return np.unique(np.linspace(0, n - 1, min(n, MOST_ROWS)).astype(np.intp))

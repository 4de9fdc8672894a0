"""Plots of effects: a forest of contrasts, what a budget buys, and possible dependences."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.metrics import credible_interval
from bayes_intgen.base.support_flags import SUPPORTED
from bayes_intgen.data.reference import reference_contrasts
from bayes_intgen.plots.best import plot_budget as draw_budget
from bayes_intgen.plots.forest import plot_forest
from bayes_intgen.plots.studies import plot_structure as draw_structure
from bayes_intgen.plots.style import axis_label, grow
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.best_action import best_action
from bayes_intgen.posterior.estimands.contrast import contrast
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.plot_curves import Units

__all__ = ["plot_budget", "plot_contrasts", "plot_structure"]


def plot_contrasts(
    fit: Fitted,
    contrasts: Any = None,
    ax: Axes | None = None,
    do: str | Iterable[str] | None = None,
    units: Units = None,
) -> Axes:
    """Draw several contrasts as a forest: mean, 50% and 90% interval.

    Parameters
    ----------
    contrasts
        A table of moves with columns ``action``, ``from`` and ``to`` (the others held at their
        means or most frequent levels, unless columns give them), named by its index if that
        holds text; or draws of contrasts, as of :meth:`contrast`: an array with dims (chain,
        draw, point), or a mapping of names to arrays with dims (chain, draw). By default the
        moves of :meth:`effects`.
    ax
        Where to draw; a new figure by default.
    do
        The actions that are set, for a table of moves; None for all.
    units
        Units of the columns by name, for the labels.

    Returns
    -------
    matplotlib.axes.Axes
        The axes that were drawn on.

    Raises
    ------
    QueryError
        If the table lacks a column, or arrays have other dims.
    NotIdentifiedError
        If the data do not identify a contrast.

    Examples
    --------
    >>> moves = pd.DataFrame({"action": ["a1", "a2"], "from": [0.0, 0.0], "to": [0.2, 0.1]})
    >>> ax = posterior.plot_contrasts(moves)
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['a1: 0 to 0.2', 'a2: 0 to 0.1']
    >>> plt.close()
    """
    if contrasts is None:
        moves = [(move.action, move.start, move.end) for move in reference_contrasts(fit.summary)]
        contrasts = pd.DataFrame(moves, columns=["action", "from", "to"])
    if isinstance(contrasts, pd.DataFrame):
        effects = _contrasts(fit, contrasts, do)
    else:
        effects = _named(contrasts)
    axes = ax if ax is not None else grow(1, 5.5, 1.2 + 0.42 * len(effects))[0]
    return plot_forest(axes, effects, f"change in {axis_label(fit.outcome, units)}")


def plot_budget(
    fit: Fitted,
    budgets: Sequence[float],
    ax: Axes | None = None,
    bounds: Mapping[str, Any] | None = None,
    cost: Mapping[str, Any] | None = None,
    grid: Any = None,
    do: str | Iterable[str] | None = None,
    at: Mapping[str, Any] | None = None,
    units: Units = None,
) -> Axes:
    """Draw the expected outcome of the best joint action against the budget.

    Parameters
    ----------
    budgets
        The budgets, each a limit of the costs.
    ax
        Where to draw; a new figure by default.
    bounds, cost, grid, do, at
        As in :meth:`best_action`.
    units
        Units of the columns by name, for the labels.

    Returns
    -------
    matplotlib.axes.Axes
        The axes that were drawn on.

    Raises
    ------
    QueryError, NotIdentifiedError
        As :meth:`best_action`.

    Examples
    --------
    >>> bounds = {"a1": (0, 0.6), "a2": (-0.6, 0)}
    >>> ax = posterior.plot_budget([0.0, 0.2, 0.4], bounds=bounds, grid=9)
    >>> ax.get_xlabel()
    'budget'
    >>> plt.close()
    """
    limits = sorted(float(budget) for budget in budgets)
    answers = [best_action(fit, bounds, b, cost, grid, do=do, at=at) for b in limits]
    if not answers:
        raise QueryError("budgets must hold at least one budget, got none.")
    outcomes = [best.draws["outcome"] for best in answers]
    ends = [credible_interval(outcome) for outcome in outcomes]
    axes = ax if ax is not None else grow(1, 5.0, 3.8)[0]
    lower, upper = np.array(ends, dtype=float).T
    mean = np.array([float(outcome.mean()) for outcome in outcomes])
    known = np.array([best.support == SUPPORTED for best in answers])
    label = axis_label(fit.outcome, units)
    return draw_budget(axes, np.array(limits), mean, lower, upper, known, label)


def plot_structure(fit: Fitted, ax: Axes | None = None) -> Axes:
    """Draw which action may depend on which: learned, with its evidence, or as given.

    Parameters
    ----------
    ax
        Where to draw; a new figure by default.

    Examples
    --------
    >>> posterior.plot_structure().get_title()
    'Dependences between actions'
    >>> plt.close()
    """
    given = [(p, child, "given") for child, ps in fit.design.parents.items() for p in ps]
    learned = fit.learned.edges if fit.learned else ()
    kept = [(e.parent, e.child, e.status) for e in learned if e.status != "absent"]
    axes = ax if ax is not None else grow(1, 4.0, 4.0)[0]
    return draw_structure(axes, fit.actions, kept if fit.learned else given)


def _contrasts(
    fit: Fitted, table: pd.DataFrame, do: str | Iterable[str] | None
) -> dict[str, xr.DataArray]:
    """Return draws of the contrast in each row of a table, by its name."""
    missing = [name for name in ("action", "from", "to") if name not in table]
    if missing or not len(table):
        raise QueryError(
            f"contrasts: a table of moves has rows, and columns 'action', 'from' and 'to'; "
            f"got {len(table)} rows and the columns {list(table.columns)}."
        )
    effects: dict[str, xr.DataArray] = {}
    for label, row in table.iterrows():
        action = row["action"]
        query.require_action(fit, action, "contrasts: action")
        known = [name for name in fit.design.variables if name in table and name != action]
        held = {name: row[name] for name in known}
        at, baseline = (
            query.complete_points(fit, {**held, action: row[end]}) for end in ("to", "from")
        )
        text = f"{action}: {_text(row['from'])} to {_text(row['to'])}"
        name = label if isinstance(label, str) else text
        name = f"{name} (row {label})" if name in effects else name
        effects[name] = contrast(fit, at, baseline, do).isel(point=0)
    return effects


def _named(contrasts: Any) -> dict[str, xr.DataArray]:
    """Return draws of single contrasts by name."""
    if isinstance(contrasts, xr.DataArray):
        if set(contrasts.dims) != {"chain", "draw", "point"}:
            raise QueryError(
                f"contrasts: draws have dims (chain, draw, point), got {contrasts.dims}."
            )
        points = contrasts["point"].to_numpy()
        return {str(point): contrasts.isel(point=i) for i, point in enumerate(points)}
    if not isinstance(contrasts, Mapping) or not contrasts:
        raise QueryError(
            f"contrasts must be a table of moves, draws of contrasts, or a mapping of names to "
            f"draws, got {type(contrasts).__name__}."
        )
    named = {}
    for name, draws in contrasts.items():
        single = draws.squeeze("point") if draws.sizes.get("point") == 1 else draws
        if set(single.dims) != {"chain", "draw"}:
            raise QueryError(
                f"contrasts: draws of {name!r} have dims (chain, draw), got {draws.dims}; take one "
                f"point of them."
            )
        named[str(name)] = single
    return named


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str) else f"{float(value):.3g}"

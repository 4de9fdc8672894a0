"""The settings among which the best is sought: a grid per action, its costs, and which interact.

Two actions belong to the same group if some feature of theta_S depends on both. Between groups the
expected outcome is a sum, so that with every other action held at h,

    E[Y | do(a_S), a_rest] = m(h) + sum over groups g of (m(h with a_g) - m(h)).     (1)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np

from bayes_intgen.base.arguments import read_mapping, show
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.few_values import few_values
from bayes_intgen.data.points import MOST_VALUE, Points
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.dose_response import default_grid
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.support import find_beyond

__all__ = ["Group", "read_groups"]

SEPARATE_POINTS = 41
DEFAULT_SETTINGS = 20_000
MAX_SETTINGS = 200_000


@dataclass(frozen=True)
class Group:
    """Actions that interact, and every setting of them on their grids.

    ``grids`` holds the values, or codes of levels, of each action, ``settings`` all combinations,
    shape (settings, actions), ``cost`` what each costs, shape (settings,), and ``step``
    phi(held, with these actions set) - phi(held), shape (settings, features).
    """

    grids: Mapping[str, Array]
    settings: Array
    cost: Array
    step: Array


def read_groups(
    fit: Fitted,
    bounds: Mapping[str, Any],
    grid: Any,
    cost: Mapping[str, Any] | None,
    held: Points,
    regime: Regime,
    beyond: str,
) -> list[Group]:
    """Lay out every setting of each group of the actions with bounds; refuse bad arguments."""
    partition = _group_actions(fit, list(bounds), regime)
    grids = _read_grids(fit, bounds, grid, partition)
    for action, values in grids.items():
        with query.naming("bounds"):
            points = query.points_of(fit, _place(fit, held, [action], values[:, None]))
            find_beyond(points, fit.design.features.bases, beyond)
    costs = _read_costs(fit, grids, cost)
    base = fit.design.features.evaluate(held.values)
    groups = []
    for actions in partition:
        settings = np.array(list(product(*(grids[action] for action in actions))))
        prices = np.array(list(product(*(costs[action] for action in actions)))).sum(axis=1)
        step = fit.design.features.evaluate(_place(fit, held, actions, settings)) - base  # (1)
        own = {action: grids[action] for action in actions}
        groups.append(Group(own, settings, prices, step))
    return groups


def _place(fit: Fitted, held: Points, actions: Sequence[str], settings: Array) -> Array:
    """Return the values of all columns where some actions are set and the rest is held."""
    values = np.repeat(held.values, len(settings), axis=0)
    values[:, [fit.actions.index(action) for action in actions]] = settings
    return values


def _group_actions(fit: Fitted, chosen: Sequence[str], regime: Regime) -> list[tuple[str, ...]]:
    """Split actions into groups between which the mean of a regime is a sum."""
    active = fit.design.active(regime)
    groups = [{action} for action in chosen]
    for weight in np.array(fit.design.weights, dtype=object)[active]:
        touched = [group for group in groups if group & weight.feature.actions]
        if len(touched) > 1:
            groups = [group for group in groups if group not in touched]
            groups.append(set().union(*touched))
    return sorted(
        (tuple(action for action in chosen if action in group) for group in groups),
        key=lambda group: chosen.index(group[0]),
    )


def _read_grids(
    fit: Fitted, bounds: Mapping[str, Any], grid: Any, groups: Sequence[Sequence[str]]
) -> dict[str, Array]:
    """Return the grid of each action, numbers or codes of levels; refuse what cannot be one."""
    levels = fit.summary.levels
    by_name = grid is None or isinstance(grid, Mapping)
    given = dict(grid or {}) if by_name else {}
    unknown = [action for action in given if action not in bounds]
    if unknown:
        raise QueryError(f"grid: {unknown} are not among the actions that may be chosen.")
    coded = [action for action in given if action in levels]
    if coded:
        raise QueryError(f"grid: {coded} are categorical; list the levels allowed in bounds.")
    grids: dict[str, Array] = {}
    found = {action: _few(fit, action, bounds[action]) for action in bounds} if grid is None else {}
    few = {action: values for action, values in found.items() if values}
    for group in groups:
        numeric = [action for action in group if action not in levels and action not in few]
        rest = prod(len(_levels(fit, a, bounds[a])) for a in group if a in levels)
        rest *= prod(len(few[a]) for a in group if a in few)
        count = SEPARATE_POINTS
        if len(group) > 1 and numeric:
            count = max(2, min(count, int((DEFAULT_SETTINGS / rest) ** (1 / len(numeric)) + 1e-9)))
        for action in group:
            if action in levels:
                texts = _levels(fit, action, bounds[action])
                with query.naming("bounds"):
                    grids[action] = _codes(fit, action, texts)
            else:
                wish = given.get(action, few.get(action)) if by_name else grid
                grids[action] = _numbers(fit, action, bounds[action], wish, count)
        size = prod(len(grids[action]) for action in group)
        if size > MAX_SETTINGS:
            most = int(MAX_SETTINGS ** (1 / len(group)))
            raise QueryError(
                f"grid: the actions {list(group)} interact, so that every combination has to be "
                f"tried, and {size:,} settings are more than {MAX_SETTINGS:,}; give at most {most} "
                f"points per action, as in grid={most}."
            )
    return grids


def _levels(fit: Fitted, action: str, bounds: Any) -> list[Any]:
    if bounds is None:
        return list(fit.summary.levels[action])
    if isinstance(bounds, str):
        return [bounds]
    levels = list(dict.fromkeys(bounds))
    if not levels:
        raise QueryError(f"bounds: {action!r} must have at least one level, got none.")
    return levels


def _few(fit: Fitted, action: str, bounds: Any) -> list[float]:
    """Return the values within bounds of a numeric action that has only a few in all rows."""
    values = few_values(fit.summary, action) or ()
    if bounds is None or np.shape(bounds) != (2,):  # others are refused where they are read
        return list(values)
    low, high = bounds
    try:
        return [value for value in values if low <= value <= high]
    except TypeError:
        return []


def _codes(fit: Fitted, action: str, values: Any) -> Array:
    points = query.complete_points(fit, {action: values})
    return points.values[:, fit.actions.index(action)]


def _numbers(fit: Fitted, action: str, bounds: Any, grid: Any, count: int) -> Array:
    """Return the grid of a numeric action within its bounds."""
    if bounds is None:
        core = default_grid(fit.summary, action, 2)
        low, high = float(core[0]), float(core[-1])
    else:
        try:
            low, high = (float(end) for end in bounds)
        except (TypeError, ValueError) as error:
            raise QueryError(
                f"bounds: those of {action!r} must be a pair (low, high) of numbers, got "
                f"{bounds!r}."
            ) from error
    if not -MOST_VALUE <= low <= high <= MOST_VALUE:
        raise QueryError(
            f"bounds: those of {action!r} must be finite and within {MOST_VALUE:g} of zero, the "
            f"lower one first, got {bounds!r}."
        )
    if grid is None or np.ndim(grid) == 0:
        points = count if grid is None else grid
        whole = isinstance(points, int | np.integer) and not isinstance(points, bool)
        if not whole or not 1 <= points <= MAX_SETTINGS:
            raise QueryError(
                f"grid must be a whole number of points from 1 to {MAX_SETTINGS:,}, or a mapping "
                f"of actions to numbers of points or to values, got {show(grid)}."
            )
        return np.linspace(low, high, 1 if low == high else int(points))
    with query.naming("grid"):
        values = np.unique(_codes(fit, action, grid))
    if bounds is not None and (values[0] < low or values[-1] > high):
        raise QueryError(
            f"grid: the values of {action!r} must lie within its bounds [{low:g}, {high:g}], got "
            f"{values[0]:g} to {values[-1]:g}."
        )
    return values


def _read_costs(
    fit: Fitted, grids: Mapping[str, Array], cost: Mapping[str, Any] | None
) -> dict[str, Array]:
    """Return the cost of each grid point: of a unit times the units, or of a level."""
    given = read_mapping(cost, "cost", "actions to costs")
    unknown = [action for action in given if action not in grids]
    if unknown:
        raise QueryError(f"cost: {unknown} are not among the actions that may be chosen.")
    costs: dict[str, Array] = {}
    for action, values in grids.items():
        try:
            if action in fit.summary.levels:
                prices = {str(level): float(c) for level, c in given.get(action, {}).items()}
                texts = [fit.summary.levels[action][int(code)] for code in values]
                costs[action] = np.array([prices.get(text, 0.0) for text in texts])
            else:
                prices = {}
                texts = []
                costs[action] = float(given.get(action, 1.0)) * values
        except (TypeError, ValueError, AttributeError) as error:
            raise QueryError(
                f"cost: that of {action!r} must be a number per unit, or for a categorical action "
                f"a mapping of levels to numbers, got {given[action]!r}."
            ) from error
        strange = sorted(set(prices) - {*fit.summary.levels.get(action, ())})
        if strange or not np.isfinite(costs[action]).all():
            raise QueryError(
                f"cost: that of {action!r} must be finite and for levels of the data, got "
                f"{given[action]!r}."
            )
    return costs

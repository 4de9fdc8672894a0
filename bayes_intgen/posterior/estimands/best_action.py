"""The best joint action under bounds and a budget, draw by draw.

    maximise over a   E[Y | do(a_S), a_rest]   subject to   low_k <= a_k <= high_k,      (1)
                                                            sum_k c_k a_k <= B,
    regret            max_a m_d(a) - m_d(a*) of draw d, where a* is best in the mean,    (2)

on a grid. Where the mean is a sum over actions, as without interactions and blocks, the best
setting on the grid is found exactly without trying all combinations; actions that interact are
tried in every combination (:mod:`bayes_intgen.posterior.estimands.knapsack`,
:mod:`bayes_intgen.posterior.estimands.action_grid`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from bayes_intgen.base.netcdf_names import writable
from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.data.few_values import few_values
from bayes_intgen.data.points import Beyond, Points
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.action_grid import Group
from bayes_intgen.posterior.estimands.action_search import read_search
from bayes_intgen.posterior.estimands.best_result import LEAST_SHARE, BestAction, UntestedBest
from bayes_intgen.posterior.estimands.expected_outcome import draw_coords, theta_draws
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.support import find_gaps

__all__ = ["BestAction", "best_action", "chosen_values", "find_untested"]

CANDIDATES = 10


def best_action(
    fit: Fitted,
    bounds: Mapping[str, Any] | None = None,
    budget: float | None = None,
    cost: Mapping[str, Any] | None = None,
    grid: Any = None,
    minimize: bool = False,
    do: str | Iterable[str] | None = None,
    at: Mapping[str, Any] | None = None,
    beyond: Beyond = "error",
) -> BestAction:
    """Find the joint action with the best expected outcome, and how sure it is.

    Parameters
    ----------
    bounds
        The actions that may be chosen: (low, high) of a numeric one, the levels allowed of a
        categorical one, or None for the core range of its experiments or all levels. By default
        every action that is set and not held by ``at``.
    budget
        Limit of sum_k c_k a_k over these actions; None for no limit.
    cost
        Cost c_k per unit of a numeric action, 1 by default; for a categorical action a mapping
        of levels to costs, 0 by default.
    grid
        Points per numeric action between its bounds, or a mapping of actions to numbers of
        points or to values. By default the values between its bounds of an action that has at
        most seven in all rows, such as 0 and 1; of others 41 points, and fewer if they interact,
        as every combination is tried (20,000 at most; 200,000 if asked for).
    minimize
        Look for the smallest outcome.
    do
        The actions that are set; None for all.
    at
        Where the actions that are not chosen and the covariates stay; those not given are at
        their means over the regimes (weighted equally; in a gap between values that experiments
        set, at the nearer of these) or most frequent levels.
    beyond
        As in :meth:`expected_outcome`, for grid points beyond the box.

    Returns
    -------
    BestAction
        The setting whose posterior mean is best, the distribution of the setting that is best
        in each draw, the probability of being best, and the expected regret. Print it: it warns
        where the best value lies in a gap between those that experiments set.

    Raises
    ------
    QueryError
        If bounds, costs or grids are not valid, nothing is within the budget, or there are too
        many settings to be tried.
    NotIdentifiedError
        If the data do not identify this effect.

    Examples
    --------
    >>> best = posterior.best_action({"a1": (0, 0.6), "a2": (-0.6, 0)}, budget=0.3, grid=9)
    >>> best.cost < 0.3 + 1e-9, best.support
    (True, 'supported')
    """
    search = read_search(fit, bounds, budget, cost, grid, minimize, do, at, beyond)
    regime, groups, held = search.regime, search.groups, search.held
    limits, sign = search.limits, search.sign
    grids = {action: values for group in groups for action, values in group.grids.items()}
    theta = theta_draws(fit, regime)
    flat = theta.reshape(-1, theta.shape[-1])
    mean = flat.mean(axis=0, keepdims=True)
    top = search.choose(mean)  # (1) of the posterior mean, shape (groups, 1)
    chosen = search.choose(flat)  # (1) of each draw, shape (groups, draws)
    level = fit.design.features.evaluate(held.values)[0]
    best, here = (
        flat @ level + fit.outcome_scale.centre + search.gain(flat, choice)
        for choice in (chosen, top)
    )
    picked = chosen_values(groups, chosen)
    columns = {f"best:{action}": _decode(fit, action, picked[action]) for action in limits}
    columns |= {"best_outcome": best, "outcome": here, "regret": sign * (best - here)}  # (2)
    draws = writable(
        xr.Dataset(
            {
                name: (("chain", "draw"), column.reshape(theta.shape[:2]))
                for name, column in columns.items()
            },
            coords=draw_coords(fit),
        )
    )
    distinct, counts = np.unique(chosen, axis=1, return_counts=True)
    most = np.argsort(-counts, kind="stable")[:CANDIDATES]
    settings = np.column_stack([top, distinct[:, most]])
    table = _describe(fit, groups, settings, held, regime, beyond)
    table["mean"] = mean[0] @ level + fit.outcome_scale.centre
    table["mean"] += search.gain(np.repeat(mean, len(table), axis=0), settings)
    recommended, candidates = table.iloc[0], table.iloc[1:].reset_index(drop=True)
    candidates["probability"] = counts[most] / chosen.shape[1]
    return BestAction(
        recommended={action: _plain(recommended[action]) for action in limits},
        probability=float((chosen == top).all(axis=0).mean()),
        regret=float(draws["regret"].mean()),
        cost=float(recommended["cost"]),
        support=str(recommended["support"]),
        untested=tuple(find_untested(fit, held, chosen_values(groups, top), picked)),
        candidates=candidates[[*limits, "probability", "mean", "cost", "support", "untested"]],
        draws=draws,
        marginals={action: _marginal(fit, draws, action, grids[action]) for action in limits},
        method=_method(fit, groups, grids),
        minimize=minimize,
        budget=search.budget,
        do=format_regime(regime),
        held={
            name: _plain(held.coords()[name][1][0]) for name in held.variables if name not in limits
        },
        priced=budget is not None or bool(cost),
    )


def chosen_values(groups: Sequence[Group], chosen: Indices) -> dict[str, Array]:
    """Return the value, or the code of the level, of each action in some choices."""
    pairs = zip(groups, chosen, strict=True)
    return {a: g.settings[index, k] for g, index in pairs for k, a in enumerate(g.grids)}


def _decode(fit: Fitted, action: str, values: Array) -> npt.NDArray[Any]:
    if action not in fit.summary.levels:
        return values
    levels: npt.NDArray[Any] = np.array(fit.summary.levels[action])
    return np.asarray(levels[values.astype(int)])


def _plain(value: Any) -> float | str:
    return str(value) if isinstance(value, str) else float(value)


def _describe(
    fit: Fitted, groups: Sequence[Group], chosen: Indices, held: Points, regime: Regime, beyond: str
) -> pd.DataFrame:
    """Return settings in words: the actions, their cost, their flag, and which lie in a gap."""
    values = chosen_values(groups, chosen)
    points = _complete(fit, held, values)
    cost = sum(group.cost[index] for group, index in zip(groups, chosen, strict=True))
    untested = np.full(len(points), "", dtype=object)
    for action in values:
        for _, inside in find_gaps(points, action, fit.summary):
            untested[inside & (untested != "")] += ", "
            untested[inside] += action
    support = query.flag_points(fit, query.points_of(fit, points), regime, beyond)
    columns = {action: _decode(fit, action, column) for action, column in values.items()}
    return pd.DataFrame({**columns, "cost": cost, "support": support, "untested": untested})


def _complete(fit: Fitted, held: Points, values: Mapping[str, Array]) -> Array:
    """Return points at which some actions have given values and the rest is held."""
    points = np.repeat(held.values, len(next(iter(values.values()))), axis=0)
    for action, column in values.items():
        points[:, fit.actions.index(action)] = column
    return points


def find_untested(
    fit: Fitted, held: Points, top: Mapping[str, Array], picked: Mapping[str, Array]
) -> Iterator[UntestedBest]:
    """Yield the gaps in which the recommended value lies, or the best value of enough draws."""
    recommended, points = _complete(fit, held, top), _complete(fit, held, picked)
    for action in picked:
        here = find_gaps(recommended, action, fit.summary)
        for (gap, [inside]), (_, drawn) in zip(
            here, find_gaps(points, action, fit.summary), strict=True
        ):
            if inside or drawn.mean() >= LEAST_SHARE:
                value = float(top[action][0]) if inside else None
                yield UntestedBest(action, gap.low, gap.high, value, float(drawn.mean()))


def _marginal(fit: Fitted, draws: xr.Dataset, action: str, grid: Array) -> xr.DataArray:
    values = draws[f"best:{action}"].to_numpy().ravel()
    options = _decode(fit, action, grid)
    shares = np.array([(values == option).mean() for option in options])
    return writable(xr.DataArray(shares, dims=action, coords={action: options}, name="probability"))


def _method(fit: Fitted, groups: Sequence[Group], grids: Mapping[str, Array]) -> str:
    points = ", ".join(f"{action} {len(values)}" for action, values in grids.items())
    few = [
        a
        for a, values in grids.items()
        if {*values.tolist()} <= {*(few_values(fit.summary, a) or ())}
    ]
    points += f"; of {', '.join(few)} the values that rows hold" if few else ""
    joint = [", ".join(group.grids) for group in groups if len(group.grids) > 1]
    if not joint:
        return f"exact on the grid (points: {points}); the outcome is a sum over the actions"
    return (
        f"exact on the grid (points: {points}); every combination of {' and of '.join(joint)} was "
        f"tried, because they interact"
    )

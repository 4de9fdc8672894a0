"""Dose-response curves: the expected outcome as one action runs over a grid.

With the other actions at stated values ``a_-k``, or over the rows i of a reference population with
weights w_i,

    m(t) = E[Y | do(a_S), a_rest] at (t, a_-k),                       (1)
    m(t) = sum_i w_i E[Y | do(a_S), a_rest] at (t, a_i,-k).           (2)
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from bayes_intgen.base.arguments import read_choice, read_mapping
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.netcdf_names import writable
from bayes_intgen.base.regimes import Regime, format_regime, read_do
from bayes_intgen.base.support_flags import SUPPORTED
from bayes_intgen.base.types import Array
from bayes_intgen.data.few_values import two_values
from bayes_intgen.data.points import Beyond, Points
from bayes_intgen.data.summary import Summary
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.expected_outcome import draw_coords, theta_draws
from bayes_intgen.posterior.estimands.population import (
    mean_features,
    read_columns,
    read_row_weights,
)
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.support import find_beyond

__all__ = ["default_grid", "dose_response"]

GRID_POINTS = 50


def dose_response(
    fit: Fitted,
    action: str,
    grid: Any = None,
    at: Mapping[str, Any] | None = None,
    population: Any = None,
    do: str | Iterable[str] | None = None,
    weights: Any = None,
    beyond: Beyond = "error",
) -> xr.DataArray:
    """Posterior of the expected outcome along one action.

    Parameters
    ----------
    action
        The action that varies.
    grid
        Its values or levels; by default 50 over the core range (0.05% to 99.95% quantile) of
        the experiments that set it, or all its levels, or its values if it has two only.
    at
        Where the other actions and the covariates are held; those not given stay at their means
        over the regimes (weighted equally; in a gap between values that experiments set, at the
        nearer of these) or most frequent levels.
    population
        Rows over which the curve is averaged instead, a frame or a mapping with the other
        actions and the covariates.
    do
        The actions that are set; None for all. If ``action`` is not among them, the curve is
        that of the outcome given the action, which holds its confounding.
    weights
        Of the rows of the population, equal by default.
    beyond
        As in :meth:`expected_outcome`.

    Returns
    -------
    xarray.DataArray
        Dims (chain, draw, <action>). Along the action, ``support`` is the flag, the worst one
        of the rows if there is a population, and ``supported_share`` the share of rows that are
        supported.

    Raises
    ------
    QueryError
        If the action is unknown, values cannot be read, or points lie beyond the box.
    NotIdentifiedError
        If the data do not identify this effect.

    Examples
    --------
    >>> curve = posterior.dose_response("a1", at={"a2": 0.1})
    >>> curve.dims, curve.sizes["a1"]
    (('chain', 'draw', 'a1'), 50)
    """
    read_choice(action, "action", fit.actions, QueryError)
    held = read_mapping(at, "at", "names to values")
    regime = read_do(do, fit.actions)
    query.require_identified_mean(fit, regime)
    with query.naming("grid"):
        values = default_grid(fit.summary, action) if grid is None else grid
        doses = query.complete_points(fit, {action: values})
        find_beyond(doses, fit.design.features.bases, beyond)
    if population is not None:
        if at is not None:
            raise QueryError("at: give the other actions' values or a population, not both.")
        phi, flags, share = _over_rows(fit, action, doses, population, weights, regime, beyond)
    else:
        if weights is not None:
            raise QueryError("weights: they belong to the rows of a population; give one.")
        points = _along(fit, action, doses, held)
        phi = fit.design.features.evaluate(points.values)
        flags = query.flag_points(fit, points, regime, beyond)
        share = (flags == SUPPORTED).astype(float)
    return writable(
        xr.DataArray(
            theta_draws(fit, regime) @ phi.T + fit.outcome_scale.centre,  # (1), (2)
            dims=("chain", "draw", action),
            coords={
                **draw_coords(fit),
                action: doses.coords()[action][1],
                "support": (action, flags),
                "supported_share": (action, share),
            },
            name=fit.outcome,
            attrs={"do": format_regime(regime)},
        )
    )


def default_grid(summary: Summary, action: str, points: int = GRID_POINTS) -> Any:
    """Return the levels of a categorical action, else points over the core of its experiments.

    An action of two values has these only.
    The core range is that of the regimes that set the action, or of all regimes if none does.
    """
    if action in summary.levels:
        return list(summary.levels[action])
    pair = two_values(summary, action)
    if pair:
        return np.array(pair)
    column = summary.actions.index(action)
    cores = [part.core[:, column] for part in summary.showing(action) or summary.regimes.values()]
    return np.linspace(min(low for low, _ in cores), max(high for _, high in cores), points)


def _along(fit: Fitted, action: str, doses: Points, at: Mapping[str, Any]) -> Points:
    """Return one point per dose, the other actions held."""
    if action in at:
        raise QueryError(f"at: leave out {action!r}, which runs over the grid.")
    held = query.complete_points(fit, at)
    if len(held) != 1:
        raise QueryError(
            f"at must give one value per action, got {len(held)}; to average over several rows "
            f"pass them as population."
        )
    return _set(held, fit.actions.index(action), doses)


def _set(held: Points, column: int, doses: Points) -> Points:
    values = np.repeat(held.values, len(doses), axis=0)
    values[:, column] = doses.values[:, column]
    return replace(held, values=values, index=doses.index)


def _over_rows(
    fit: Fitted,
    action: str,
    doses: Points,
    population: Any,
    weights: Any,
    regime: Regime,
    beyond: str,
) -> tuple[Array, npt.NDArray[np.str_], Array]:
    """Return, for each dose, the mean features, the worst flag, and the share that is supported."""
    column = fit.actions.index(action)
    first = doses.coords()[action][1][0]
    with query.naming("population"):  # which need not hold the action
        rows = query.read_points(fit, {**read_columns(population), action: first})
    row_weights = read_row_weights(weights, len(rows))
    phi, worst, supported = [], [], []
    for dose in doses.values[:, column]:
        values = rows.values.copy()
        values[:, column] = dose
        moved = replace(rows, values=values)
        flags = query.flag_points(fit, moved, regime, beyond)
        worst.append(max(np.unique(flags), key=query.SEVERITY.index))
        supported.append(float(row_weights @ (flags == SUPPORTED)))
        phi.append(mean_features(fit, moved, row_weights))
    return np.array(phi), np.array(worst), np.array(supported)

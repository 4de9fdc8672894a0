"""Expected outcomes averaged over a reference population, and what changing its actions does.

For rows a_1..a_n with weights w_i that sum to one, and a policy g that sets or shifts some actions,

    average   sum_i w_i E[Y | do(g(a_i)_S), g(a_i)_rest],                            (1)
    contrast  that average under one policy, less that under another or under none. (2)
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayes_intgen.base.arguments import read_mapping
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.netcdf_names import writable
from bayes_intgen.base.regimes import Regime, format_regime, read_do
from bayes_intgen.base.support_flags import SUPPORTED
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.data.points import Beyond, Points
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.expected_outcome import draw_coords, theta_draws
from bayes_intgen.posterior.estimands.population import (
    mean_features,
    read_columns,
    read_row_weights,
)
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["average_contrast", "average_outcome"]

type Changes = Mapping[str, Any] | None


def average_outcome(
    fit: Fitted,
    population: Any,
    do: str | Iterable[str] | None = None,
    setting: Mapping[str, Any] | None = None,
    shift: Mapping[str, Any] | None = None,
    weights: Any = None,
    beyond: Beyond = "error",
) -> xr.DataArray:
    """Posterior of the expected outcome averaged over rows of a reference population.

    Parameters
    ----------
    population
        The rows, a frame or a mapping with all actions (but for those in ``setting``) and
        covariates.
    do
        The actions that are set; None for all. The rows stand for the distribution of the
        others, so that where those respond to what is set, rows must come from that regime.
    setting
        Actions that are set to a value, or to one value per row.
    shift
        Numeric actions to whose values in the rows an amount is added.
    weights
        Of the rows, equal by default.
    beyond
        As in :meth:`expected_outcome`.

    Returns
    -------
    xarray.DataArray
        In the outcome's unit, dims (chain, draw); the coordinate ``supported_share`` is the
        share of the rows that are supported.

    Raises
    ------
    QueryError
        If rows, changes or weights cannot be read, or rows lie beyond the box.
    NotIdentifiedError
        If the data do not identify this effect.

    Examples
    --------
    >>> rows = frame[frame["regime"] == "obs"]
    >>> posterior.average_outcome(rows, setting={"a1": 0.1}, beyond="clamp").dims
    ('chain', 'draw')
    """
    regime = read_do(do, fit.actions)
    query.require_identified_mean(fit, regime)
    rows = _change(fit, population, setting, shift)
    row_weights = read_row_weights(weights, len(rows))
    supported = _supported(fit, rows, regime, beyond)
    phi = mean_features(fit, rows, row_weights)
    values = theta_draws(fit, regime) @ phi + fit.outcome_scale.centre  # (1)
    return _label(fit, values, regime, float(row_weights @ supported))


def average_contrast(
    fit: Fitted,
    population: Any,
    do: str | Iterable[str] | None = None,
    setting: Mapping[str, Any] | None = None,
    shift: Mapping[str, Any] | None = None,
    baseline: Mapping[str, Any] | None = None,
    weights: Any = None,
    beyond: Beyond = "error",
) -> xr.DataArray:
    """Posterior of the average change over rows when actions are set or shifted.

    Parameters
    ----------
    population, do, setting, shift, weights, beyond
        As in :meth:`average_outcome`; at least one of ``setting`` and ``shift`` is needed.
    baseline
        Actions that are set to a value in what is compared with; by default the rows as they
        are.

    Returns
    -------
    xarray.DataArray
        In the outcome's unit, dims (chain, draw); ``supported_share`` is the share of the rows
        that are supported before and after.

    Raises
    ------
    QueryError, NotIdentifiedError
        As :meth:`average_outcome`; also if nothing is set or shifted.

    Examples
    --------
    >>> rows = frame[frame["regime"] == "obs"]
    >>> more = posterior.average_contrast(rows, shift={"a1": 0.1}, beyond="clamp")
    >>> more.sizes
    Frozen({'chain': 1, 'draw': 1000})
    """
    wanted = read_mapping(setting, "setting", "actions to values")
    if not wanted and not read_mapping(shift, "shift", "actions to amounts"):
        raise QueryError(
            "setting: an average contrast changes some actions, and neither setting nor shift was "
            "given; write for instance setting={'a1': 1.0} or shift={'a1': 0.1}."
        )
    regime = read_do(do, fit.actions)
    after = _change(fit, population, setting, shift)
    before = _change(fit, population, baseline, None, "baseline")
    if len(after) != len(before):
        raise QueryError(
            f"population: with the changes it has {len(after)} rows, without {len(before)}; give "
            f"every action one value per row."
        )
    query.require_identified_contrast(fit, before.values, after.values, regime)
    row_weights = read_row_weights(weights, len(after))
    supported = _supported(fit, after, regime, beyond) & _supported(fit, before, regime, beyond)
    phi = mean_features(fit, after, row_weights) - mean_features(fit, before, row_weights)
    values = theta_draws(fit, regime) @ phi  # (2)
    return _label(fit, values, regime, float(row_weights @ supported))


def _change(
    fit: Fitted, population: Any, setting: Changes, shift: Changes, set_by: str = "setting"
) -> Points:
    """Read the rows, with some actions set to values and others shifted by amounts.

    ``set_by`` is the argument that sets.
    """
    wanted = read_mapping(setting, set_by, "actions to values")
    moved = read_mapping(shift, "shift", "actions to amounts")
    for name, changes in ((set_by, wanted), ("shift", moved)):
        unknown = [action for action in changes if action not in fit.actions]
        if unknown:
            raise QueryError(f"{name}: {unknown} are no actions; they are {list(fit.actions)}.")
    if set(wanted) & set(moved):
        raise QueryError(
            f"shift: {sorted(set(wanted) & set(moved))} are also in setting; set an action or "
            f"shift it, not both."
        )
    coded = [action for action in moved if action in fit.summary.levels]
    if coded:
        raise QueryError(
            f"shift: {coded} are categorical, and levels cannot be shifted; use setting."
        )
    columns = read_columns(population)
    missing = [action for action in moved if action not in columns]
    if missing:
        raise QueryError(f"shift: the population has no values of {missing} to be shifted.")
    with query.naming(set_by):  # so that a bad value is not blamed on the population
        query.complete_points(fit, wanted)
    columns |= wanted
    with query.naming("population"):
        points = query.read_points(fit, columns)
        return query.read_points(fit, columns | _move(columns, moved)) if moved else points


def _move(columns: Mapping[str, Any], moved: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns, already checked, with amounts added."""
    changed = {}
    for action, amount in moved.items():
        try:
            amounts = np.asarray(amount, dtype=float)
            if not np.isfinite(amounts).all():
                raise ValueError("it is missing or infinite")
            changed[action] = np.asarray(columns[action]) + amounts
        except (TypeError, ValueError, OverflowError) as error:
            raise QueryError(
                f"shift: {action!r} must be shifted by one number, or by one per row ({error})."
            ) from error
    return changed


def _supported(fit: Fitted, rows: Points, regime: Regime, beyond: Beyond) -> Mask:
    with query.naming("population"):
        return np.asarray(query.flag_points(fit, rows, regime, beyond) == SUPPORTED)


def _label(fit: Fitted, values: Array, regime: Regime, supported: float) -> xr.DataArray:
    return writable(
        xr.DataArray(
            values,
            dims=("chain", "draw"),
            coords={**draw_coords(fit), "supported_share": supported},
            name=fit.outcome,
            attrs={"do": format_regime(regime)},
        )
    )

"""Expected outcomes averaged over a reference population, and what changing its actions does.

For rows a_1..a_n with weights w_i that sum to one, and a policy g that sets or shifts some actions,

    average   sum_i w_i E[Y | do(g(a_i)_S), g(a_i)_rest],
    contrast  that average under one policy, less that under another or under none.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayes_intgen.base.arguments import read_mapping
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import Regime, format_regime, read_do
from bayes_intgen.base.support_flags import SUPPORTED
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.data.points import Beyond, Points
from bayes_intgen.posterior.estimands.paired_points import naming, require_contrast
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
    setting: Changes = None,
    shift: Changes = None,
    weights: Any = None,
    beyond: Beyond = "error",
) -> xr.DataArray:
    """Average the expected outcome over rows.

    The arguments are those of :meth:`bayes_intgen.Posterior.average_outcome`.
    """
    regime = read_do(do, fit.actions)
    fit.require(regime)
    rows = _change(fit, population, setting, shift)
    shares = read_row_weights(weights, len(rows))
    supported = _supported(fit, rows, regime, beyond)
    phi = mean_features(fit, rows, shares)
    values = fit.theta(regime) @ phi + fit.outcome_scale.centre
    return _label(fit, values, regime, float(shares @ supported))


def average_contrast(
    fit: Fitted,
    population: Any,
    do: str | Iterable[str] | None = None,
    setting: Changes = None,
    shift: Changes = None,
    baseline: Changes = None,
    weights: Any = None,
    beyond: Beyond = "error",
) -> xr.DataArray:
    """Average, over rows, the change that setting or shifting actions makes.

    The arguments are those of :meth:`bayes_intgen.Posterior.average_contrast`.
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
    require_contrast(fit, before, after, regime)
    shares = read_row_weights(weights, len(after))
    supported = _supported(fit, after, regime, beyond) & _supported(fit, before, regime, beyond)
    phi = mean_features(fit, after, shares) - mean_features(fit, before, shares)
    return _label(fit, fit.theta(regime) @ phi, regime, float(shares @ supported))


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
    with naming(set_by):
        fit.complete(wanted)
    columns |= wanted
    with naming("population"):
        points = fit.points(columns)
        return fit.points(columns | _move(columns, moved)) if moved else points


def _move(columns: Mapping[str, Any], moved: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns, already checked, with amounts added."""
    found = {}
    for action, amount in moved.items():
        try:
            amounts = np.asarray(amount, dtype=float)
            if not np.isfinite(amounts).all():
                raise ValueError("it is missing or infinite")
            found[action] = np.asarray(columns[action]) + amounts
        except (TypeError, ValueError, OverflowError) as error:
            raise QueryError(
                f"shift: {action!r} must be shifted by one number, or by one per row ({error})."
            ) from error
    return found


def _supported(fit: Fitted, rows: Points, regime: Regime, beyond: Beyond) -> Mask:
    with naming("population"):
        return np.asarray(fit.support(rows, regime, beyond) == SUPPORTED)


def _label(fit: Fitted, values: Array, regime: Regime, supported: float) -> xr.DataArray:
    draws = fit.idata["posterior"].dataset
    return xr.DataArray(
        values,
        dims=("chain", "draw"),
        coords={
            "chain": draws["chain"].to_numpy(),
            "draw": draws["draw"].to_numpy(),
            "supported_share": supported,
        },
        name=fit.outcome,
        attrs={"do": format_regime(regime)},
    )

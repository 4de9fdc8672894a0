"""The decomposition of an expected outcome into what each action contributes.

With every action held at a reference b but those of one unit k (equation 1 of the model; a unit is
an action, or a block of several),

    alpha = beta(b),   int_k(a) = beta(b with a_k) - beta(b),   bias_k(a) = d_k(a_k, a_parents(k)),
    obs_k = int_k + bias_k,
    interaction(a) = beta(a) - alpha - sum_k int_k(a),   on rungs that have room for one.

Then, draw by draw and for every set S of units that are set,

    E[Y | do(a_S), a_rest] = alpha + interaction + sum over k in S of int_k
                                                 + sum over k not in S of obs_k.

The data fix each bias and the sum of alpha and all int, but constants could move between these;
the reference, which is stated with the result, settles where they are.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Beyond, Points
from bayes_intgen.data.reference import reference_values
from bayes_intgen.design.design import CAUSAL, bias_name
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["decomposition"]


def decomposition(fit: Fitted, at: Any, beyond: Beyond = "error") -> xr.Dataset:
    """Split the expected outcome at some points into components.

    The arguments are those of :meth:`bayes_intgen.Posterior.decomposition`.
    """
    actions = fit.actions
    units = fit.design.blocks
    for regime in ((), actions, *(tuple(a for a in actions if a not in unit) for unit in units)):
        fit.require(regime)
    points = fit.points(at)
    flags = fit.support(points, actions, beyond)
    design = fit.design
    phi = design.features.evaluate
    beta = design.collect(fit.weights, design.component(CAUSAL))
    reference = reference_values(fit.summary)[: len(actions)]
    held = points.values.copy()  # columns that are not actions stay as they are
    held[:, : len(actions)] = reference
    base = phi(held)
    causal, bias = [], []
    for unit in units:
        columns = [actions.index(action) for action in unit]
        moved = held.copy()
        moved[:, columns] = points.values[:, columns]
        causal.append(beta @ (phi(moved) - base).T)
        delta = design.collect(fit.weights, design.component(bias_name(unit)))
        bias.append(delta @ phi(points.values).T)
    variables = {
        "alpha": beta @ base.T + fit.outcome_scale.centre,
        "int": np.stack(causal, axis=2),
        "obs": np.stack(causal, axis=2) + np.stack(bias, axis=2),
        "bias": np.stack(bias, axis=2),
    }
    if _has_room(fit):
        variables["interaction"] = beta @ (phi(points.values) - base).T - np.sum(causal, axis=0)
    return _label(fit, points, ["+".join(unit) for unit in units], variables, flags)


def _has_room(fit: Fitted) -> bool:
    """Say whether the causal part has a feature of actions of several units."""
    causal = [weight.feature for weight in fit.design.weights if weight.component == CAUSAL]
    touched = [feature.actions & {*fit.actions} for feature in causal]
    return not all(any(some <= {*unit} for unit in fit.design.blocks) for some in touched)


def _label(
    fit: Fitted,
    points: Points,
    units: list[str],
    variables: dict[str, Array],
    flags: npt.NDArray[np.str_],
) -> xr.Dataset:
    one, many = ("chain", "draw", "point"), ("chain", "draw", "action", "point")
    draws = fit.idata["posterior"].dataset
    usual = fit.complete({}).coords()
    reference = ", ".join(f"{action} = {_text(usual[action][1][0])}" for action in fit.actions)
    return xr.Dataset(
        {name: (many if v.ndim == 4 else one, v) for name, v in variables.items()},
        coords={
            "chain": draws["chain"].to_numpy(),
            "draw": draws["draw"].to_numpy(),
            "action": units,
            **points.coords(),
            "support": ("point", flags),
        },
        attrs={
            "gauge": f"int is zero at the reference {reference} (means or most frequent levels "
            f"over the regimes, weighted equally) and the covariates of the point, if any; alpha "
            f"is the joint effect there; bias keeps its own constant.",
            "outcome": fit.outcome,
        },
    )


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)

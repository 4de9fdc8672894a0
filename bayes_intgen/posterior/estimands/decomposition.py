"""The decomposition of an expected outcome into what each action contributes.

With every action held at a reference b but those of one unit k (design (1); a unit is an action,
or a block of several),

    alpha = beta(b),                                                                  (1)
    int_k(a) = beta(b with a_k) - beta(b),                                            (2)
    bias_k(a) = d_k(a_k, a_pa(k)),                                                    (3)
    obs_k = int_k + bias_k,                                                           (4)
    interaction(a) = beta(a) - alpha - sum_k int_k(a),   if the model has interactions, (5)

Then, draw by draw and for every set S of units that are set,

    E[Y | do(a_S), a_rest] = alpha + interaction + sum over k in S of int_k
                                                 + sum over k not in S of obs_k.

The data fix each bias and the sum of alpha and all int, but constants could move between these;
the reference, which is stated with the result, settles where they are.
"""

from typing import Any

import numpy as np
import xarray as xr

from bayes_intgen.base.netcdf_names import writable
from bayes_intgen.data.points import Beyond
from bayes_intgen.data.reference import reference_values
from bayes_intgen.design.design import CAUSAL, bias_name
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.expected_outcome import draw_coords, weight_draws
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["decomposition"]


def decomposition(fit: Fitted, at: Any, beyond: Beyond = "error") -> xr.Dataset:
    """Posterior of what each action contributes, by its effect and by its confounding.

    Parameters
    ----------
    at
        The points, as in :meth:`expected_outcome`.
    beyond
        As in :meth:`expected_outcome`; flags are those of the joint effect.

    Returns
    -------
    xarray.Dataset
        In the outcome's unit: ``alpha`` (chain, draw, point), the joint effect where every
        action is at its reference, at the covariates of the point; and with dim ``action``,
        ``int``, the causal component, ``bias``, the confounding, and ``obs``, their sum. A
        block stands as one, as ``a1+a2``. With interactions also ``interaction``
        (chain, draw, point). For any set S of actions or whole blocks that are set the expected
        outcome is alpha + interaction + the sum of int over S and of obs over the rest, draw by
        draw. The attribute ``gauge`` states the reference.

    Raises
    ------
    QueryError
        If points cannot be read, or lie beyond the box.
    NotIdentifiedError
        If the data do not identify the joint effect, the observational mean, and the bias of
        each action.

    References
    ----------
    Kekić, Garrido Mejia and Schölkopf (2025), Lemma 1 and Theorem 1.

    Examples
    --------
    >>> at = {"a1": [0.1, 0.2], "a2": 0.0}
    >>> split = posterior.decomposition(at)
    >>> joint = split["alpha"] + split["int"].sum("action")
    >>> bool(abs(joint - posterior.expected_outcome(at)).max() < 1e-9)
    True
    """
    actions = fit.actions
    units = fit.design.blocks
    for regime in ((), actions, *(tuple(a for a in actions if a not in unit) for unit in units)):
        query.require_identified_mean(fit, regime)
    points = query.read_points(fit, at)
    flags = query.flag_points(fit, points, actions, beyond)
    design = fit.design
    phi = design.features.evaluate
    weights = weight_draws(fit)
    beta = design.collect(weights, design.component(CAUSAL))
    reference = reference_values(fit.summary)[: len(actions)]
    held = points.values.copy()  # columns that are not actions stay as they are
    held[:, : len(actions)] = reference
    base = phi(held)
    causal, bias = [], []
    for unit in units:
        columns = [actions.index(action) for action in unit]
        moved = held.copy()
        moved[:, columns] = points.values[:, columns]
        causal.append(beta @ (phi(moved) - base).T)  # (2)
        delta = design.collect(weights, design.component(bias_name(unit)))
        bias.append(delta @ phi(points.values).T)  # (3)
    variables = {
        "alpha": beta @ base.T + fit.outcome_scale.centre,  # (1)
        "int": np.stack(causal, axis=2),
        "obs": np.stack(causal, axis=2) + np.stack(bias, axis=2),  # (4)
        "bias": np.stack(bias, axis=2),
    }
    if _has_interactions(fit):  # (5)
        variables["interaction"] = beta @ (phi(points.values) - base).T - np.sum(causal, axis=0)
    one, many = ("chain", "draw", "point"), ("chain", "draw", "action", "point")
    coords = {**draw_coords(fit), "action": ["+".join(unit) for unit in units], **points.coords()}
    return writable(
        xr.Dataset(
            {name: (many if v.ndim == 4 else one, v) for name, v in variables.items()},
            coords={**coords, "support": ("point", flags)},
            attrs={"gauge": _gauge(fit), "outcome": fit.outcome},
        )
    )


def _has_interactions(fit: Fitted) -> bool:
    """Say whether the causal part has a feature of actions of several units."""
    causal = [weight.feature for weight in fit.design.weights if weight.component == CAUSAL]
    touched = [feature.actions & {*fit.actions} for feature in causal]
    return not all(any(some <= {*unit} for unit in fit.design.blocks) for some in touched)


def _gauge(fit: Fitted) -> str:
    """Say where the causal components are zero."""
    held = query.complete_points(fit, {}).coords()
    reference = ", ".join(f"{action} = {_text(held[action][1][0])}" for action in fit.actions)
    return (
        f"int is zero at the reference {reference} (means over the regimes, weighted equally, "
        f"out of gaps that no experiment set, or most frequent levels) and the covariates of the "
        f"point, if any; alpha is the joint effect there; bias keeps its own constant."
    )


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)

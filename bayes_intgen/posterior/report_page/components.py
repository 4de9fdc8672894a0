"""The decomposition along each action: its effect, its confounding, and their sum.

They are those of :mod:`bayes_intgen.posterior.estimands.decomposition`, at the values of a control,
with the other actions at their reference; of an action within a block, its part of the block's
effect and the bias of the block.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bayes_intgen.base.errors import NotIdentifiedError
from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.data.reference import reference_values
from bayes_intgen.design.design import CAUSAL, bias_name
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.expected_outcome import weight_draws
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.report_page.controls import Control

__all__ = ["describe_components"]

DIGITS = 7


def describe_components(
    fit: Fitted, controls: Sequence[Control], held: Array
) -> list[dict[str, Any]] | str:
    """Return mean and interval of each component along each action, or why there are none.

    ``held``: values of all variables, of which those of covariates count.
    """
    design, actions = fit.design, fit.actions
    others = (tuple(a for a in actions if a not in unit) for unit in design.blocks)
    try:
        for regime in ((), actions, *others):
            query.require_identified_mean(fit, regime)
    except NotIdentifiedError as error:
        return str(error)
    weights = weight_draws(fit)
    weights = weights.reshape(-1, weights.shape[-1])
    base = reference_values(fit.summary)
    base[len(actions) :] = held[len(actions) :]
    found = []
    for k, control in enumerate(controls):
        points = np.repeat(base[None], len(control.values) + 1, axis=0)
        points[1:, k] = control.values  # the first one is the reference
        phi = design.features.evaluate(points)
        causal = _values(fit, weights, phi[1:] - phi[0], design.component(CAUSAL))
        name = bias_name(design.block_of(control.name))
        bias = _values(fit, weights, phi[1:], design.component(name))
        parts = {"int": causal, "bias": bias, "obs": causal + bias}
        found.append({"action": k} | {part: _summarise(values) for part, values in parts.items()})
    return found


def _values(fit: Fitted, weights: Array, phi: Array, chosen: Mask) -> Array:
    """Return draws of a component, shape (draws, points), from the weights it has alone."""
    return np.asarray(weights[:, chosen] @ phi[:, fit.design.positions[chosen]].T)


def _summarise(values: Array) -> dict[str, list[float]]:
    tail = (1 - INTERVAL) / 2
    lower, upper = np.quantile(values, [tail, 1 - tail], axis=0)
    columns = {"mean": values.mean(axis=0), "lower": lower, "upper": upper}
    return {name: [float(f"{x:.{DIGITS}g}") for x in column] for name, column in columns.items()}

"""The curves a mean is made of: causal effect, confounding bias, and their sum.

With E[Y | do(a_S), a_rest] = alpha + sum_k u_k(a_k) + sum over k not in S of d_k(a_k, a_parents(k))
(equation 1 of the model), the components of action k are

    int:   u_k(a_k) - u_k(reference),       bias:  d_k(a_k, a_parents(k)),       obs:  int + bias.

The data fix each d_k and the sum of the u_k, but constants can move between the u_k. So every u_k
is stated relative to a reference: the mean of action k over the regimes, weighted equally, or its
most frequent level. Where actions interact, u_k is the effect of moving action k alone, the others
held at their reference. With covariates both components are taken at the point's own z:

    int:   u_k(a_k, z) - u_k(reference, z),       bias:  d_k(a_k, a_parents(k), z).

A block of several actions has the same components, with u_B a surface of all its actions. An action
within a block has an ``int`` of its own, the effect of moving it alone; the bias is the block's.
"""

from typing import Literal, get_args

import numpy as np

from bayes_intgen.base.arguments import read_choice
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import Regime, format_regime, order_regime
from bayes_intgen.base.types import Array
from bayes_intgen.design.design import CAUSAL, Design, bias_name

__all__ = ["Kind", "component_curve", "read_component"]

type Kind = Literal["int", "obs", "bias"]


def component_curve(
    design: Design, weights: Array, values: Array, reference: Array, action: str, kind: Kind
) -> Array:
    """Evaluate a component at some points.

    Parameters
    ----------
    design
        Features and components.
    weights
        Draws of the weights, shape (..., weights).
    values
        Actions and covariates in their own units, shape (points, variables); of the actions, the
        causal part reads those that move only.
    reference
        Where the other actions are held and u_k is zero, shape (variables,).
    action
        The action k, or a block by its label.
    kind
        ``"int"``, ``"obs"`` or ``"bias"``.

    Returns
    -------
    ndarray
        Shape (..., points), in the unit of the weights.

    Raises
    ------
    QueryError
        As :func:`read_component`.
    """
    block = read_component(design, action, kind)
    features = design.features
    total = np.zeros((*weights.shape[:-1], len(values)))
    if kind != "bias":
        held = np.tile(reference, (len(values), 1))
        given = [design.variables.index(name) for name in design.covariates]
        held[:, given] = values[:, given]
        columns = [design.variables.index(name) for name in block]
        moved = held.copy()
        moved[:, columns] = values[:, columns]
        step = features.evaluate(moved) - features.evaluate(held)
        total += design.collect(weights, design.component(CAUSAL)) @ step.T
    if kind != "int":
        bias = design.collect(weights, design.component(bias_name(block)))
        total += bias @ features.evaluate(values).T
    return total


def read_component(design: Design, action: str, kind: Kind) -> Regime:
    """Return the actions that a component is a function of, parents aside: one, or a block.

    Raises
    ------
    QueryError
        If the action or the kind is unknown, or the bias of an action within a block is asked for.
    """
    parts = action.split("+") if isinstance(action, str) else []
    names = [part if part in design.actions else part.strip() for part in parts]
    chosen = order_regime(names, design.actions)
    known = list(dict.fromkeys([*design.actions, *map(format_regime, design.blocks)]))
    if sorted(chosen) != sorted(names) or not (len(chosen) == 1 or chosen in design.blocks):
        raise QueryError(f"action must be one of {known}, got {action!r}.")
    read_choice(kind, "kind", get_args(Kind.__value__), QueryError)
    block = design.block_of(chosen[0])
    if chosen != block and kind != "int":
        raise QueryError(
            f"kind: action {action!r} has no confounding bias of its own, because its block "
            f"{format_regime(block)!r} may share a confounder; ask for that of the block, or for "
            f"kind='int'."
        )
    return chosen

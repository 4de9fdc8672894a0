"""The curves a mean is made of: causal effect, confounding bias, and their sum.

With E[Y | do(a_S), a_rest] = alpha + sum_k u_k(a_k) + sum over k not in S of d_k(a_k, a_parents(k))
(equation 1 of the model), the components of action k are

    int:   u_k(a_k) - u_k(reference),       bias:  d_k(a_k, a_parents(k)),       obs:  int + bias.

The data fix each d_k and the sum of the u_k, but constants can move between the u_k. So every u_k
is stated relative to a reference: the mean of action k over the regimes, weighted equally, or its
most frequent level. Where actions interact, u_k is the effect of moving action k alone, the others
held at their reference. With covariates both components are taken at the point's own z:

    int:   u_k(a_k, z) - u_k(reference, z),       bias:  d_k(a_k, a_parents(k), z).
"""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from bayes_intgen.design import CAUSAL, Design, bias_name
from bayes_intgen.errors import QueryError

__all__ = ["Kind", "component_curve"]

type Array = npt.NDArray[np.float64]
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
        causal part reads ``action`` only.
    reference
        Where the other actions are held and u_k is zero, shape (variables,).
    action
        The action k.
    kind
        ``"int"``, ``"obs"`` or ``"bias"``.

    Returns
    -------
    ndarray
        Shape (..., points), in the unit of the weights.

    Raises
    ------
    QueryError
        If the action or the kind is unknown.
    """
    if action not in design.actions:
        raise QueryError(f"action must be one of {list(design.actions)}, got {action!r}.")
    if kind not in get_args(Kind.__value__):
        raise QueryError(f"kind must be 'int', 'obs' or 'bias', got {kind!r}.")
    features = design.features
    total = np.zeros((*weights.shape[:-1], len(values)))
    if kind != "bias":
        held = np.tile(reference, (len(values), 1))
        given = [design.variables.index(name) for name in design.covariates]
        held[:, given] = values[:, given]
        column = design.variables.index(action)
        moved = held.copy()
        moved[:, column] = values[:, column]
        step = features.evaluate(moved) - features.evaluate(held)
        total += design.collect(weights, design.component(CAUSAL)) @ step.T
    if kind != "int":
        bias = design.collect(weights, design.component(bias_name(action)))
        total += bias @ features.evaluate(values).T
    return total

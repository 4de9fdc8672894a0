"""Components of the mean along one action: causal effect, confounding bias, and their sum.

With E[Y | do(a_S), a_rest] = alpha + sum_k u_k(a_k) + sum over k not in S of d_k(a_k, a_pa(k))
(design (1)), the components of action k are

    int:   u_k(a_k) - u_k(reference),       (1)
    bias:  d_k(a_k, a_pa(k)),               (2)
    obs:   int + bias.                      (3)

The data fix each d_k and the sum of the u_k, but constants can move between the u_k. So every u_k
is stated relative to a reference: the mean of action k over the regimes, weighted equally, or its
most frequent level (:mod:`bayes_intgen.data.reference`). Where actions interact, u_k is the effect
of moving action k alone, the others held at their reference. With covariates both components are
taken at the point's own z:

    int:   u_k(a_k, z) - u_k(reference, z),       bias:  d_k(a_k, a_pa(k), z).

A block of several actions has the same components, with u_B a surface of all its actions. An action
within a block has an ``int`` of its own, the effect of moving it alone; the bias is the block's.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr

from bayes_intgen.base.arguments import read_choice
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import Regime, format_regime, order_regime
from bayes_intgen.data.points import Beyond
from bayes_intgen.data.reference import reference_values
from bayes_intgen.design.design import CAUSAL, Design, bias_name
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.expected_outcome import label_draws, weight_draws
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.support import find_beyond

__all__ = ["component"]

type Kind = Literal["int", "obs", "bias"]


def component(
    fit: Fitted, action: str, at: Any, kind: Kind = "int", beyond: Beyond = "error"
) -> xr.DataArray:
    """Draws of one curve of the decomposition.

    Parameters
    ----------
    action
        The action k, or a block by its label, such as ``"a1+a2"``.
    at
        Values of the action, or a mapping with values of more actions (as a block needs) and
        covariates; those not given are held at their means over the regimes (weighted equally;
        in a gap between values that experiments set, at the nearer of these) or most frequent
        levels.
    kind
        ``"int"``: the causal effect u_k(a_k), relative to that held value, at the point's
        covariates; for an action within a block, that of moving it alone. ``"bias"``: the
        confounding bias d_k(a_k, a_pa(k)), which a block has as a whole. ``"obs"``: their
        sum, the effect that observational rows show.
    beyond
        As in :meth:`expected_outcome`.

    Returns
    -------
    xarray.DataArray
        In the outcome's unit, dims (chain, draw, point).

    Raises
    ------
    QueryError
        If the action, the kind or a name in the mapping is unknown, values are not finite
        numbers, or the bias of an action within a block is asked for.

    Examples
    --------
    >>> curve = posterior.component("a1", [0.0, 0.1, 0.2], kind="bias")
    >>> curve.dims, curve.shape
    (('chain', 'draw', 'point'), (1, 1000, 3))
    """
    block = _read_component(fit.design, action, kind)
    if len(block) > 1 and not isinstance(at, Mapping):
        raise QueryError(
            f"at: the block {action!r} takes values of {list(block)}, got "
            f"{type(at).__name__}; give a mapping of names to values."
        )
    points = query.complete_points(fit, at if isinstance(at, Mapping) else {action: at})
    find_beyond(points, fit.design.features.bases, beyond)
    values, features = points.values, fit.design.features
    weights = weight_draws(fit)
    total = np.zeros((*weights.shape[:-1], len(values)))
    if kind != "bias":  # (1), at the covariates of the points
        held = np.tile(reference_values(fit.summary), (len(values), 1))
        given = [fit.design.variables.index(name) for name in fit.covariates]
        held[:, given] = values[:, given]
        moved = held.copy()
        columns = [fit.actions.index(name) for name in block]
        moved[:, columns] = values[:, columns]
        step = features.evaluate(moved) - features.evaluate(held)
        total += fit.design.collect(weights, fit.design.component(CAUSAL)) @ step.T
    if kind != "int":  # (2)
        bias = fit.design.collect(weights, fit.design.component(bias_name(block)))
        total += bias @ features.evaluate(values).T
    return label_draws(fit, total, points, f"{kind}:{action}")


def _read_component(design: Design, action: str, kind: Kind) -> Regime:
    """Return the actions that a component is a function of, parents aside: one, or a block."""
    texts = action.split("+") if isinstance(action, str) else []
    names = [text if text in design.actions else text.strip() for text in texts]
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

"""Synergy: the effect of moving two actions together beyond the sum of moving each.

With m(a) = E[Y | do(a)] and the other actions held,

    m(a_j, a_k) - m(a_j, b_k) - m(b_j, a_k) + m(b_j, b_k),     (1)

draw by draw. Constants, curves of one action, and every bias drop out of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from bayes_intgen.base.arguments import read_mapping, show
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import format_regime
from bayes_intgen.data.points import Beyond, Points
from bayes_intgen.design.design import CAUSAL
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.expected_outcome import label_draws, theta_draws
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["synergy"]


def synergy(
    fit: Fitted,
    at: Any,
    pair: Sequence[str],
    baseline: Mapping[str, Any] | None = None,
    beyond: Beyond = "error",
) -> xr.DataArray:
    """Posterior of what moving two actions together adds to the effects of moving each.

    With m(a) = E[Y | do(a)], m(a_j, a_k) - m(a_j, b_k) - m(b_j, a_k) + m(b_j, b_k).

    It takes a fit in which the two may interact. ``interactions="learned"``, the default, gives two
    actions a product only where a test finds one, and few rows find large ones only: without it
    there is no synergy to report, which does not mean that there is none. Fit with
    ``interactions="pairwise"``, as below, for an interval of what it may be.

    Parameters
    ----------
    at
        The points, with the values to which the pair is moved and at which the others are held.
        A mapping may leave out actions beside the pair, and covariates, which stay at their
        means or most frequent levels.
    pair
        The two actions j and k.
    baseline
        The values of the pair, and of nothing else, from which it is moved, one each or one
        per point; by default their means over the regimes (weighted equally) or most frequent
        levels.
    beyond
        As in :meth:`expected_outcome`.

    Returns
    -------
    xarray.DataArray
        In the outcome's unit, dims (chain, draw, point); ``support`` is the worst flag of the
        four settings.

    Raises
    ------
    QueryError
        If the fit has no product of the two, ``pair`` is not one, ``at`` leaves
        out one of it, ``baseline`` has another name, or points cannot be read.
    NotIdentifiedError
        If the data do not identify the joint effect.

    Examples
    --------
    >>> import bayes_intgen as ig
    >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1, interactions=1.0)
    >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=500, random_seed=2)
    >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    >>> posterior = ig.InterventionModel(interactions="pairwise").fit(data, method="laplace")
    >>> extra = posterior.synergy({"a1": 0.2, "a2": 0.2}, ("a1", "a2"), {"a1": 0.0, "a2": 0.0})
    >>> extra.dims
    ('chain', 'draw', 'point')
    """
    first, second = _read_pair(fit, pair)
    _require_interaction(fit, first, second)
    after, before = _read_ends(fit, at, baseline, (first, second))
    corners = [
        _hold(fit, after, before, held)
        for held in ((first, second), (second,), (first,), ())  # neither, first, second, both moved
    ]
    for one, other in ((1, 3), (0, 2)):  # moving the first, at either value of the second
        ends = corners[one].values, corners[other].values
        query.require_identified_contrast(fit, *ends, fit.actions)
    flags = [query.flag_points(fit, corner, fit.actions, beyond) for corner in corners]
    phi = [fit.design.features.evaluate(corner.values) for corner in corners]
    step = phi[3] - phi[2] - phi[1] + phi[0]  # (1)
    values = theta_draws(fit, fit.actions) @ step.T
    name = f"synergy:{first}+{second}"
    answer = label_draws(fit, values, after, name, query.worst_support(*flags))
    answer.attrs |= {"do": format_regime(fit.actions), "pair": f"{first}+{second}"}
    return answer


def _read_pair(fit: Fitted, pair: Sequence[str]) -> tuple[str, str]:
    names = [] if isinstance(pair, str) or not isinstance(pair, Iterable) else list(pair)
    known = all(isinstance(name, str) and name in fit.actions for name in names)
    if len(names) != 2 or not known or names[0] == names[1]:
        raise QueryError(
            f"pair must name two different actions out of {list(fit.actions)}, as in "
            f"('{fit.actions[0]}', '{fit.actions[-1]}'); got {show(pair)}."
        )
    return names[0], names[1]


def _read_ends(
    fit: Fitted, at: Any, baseline: object, pair: tuple[str, str]
) -> tuple[Points, Points]:
    """Read the points to which the pair is moved, and those from which it is."""
    if isinstance(at, Mapping):
        left = [name for name in pair if name not in at]
        if left:
            raise QueryError(
                f"at must give the values to which both of {list(pair)} are moved, but {left} are "
                f"missing, which would stay at their baseline; it has {sorted(map(str, at))}."
            )
        after = query.complete_points(fit, at)
    else:
        after = query.read_points(fit, at)
    given = read_mapping(baseline, "baseline", "the two actions to values")
    with query.naming("baseline"):
        start = query.complete_points(fit, given)
    others = [name for name in given if name not in pair]
    if others:
        raise QueryError(
            f"baseline: only {list(pair)} are moved, and {others} are not among them; give their "
            f"values in at, where they are held."
        )
    return after, query.repeat_points(start, after, "baseline")


def _require_interaction(fit: Fitted, first: str, second: str) -> None:
    """Refuse to report a synergy that the model assumes to be zero."""
    causal = [weight for weight in fit.design.weights if weight.component == CAUSAL]
    if any({first, second} <= weight.feature.actions for weight in causal):
        return
    interactions = fit.design.interactions
    if interactions == "learned":
        tested = "the data show no interaction of" if fit.interactions.tested else "nothing tested"
        raise QueryError(
            f"pair: {tested} {first!r} and {second!r}, so that this fit has no product of the two; "
            f"that does not say that there is none ({fit.interactions}). For an interval of it: "
            f"ig.InterventionModel(interactions='pairwise').fit(data).synergy(at, "
            f"({first!r}, {second!r}))"
        )
    if interactions == "none":
        raise QueryError(
            f"pair: in this fit (interactions='none') {first!r} and {second!r} do not interact by "
            f"assumption, so that their synergy is zero whatever the data say. Fit "
            f"InterventionModel(interactions='pairwise') to estimate it, or 'all' if confounders "
            f"may modify the effects of other actions as well, or put both into one block if they "
            f"were set together."
        )
    raise QueryError(
        f"pair: this fit (interactions={interactions!r}) has no product of {first!r} and "
        f"{second!r} among its features, so that their synergy is zero by assumption; choose a "
        f"basis with products, such as Polynomial(2) or HSGP()."
    )


def _hold(fit: Fitted, after: Points, before: Points, held: Sequence[str]) -> Points:
    """Return the points with the values of some actions taken from the baseline."""
    values = after.values.copy()
    columns = np.array([fit.actions.index(action) for action in held], dtype=int)
    values[:, columns] = before.values[:, columns]
    return replace(after, values=values)

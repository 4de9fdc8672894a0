"""Synergy: the effect of moving two actions together beyond the sum of moving each.

With m(a) = E[Y | do(a)] and the other actions held,

    m(a_j, a_k) - m(a_j, b_k) - m(b_j, a_k) + m(b_j, b_k),

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
from bayes_intgen.posterior.estimands.paired_points import (
    naming,
    repeat_points,
    require_contrast,
    worst_support,
)
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["synergy"]


def synergy(
    fit: Fitted,
    at: Any,
    pair: Sequence[str],
    baseline: Mapping[str, Any] | None = None,
    beyond: Beyond = "error",
) -> xr.DataArray:
    """Compare moving two actions together with moving each alone.

    The arguments are those of :meth:`bayes_intgen.Posterior.synergy`.
    """
    first, second = _read_pair(fit, pair)
    _require_room(fit, first, second)
    after = _read_moved(fit, at, (first, second)) if isinstance(at, Mapping) else fit.points(at)
    start = _read_start(fit, baseline, (first, second))
    before = repeat_points(start, after, "baseline")
    corners = [
        _hold(fit, after, before, held)
        for held in ((first, second), (second,), (first,), ())  # neither, first, second, both moved
    ]
    require_contrast(fit, corners[1], corners[3], fit.actions)
    require_contrast(fit, corners[0], corners[2], fit.actions)
    flags = [fit.support(corner, fit.actions, beyond) for corner in corners]
    phi = [fit.design.features.evaluate(corner.values) for corner in corners]
    step = phi[3] - phi[2] - phi[1] + phi[0]
    answer = fit.label(fit.theta(fit.actions) @ step.T, after, f"synergy:{first}+{second}")
    answer.attrs |= {"do": format_regime(fit.actions), "pair": f"{first}+{second}"}
    return answer.assign_coords(support=("point", worst_support(*flags)))


def _read_pair(fit: Fitted, pair: Sequence[str]) -> tuple[str, str]:
    names = [] if isinstance(pair, str) or not isinstance(pair, Iterable) else list(pair)
    known = all(isinstance(name, str) and name in fit.actions for name in names)
    if len(names) != 2 or not known or names[0] == names[1]:
        raise QueryError(
            f"pair must name two different actions out of {list(fit.actions)}, as in "
            f"('{fit.actions[0]}', '{fit.actions[-1]}'); got {show(pair)}."
        )
    return names[0], names[1]


def _read_moved(fit: Fitted, at: Mapping[str, Any], pair: tuple[str, str]) -> Points:
    """Read points given by some of the actions, of which the pair must be there."""
    left = [name for name in pair if name not in at]
    if left:
        raise QueryError(
            f"at must give the values to which both of {list(pair)} are moved, but {left} are "
            f"missing, which would stay at their baseline; it has {sorted(map(str, at))}."
        )
    return fit.complete(at)


def _read_start(fit: Fitted, baseline: object, pair: tuple[str, str]) -> Points:
    """Read where the pair is moved from."""
    given = read_mapping(baseline, "baseline", "the two actions to values")
    with naming("baseline"):
        start = fit.complete(given)
    others = [name for name in given if name not in pair]
    if others:
        raise QueryError(
            f"baseline: only {list(pair)} are moved, and {others} are not among them; give their "
            f"values in at, where they are held."
        )
    return start


def _require_room(fit: Fitted, first: str, second: str) -> None:
    """Refuse to report a synergy that the model assumes to be zero."""
    causal = [weight for weight in fit.design.weights if weight.component == CAUSAL]
    if any({first, second} <= weight.feature.actions for weight in causal):
        return
    rung = fit.design.interactions
    if rung == "none":
        raise QueryError(
            f"pair: in this fit (interactions='none') {first!r} and {second!r} do not interact by "
            f"assumption, so that their synergy is zero whatever the data say. Fit "
            f"InterventionModel(interactions='pairwise') to estimate it, or 'all' if confounders "
            f"may modify the effects of other actions as well, or put both into one block if they "
            f"were set together."
        )
    raise QueryError(
        f"pair: this fit (interactions={rung!r}) has no product of {first!r} and {second!r} among "
        f"its features, so that their synergy is zero by assumption; choose a basis with products, "
        f"such as Polynomial(2) or HSGP()."
    )


def _hold(fit: Fitted, after: Points, before: Points, held: Sequence[str]) -> Points:
    """Return the points with the values of some actions taken from the baseline."""
    values = after.values.copy()
    columns = np.array([fit.actions.index(action) for action in held], dtype=int)
    values[:, columns] = before.values[:, columns]
    return replace(after, values=values)

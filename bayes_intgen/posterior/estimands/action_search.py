"""The search for the best setting: what may be chosen, and which setting is best given the effects.

The search of :mod:`bayes_intgen.posterior.estimands.best_action`, apart from it because the value
of further rows is that of better choices.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayes_intgen.base.arguments import read_mapping, read_real, read_switch
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import Regime, read_do
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.data.points import Beyond, Points
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.action_grid import Group, read_groups
from bayes_intgen.posterior.estimands.knapsack import choose_best
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["Search", "read_search"]

VALUES_AT_ONCE = 2**22


@dataclass(frozen=True)
class Search:
    """The settings among which the best is sought, and what they may cost."""

    regime: Regime
    limits: Mapping[str, Any]  # the bounds of each action that may be chosen
    held: Points  # where the others stay
    groups: Sequence[Group] = field(repr=False)
    budget: float | None
    sign: float  # -1 if the smallest outcome is the best, else 1

    def choose(self, theta: Array) -> Indices:
        """Return the best setting of each group for each row of coefficients, in portions.

        Shapes (draws, features) to (groups, draws).
        """
        rows = max(1, VALUES_AT_ONCE // max(len(group.cost) for group in self.groups))
        costs = [group.cost for group in self.groups]
        chosen = []
        for start in range(0, len(theta), rows):
            some = self.sign * theta[start : start + rows].T
            values = [group.step @ some for group in self.groups]
            chosen.append(choose_best(values, costs, self.budget))
        return np.concatenate(chosen, axis=1)

    def gain(self, theta: Array, chosen: Indices) -> Array:
        """Return what the chosen settings add to the mean of each draw, shape (draws,)."""
        total = np.zeros(len(theta))
        for group, index in zip(self.groups, chosen, strict=True):
            total += (theta * group.step[index]).sum(axis=1)
        return total

    def steps(self, chosen: Indices) -> Array:
        """Return phi at the chosen settings less phi where all are held, (draws, features)."""
        pairs = zip(self.groups, chosen, strict=True)
        return np.sum([group.step[index] for group, index in pairs], axis=0)


def read_search(
    fit: Fitted,
    bounds: Mapping[str, Any] | None = None,
    budget: float | None = None,
    cost: Mapping[str, Any] | None = None,
    grid: Any = None,
    minimize: bool = False,
    do: str | Iterable[str] | None = None,
    at: Mapping[str, Any] | None = None,
    beyond: Beyond = "error",
) -> Search:
    """Read the arguments of ``best_action``, which describes them."""
    regime = read_do(do, fit.actions)
    query.require_identified_mean(fit, regime)
    read_switch(minimize, "minimize", QueryError)
    if budget is not None:
        budget = read_real(budget, "budget", "a finite number or None", error=QueryError)
    limits, held = _read_choice(fit, bounds, at, regime)
    groups = read_groups(fit, limits, grid, cost, held, regime, beyond)
    return Search(regime, limits, held, groups, budget, -1.0 if minimize else 1.0)


def _read_choice(
    fit: Fitted, bounds: Mapping[str, Any] | None, at: Mapping[str, Any] | None, regime: Regime
) -> tuple[dict[str, Any], Points]:
    """Return the bounds of each action that may be chosen, and the point at which others stay."""
    if not regime:
        raise QueryError("do: an action that is not set cannot be chosen, and do sets none.")
    fixed = read_mapping(at, "at", "names to values")
    limits = read_mapping(bounds, "bounds", "actions to (low, high) or levels")
    if bounds is None:
        limits = {action: None for action in regime if action not in fixed}
    strange = [action for action in limits if action not in regime]
    if strange:
        raise QueryError(
            f"bounds: {strange} are not among the actions that are set, {list(regime)}; only these "
            f"can be chosen."
        )
    if not limits:
        raise QueryError("bounds must hold at least one action that may be chosen, got none.")
    both = [action for action in limits if action in fixed]
    if both:
        raise QueryError(f"at: {both} have bounds, too; hold an action or choose it, not both.")
    held = query.complete_points(fit, fixed)
    if len(held) != 1:
        raise QueryError(f"at must give one value per action, got {len(held)}.")
    return {action: limits[action] for action in fit.actions if action in limits}, held

"""The steps from a question to a plan: read it, find what rows tell, split or value them.

The same for a plan from a fit and for one before any data, which differ in where the weights given
the hyperparameters come from.
"""

from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from typing import Any

from bayes_intgen.base.arguments import read_mapping, read_real
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.parallel import one_blas_thread
from bayes_intgen.data.points import Beyond
from bayes_intgen.posterior.estimands.action_search import read_search
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.planning.amount import Amount
from bayes_intgen.posterior.planning.goals import read_goals
from bayes_intgen.posterior.planning.hyper_points import HyperPoints
from bayes_intgen.posterior.planning.options import read_costs, read_options, read_regimes
from bayes_intgen.posterior.planning.plan_for_decision import plan_decision
from bayes_intgen.posterior.planning.plan_for_goals import plan_goals
from bayes_intgen.posterior.planning.plan_result import Plan

__all__ = ["make_plan"]


def make_plan(
    fit: Fitted,
    find_points: Callable[[], HyperPoints],
    at: Any,
    baseline: Any,
    options: Iterable[Any] | None,
    rows: int | Mapping[str, int] | None,
    budget: float | None,
    cost: Mapping[str, float] | None,
    random_seed: int,
    *,
    best: Mapping[str, Any] | None,
    value: float,
    do: str | Iterable[str] | None,
    average: bool,
    fixed: Mapping[str, float] | None,
    settings: Mapping[str, Any] | None = None,
    beyond: Beyond = "error",
    drawn: bool = True,
) -> Plan:
    """Plan for goals or for a decision; arguments as in :func:`plan`.

    ``find_points`` is called once all arguments are known to be valid; ``drawn``: whether the sd
    before further rows is that of the draws of the fit.
    """
    regimes = read_regimes(fit, options)
    costs = read_costs(fit, cost, regimes, "cost", 1.0)
    fixed_costs = read_costs(fit, fixed, regimes, "fixed", 0.0)
    if rows is not None and budget is not None:
        raise QueryError("rows: give either rows or a budget, because one follows from the other.")
    if budget is not None:
        rule = "a number above zero"
        budget = read_real(budget, "budget", rule, 0.0, open_ends=True, error=QueryError)
    if (at is None) == (best is None):
        raise QueryError(
            "at: give either points to be known better as at, or best=dict(bounds=...) if the best "
            "setting is to be chosen."
        )
    worth = read_real(value, "value", "a number above zero", 0.0, open_ends=True, error=QueryError)
    how_much = Amount.read(rows, budget, regimes)
    if best is None:
        goals = read_goals(fit, at, baseline, do, regimes, average=average, beyond=beyond)
        if not how_much:
            raise QueryError(
                "rows: say how much, as rows=1000 or as a budget; rows_needed says how many rows "
                "an interval of some width takes."
            )
    else:
        search = read_search(fit, **_read_best(best))
        if not how_much and cost is None and fixed is None:
            raise QueryError(
                "cost: without rows or a budget as much is run as pays, so that the costs of a row "
                "are needed, as cost={'obs': 1, 'a1': 20}, in the unit of value."
            )
    with one_blas_thread():
        points = find_points()
        choices = read_options(fit, points, regimes, (costs, fixed_costs), settings, random_seed)
        if best is None:
            return plan_goals(fit, points, choices, goals, how_much, drawn=drawn)
        price = worth if cost is not None or fixed is not None else None
        moved = settings or {}
        return plan_decision(fit, points, choices, search, how_much, price, random_seed, moved)


def _read_best(best: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the search, and refuse others."""
    given = read_mapping(best, "best", "arguments of best_action to their values")
    known = [name for name in signature(read_search).parameters if name != "fit"]
    strange = [name for name in given if name not in known]
    if strange:
        raise QueryError(f"best: {strange} are no arguments of best_action; give some of {known}.")
    return given

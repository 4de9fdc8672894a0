"""Which experiment next, and how large: the least uncertainty, or the best choice, for the money.

The mathematics stands in :mod:`bayes_intgen.posterior.planning.reduction` (what rows leave
unknown), :mod:`bayes_intgen.posterior.planning.allocation` (the split of a budget) and
:mod:`bayes_intgen.posterior.planning.decision` (what rows are worth).
"""

from collections.abc import Iterable, Mapping
from inspect import signature
from typing import Any

from bayes_intgen.base.arguments import read_mapping, read_real
from bayes_intgen.base.errors import QueryError
from bayes_intgen.data.points import Beyond
from bayes_intgen.posterior.estimands.action_search import read_search
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.planning.amount import Amount
from bayes_intgen.posterior.planning.goals import read_goals
from bayes_intgen.posterior.planning.hyper_points import read_hyper_points
from bayes_intgen.posterior.planning.options import read_costs, read_options, read_regimes
from bayes_intgen.posterior.planning.plan_for_decision import plan_decision
from bayes_intgen.posterior.planning.plan_for_goals import plan_goals
from bayes_intgen.posterior.planning.plan_result import Plan

__all__ = ["plan"]

POINTS = 16  # of the hyperparameters


def plan(
    fit: Fitted,
    at: Any = None,
    baseline: Any = None,
    options: Iterable[Any] | None = None,
    rows: int | Mapping[str, int] | None = None,
    budget: float | None = None,
    cost: Mapping[str, float] | None = None,
    random_seed: int = 1,
    *,
    best: Mapping[str, Any] | None = None,
    value: float = 1.0,
    do: str | Iterable[str] | None = None,
    average: bool = False,
    fixed: Mapping[str, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    beyond: Beyond = "error",
) -> Plan:
    """Say which experiments to run next, how large, and what they leave unknown or are worth.

    Parameters
    ----------
    at, baseline
        What is to be found out: expected outcomes at these points, as in :meth:`expected_outcome`,
        or contrasts with the baseline, as in :meth:`contrast`. Of several, the mean variance is
        made as small as possible.
    options
        The regimes that may be run, with or without rows so far, as labels (``"obs"``, ``"a1"``,
        ``"a1+a2"``); the observational one and each action alone by default.
    rows, budget
        How much: a number of rows in all, to be split among the options; a mapping of options to
        rows, to be judged as it is; or what the rows may cost. For a decision neither is needed:
        then it is as much as pays.
    cost
        Of a row of each option; 1 for options that are not named.
    random_seed
        Of rows that are made up, and of draws.
    best
        The arguments of :meth:`best_action`, such as ``dict(bounds=..., budget=...)``, in place of
        ``at``: then the goal is to choose the best setting.
    value
        What one unit of the outcome is worth, in the unit of the costs: the number of times that
        the chosen setting will be used, say, times the price of a unit.
    do
        The actions that are set in what is to be found out; None for all.
    average
        Whether the points are rows of a population over which the answer is averaged.
    fixed
        What it costs to run an option at all, in addition to its rows; 0 by default.
    settings
        Values, or levels, at which an option sets an action, each in as many rows; by default as
        in the experiments so far, independently where options set several actions.
    beyond
        As in :meth:`expected_outcome`.

    Returns
    -------
    Plan
        Print it, plot it, save it. ``plan.table`` has the rows and costs of each option,
        ``plan.sd_before`` and ``plan.sd_after`` the sd of each goal, ``plan.curve`` what each
        option alone would do at several sizes.

    Raises
    ------
    QueryError
        If an argument is not valid, the budget buys no row, or the fit keeps no sums over its rows
        (saved by an earlier version, or sampled row by row). Also if its rows were read with
        ``cluster``, ``time`` or ``weights``: a plan takes every further row as one independent
        unit. Planned with a fit of the same table without them, sizes and widths are too hopeful.
    NotIdentifiedError
        If rows and options together do not identify what is to be found out.

    Notes
    -----
    Given the hyperparameters, further rows add their expected products of features to the precision
    of the weights; that is averaged over draws of the hyperparameters. What rows teach of
    these, of the structure, and of what interacts is not counted.

    Examples
    --------
    >>> origin, moved = {"a1": 0.0, "a2": 0.0}, {"a1": 0.1, "a2": 0.0}
    >>> plan = posterior.plan(moved, origin, rows=1000)
    >>> int(plan.table["rows"].sum()), bool((plan.sd_after < plan.sd_before).all())
    (1000, True)
    >>> plan.rows  # the effect of a1 is best learned by setting it
    {'a1': 1000}
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
    points = read_hyper_points(fit, POINTS)
    choices = read_options(fit, points, regimes, (costs, fixed_costs), settings, random_seed)
    if best is None:
        return plan_goals(fit, points, choices, goals, how_much)
    priced = cost is not None or fixed is not None
    price = worth if priced else None
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

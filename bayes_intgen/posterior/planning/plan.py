"""Which experiment next, and how large: the least uncertainty, or the best choice, for the money.

The mathematics stands in :mod:`bayes_intgen.posterior.planning.reduction` (what rows leave
unknown), :mod:`bayes_intgen.posterior.planning.allocation` (the split of a budget) and
:mod:`bayes_intgen.posterior.planning.decision` (what rows are worth).
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from bayes_intgen.data.points import Beyond
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.planning.hyper_points import read_hyper_points
from bayes_intgen.posterior.planning.make_plan import make_plan
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
    return make_plan(
        fit,
        partial(read_hyper_points, fit, POINTS),
        at,
        baseline,
        options,
        rows,
        budget,
        cost,
        random_seed,
        best=best,
        value=value,
        do=do,
        average=average,
        fixed=fixed,
        settings=settings,
        beyond=beyond,
    )

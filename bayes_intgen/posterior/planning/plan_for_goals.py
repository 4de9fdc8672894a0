"""The plan that leaves expected outcomes or contrasts least uncertain."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayes_intgen.base.types import Array
from bayes_intgen.posterior.estimands.expected_outcome import weight_draws
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.planning.allocation import GAP, Allocation, allocate
from bayes_intgen.posterior.planning.amount import Amount
from bayes_intgen.posterior.planning.goals import Goals
from bayes_intgen.posterior.planning.hyper_points import HyperPoints
from bayes_intgen.posterior.planning.options import Option
from bayes_intgen.posterior.planning.plan_result import IGNORED, Plan
from bayes_intgen.posterior.planning.reduction import Reduced, reduce_points

__all__ = ["curve_sizes", "describe_rows", "draw_sd", "notes_on", "plan_goals"]

SIZES = 13
SCARCE = 0.01  # share of all rows
REACH = 10.0  # of a curve: times, and parts of, what the whole amount buys of an option


def plan_goals(
    fit: Fitted,
    points: HyperPoints,
    options: list[Option],
    goals: Goals,
    amount: Amount,
    *,
    drawn: bool = True,
) -> Plan:
    """Split the amount among the options, or judge rows that are given exactly.

    ``drawn``: whether the sd so far is that of the draws of a fit; otherwise the points say it.
    """
    priced, limit = amount.limit(options)
    if amount.exact is not None:
        asked = amount.rows_of(options)
        bought = np.full(len(options), max(float(asked.sum()), 1.0))
    else:
        bought = np.array([max((limit - o.fixed) / o.cost, 1.0) for o in priced])
    reduced = reduce_points(points, options, goals.functionals, REACH * bought)
    rows, notes = (asked, []) if amount.exact is not None else _split(fit, reduced, priced, limit)
    now = reduced.variances(np.zeros(len(options)))
    before = draw_sd(fit, goals.functionals) if drawn else fit.outcome_scale.spread * np.sqrt(now)
    scale = before**2 / now
    after = np.sqrt(scale * reduced.variances(rows))
    curves = []
    for i, option in enumerate(options):
        sizes = curve_sizes(float(bought[i]))
        sd = np.sqrt((scale * reduced.curves(i, sizes)).mean(axis=1))
        columns = {"regime": option.label, "rows": sizes.astype(int), "sd": sd, "evsi": np.nan}
        curves.append(pd.DataFrame(columns | {"cost": sizes * option.cost + option.fixed}))
    index = pd.Index(goals.names, name="goal")
    return Plan(
        table=describe_rows(options, rows),
        sd_before=pd.Series(before, index, name="sd_before"),
        sd_after=pd.Series(after, index, name="sd_after"),
        curve=pd.concat(curves, ignore_index=True),
        goal=goals.description,
        support=pd.Series(goals.support, index, name="support"),
        decision=None,
        simulated=tuple(option.label for option in options if option.simulated),
        notes=(*notes, *notes_on(options)),
    )


def draw_sd(fit: Fitted, functionals: Array) -> Array:
    """Return the sd of goals over all draws, as other queries print it; shape (goals,).

    Points of the hyperparameters, of which there are few, say by what factor rows lower it.
    """
    draws = weight_draws(fit) @ functionals.T
    return np.asarray(draws.reshape(-1, len(functionals)).std(axis=0))


def _split(
    fit: Fitted, reduced: Reduced, options: list[Option], limit: float
) -> tuple[Array, list[str]]:
    """Return the rows of each option, and how good the split is, in words."""
    found = allocate(reduced, options, limit)
    gap = max(found.gap, GAP)
    said = "No other split lowers the mean variance of the goals by more than"
    return found.rows, [
        f"{said} {gap:.1%}, but for rounding.",
        *_warn_of_edges(fit, options, found),
    ]


def _warn_of_edges(fit: Fitted, options: list[Option], found: Allocation) -> list[str]:
    """Say what hangs on dependences of actions that the rows so far do not show.

    Rows that set j and leave k alone tell the effect of j, unless k depends on j: then it takes
    rows that set k, too, to tell it from k's bias.
    """
    absent = [edge for edge in fit.learned.edges if edge.status == "absent"] if fit.learned else []
    many = found.rows >= SCARCE * found.rows.sum()
    run = [option.regime for option, enough in zip(options, many, strict=True) if enough]
    alone = {edge.child for edge in absent} - {action for regime in run for action in regime}
    pairs = [
        (edge.parent, edge.child)
        for edge in absent
        if edge.child in alone and any(edge.parent in regime for regime in run)
    ]
    if not pairs:
        return []
    causes, rest = (", ".join(sorted({pair[i] for pair in pairs})) for i in (0, 1))
    return [
        f"Next to no rows set {rest}. That is right if none of these depends on {causes}, as the "
        f"rows so far have it. Should further rows show that one does, the sd may stay several "
        f"times as large; some rows of experiments on {rest} guard against it."
    ]


def curve_sizes(bought: float) -> Array:
    """Return the numbers of rows at which a curve is evaluated, around what the amount buys."""
    sizes = np.geomspace(max(bought / REACH, 1.0), max(bought * REACH, 10.0), SIZES)
    return np.asarray(np.unique(sizes.round()))


def describe_rows(options: Sequence[Option], rows: Array) -> pd.DataFrame:
    """Return a table with the rows and costs of each option."""
    counts = rows.round().astype(int)
    costs = [o.cost * n + o.fixed * (n > 0) for o, n in zip(options, counts, strict=True)]
    labels = [option.label for option in options]
    return pd.DataFrame({"regime": labels, "rows": counts, "cost": np.array(costs, dtype=float)})


def notes_on(options: Sequence[Option]) -> list[str]:
    """Say what the numbers rest on."""
    made = [option.label for option in options if option.simulated]
    if not made:
        return [IGNORED]
    return [
        f"There are no rows of {', '.join(made)} with such settings: what one of them would tell "
        f"is taken from rows of other regimes, and its noise from theirs.",
        IGNORED,
    ]

"""What a plan is to find out: expected outcomes, contrasts, or an average over a population."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bayes_intgen.base.arguments import read_switch
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import Regime, format_regime, read_do
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Beyond
from bayes_intgen.design.identification.identify import identify_from
from bayes_intgen.posterior import query
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["Goals", "read_goals"]

MOST_GOALS = 2000


@dataclass(frozen=True)
class Goals:
    """Linear functionals of the weights, with names."""

    names: tuple[str, ...]
    functionals: Array = field(repr=False)  # shape (goals, weights)
    support: tuple[str, ...]  # the flag of each, as a query has it
    description: str  # all of them in words


def read_goals(
    fit: Fitted,
    at: Any,
    baseline: Any,
    do: str | Iterable[str] | None,
    options: Iterable[Regime],
    *,
    average: bool = False,
    beyond: Beyond = "error",
) -> Goals:
    """Read the points, and refuse what neither the rows nor the options identify."""
    regime = read_do(do, fit.actions)
    read_switch(average, "average", QueryError)
    points = query.read_points(fit, at)
    flags = query.flag_points(fit, points, regime, beyond)
    rows = query.mean_functionals(fit.design, points.values, regime)
    before = None if baseline is None else query.read_baseline(fit, baseline, points)
    known = [*fit.summary.regimes, *options]
    if not identify_from(known, regime, fit.design.blocks).identified:
        if before is None:
            query.require_identified_mean(fit, regime)  # says what is missing
        else:
            query.require_identified_contrast(fit, before.values, points.values, regime)
    if before is not None:
        rows = rows - query.mean_functionals(fit.design, before.values, regime)
        with query.naming("baseline"):
            flags = query.worst_support(flags, query.flag_points(fit, before, regime, beyond))
    kind = "contrast" if before is not None else "expected outcome"
    setting = "nothing set" if not regime else f"do({format_regime(regime).replace('+', ', ')})"
    if average:
        worst = query.worst_support(*(flags[[i]] for i in range(len(flags))))
        name = f"mean over {len(points):,} rows"
        text = f"{kind} under {setting}, averaged over {len(points):,} rows"
        return Goals((name,), rows.mean(axis=0, keepdims=True), (str(worst[0]),), text)
    if len(rows) > MOST_GOALS:
        raise QueryError(
            f"at must hold at most {MOST_GOALS:,} points to plan for, got {len(rows):,}; for a "
            f"population give average=True."
        )
    names = tuple(map(str, points.index))
    text = f"{kind} under {setting} at {len(points):,} point{'s' if len(points) > 1 else ''}"
    return Goals(names, rows, tuple(flags.tolist()), text)

"""Additivity and the reach of the biases: which rung of the ladder the data need.

The findings of :mod:`bayes_intgen.inference.verdicts.additivity`, told apart into two checks: (a)
the joint effect that the sum rule implies is a sum of functions of single actions; (b) the
difference that setting A_j makes to the mean depends on a_j and its possible parents only. A higher
rung has room for more, and on the highest both are saturated. Departures of less than 5% of the
outcome's standard deviation do not call for a higher rung here, though ``posterior.additivity``
lists them.
"""

from collections.abc import Iterator

from bayes_intgen.checks.finding import CheckName, Finding
from bayes_intgen.design.design import INTERACTIONS, Interactions
from bayes_intgen.inference.verdicts.additivity_result import Additivity, Departure

__all__ = ["NULL", "check_rungs", "needed_rung"]

LEAST_SHARE = 0.05
NULL = "weighted sum of chi-squares, mean 1"


def needed_rung(found: Additivity, spread: float) -> Interactions:
    """Return the lowest rung with room for every departure that is large enough to matter."""
    kinds = {part.kind for part in found.found if part.effect >= LEAST_SHARE * spread}
    return "all" if "bias" in kinds else "pairwise" if kinds else "none"


def check_rungs(found: Additivity, interactions: Interactions, spread: float) -> Iterator[Finding]:
    """Translate what the test of additivity found.

    Parameters
    ----------
    found
        The evidence against the lowest rung.
    interactions
        The rung that is judged.
    spread
        Standard deviation of the outcome.
    """
    if not found.departures:
        yield Finding.untestable("additivity", "all", "one action has nobody to interact with")
        return
    if interactions == "all":
        reason = (
            f"with interactions='all' every regime mean may depend on all actions; "
            f"interactions={needed_rung(found, spread)!r} would do"
        )
        yield Finding.untestable("additivity", "all", reason)
        yield Finding.untestable("bias", "all", reason)
        return
    for departure in found.departures:
        yield _finding(departure, interactions, spread)
    if not any(departure.kind == "bias" for departure in found.departures):
        reason = "every action is a possible parent of every other, so that any bias is allowed"
        yield Finding.untestable("bias", "all", reason)


def _finding(departure: Departure, interactions: Interactions, spread: float) -> Finding:
    first, second = departure.actions
    check: CheckName
    if departure.kind == "interaction":
        check, subject, rung = "additivity", f"{first} x {second}", "pairwise"
        meaning = f"{first} and {second} interact in the outcome: use interactions='pairwise'"
    else:
        check, subject, rung = "bias", f"bias of {first} on {second}", "all"
        meaning = (
            f"the bias of {first} depends on {second}, no possible parent of it: {second} modifies "
            f"what the confounder of {first} does (use interactions='all'); or the two share a "
            f"confounder (put them into one block), their confounders act together, or a "
            f"dependence of {first} on {second} was missed"
        )
    return Finding(
        check,
        subject,
        departure.statistic,
        NULL,
        departure.p_value,
        departure.effect,
        departure.effect / spread,
        LEAST_SHARE,
        meaning,
        allowed=INTERACTIONS.index(rung) <= INTERACTIONS.index(interactions),
    )

"""Additivity and the reach of the biases: which ``interactions`` the data need.

The tests of :mod:`bayes_intgen.inference.verdicts.additivity`, told apart into two checks: (a) the
joint effect that the sum rule implies is a sum of functions of single actions; (b) the difference
that setting A_j makes to the mean depends on a_j and its possible parents only. Wider interactions
allow more, and with ``"all"`` both are saturated. Interactions of less than 5% of the
outcome's standard deviation do not call for wider ones here, though ``posterior.additivity`` lists
them.
"""

from collections.abc import Iterator

from bayes_intgen.checks.finding import CheckName, Finding
from bayes_intgen.design.design import INTERACTIONS, Interactions
from bayes_intgen.inference.verdicts.additivity_result import Additivity, InteractionTest

__all__ = ["NULL", "check_interactions", "needed_interactions"]

LEAST_SHARE = 0.05
NULL = "weighted sum of chi-squares, mean 1"


def needed_interactions(additivity: Additivity, spread: float) -> Interactions:
    """Return the narrowest ``interactions`` that allow all that is large enough to matter."""
    kinds = {test.kind for test in additivity.found if test.effect >= LEAST_SHARE * spread}
    return "all" if "bias" in kinds else "pairwise" if kinds else "none"


def check_interactions(
    additivity: Additivity, interactions: Interactions, spread: float
) -> Iterator[Finding]:
    """Translate the tests of additivity into findings, against the interactions that are judged.

    ``spread``: standard deviation of the outcome.
    """
    if not additivity.tests:
        yield Finding.untestable("additivity", "all", "one action has nobody to interact with")
        return
    if interactions == "all":
        reason = (
            f"with interactions='all' every regime mean may depend on all actions; "
            f"interactions={needed_interactions(additivity, spread)!r} would do"
        )
        yield Finding.untestable("additivity", "all", reason)
        yield Finding.untestable("bias", "all", reason)
        return
    for test in additivity.tests:
        yield _finding(test, interactions, spread)
    if not any(test.kind == "bias" for test in additivity.tests):
        reason = "every action is a possible parent of every other, so that any bias is allowed"
        yield Finding.untestable("bias", "all", reason)


def _finding(test: InteractionTest, interactions: Interactions, spread: float) -> Finding:
    first, second = test.actions
    check: CheckName
    if test.kind == "interaction":
        check, subject, needed = "additivity", f"{first} x {second}", "pairwise"
        meaning = f"{first} and {second} interact in the outcome: use interactions='pairwise'"
    else:
        check, subject, needed = "bias", f"bias of {first} on {second}", "all"
        meaning = (
            f"the bias of {first} depends on {second}, no possible parent of it: {second} modifies "
            f"what the confounder of {first} does (use interactions='all'); or the two share a "
            f"confounder (put them into one block), their confounders act together, or a "
            f"dependence of {first} on {second} was missed"
        )
    return Finding(
        check,
        subject,
        test.statistic,
        NULL,
        test.p_value,
        test.effect,
        test.effect / spread,
        LEAST_SHARE,
        meaning,
        allowed=INTERACTIONS.index(needed) <= INTERACTIONS.index(interactions),
    )

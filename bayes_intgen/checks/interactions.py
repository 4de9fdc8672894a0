"""Additivity and the reach of the biases: which ``interactions`` the data need.

The test of every fit (:mod:`bayes_intgen.inference.verdicts.additivity`), told apart into two
checks: (a) the joint effect that the sum rule implies is a sum of functions of single actions; (b)
the difference that setting A_j makes to the mean depends on a_j and its possible parents only. What
fails is what that test selects and the interactions that are judged do not allow.

Beside them, for outcomes that have another natural scale: whether effects add up on their own
(:mod:`bayes_intgen.inference.verdicts.scale_of_additivity`), which no interactions make up for.
"""

from collections.abc import Iterator

from bayes_intgen.checks.finding import CheckName, Finding
from bayes_intgen.inference.verdicts.additivity_result import Additivity, InteractionTest
from bayes_intgen.inference.verdicts.scale_result import LEAST_BEND, LEVEL, AdditiveScale

__all__ = ["NULL", "check_interactions", "judge_scale"]

LEAST_SHARE = 0.0  # however small, what is selected belongs into the model
NULL = "weighted sum of chi-squares, mean 1"


def check_interactions(additivity: Additivity, spread: float) -> Iterator[Finding]:
    """Translate the tests of additivity into findings, against the interactions that are judged.

    ``spread``: standard deviation of the outcome.
    """
    tests = [test for test in additivity.tests if test.kind in ("interaction", "bias")]
    if not tests:
        reason = "one action or block has nobody to interact with"
        yield Finding.untestable("additivity", "all", reason)
        return
    if additivity.fitted == "all" and not additivity.missing:
        narrower = f"interactions={additivity.needed_interactions!r} would do"
        if additivity.open and not additivity.terms:
            narrower = f"{additivity.open[0]} is not ruled out"
        reason = f"with interactions='all' every regime mean may depend on all actions; {narrower}"
        yield Finding.untestable("additivity", "all", reason)
        yield Finding.untestable("bias", "all", reason)
        return
    for test in tests:
        yield _finding(test, additivity, spread)
    if not any(test.kind == "bias" for test in tests):
        reason = "every action is a possible parent of every other, so that any bias is allowed"
        yield Finding.untestable("bias", "all", reason)


def _finding(test: InteractionTest, additivity: Additivity, spread: float) -> Finding:
    first, *others = test.actions
    rest = " and ".join(others)
    check: CheckName
    if test.kind == "interaction":
        check, subject = "additivity", " x ".join(test.actions)
        meaning = f"{first} and {rest} interact in the outcome: use interactions='learned'"
    else:
        check, subject = "bias", f"bias of {first} on {rest}"
        meaning = (
            f"the bias of {first} depends on {rest}, no possible parent of it: {rest} modifies "
            f"what the confounder of {first} does (use interactions='learned'); or the two share a "
            f"confounder (put them into one block), their confounders act together, or a "
            f"dependence of {first} on {rest} was missed"
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
        allowed=not additivity.misses(test),
    )


def judge_scale(scale: AdditiveScale | None) -> list[Finding]:
    """Translate the test of the scale into a finding; none for an outcome without another one.

    Its relative effect is the share of the link's bend that is seen.
    """
    if scale is None:
        return []
    null, subject = "standard normal, one-sided", f"{scale.link} scale"
    numbers = (scale.statistic, null, scale.p_value, max(scale.size, 0.0), scale.share, LEAST_BEND)
    return [Finding("scale", subject, *numbers, str(scale), level=LEVEL)]

"""Fits by rounds, which learn what interacts (``interactions="learned"``).

A first fit has no interactions. What its test of additivity selects
(:mod:`bayes_intgen.inference.verdicts.additivity`) is what the next one has, whose own test may
find more, such as a product of three that one of two has hidden. Mostly the first finds nothing and
is the fit; a second is made where actions interact. With moments in place of rows there is no test,
and no interaction.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bayes_intgen.base.errors import ModelError
from bayes_intgen.design.interactions import InteractionTerms
from bayes_intgen.inference.laplace import LaplaceMode, find_mode
from bayes_intgen.inference.prepare import Prepared, SettledDesign, judge_interactions
from bayes_intgen.inference.verdicts.additivity_result import Additivity
from bayes_intgen.inference.verdicts.lack_of_fit import check_lack_of_fit

__all__ = ["LearnedFit", "learn_interactions"]

MOST_ROUNDS = 3


@dataclass(frozen=True)
class LearnedFit:
    """A problem with its mode, and what its test of additivity says."""

    settled: SettledDesign
    prepared: Prepared
    mode: LaplaceMode
    additivity: Additivity | None  # None without rows

    def verdicts(self) -> dict[str, Any]:
        """Judge the fit by its rows; return verdicts as keyword arguments of a posterior."""
        prepared, at = self.prepared, self.mode.mode
        problem, moments = prepared.problem, prepared.moments
        misfit = check_lack_of_fit(problem, at, moments, prepared.log_variances)
        return {"additivity": self.additivity, "lack_of_fit": misfit}


def learn_interactions(
    settled: SettledDesign, prepare_one: Callable[[SettledDesign], Prepared]
) -> LearnedFit:
    """Fit, and fit again with the terms that were found, until none is missing.

    With explicit interactions there is one round.

    Parameters
    ----------
    settled
        The design of the first fit.
    prepare_one
        Makes the passes over the rows for a design.
    """
    first: Additivity | None = None
    for left in reversed(range(MOST_ROUNDS)):
        prepared = prepare_one(settled)
        mode = find_mode(prepared.problem)
        found = judge_interactions(prepared, mode)
        if found is None or settled.design.interactions != "learned":
            return LearnedFit(settled, prepared, mode, found)
        first = first or found
        used = settled.design.terms
        wider = _widen(settled, used.union(found.terms)) if left and found.terms else None
        if wider is None:
            verdict = replace(first, terms=used, missing=found.terms)
            return LearnedFit(settled, prepared, mode, verdict)
        settled = wider
    raise AssertionError  # the last round returns


def _widen(settled: SettledDesign, terms: InteractionTerms) -> SettledDesign | None:
    """Return the design with other terms; None if it has no features for them, or too many."""
    try:
        wider = settled.with_terms(terms)
    except ModelError:
        return None
    return None if wider.design.lacks(terms) else wider

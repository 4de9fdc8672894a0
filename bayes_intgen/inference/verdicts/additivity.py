"""Test of the paper's additivity: which interactions the data need.

A fit leaves residuals. For each set of two or three actions ask whether they still hold something
that this fit has no room for: a product of them in the causal part, or a bias of one that depends
on others beyond its possible parents (:mod:`bayes_intgen.inference.verdicts.probes`). Each is a
score test (:mod:`bayes_intgen.inference.verdicts.interaction_scores`), freed of what lies below it:
products of three of those of two, and biases of products of pairs in the effect, because an
interaction in the effect looks like one in every bias.

The terms that the data need are selected from these scores by steps, without a further fit. The
candidate whose evidence is largest is added, as long as its p-value, freed of those chosen before,
is below a level over all tests together (Bonferroni); at the end those are dropped again which the
others explain (p above the level, freed of all others chosen). The level is 1% where explicit
interactions are judged, and 5% where terms are learned: one too many costs little precision, one
too few is a bias. Products of three and biases beyond parents are rarer than pairs, and more of
them are tested: where terms are learned each has half the level of a pair (by weights, as in
Genovese, Roeder and Wasserman 2006, "False discovery control with p-value weighting", Biometrika
93); at equal levels 6 of 51 systems without interactions had a term, and none of these a pair. The
p-value of a chosen one is that freed of the others chosen.

Many small interactions of pairs are seen by no test of a single one. So where three or more pairs
are left, all of them together are a last candidate, by their evidence: a log Bayes factor above one
where terms are learned (positive, by Kass and Raftery 1995, "Bayes factors", Journal of the
American Statistical Association 90), and where explicit ones are judged by so much more as the
level is lower. Of sound systems with three actions it was above zero in two of 43, never above
0.6; of growth under two of six genes, where nearly all pairs interact a little, from 1.3 to 12.
A p-value of their joint statistic does not tell the two apart (.005 to .15 there): a direction that
all pairs share dominates it.

A bias that depends on an action beyond its parents can also mean that a dependence between the two
actions was missed, or that they share a confounder. Passing proves nothing (paper, Example 1).
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from math import inf, log, sqrt

import numpy as np
from scipy.special import softmax

from bayes_intgen.base.parallel import blas_threads_for
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.design.interactions import InteractionTerms
from bayes_intgen.inference.problem import Problem
from bayes_intgen.inference.verdicts.additivity_result import Additivity, InteractionTest
from bayes_intgen.inference.verdicts.interaction_scores import Scores
from bayes_intgen.inference.verdicts.probes import Probe, find_probes
from bayes_intgen.moments.moments import Moments

__all__ = ["LEARNING_LEVEL", "LEVEL", "check_additivity"]

LEVEL, LEARNING_LEVEL = 0.01, 0.05  # over all tests
TOGETHER, LEAST_PAIRS, MOST_WEIGHTS = 1.0, 3, 300  # log evidence for all pairs that are left


def check_additivity(
    null: Problem, mode: Array, moments: Moments, level: float = LEVEL
) -> Additivity:
    """Test what a fit lacks, and select the terms that the data need.

    Parameters
    ----------
    null, mode
        The fit, and its hyperparameters at the mode.
    moments
        Of its features and of :func:`bayes_intgen.inference.verdicts.probes.probe_features`, with
        those of the residuals.
    level
        Of the selection, over all tests.
    """
    fitted, probes = null.design.interactions, tuple(find_probes(null.design, moments.features))
    if not probes:
        return Additivity(fitted, ())
    with blas_threads_for(sum(len(probe.columns) for probe in probes)):
        candidates = Candidates(probes, Scores.of(null, mode, moments, probes))
    covariance = _feature_covariance(moments)
    chosen, evidence = candidates.choose(level)
    tests = []
    for i, probe in enumerate(probes):
        own = candidates.free(i, chosen if i in chosen else ())
        statistic, p_value = own.test
        # the size of what is left out, with the further weights at their posterior mean
        spread = covariance[np.ix_(probe.columns, probe.columns)]
        size = sqrt(max(float(own.mean @ spread @ own.mean), 0.0))
        effect = size * moments.outcome_scale.spread
        least = None
        if candidates.is_pair(i):
            least = own.least_size(spread, level / len(probes)) * moments.outcome_scale.spread
        found = (p_value, effect, statistic, least)
        tests.append(InteractionTest(probe.kind, probe.actions, *found))
    terms = InteractionTerms()
    for i in chosen:
        terms = terms.union(probes[i].terms)
    return Additivity(fitted, tuple(tests), terms, evidence)


@dataclass(frozen=True)
class Candidates:
    """Probes and their scores."""

    probes: tuple[Probe, ...]
    scores: Scores
    # what was freed before, by the probe and by what of
    known: dict[tuple[int, ...], Scores] = field(default_factory=dict, repr=False)

    @cached_property
    def places(self) -> list[Indices]:
        """Positions of each probe's weights among the scores."""
        ends = np.cumsum([0, *(len(probe.columns) for probe in self.probes)])
        return [np.arange(*ends[i : i + 2]) for i in range(len(self.probes))]

    def free(self, i: int, chosen: Sequence[int] = ()) -> Scores:
        """Return the scores of a probe, freed of what lies below it and of those chosen."""
        others = sorted(({*chosen} | self.below[i]) - {i})
        if (i, *others) not in self.known:
            where = np.concatenate([np.empty(0, dtype=int), *(self.places[j] for j in others)])
            self.known[i, *others] = self.scores.free(self.places[i], where)
        return self.known[i, *others]

    @cached_property
    def below(self) -> list[set[int]]:
        """What each probe is freed of, by position, whatever was chosen."""
        return [self._below(i) for i in range(len(self.probes))]

    def _below(self, i: int) -> set[int]:
        """Return the probes which one of three actions, or one of a bias, is freed of.

        For a product of three those of two of its actions; for a bias those of the effect that are
        products of two, and for one over three actions what lies below that; for a bias that a
        covariate modifies the effect that it does.
        """
        probe, names = self.probes[i], self.probes[i].names
        if probe.kind == "interaction":
            return {j for j in self._inside(names) if self.probes[j].names < names}
        if probe.kind == "bias":
            same = self._alike["bias", probe.own]
            smaller = (j for j in same if self.probes[j].names < names)
            return {*self._pairs, *self._inside(names), *smaller}
        return {*self._alike["modified effect", names]} if probe.kind == "modified bias" else set()

    def _inside(self, names: frozenset[str]) -> Iterator[int]:
        """Yield the interactions of some of these actions."""
        for size in self._sizes:
            for part in combinations(sorted(names), size):
                yield from self._alike["interaction", frozenset(part)]

    @cached_property
    def _pairs(self) -> list[int]:
        return [i for i in range(len(self.probes)) if self.is_pair(i)]

    @cached_property
    def _sizes(self) -> set[int]:
        """Of how many actions there are interactions."""
        return {len(probe.own) for probe in self.probes if probe.kind == "interaction"}

    @cached_property
    def _alike(self) -> defaultdict[tuple[str, Hashable], list[int]]:
        """Biases by the block that they are of, other probes by their names; by kind, both."""
        found: defaultdict[tuple[str, Hashable], list[int]] = defaultdict(list)
        for i, probe in enumerate(self.probes):
            found[probe.kind, probe.own if probe.kind == "bias" else probe.names].append(i)
        return found

    def choose(self, level: float) -> tuple[list[int], dict[str, float]]:
        """Select probes by steps.

        Returns
        -------
        chosen
            The positions of the probes.
        evidence
            The probability of each class of interactions, alike beforehand, by (5) along the steps,
            given what covariates modify.
        """
        chosen = self._forward(range(len(self.probes)), level)
        given = [i for i in chosen if self.probes[i].is_modification]
        of_actions = [i for i, probe in enumerate(self.probes) if not probe.is_modification]
        pairs = self._pairs
        wider = [i for i in of_actions if not self.is_pair(i)]
        two, more = (self._forward(allowed, level, given) for allowed in (pairs, of_actions))
        together = self._together(pairs, given)
        logs = {
            "none": 0.0,
            "pairwise": self._evidence(two, pairs, given)
            if two
            else self._mean_evidence(pairs, given),
            "all": self._evidence(more, of_actions, given),
        }
        if all(self.is_pair(i) for i in more):
            logs["all"] += self._mean_evidence(wider, [*given, *more])
        if together > -inf:  # either some pairs, or all of them
            beyond = together + self._mean_evidence(wider, [*given, *pairs])
            logs["pairwise"] = _either(logs["pairwise"], together)
            logs["all"] = _either(logs["all"], beyond)
        for i in sorted(chosen, key=lambda i: self.free(i, chosen).log_evidence):
            if self.free(i, chosen).test[1] > self._bound(i, level):
                chosen = [j for j in chosen if j != i]
        left = [i for i in pairs if i not in chosen and not self._covers(chosen, i)]
        if self._together(left, chosen) > TOGETHER + log(LEARNING_LEVEL / level):
            chosen = [*chosen, *left]
        return chosen, dict(zip(logs, softmax([*logs.values()]).tolist(), strict=True))

    def _together(self, pairs: Sequence[int], given: Sequence[int]) -> float:
        """Return the log evidence of some pairs at once, minus infinity of fewer than three."""
        places = [self.places[i] for i in pairs]
        if len(pairs) < LEAST_PAIRS or sum(map(len, places)) > MOST_WEIGHTS:
            return -inf
        others = np.concatenate([np.empty(0, dtype=int), *(self.places[j] for j in given)])
        return self.scores.free(np.concatenate(places), others).log_evidence

    def is_pair(self, i: int) -> bool:
        """Say whether a probe is an interaction of two actions in the effect."""
        return self.probes[i].kind == "interaction" and len(self.probes[i].own) == 2

    def _bound(self, i: int, level: float) -> float:
        """Return the p-value at which a probe is selected, at a level over all of them."""
        is_common = self.is_pair(i) or self.probes[i].kind == "modified effect"
        own = level if is_common else max(level / 2, min(level, LEVEL))
        return own / len(self.probes)

    def _forward(
        self, allowed: Sequence[int], level: float, given: Sequence[int] = ()
    ) -> list[int]:
        """Add the probe of largest evidence while one is found that is not explained."""
        chosen: list[int] = []
        left = list(allowed)
        while left:
            freed = {i: self.free(i, [*given, *chosen]) for i in left}
            found = [i for i in left if freed[i].test[1] <= self._bound(i, level)]
            if not found:
                break
            chosen.append(max(found, key=lambda i: freed[i].log_evidence))
            left = [i for i in left if not self._covers(chosen, i)]
        return chosen

    def _evidence(
        self, chosen: Sequence[int], allowed: Sequence[int], given: Sequence[int]
    ) -> float:
        """Return the log evidence of steps, each one of so many that are alike beforehand."""
        before = ([*given, *chosen[:n]] for n in range(len(chosen)))
        steps = (self.free(i, own).log_evidence for i, own in zip(chosen, before, strict=True))
        return sum(steps) - sum(log(len(allowed) - n) for n in range(len(chosen)))

    def _mean_evidence(self, allowed: Sequence[int], chosen: Sequence[int] = ()) -> float:
        """Return the log evidence of one further step that may be any."""
        logs = [self.free(i, chosen).log_evidence for i in allowed if not self._covers(chosen, i)]
        return float(np.logaddexp.reduce(logs)) - log(len(logs)) if logs else -inf

    def _covers(self, chosen: Sequence[int], i: int) -> bool:
        """Say whether a probe is part of one that was chosen."""
        probe = self.probes[i]
        return any(
            probe.kind == other.kind
            and (probe.kind == "interaction" or probe.own == other.own)
            and probe.names <= other.names
            for other in (self.probes[j] for j in chosen)
        )


def _either(one: float, two: float) -> float:
    """Return the log evidence of two that are alike beforehand."""
    return float(np.logaddexp(one, two)) - log(2)


def _feature_covariance(moments: Moments) -> Array:
    """Covariance of the features, regimes weighted equally, shape (features, features)."""
    by_regime = []
    for regime in moments.regimes:
        sums = moments.regression(regime)
        mean = sums.gram[0] / sums.gram[0, 0]
        by_regime.append(sums.gram / sums.gram[0, 0] - np.outer(mean, mean))
    return np.asarray(np.mean(by_regime, axis=0))

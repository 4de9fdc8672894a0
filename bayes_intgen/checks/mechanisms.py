"""The mechanism of an action is the same in all regimes that leave the action alone.

If every confounder belongs to one action, A_k given the actions that it does not influence has one
and the same distribution in all regimes that leave A_k alone (Lemma 1 of the paper),

    p(a_k | a_N(k)) = p(a_k | a_pa(k))        for all S without k,     N(k): non-descendants of k.

Pooled over those regimes, and within the range of every a_N(k) that they have in common, A_k is
regressed on smooth functions of all actions of N(k), with products of its possible parents, among
which are all covariates. An action within a block of several may share its confounder with the rest
of it: there the regimes are those that leave all of the block alone, and N(k) holds what no action
of the block influences. Two questions are put to the residuals, and to their absolute values after
another such regression (the spread of A_k):

* for each j in N(k): do smooth functions of a_j matter where A_j is left alone, beyond what they do
  where A_j is set? A confounder shared by the two shows here, with or without an edge from j to k.
* for each regime: do a constant and linear functions of a_N(k) matter in this regime alone?

All products of parents beyond pairs are left out of the regression. What they explain may look like
a change when the parents are distributed differently in the regimes; this, and dependences too weak
to be learned, are why deviations of less than a tenth of the standard deviation of A_k are no
failure.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from bayes_intgen.base.blocks import Blocks
from bayes_intgen.base.regimes import format_regime
from bayes_intgen.base.types import Array
from bayes_intgen.checks.ancestry import Ancestry
from bayes_intgen.checks.finding import Finding
from bayes_intgen.checks.pooled_rows import ROWS_PER_FEATURE, Pooled, choose_features
from bayes_intgen.checks.score_test import Regression, ScoreTest
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.features import FeatureMap

__all__ = ["check_mechanisms"]

LEAST_ROWS = 20
LOW_ORDER = 3
LEAST_SHARE = 0.1


def check_mechanisms(
    summary: Summary, ancestry: Ancestry, slopes: Mapping[str, float], blocks: Blocks
) -> Iterator[Finding]:
    """Test the mechanism of every action, on thinned rows.

    ``slopes``: typical change in the outcome with a change of one unit of each action.
    ``blocks``: those of actions that may share a confounder.
    """
    for action in summary.actions:
        if action in summary.at_rest:
            reason = f"{action} is constant where it is left alone"
            yield Finding.untestable("mechanism", action, reason)
            continue
        block = next(block for block in blocks if action in block)
        # N(k) of a block holds what no action of the block may influence
        before, after = (
            {name for member in block for name in table[member]} - {*block}
            for table in (ancestry.before, ancestry.after)
        )
        given = [a for a in summary.actions if a not in block and a not in after]
        unclear = [a for a in summary.actions if a in before and a in after]
        if unclear:
            reason = f"whether {action} follows {unclear} or they follow {action} is not known"
            yield Finding.untestable("mechanism", action, reason)
            continue
        regimes = tuple(regime for regime in summary.regimes if not {*block} & {*regime})
        if len(regimes) < 2:
            reason = f"fewer than two regimes leave {', '.join(block)} alone"
            yield Finding.untestable("mechanism", action, reason)
            continue
        given += summary.covariates
        before |= {*summary.covariates}
        pooled = Pooled.of(summary, action, given, regimes)
        fewest = int(np.bincount(pooled.position, minlength=len(pooled.regimes)).min())
        features = None
        if fewest >= LEAST_ROWS:
            features = choose_features(summary, pooled, [a for a in given if a in before])
        if features is None:
            reason = (
                f"of the regimes that leave {action} alone, one has {fewest} rows where all of "
                f"them have values of {given}; at least {LEAST_ROWS} are needed, and "
                f"{ROWS_PER_FEATURE} for every function"
            )
            yield Finding.untestable("mechanism", action, reason)
            continue
        yield from _test(pooled, features, summary, slopes[action])


def _test(
    pooled: Pooled, features: FeatureMap, summary: Summary, slope: float
) -> Iterator[Finding]:
    # Mean and spread of A_k given a_N(k), pooled over the regimes; the tests are of what is left.
    regression = Regression.on(features.evaluate(pooled.others), pooled.units)
    questions = list(_questions(pooled, features, summary.levels))
    if not questions:
        yield Finding.untestable("mechanism", pooled.action, "no regime tells its actions apart")
        return
    freed = [regression.free(probes) for _, _, probes in questions]
    unit = 1.0 if pooled.action in summary.levels else summary.scales[pooled.action].spread
    residuals = regression.free(pooled.values)
    responses = {"mean": residuals}
    if pooled.action not in summary.levels:  # indicators have no spread of their own
        responses["spread"] = regression.free(np.abs(residuals))
    # Of several responses, or levels, the clearest counts, times their number (Bonferroni).
    for (subject, meaning, probes), left in zip(questions, freed, strict=True):
        for what, response in responses.items():
            tests = [regression.test(column, probes, left) for column in response.T]
            test, times = _clearest(tests)
            if test is None:
                continue
            yield Finding(
                "mechanism",
                f"{what} of {subject}",
                test.statistic,
                f"F({test.degrees}, {test.rest})",
                min(1.0, times * test.p_value),
                test.size * unit * slope,
                test.size,
                LEAST_SHARE,
                meaning,
            )


def _clearest(tests: Sequence[ScoreTest]) -> tuple[ScoreTest | None, int]:
    """Return the test with the least p-value, and out of how many."""
    made = [test for test in tests if not np.isnan(test.p_value)]
    return min(made, key=lambda test: test.p_value, default=None), len(made)


def _questions(
    pooled: Pooled, features: FeatureMap, coded: Collection[str]
) -> Iterator[tuple[str, str, Array]]:
    """Yield subject, meaning and probes of each test; of coded actions all levels are probes."""
    action = pooled.action
    single = {
        name: features.bases[name].evaluate(pooled.others[:, column])
        for column, name in enumerate(pooled.given)
    }
    several, asked = len(pooled.regimes) > 2, False
    for name in pooled.given:
        alone = np.array([name not in regime for regime in pooled.regimes])[pooled.position]
        if alone.all() or not alone.any():
            continue
        low = single[name] if name in coded else single[name][:, :LOW_ORDER]
        low = low - low[alone].mean(axis=0)
        if not several:  # whether all of A_k is shifted cannot be asked elsewhere
            low = np.hstack([np.ones((pooled.n, 1)), low])
        meaning = (
            f"{action} goes with {name} in another way where {name} is left alone than where it is "
            f"set: a confounder of both (put {name} and {action} into one block), an experiment on "
            f"{name} that changed how {action} comes about, or an influence of {action} on {name} "
            f"that was missed"
        )
        asked = True
        yield f"{action} given {name}", meaning, low * alone[:, None]
    if asked and not several:
        return  # one regime sets the given action, the other does not: that is the same question
    for number, regime in enumerate(pooled.regimes[: None if several else 1]):
        here = pooled.position == number
        linear = [v if name in coded else v[:, :1] for name, v in single.items()]
        low = np.hstack([np.ones((pooled.n, 1)), *linear]) * here[:, None]
        label = format_regime(regime)
        meaning = (
            f"{action} comes about in another way in regime {label} than in the others that leave "
            f"it alone: something else changed there too, or a confounder is shared; drop the "
            f"regime or declare what changed as an action"
        )
        yield f"{action} in {label}", meaning, low

"""The variance of the outcome obeys the sum rule of the mean.

Given all actions, the terms f_k(a_k, C_k) of the outcome are independent, so cumulants obey
design (2) too. With ``interactions`` "none" and "pairwise"

    Var_S(a) = omega + sum_k g_k(a_k) + sum over k not in S of h_k(a_k, a_pa(k)),

that is, squared residuals have the means of an outcome without interactions. So the test of
additivity is put to them: it finds products of two actions in the causal part of the variance, and
terms h_k that depend on actions beyond the parents of A_k. With "all" every function may depend on
all actions and there is nothing to test.

The squares are cut at thirty times their mean in the regime, so that no single row decides.
"""

from collections.abc import Iterator
from math import sqrt

import numpy as np
import pandas as pd

from bayes_intgen.base.regimes import format_regime
from bayes_intgen.base.types import Array
from bayes_intgen.checks.finding import Finding
from bayes_intgen.checks.interactions import NULL
from bayes_intgen.data.grouping import unit_keys
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.prepare import Prepared, judge_interactions, weight_rows
from bayes_intgen.inference.problem import Problem
from bayes_intgen.inference.verdicts.additivity_result import InteractionTest
from bayes_intgen.moments.moments import Moments

__all__ = ["check_variance"]

CUT = 30.0
LEAST_SHARE = 0.05
# no action's name holds a plus
SQUARE, LABEL, FIRST, SECOND = "squared residual +", "regime +", "cluster +", "block +"


def check_variance(problem: Problem, weights: Array, outcome: str) -> Iterator[Finding]:
    """Test the variance functions for what the sum rule does not allow.

    ``problem``: with the interactions that are judged; ``weights``: its own, for the residuals.
    """
    if problem.design.interactions == "all" or problem.design.terms.bias:
        reason = "where confounders modify other effects the variance may be any function"
        yield Finding.untestable("variance", "all", reason)
        return
    if len(problem.design.blocks) < 2:
        reason = "one action or block has nobody to act together with"
        yield Finding.untestable("variance", "all", reason)
        return
    data = _squares(problem, weights)
    summary = data.summary
    design = problem.design.additive()
    moments = Moments.compute(data, summary, design.features, summary.scales[data.outcome])
    first = Prepared(Problem(design, moments, problem.priors), moments, None)
    prepared = weight_rows(first, data)  # whether it fits is the question
    additivity = judge_interactions(prepared, find_mode(prepared.problem))
    typical = summary.scales[data.outcome].centre
    unit = problem.moments.outcome_scale.spread
    for test in additivity.tests if additivity else ():
        if len(test.actions) == 2:
            yield _finding(test, typical, unit, outcome)


def _finding(test: InteractionTest, typical: float, unit: float, outcome: str) -> Finding:
    """Translate a test; sizes are changes of the standard deviation."""
    first, second = test.actions
    if test.kind == "interaction":
        subject = f"{first} x {second} in Var({outcome})"
    else:
        subject = f"bias of {first} on {second} in Var({outcome})"
    return Finding(
        "variance",
        subject,
        test.statistic,
        NULL,
        test.p_value,
        test.effect / (2 * sqrt(typical)) * unit,
        test.effect / typical,
        LEAST_SHARE,
        f"the spread of {outcome} depends on {first} and {second} together: their confounders act "
        f"together or are one, or a confounder or the noise is modified by both actions; "
        f"interactions='all' has room for the latter; predictive intervals are not sound; put "
        f"{first} and {second} into one block if a confounder may be shared",
    )


def _squares(problem: Problem, weights: Array) -> RegimeData:
    """Make data of the actions and squared residuals, of thinned rows."""
    design, moments = problem.design, problem.moments
    summary = moments.summary
    frames, grouping = [], summary.grouping
    for regime, of_regime in summary.regimes.items():
        rows, marks = of_regime.sample.rows, of_regime.sample.marks
        theta = design.collect(weights, design.active(regime))
        y = moments.outcome_scale.standardise(rows[:, -1])
        squares = (y - design.features.evaluate(rows[:, :-1]) @ theta) ** 2
        frame = pd.DataFrame(dict(zip(summary.variables, rows[:, :-1].T, strict=True)))
        for name, texts in summary.levels.items():
            frame[name] = np.array(texts, dtype=object)[frame[name].to_numpy(dtype=int)]
        frame[SQUARE] = np.minimum(squares, CUT * squares.mean())
        frame[LABEL] = format_regime(regime)
        if grouping is not None and marks is not None:
            keys = unit_keys(grouping.keys(regime, rows, marks), by_block=True)
            frame[FIRST], frame[SECOND] = keys.T
        frames.append(frame)
    table = pd.concat(frames, ignore_index=True)
    actions, levels = list(summary.actions), list(summary.levels)
    clusters = None if grouping is None else [FIRST, SECOND]
    columns = (SQUARE, actions, LABEL, levels, summary.covariates, clusters)
    data = RegimeData.from_frame(table, *columns)
    return data.recode(summary.levels)

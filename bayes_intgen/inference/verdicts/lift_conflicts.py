"""Leave-one-out check of lift tests: each against the prediction of the other data.

Given the hyperparameters, the weights without any lift test are N(m, C). The effects e of the tests
with functionals T are then jointly normal with mean T m and covariance S = T C T' + diag(se^2), and
with r = S^-1 (e - T m) and Q = S^-1, leaving out the tests of a set g,

    (1)  e_g - E[e_g | others] = Q_gg^-1 r_g,        Var(e_g | others) = Q_gg^-1,
    (2)  chi-square = r_g' Q_gg^-1 r_g,  with one degree of freedom per test in g.

The variance holds that of the tests' own errors. S is as small as the number of tests, and as no
test is taken out of a matrix that holds it, nothing cancels.

A wrong test also bends the hyperparameters towards itself (a scale grows until anything is
plausible), so their mode is found anew without the tests in question, and p-values are averaged
over draws of the Gaussian there. With more than 32 tests the mode of all is used for single ones;
a wrong one then bends it for all, and right ones may be found in conflict beside it.
Tests are judged together only if their effects are identified from the rows; otherwise there is
nothing but the prior to hold them against.
"""

import numpy as np
from scipy import stats

from bayes_intgen.base.parallel import one_blas_thread
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.data.lift_tests import LiftTests
from bayes_intgen.design.identification.rank_condition import RankCondition
from bayes_intgen.inference.laplace import LaplaceMode, find_mode
from bayes_intgen.inference.problem import Problem
from bayes_intgen.inference.verdicts.lift_result import GroupVerdict, LiftCheck, RowVerdicts
from bayes_intgen.model.lift_likelihood import LiftRows

__all__ = ["check_lifts"]

MOST_MODES = 32
POINTS = 32


def check_lifts(
    problem: Problem, mode: LaplaceMode, lifts: LiftTests, random_seed: int
) -> LiftCheck | None:
    """Compare every test, and all tests of an action whose effect rows show, with the other data.

    Parameters
    ----------
    problem, mode
        The problem with the tests, and the mode of its hyperparameters.
    lifts
        The same tests as they were given.
    """
    rows = problem.lifts
    if rows is None:
        return None
    bare, rng = problem.with_lifts(None), np.random.default_rng([random_seed, 4])
    size, unit = len(rows.effect), problem.moments.outcome_scale.spread
    singles = []
    with one_blas_thread():
        for i in range(size):
            left_out = np.arange(size) == i
            where = mode if size > MOST_MODES else _mode_without(problem, rows, left_out, mode)
            singles.append(_row(bare, rows, i, where, rng))
        # Tests of one action jointly, where there are rows to hold them against.
        actions = np.array([test.action for test in lifts.tests])
        at_hand = RankCondition(problem.design, problem.moments.regimes)
        shown = at_hand.unseen_share(rows.rows) == 0
        groups = []
        for action in dict.fromkeys(actions.tolist()):
            chosen = (actions == action) & shown
            if chosen.sum() > 1:
                where = _mode_without(problem, rows, chosen, mode)
                p_value = _group(bare, rows, chosen, where, rng)
                groups.append(GroupVerdict(action, int(chosen.sum()), p_value))
    mean, sd, z, p = np.array(singles).T
    return LiftCheck.of(lifts, RowVerdicts(unit * mean, unit * sd, z, p), groups, rows.rows)


def _mode_without(
    problem: Problem, rows: LiftRows, left_out: Mask, start: LaplaceMode
) -> LaplaceMode:
    return find_mode(problem.with_lifts(rows.take(~left_out)), start.mode)


def _row(
    bare: Problem, rows: LiftRows, i: int, where: LaplaceMode, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Return mean and sd of the prediction of one test, z and p."""
    noise, one = float(rows.standard_error[i]), np.arange(len(rows.effect)) == i
    predictions = [_left_out(bare, rows, one, x) for x in where.draw(POINTS, rng)]
    misses = np.array([float(miss[0]) for miss, _ in predictions])
    variances = np.array([float(variance[0, 0]) for _, variance in predictions])
    total = float(np.mean(variances) + np.var(misses))
    p_value = float(np.mean(2 * stats.norm.sf(np.abs(misses) / np.sqrt(variances))))
    miss = float(misses.mean())
    sd = np.sqrt(max(total - noise**2, 0.0))
    return float(rows.effect[i]) - miss, float(sd), miss / np.sqrt(total), p_value


def _group(
    bare: Problem, rows: LiftRows, chosen: Mask, where: LaplaceMode, rng: np.random.Generator
) -> float:
    tails = []
    for x in where.draw(POINTS, rng):
        miss, variance = _left_out(bare, rows, chosen, x)
        tails.append(stats.chi2.sf(miss @ np.linalg.solve(variance, miss), len(miss)))  # (2)
    return float(np.mean(tails))


def _left_out(bare: Problem, rows: LiftRows, chosen: Mask, x: Array) -> tuple[Array, Array]:
    """Return by how much the other data miss some effects, and the covariance of that; (1)."""
    given = bare.conditional(x)
    half = given.root_of(rows.rows)
    covariance = half.T @ half + np.diag(rows.standard_error**2)
    unit = 1 / np.sqrt(np.diag(covariance))
    inverse = np.linalg.inv(covariance * np.outer(unit, unit)) * np.outer(unit, unit)
    pull = inverse @ (rows.effect - rows.rows @ given.mean)
    variance = np.linalg.inv(inverse[np.ix_(chosen, chosen)])
    return variance @ pull[chosen], variance

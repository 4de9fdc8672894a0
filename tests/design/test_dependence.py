"""Tests of dependence: their level, their power, and dependence without what others explain."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayes_intgen.design.dependence import PairTest, dependence, functions_of_others

NUMERIC = (False, False)


def nothing(n):
    return np.empty((n, 0))


def test_power_is_the_share_of_data_sets_in_which_the_test_sees_the_dependence():
    """Of correlated normals, whose ranks have a little less to show than their values."""
    rng = np.random.default_rng(1)
    for n, rho in [(60, 0.5), (150, 0.3)]:
        a = rng.normal(size=(2000, n))
        b = rho * a + np.sqrt(1 - rho**2) * rng.normal(size=(2000, n))
        tests = [PairTest.of(*pair, nothing(n), NUMERIC) for pair in zip(a, b, strict=True)]
        seen = np.mean([test.p_value <= 0.02 for test in tests])
        assert seen == pytest.approx(tests[0].power(rho**2, 0.02), abs=0.07)
        assert 0.4 < seen < 0.95


def test_power_of_blocks_is_the_share_of_tables_in_which_it_is_seen():
    """Three levels that move the odds of two: Pillai's trace is the chi-square over n."""
    rng = np.random.default_rng(2)
    shares = np.array([0.25, 0.5, 0.65])
    trace = np.var(shares) / (shares.mean() * (1 - shares.mean()))
    a = np.repeat([0.0, 1.0, 2.0], 30)
    tests = []
    for _ in range(2000):
        b = (rng.random(90) < shares[a.astype(int)]).astype(float)
        tests.append(PairTest.of(a, b, nothing(90), (True, True)))
    seen = np.mean([test.p_value <= 0.01 for test in tests])
    assert seen == pytest.approx(tests[0].power(trace, 0.01), abs=0.05)
    assert 0.4 < seen < 0.95


def test_without_dependence_power_is_the_level():
    for columns in [(4, 1), (3, 5)]:
        assert PairTest(0.5, 80, columns, 1).power(0.0, 0.03) == pytest.approx(0.03)


def test_power_grows_with_rows_strength_and_level():
    def power(n=100, trace=0.1, level=0.01):
        return PairTest(0.5, n, (4, 1), 2).power(trace, level)

    for grown in (
        [power(n=n) for n in (20, 60, 200, 500)],
        [power(trace=trace) for trace in (0.01, 0.05, 0.2, 0.5)],
        [power(level=level) for level in (0.001, 0.01, 0.1)],
    ):
        assert (np.diff(grown) > 0.01).all()
    assert power(n=5) == 0.0
    assert power(trace=1.0) == 1.0


def without(one, two, *others, coded=(False, False)):
    """Return trace and p-value of a pair without numeric variables."""
    given = functions_of_others(len(one), [(values, False) for values in others])
    return dependence(one, two, given, coded)


def test_the_trace_is_the_sum_of_squared_canonical_correlations():
    """Of two codes: the chi-square of their table over n."""
    rng = np.random.default_rng(3)
    one = rng.integers(3, size=400).astype(float)
    two = np.where(rng.random(400) < 0.3, one, rng.integers(4, size=400))
    trace, p_value = without(one, two, coded=(True, True))
    chi2 = stats.chi2_contingency(pd.crosstab(one, two), correction=False).statistic
    assert trace == pytest.approx(chi2 / 400 - 2 * 3 / 399, rel=1e-9)
    assert p_value < 1e-6


INFLUENCES = {
    "of one": lambda z, w: z,
    "its square": lambda z, w: z**2,
    "its exponential": lambda z, w: np.exp(z),
    "a sum": lambda z, w: z + 2 * w,
    "a sum of squares": lambda z, w: z**2 + np.abs(w),
}


@pytest.mark.parametrize("influence", INFLUENCES)
@pytest.mark.parametrize("scale", [np.negative, np.exp])
def test_what_two_actions_have_from_others_is_taken_out(influence, scale):
    """In large samples up to half a percent of the variance is left, not the 3% that count."""
    rng = np.random.default_rng(4)
    z, w = rng.normal(size=(2, 8000))
    u, v = scale(INFLUENCES[influence](z, w) + rng.normal(size=(2, 8000)))
    assert without(u, v)[0] > 0.05
    assert without(u, v, z, w)[0] < 0.01


def test_the_level_is_held_beside_others():
    """Of 300 pairs 15 have a p-value below 5%; more than 29 have odds of 3e-4."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(300):
        z, w = rng.normal(size=(2, 500))
        found.append(without(*(z + w + rng.standard_t(5, size=(2, 500))), z, w)[1])
    assert np.sum(np.array(found) <= 0.05) <= 29


def test_of_actions_with_few_values_too():
    rng = np.random.default_rng(6)
    z = rng.normal(size=5000)
    u, v = (z + rng.normal(size=(2, 5000)) > 0).astype(float)
    assert without(u, v)[0] > 0.05
    assert without(u, v, z)[0] < 0.005


def test_levels_are_taken_out_by_their_indicators():
    rng = np.random.default_rng(7)
    code = rng.integers(5, size=3000)
    u, v = np.array([0.0, 3.0, -1.0, 2.0, 0.5])[code] + rng.normal(size=(2, 3000))
    given = functions_of_others(3000, [(code.astype(float), True)])
    assert given.shape == (3000, 4)
    assert dependence(u, v, given, NUMERIC)[0] < 0.01 < without(u, v)[0]


def test_of_copies_and_constants_nothing_is_seen():
    rng = np.random.default_rng(8)
    u = rng.normal(size=300)
    v = u + rng.normal(size=300)
    assert without(u, v, np.exp(u)) == (0.0, 1.0)
    assert without(u, np.ones(300)) == (0.0, 1.0)
    assert without(u, v, np.ones(300))[1] < 1e-6


def test_of_few_rows_and_many_others_nothing_is_seen():
    rng = np.random.default_rng(9)
    u, others = rng.normal(size=40), rng.normal(size=(5, 40))
    v = u + 0.1 * rng.normal(size=40)
    assert without(u, v)[1] < 1e-6
    assert without(u, v, *others) == (0.0, 1.0)

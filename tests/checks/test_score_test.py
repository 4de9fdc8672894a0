"""The score test behind the check of mechanisms: its algebra, its size, its estimate of effects."""

import numpy as np
from numpy.testing import assert_allclose
from scipy import stats

from bayes_intgen.checks.score_test import Regression


def rows(n, seed, slope=0.0):
    """Regressors, a further one and a response whose spread follows the further one."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    z = np.column_stack([x[:, 1] * x[:, 2], rng.exponential(size=n)])
    y = x @ [1.0, -1.0, 0.5] + slope * z[:, 0] + (0.3 + np.abs(z[:, 0])) * rng.normal(size=n)
    return x, z, y


def run(x, z, y):
    regression = Regression.on(x)
    return regression.test(regression.free(y), z, regression.free(z))


def test_statistic_written_out():
    x, z, y = rows(60, 1)
    hat = x @ np.linalg.solve(x.T @ x, x.T)
    e, left, h = y - hat @ y, z - hat @ z, np.diag(hat)
    score, covariance = left.T @ e, (left * (e / (1 - h))[:, None] ** 2).T @ left
    expected = score @ np.linalg.solve(covariance, score) / 2
    found = run(x, z, y)
    assert_allclose(found.statistic, expected)
    own = np.diag(left @ np.linalg.solve(left.T @ left, left.T))
    rest = int(4 / np.sum(own**2)) - 2
    assert 5 < rest < 40
    assert (found.degrees, found.rest) == (2, rest)
    assert_allclose(found.p_value, stats.f.sf(expected, 2, rest))


def test_regressors_and_probes_may_be_collinear():
    x, z, y = rows(200, 2)
    wide = np.column_stack([x, x[:, 1] + x[:, 2], np.zeros(200)])
    assert_allclose(run(wide, z, y).statistic, run(x, z, y).statistic)
    more = np.column_stack([z, x[:, 1], z[:, 0] - z[:, 1]])
    found = run(x, more, y)
    assert found.degrees == 2
    assert_allclose(found.statistic, run(x, z, y).statistic, rtol=1e-6)
    assert np.isnan(run(x, x[:, 1:], y).p_value)


def test_size_where_the_spread_follows_the_probe():
    """Few rows have most of the leverage: on the safe side, where one sigma rejects a quarter."""
    robust, naive = [], []
    for seed in range(1000):
        x, z, y = rows(150, seed)
        robust.append(run(x, z, y).p_value)
        left, full = (np.linalg.lstsq(m, y)[1][0] for m in (x, np.column_stack([x, z])))
        naive.append(stats.f.sf((left - full) / 2 / (full / 145), 2, 145))
    assert 0.005 < np.mean(np.array(robust) < 0.05) < 0.06
    assert np.mean(np.array(naive) < 0.05) > 0.2


def test_size_where_all_rows_count_alike():
    p_values = []
    for seed in range(1500):
        rng = np.random.default_rng(seed)
        x, z = np.ones((300, 1)), rng.choice([-1.0, 1.0], size=(300, 3))
        p_values.append(run(x, z, rng.normal(size=300) * (2 + z[:, 0])).p_value)
    assert 0.035 < np.mean(np.array(p_values) < 0.05) < 0.065


def test_size_far_out_for_thirty_rows_beside_ten_thousand():
    p_values = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        x = np.column_stack([np.ones(10_030), rng.normal(size=10_030)])
        here = np.arange(10_030) < 30
        y = rng.standard_t(5, size=10_030) * (1 + here)
        p_values.append(run(x, x * here[:, None], y).p_value)
    assert np.mean(np.array(p_values) < 0.01) < 0.03
    assert min(p_values) > 1e-5


def test_the_effect_is_its_root_mean_square_without_chance():
    sizes = []
    for seed in range(200):
        x, z, y = rows(500, seed, slope=0.5)
        sizes.append(run(x, z, y).size ** 2)
    # 0.25 E[(x1 x2)^2] = 0.25
    assert abs(np.mean(sizes) - 0.25) < 0.02
    none = [run(*rows(500, seed)).size for seed in range(50)]
    assert np.median(none) < 0.1

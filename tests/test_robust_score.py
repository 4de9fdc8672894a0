"""The score test behind the check of mechanisms: its algebra, its size, its estimate of effects."""

import numpy as np
from numpy.testing import assert_allclose
from scipy import stats

from bayes_intgen.checks.robust_score import Regression


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
    assert_allclose(found.p_value, stats.f.sf(expected, 2, 60 - 3 - 2))
    assert (found.degrees, found.rest) == (2, 55)


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
    """With one variance for all rows a quarter of these would be rejected at 5%."""
    p_values = np.array([run(*rows(150, seed)).p_value for seed in range(1000)])
    assert 0.015 < np.mean(p_values < 0.05) < 0.065


def test_the_effect_is_its_root_mean_square_without_chance():
    sizes = []
    for seed in range(200):
        x, z, y = rows(500, seed, slope=0.5)
        sizes.append(run(x, z, y).size ** 2)
    # 0.25 E[(x1 x2)^2] = 0.25
    assert abs(np.mean(sizes) - 0.25) < 0.02
    none = [run(*rows(500, seed)).size for seed in range(50)]
    assert np.median(none) < 0.1

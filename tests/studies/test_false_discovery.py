"""Adaptive shrinkage: its optimum, its limits, and the rate of false discoveries that it keeps."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from bayes_intgen.studies.many_outcomes.false_discovery import mean_of_smallest, shrink

LEVEL = 0.1


def draw(seed, n=1000, responding=50):
    """Effects of two to six standard errors, most of them zero, with unequal errors."""
    rng = np.random.default_rng(seed)
    error = rng.uniform(0.5, 2.0, n)
    truth = np.zeros(n)
    truth[:responding] = rng.choice([-1, 1], responding) * rng.uniform(2, 6, responding)
    truth *= error
    return truth, truth + error * rng.normal(size=n), error


def test_the_false_discovery_rate_is_kept_at_nearly_the_power_of_the_best_threshold():
    """Fifty of a thousand respond; the best threshold is one that knows the truth."""
    rates, powers, best = [], [], []
    for seed in range(20):
        truth, estimate, error = draw(seed)
        wrong = (truth == 0) | (np.sign(truth) != np.sign(estimate))
        found = mean_of_smallest(shrink(estimate, error).false_sign) <= LEVEL
        rates.append(wrong[found].mean())
        powers.append((found & ~wrong).sum())
        order = np.argsort(-np.abs(estimate / error))
        share = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
        most = np.flatnonzero(share <= LEVEL)[-1] + 1
        best.append((~wrong[order][:most]).sum())
    assert np.mean(rates) <= LEVEL
    assert np.mean(powers) >= 0.9 * np.mean(best)


def test_single_probabilities_would_not_keep_it():
    """The mean of one-at-a-time error rates promises a tenth, and most discoveries are false."""
    truth, estimate, error = draw(1)
    alone = stats.norm.sf(np.abs(estimate / error))
    found = mean_of_smallest(alone) <= LEVEL
    assert (truth[found] == 0).mean() > 0.5


def test_where_nothing_responds_hardly_anything_is_found():
    found = 0
    for seed in range(5):
        _, estimate, error = draw(seed, responding=0)
        found += (mean_of_smallest(shrink(estimate, error).false_sign) <= LEVEL).any()
    assert found <= 1


def test_of_one_normal_distribution_the_posterior_is_the_textbook_one():
    """All effects N(0, 3^2) with errors of one: means shrink by 9/10, signs are those of N."""
    rng = np.random.default_rng(3)
    estimate = rng.normal(0, 3, 20_000) + rng.normal(size=20_000)
    found = shrink(estimate, np.ones(20_000))
    assert found.share_zero < 0.03
    large = np.abs(estimate) > 2
    assert_allclose(found.mean[large], 0.9 * estimate[large], rtol=0.05)
    expected = stats.norm.sf(np.abs(0.9 * estimate) / np.sqrt(0.9))
    assert_allclose(found.false_sign[large], expected[large], atol=0.02)


def test_units_do_not_matter():
    _, estimate, error = draw(4)
    one, two = shrink(estimate, error), shrink(1000 * estimate, 1000 * error)
    assert_allclose(two.false_sign, one.false_sign, atol=1e-8)
    assert_allclose(two.mean, 1000 * one.mean, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n", [1, 2])
def test_few_effects_are_hardly_shrunk_into_discoveries(n):
    """The penalty stands for nine effects of zero: one effect needs to be very sure."""
    assert (shrink(np.full(n, 2.0), np.ones(n)).false_sign > 0.1).all()
    assert (shrink(np.full(n, 20.0), np.ones(n)).false_sign < 0.01).all()

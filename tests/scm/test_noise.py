"""Noise distributions of the synthetic SCMs, against SciPy's."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bayes_intgen.base.errors import ModelError
from bayes_intgen.scm import Noise, Polynomial
from bayes_intgen.scm.noise import KINDS

REFERENCE = {
    "gaussian": lambda sd: stats.norm(scale=sd),
    "uniform": lambda sd: stats.uniform(-sd * np.sqrt(3), 2 * sd * np.sqrt(3)),
    "logistic": lambda sd: stats.logistic(scale=sd * np.sqrt(3) / np.pi),
}


@pytest.mark.parametrize("kind", KINDS)
def test_moments_are_those_of_scipy(kind):
    expected = [REFERENCE[kind](0.7).moment(order) for order in range(1, 5)]
    assert Noise(kind, 0.7).moment(0) == 1
    found = [Noise(kind, 0.7).moment(order) for order in range(1, 5)]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_densities_and_reach_are_those_of_scipy(kind):
    noise, reference = Noise(kind, 0.7), REFERENCE[kind](0.7)
    x = np.linspace(-1000, 1000, 8001) / 7
    np.testing.assert_allclose(noise.density(x), reference.pdf(x), rtol=1e-10, atol=1e-300)
    assert reference.sf(noise.reach) < 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_noise_samples_follow_their_distribution(kind):
    draws = Noise(kind, 0.7).sample(20_000, np.random.default_rng(1))
    assert stats.kstest(draws, REFERENCE[kind](0.7).cdf).pvalue > 1e-3
    others = [name for name in KINDS if name != kind]
    for other in others:
        assert stats.kstest(draws, REFERENCE[other](0.7).cdf).pvalue < 1e-3


def test_the_outcome_carries_its_noise(scm):
    silent = replace(scm, effects=(Polynomial(((0, 0),), (2.0,)),) * 4)
    noise = silent.sample(20_000, random_seed=1)["y"] - 4 * 2
    assert stats.kstest(noise, REFERENCE[scm.outcome_noise.kind](0.1).cdf).pvalue > 1e-3


def test_noise_refuses_bad_options():
    with pytest.raises(ModelError, match=r"kind must be .* got 'cauchy'"):
        Noise("cauchy", 1.0)
    for sd in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ModelError, match="sd must be"):
            Noise("gaussian", sd)
    for order in (-1, 5, 1.5):
        with pytest.raises(ModelError, match="order must be"):
            Noise("gaussian", 1.0).moment(order)

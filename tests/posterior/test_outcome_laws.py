"""Laws with a given mean and variance: moments in closed form, and possible values only."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

from bayes_intgen.posterior.outcome_laws.counts import draw_counts, log_mass_counts
from bayes_intgen.posterior.outcome_laws.outcome_law import OutcomeLaw, measure_law
from bayes_intgen.posterior.outcome_laws.positive import zero_share
from bayes_intgen.posterior.outcome_laws.proportions import end_shares

N = 200_000
COUNTS = [
    (3.3, 9.0),
    (3.3, 3.3),
    (3.3, 2.5),
    (3.3, 0.7),
    (3.3, 0.25),
    (0.4, 0.3),
    (0.4, 0.241),
    (5.0, 0.01),
    (100.0, 30.0),
    (8.0, 7.999),
    (1000.0, 20.0),
]
POSITIVE = [
    OutcomeLaw("positive", shape, at_zero)
    for shape in ("gamma", "lognormal")
    for at_zero in (0.0, 0.5, 1.0)
]
PROPORTIONS = [
    OutcomeLaw("proportion", at_zero=zero, at_one=one)
    for zero, one in [(0.0, 0.0), (0.5, 0.2), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.9, 0.95)]
]


def filled(value, n=N):
    return np.full(n, float(value))


def assert_moments(draws, mean, variance):
    """Within five standard errors, that of the variance from the fourth moment."""
    error = np.sqrt(variance / len(draws))
    assert abs(draws.mean() - mean) < 5 * error + 1e-9
    fourth = np.mean((draws - mean) ** 4)
    assert abs(draws.var() - variance) < 6 * np.sqrt(fourth / len(draws)) + 1e-9


@pytest.mark.parametrize(("mean", "variance"), COUNTS)
def test_counts_have_the_mean_and_variance(mean, variance):
    y = np.arange(4000.0)
    mass = np.exp(log_mass_counts(y, np.array(mean), np.array(variance)))
    assert mass.sum() == pytest.approx(1, abs=1e-9)
    assert mass @ y == pytest.approx(mean, rel=1e-8)
    assert mass @ (y - mean) ** 2 == pytest.approx(variance, rel=1e-5)
    draws = draw_counts(filled(mean), filled(variance), np.random.default_rng(1))
    assert_moments(draws, mean, variance)
    seen = np.bincount(draws.astype(int), minlength=4000)
    likely = mass * N > 10
    chi2 = np.sum((seen - mass * N)[likely] ** 2 / (mass * N)[likely])
    assert stats.chi2.sf(chi2, likely.sum()) > 1e-4


def test_counts_with_known_names():
    y = np.arange(40.0)
    poisson = log_mass_counts(y, np.array(4.0), np.array(4.0))
    assert_allclose(poisson, stats.poisson.logpmf(y, 4), rtol=1e-10)
    share = 1e-4  # of Poisson
    binomial = log_mass_counts(y, np.array(4.0), np.array((1 - share) * 2.4 + share * 4.0))
    expected = (1 - share) * stats.binom.pmf(y, 10, 0.4) + share * stats.poisson.pmf(y, 4)
    assert_allclose(np.exp(binomial), expected, atol=1e-10)
    negative = log_mass_counts(y, np.array(4.0), np.array(12.0))
    assert_allclose(negative, stats.nbinom.logpmf(y, 2, 1 / 3), rtol=1e-10)


def test_a_variance_that_counts_cannot_have_is_the_least_that_they_can():
    draws = draw_counts(filled(3.3), filled(0.01), np.random.default_rng(1))
    assert np.isin(draws, [3.0, 4.0]).mean() > 0.9998
    assert draws.mean() == pytest.approx(3.3, abs=0.01)


@pytest.mark.parametrize("law", POSITIVE, ids=str)
@pytest.mark.parametrize(("mean", "variance"), [(2.0, 3.0), (10.0, 4.0)])
def test_positive_outcomes_have_the_mean_and_variance(law, mean, variance):
    draws = law.draw(filled(mean), filled(variance), np.random.default_rng(2))
    assert_moments(draws, mean, variance)
    share = law.at_zero * variance / (variance + mean**2)
    assert (draws == 0).mean() == pytest.approx(share, abs=0.005)
    if law.at_zero < 1:
        density, _ = integrate.quad(
            lambda y: np.exp(law.log_density(np.array(y), np.array(mean), np.array(variance))),
            1e-12,
            np.inf,
            limit=200,
        )
        assert density == pytest.approx(1 - share, abs=1e-4)


@pytest.mark.parametrize("law", PROPORTIONS, ids=repr)
@pytest.mark.parametrize(("mean", "variance"), [(0.3, 0.02), (0.3, 0.2), (0.02, 0.01), (0.9, 0.08)])
def test_proportions_have_the_mean_and_variance(law, mean, variance):
    draws = law.draw(filled(mean), filled(variance), np.random.default_rng(3))
    assert_moments(draws, mean, variance)
    rho = variance / (mean * (1 - mean))
    assert (draws == 0).mean() == pytest.approx(law.at_zero * rho * (1 - mean), abs=0.005)
    assert (draws == 1).mean() == pytest.approx(law.at_one * rho * mean, abs=0.005)
    at_zero = law.log_density(np.array(0.0), np.array(mean), np.array(variance))
    with np.errstate(divide="ignore"):
        assert_allclose(at_zero, np.log(law.at_zero * rho * (1 - mean)), rtol=1e-10)


def test_plain_laws_are_those_of_scipy():
    m, v = np.array(0.3), np.array(0.05)
    y = np.linspace(0.05, 0.95, 9)
    size = 0.21 / 0.05 - 1
    found = OutcomeLaw("proportion").log_density(y, m, v)
    assert_allclose(found, stats.beta.logpdf(y, 0.3 * size, 0.7 * size), rtol=1e-9)
    y = np.linspace(0.1, 9, 9)
    found = OutcomeLaw("positive").log_density(y, np.array(2.0), np.array(3.0))
    assert_allclose(found, stats.gamma.logpdf(y, 4 / 3, scale=1.5), rtol=1e-10)
    found = OutcomeLaw("positive", "lognormal").log_density(y, np.array(2.0), np.array(3.0))
    s = np.sqrt(np.log(1.75))
    assert_allclose(found, stats.lognorm.logpdf(y, s, scale=2 / np.sqrt(1.75)), rtol=1e-10)
    found = OutcomeLaw("binary").log_density(np.array([0.0, 1.0]), m, v)
    assert_allclose(np.exp(found), [0.7, 0.3])


ALL = [OutcomeLaw("binary"), OutcomeLaw("count"), *POSITIVE, *PROPORTIONS]


@pytest.mark.parametrize("law", ALL, ids=repr)
def test_only_possible_values_are_drawn_whatever_mean_and_variance(law):
    """Also where draws of the mean left the range, or the variance is out of proportion."""
    rng = np.random.default_rng(4)
    mean = np.concatenate([rng.normal(0, 2, 4000), rng.uniform(0, 1, 4000), [0.0, 1.0, -1e9]])
    variance = np.exp(rng.normal(0, 6, len(mean)))
    y = law.draw(mean, variance, rng)
    assert y.shape == mean.shape
    assert np.isfinite(y).all()
    assert y.min() >= 0
    if law.discrete:
        assert (y == np.rint(y)).all()
    if law.kind in ("binary", "proportion"):
        assert y.max() <= 1
    if law.kind in ("positive", "proportion") and law.at_zero == 0:
        assert y.min() > 0
    if law.kind == "proportion" and law.at_one == 0:
        assert y.max() < 1


@pytest.mark.parametrize("shape", ["gamma", "lognormal"])
@pytest.mark.parametrize("at_zero", [0.0, 0.4])
def test_the_law_of_positive_rows_is_found(shape, at_zero):
    rng = np.random.default_rng(5)
    mean = rng.uniform(1, 3, 3000)
    law = OutcomeLaw("positive", shape, at_zero)
    found = measure_law("positive", law.draw(mean, mean**2, rng), mean, mean**2)
    assert found.shape == shape
    assert found.at_zero == pytest.approx(at_zero, abs=0.04)
    assert zero_share(mean, mean**2) == pytest.approx(0.5)


def test_the_masses_of_proportions_are_found():
    rng = np.random.default_rng(6)
    mean = rng.uniform(0.2, 0.8, 5000)
    variance = 0.4 * mean * (1 - mean)
    law = OutcomeLaw("proportion", at_zero=0.7, at_one=0.2)
    found = measure_law("proportion", law.draw(mean, variance, rng), mean, variance)
    assert (found.at_zero, found.at_one) == pytest.approx((0.7, 0.2), abs=0.06)
    zero, one = end_shares(mean, variance)
    assert_allclose(zero + one, 0.4)


def test_a_law_survives_as_text():
    law = OutcomeLaw("positive", "lognormal", 0.25)
    assert OutcomeLaw.from_text(law.to_text()) == law
    assert str(law) == "lognormal, with mass at 0"

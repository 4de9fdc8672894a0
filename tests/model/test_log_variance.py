"""The weighted pass: variance functions, weighted moments and what they buy."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.base.centred_moments import CentredMoments, RegressionMoments
from bayes_intgen.base.metrics import rmse
from bayes_intgen.base.regimes import parse_regime
from bayes_intgen.base.types import Scale
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.model.log_variance import LogVariance, fit_log_variances
from bayes_intgen.model.marginal import MarginalLikelihood
from bayes_intgen.moments.moments import Moments
from models import linear


def noisy(n, random_seed, slope=1.0):
    """One action set at random everywhere; log sd of the outcome is slope * a, mean 2 a."""
    rng = np.random.default_rng(random_seed)
    frame = pd.DataFrame({"a": rng.uniform(-1.5, 1.5, 2 * n)})
    frame["y"] = 2 * frame["a"] + np.exp(slope * frame["a"]) * rng.normal(size=2 * n)
    frame["regime"] = np.repeat(["obs", "a"], n)
    return ig.RegimeData.from_frame(frame, outcome="y", actions=["a"])


def fitted_variances(data, basis, mean):
    summary = data.summary
    features = FeatureMap.within(freeze_bases(basis, data.actions, summary), [data.actions])
    theta = {regime: mean(features) for regime in data.regimes}
    scale = Scale(0.0, 1.0)
    sigma = dict.fromkeys(data.regimes, 1.0)
    return features, fit_log_variances(data, features, scale, theta, sigma)


def two_a(features):
    """Coefficients of the mean 2 a in features of one action."""
    grid = np.linspace(-1.5, 1.5, 50)[:, None]
    return np.linalg.lstsq(features.evaluate(grid), 2 * grid[:, 0], rcond=None)[0]


@pytest.mark.parametrize("basis", [ig.HSGP(), ig.Polynomial(3)], ids=repr)
def test_the_variance_function_is_recovered(basis):
    features, variances = fitted_variances(noisy(20_000, 1), basis, two_a)
    grid = np.linspace(-1.3, 1.3, 21)
    for function in variances.values():
        found = -function.log_weights(features.evaluate(grid[:, None]))
        assert_allclose(found - found.mean(), 2 * grid, atol=0.25)


def test_the_variance_of_each_level_is_recovered():
    """Every level has an indicator of scale one, also beyond the first two in the basis."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"c": rng.integers(5, size=20_000), "a": rng.normal(size=20_000)})
    spread = np.array([1.0, 2.0, 0.5, 3.0, 1.5])
    frame["y"] = spread[frame["c"]] * np.exp(0.3 * frame["a"]) * rng.normal(size=20_000)
    frame["regime"] = np.where(frame.index % 2, "obs", "c")
    data = ig.RegimeData.from_frame(frame, "y", ["c", "a"], categorical=["c"])
    summary = data.summary
    features = FeatureMap.within(freeze_bases(ig.HSGP(), data.actions, summary), [data.actions])
    zero = dict.fromkeys(data.regimes, np.zeros(len(features.features)))
    sigma = dict.fromkeys(data.regimes, 1.0)
    variances = fit_log_variances(data, features, Scale(0.0, 1.0), zero, sigma)
    points = np.column_stack([np.tile(np.arange(5.0), 3), np.repeat([-1.0, 0.0, 1.0], 5)])
    expected = 2 * np.log(spread)[points[:, 0].astype(int)] + 0.6 * points[:, 1]
    for function in variances.values():
        names = [features.names[column] for column in function.columns]
        assert {"c[4]", "c[4] a~w2"} <= set(names)
        assert "c[4] a~w3" not in names
        found = -function.log_weights(features.evaluate(points))
        assert_allclose(found - found.mean(), expected - expected.mean(), atol=0.3)


def test_equal_variances_give_nearly_equal_weights():
    data = noisy(5000, 2, slope=0.0)
    features, variances = fitted_variances(data, ig.HSGP(), two_a)
    for function in variances.values():
        logs = function.log_weights(features.evaluate(np.linspace(-1.5, 1.5, 50)[:, None]))
        assert np.abs(logs).max() < 0.2


def test_weights_are_bounded():
    """A query far away, or a wild coefficient, never gives a row an absurd weight."""
    rows = np.random.default_rng(1).normal(size=(500, 3))
    rows[:, 2] += rows[:, 0] - rows[:, 1]
    moments = CentredMoments.from_rows(rows)
    function = LogVariance.from_moments(moments, np.array([1, 2]), np.ones(2))
    assert function.bound > 1
    far = function.log_weights(np.array([[1.0, 1e6, -1e6], [1.0, -1e6, 1e6]]))
    assert_allclose(np.abs(far), function.bound)


def test_shrinkage_is_that_of_the_bayesian_regression():
    """Given its tau, gamma is the ridge solution; tau maximises the evidence of the rows."""
    rng = np.random.default_rng(3)
    x, relative = rng.normal(size=(200, 4)), np.array([1.0, 0.5, 0.2, 1.0])
    z = x @ np.array([0.8, -0.3, 0.0, 0.4]) + 2 * rng.normal(size=200)
    moments = CentredMoments.from_rows(np.column_stack([x, z]))
    found = LogVariance.from_moments(moments, np.arange(4), relative).gamma
    x, z = x - x.mean(axis=0), z - z.mean()
    noise = z.var()

    def evidence(tau):
        covariance = tau**2 * (x * relative**2) @ x.T + noise * np.eye(200)
        return stats.multivariate_normal.logpdf(z, np.zeros(200), covariance)

    tau = max(np.exp(np.linspace(np.log(1e-3), np.log(10), 60)), key=evidence)
    penalty = np.diag(noise / (tau * relative) ** 2)
    assert_allclose(found, np.linalg.solve(x.T @ x + penalty, x.T @ z), rtol=1e-6)


@pytest.mark.parametrize("signal", [0.0, 0.5, 0.6, 1.0])
def test_a_function_needs_twice_the_log_bayes_factor_of_six(signal):
    """The Bayes factor against a constant variance, from the densities of the rows."""
    rng = np.random.default_rng(5)
    x, relative = rng.normal(size=(60, 3)), np.array([1.0, 0.4, 0.7])
    z = x @ np.array([1.0, 0.0, -0.5]) * signal + rng.normal(size=60)
    moments = CentredMoments.from_rows(np.column_stack([x, z]))
    found = LogVariance.from_moments(moments, np.arange(3), relative)
    x, z = x - x.mean(axis=0), z - z.mean()

    def twice_log_density(tau):
        covariance = tau**2 * (x * relative**2) @ x.T + z.var() * np.eye(60)
        return 2 * stats.multivariate_normal.logpdf(z, np.zeros(60), covariance)

    grid = np.exp(np.linspace(np.log(1e-3), np.log(10), 60))
    evidence = max(map(twice_log_density, grid)) - twice_log_density(0.0)
    assert (evidence <= 6) == (signal < 0.55)
    assert (found.gamma == 0).all() == (evidence <= 6)


@pytest.mark.parametrize("n", [30, 200, 2000])
def test_rows_of_equal_variance_count_exactly_the_same(n):
    equal = 0
    for seed in range(20):
        data = noisy(n, 300 + seed, slope=0.0)
        features, variances = fitted_variances(data, ig.HSGP(), two_a)
        phi = features.evaluate(np.linspace(-1.5, 1.5, 50)[:, None])
        equal += sum((function.log_weights(phi) == 0).all() for function in variances.values())
    assert equal >= 38  # of two regimes in twenty tables


def test_strong_differences_of_spread_are_found_in_few_rows():
    """The log sd of the outcome differs by 3.6 between the ends of the range."""
    found = 0
    for seed in range(20):
        _, variances = fitted_variances(noisy(60, 400 + seed, slope=1.2), ig.HSGP(), two_a)
        found += sum((function.gamma != 0).any() for function in variances.values())
    assert found >= 38


def test_weighted_moments_are_weighted_sums_of_products():
    data = noisy(300, 4)
    features, variances = fitted_variances(data, ig.Polynomial(2), two_a)
    summary = data.summary
    scale = summary.scales["y"]
    moments = Moments.compute(data, summary, features, scale, variances)
    for label in data.labels:
        regime = parse_regime(label, data.actions)
        rows = data.rows(label)
        phi, y = features.evaluate(rows[:, :-1]), scale.standardise(rows[:, -1])
        logs = variances[regime].log_weights(phi)
        weight = np.exp(logs)
        found: RegressionMoments = moments.regression(regime)
        assert_allclose(found.gram, phi.T @ (weight[:, None] * phi), rtol=1e-10, atol=1e-8)
        assert_allclose(found.cross, phi.T @ (weight * y), rtol=1e-10, atol=1e-8)
        assert_allclose(found.square, weight @ y**2, rtol=1e-10)
        assert_allclose(moments.log_weights[regime], logs.sum(), rtol=1e-8, atol=1e-8)
        assert found.n == len(rows)


class ByFirstAction:
    """Row weights that are no more than a known function of the features."""

    def log_weights(self, phi):
        return 0.7 * phi[:, 1] - 0.2


def test_weighted_likelihood_is_that_of_rows_with_their_own_variance():
    """Log-likelihood given the weights: sum of log N(y; m, sigma^2 / weight) over the rows."""
    data = noisy(200, 5)
    plain = ig.InterventionModel(ig.Polynomial(2), [], variance="constant")._prepare(data).problem
    design, scale = plain.design, plain.moments.outcome_scale
    variances = dict.fromkeys(data.regimes, ByFirstAction())
    moments = Moments.compute(data, plain.moments.summary, design.features, scale, variances)
    likelihood = MarginalLikelihood.from_moments(design, moments)
    theta, sigma = np.random.default_rng(6).normal(size=len(design.weights)), np.array([0.4, 0.9])
    expected = []
    for label, sd in zip(data.labels, sigma, strict=True):
        rows = data.rows(label)
        phi = design.features.evaluate(rows[:, :-1])
        mean = phi @ design.collect(theta, design.active(parse_regime(label, data.actions)))
        own_sd = sd * np.exp(-0.5 * ByFirstAction().log_weights(phi))
        expected.append(stats.norm.logpdf(scale.standardise(rows[:, -1]), mean, own_sd).sum())
    found = likelihood.log_likelihood(theta[None], sigma[None])[0]
    assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.slow
def test_weighing_rows_pays_where_spreads_differ():
    """Over 20 data sets the weighted fit has at most 0.8 times the error, and covers."""
    grid = {"a": np.linspace(-1.4, 1.4, 15)}
    errors = {"learned": [], "constant": []}
    covered = []
    for seed in range(20):
        data = noisy(400, 100 + seed, slope=1.2)
        for variance, found in errors.items():
            model = ig.InterventionModel(variance=variance, interactions="none")
            table = model.fit(data, method="laplace").table(grid)
            found.append(rmse(table["mean"], 2 * grid["a"]))
            if variance == "learned":
                truth = 2 * grid["a"]
                covered.append(np.mean((table["lower"] <= truth) & (truth <= table["upper"])))
    assert np.mean(errors["learned"]) < 0.8 * np.mean(errors["constant"])
    assert 0.80 <= np.mean(covered) <= 0.98


def test_nothing_is_lost_where_spreads_are_equal():
    at = {"a1": np.array([-1.0, 0.0, 1.0]), "a2": np.array([0.5, 0.0, -0.5])}
    errors = {"learned": [], "constant": []}
    for seed in range(10):
        frame = linear.make_data(300, 200 + seed)
        data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        for variance, found in errors.items():
            model = ig.InterventionModel(ig.Polynomial(1), [("a1", "a2")], variance=variance)
            mean = model.fit(data, method="laplace").table(at)["mean"]
            found.append(rmse(mean, linear.truth(**at)))
    assert np.mean(errors["learned"]) < 1.15 * np.mean(errors["constant"])

"""NUTS in whitened coordinates, against NUTS in the model's own."""

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr

import bayes_intgen as ig
from bayes_intgen.inference import nuts
from bayes_intgen.inference.draws_tree import HyperDraws, build_tree, label_draws
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.nuts import sample_nuts
from bayes_intgen.inference.options import Sampling
from bayes_intgen.model import block_density
from models import polynomial


@pytest.fixture(scope="module")
def problem():
    """Few rows, and a prior that is not log-normal, so that the posterior is far from Gaussian."""
    frame = polynomial.make_data(30, random_seed=1)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    priors = ig.Priors(wiggly=pm.HalfNormal.dist(0.3))
    model = ig.InterventionModel(ig.HSGP(m=5, m_pair=3), priors=priors, variance="constant")
    return model._prepare(data).problem


@pytest.fixture(scope="module")
def draws(problem):
    """Chains from whitened coordinates."""
    return sample_nuts(problem, find_mode(problem), Sampling("nuts", 1000))


def moments(x):
    """Return means and mean squares with their Monte Carlo errors, each by hyperparameter."""
    dataset = xr.Dataset({"x": (("chain", "draw", "entry"), x)})
    both = [dataset, (dataset - dataset.mean(("chain", "draw"))) ** 2]
    means = [each["x"].mean(("chain", "draw")).to_numpy() for each in both]
    errors = [az.mcse(each, method="mean")["x"].to_numpy() for each in both]
    return np.concatenate(means), np.concatenate(errors)


@pytest.mark.slow
def test_draws_have_the_moments_of_those_in_the_coordinates_of_the_model(problem, draws):
    with problem.build():
        tree = pm.sample(
            500,
            tune=500,
            chains=4,
            cores=2,
            random_seed=9,
            progressbar=False,
            nuts={"target_accept": 0.95},
        )
    plain = HyperDraws.of(tree["posterior"].dataset, tree["sample_stats"].dataset)
    (found, error), (expected, other) = moments(draws.x), moments(plain.x)
    assert (np.abs(found - expected) < 4.5 * np.hypot(error, other)).all()


def test_whitened_chains_mix_and_say_how(problem, draws):
    assert {"diverging", "depth", "mean_tree_accept"} <= set(draws.sample_stats.data_vars)
    assert draws.x.shape == (4, 1000, len(problem.hyperpriors.mean))
    labelled = label_draws(problem, draws.x)
    assert set(labelled.data_vars) == {"log_sigma", "log_scale", "log_length"}
    assert max(float(az.rhat(labelled)[name].max()) for name in labelled) < 1.01


@pytest.fixture(scope="module")
def wide_problem():
    """More weights, so that there are blocks of few of them."""
    frame = polynomial.make_data(60, random_seed=1)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    return (
        ig.InterventionModel(ig.HSGP(m=6, m_pair=3, warp=8), [("a1", "a2")])._prepare(data).problem
    )


@pytest.fixture(scope="module")
def blocked(wide_problem):
    """Draws through an approximation that is none too good."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block_density, "MOST", 24)
        patch.setattr(block_density, "PART", 0.0)
        return sample_nuts(wide_problem, find_mode(wide_problem), Sampling("nuts", 1500))


@pytest.mark.slow
def test_weighted_draws_have_the_moments_of_exact_ones(wide_problem, blocked, monkeypatch):
    """Hyperparameters, and the means of a few settings, whose weights come with them."""
    assert 0.25 < blocked.sample_stats["importance_efficiency"] < 0.97
    monkeypatch.setattr(nuts, "block_density", lambda *parts: None)
    exact = sample_nuts(
        wide_problem, find_mode(wide_problem), Sampling("nuts", 1500, random_seed=2)
    )
    assert exact.weights is None
    rows = np.random.default_rng(3).normal(size=(len(wide_problem.design.weights), 5))
    both = []
    for draws in (blocked, exact):
        tree = build_tree(wide_problem, draws, random_seed=3, brief=True)
        means = tree["weights"]["weight"].to_numpy() @ rows
        both.append(moments(np.concatenate([draws.x, means], axis=-1)))
    (found, error), (expected, other) = both
    assert (np.abs(found - expected) < 4.5 * np.hypot(error, other)).all()


def test_weights_of_weighted_draws_are_those_given_them(wide_problem, blocked):
    """Standardised by the conditional of their own hyperparameters they are standard normal."""
    steps = []
    for x, weights in zip(blocked.x[0, ::60], blocked.weights[0, ::60], strict=True):
        given = wide_problem.conditional(x)
        centred = wide_problem.likelihood.centring.to_centred(weights[None])[0]
        steps.append(given.centred.factor.T @ (centred - given.centred.mean))
    assert abs(np.mean(steps)) < 4.5 / np.sqrt(np.size(steps))
    assert np.var(steps) == pytest.approx(1, abs=4.5 * np.sqrt(2 / np.size(steps)))


def test_where_weights_of_draws_are_too_uneven_draws_are_exact(wide_problem, monkeypatch):
    """By one transition each, as of the exact density with that seed."""
    mode, options = find_mode(wide_problem), Sampling("nuts", 60, 60, 2)
    with monkeypatch.context() as patch:
        patch.setattr(nuts, "block_density", lambda *parts: None)
        patch.setattr(nuts, "TRANSITIONS", 1)
        exact = sample_nuts(wide_problem, mode, options)
    monkeypatch.setattr(block_density, "MOST", 24)
    monkeypatch.setattr(block_density, "PART", 0.0)
    good = sample_nuts(wide_problem, mode, options)
    assert {"importance_efficiency", "pareto_k"} <= set(good.sample_stats.data_vars)
    assert not np.array_equal(good.x, exact.x)
    for name, limit in (("HEAVIEST_TAIL", -9.0), ("LEAST_EFFICIENCY", 1.01)):
        with monkeypatch.context() as patch:
            patch.setattr(nuts, name, limit)
            assert np.array_equal(sample_nuts(wide_problem, mode, options).x, exact.x)


def test_few_draws_are_exact(wide_problem, monkeypatch):
    monkeypatch.setattr(block_density, "MOST", 24)
    monkeypatch.setattr(block_density, "PART", 0.0)
    few = sample_nuts(wide_problem, find_mode(wide_problem), Sampling("nuts", 5, 5, 2))
    assert few.x.shape[:2] == (2, 5)
    assert few.weights is None


def test_resampling_is_in_order_and_as_often_as_the_weights_say():
    rng = np.random.default_rng(4)
    weight = rng.gamma(0.5, size=300)
    chosen = nuts._systematic(weight, rng)
    assert (np.diff(chosen) >= 0).all()
    expected = 300 * weight / weight.sum()
    assert (np.abs(np.bincount(chosen, minlength=300) - expected) < 1).all()


def test_a_seed_repeats_the_chains(problem):
    mode = find_mode(problem)
    short = [
        sample_nuts(problem, mode, Sampling("nuts", 20, 20, 2, random_seed=s)) for s in (3, 3, 4)
    ]
    assert np.array_equal(short[0].x, short[1].x)
    assert not np.array_equal(short[0].x, short[2].x)

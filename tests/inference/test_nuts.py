"""NUTS in whitened coordinates, against NUTS in the model's own."""

import arviz as az
import numpy as np
import nutpie
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
    assert blocked.sample_stats["importance_efficiency"].max() < 0.8  # there is much to correct
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
    mode, options = find_mode(wide_problem), Sampling("nuts", 100, 100, 2)
    with monkeypatch.context() as patch:
        patch.setattr(nuts, "block_density", lambda *parts: None)
        patch.setattr(nuts, "TRANSITIONS", 1)
        exact = sample_nuts(wide_problem, mode, options)
    monkeypatch.setattr(block_density, "MOST", 24)
    monkeypatch.setattr(block_density, "PART", 0.0)
    good = sample_nuts(wide_problem, mode, options)
    assert good.sample_stats["pareto_k"] < 0.57
    assert not np.array_equal(good.x, exact.x)
    limits = (("HEAVIEST_TAIL", -9.0), ("LEAST_EFFICIENCY", 1.01), ("MOST_APART", 0.99))
    for name, limit in limits:
        with monkeypatch.context() as patch:
            patch.setattr(nuts, name, limit)
            assert np.array_equal(sample_nuts(wide_problem, mode, options).x, exact.x)


def test_what_is_told_of_the_chains_leads_back_to_them(wide_problem, blocked):
    """The log density is that of the draws, and they are those of the chains by position."""
    stats = blocked.sample_stats
    chosen = stats["resampled_from"].to_numpy()
    assert (np.diff(chosen, axis=1) >= 0).all()
    assert len(np.unique(chosen[0])) < 0.9 * chosen.shape[1]
    same = np.diff(chosen, axis=1) == 0
    assert not np.diff(blocked.x, axis=1)[same].any()
    exact = [wide_problem.log_posterior(x)[0] for x in blocked.x[1, :9]]
    offset = stats["logp"].to_numpy()[1, :9] - exact
    np.testing.assert_allclose(offset, offset[0], rtol=0, atol=1e-6)
    approximate = np.take_along_axis(stats["logp_approximate"].to_numpy(), chosen, axis=1)
    assert 0.1 < (stats["logp"].to_numpy() - approximate).std() < 1


def test_weights_are_used_only_if_every_chain_has_its_share():
    rng = np.random.default_rng(5)
    even = 0.2 * rng.normal(size=(4, 500))
    importance, pareto_k = nuts._smooth(even)
    assert pareto_k < 0.7
    np.testing.assert_allclose(importance / importance[0, 0], np.exp(even - even[0, 0]), rtol=0.05)
    lost, uneven, broken = even.copy(), even.copy(), even.copy()
    lost[2] -= 500
    uneven[1] *= 15
    uneven[1] -= uneven[1].max() - even.max()
    broken[0, 3] = -np.inf
    for log_ratio in (lost, uneven, broken, np.zeros((4, 500))):
        assert nuts._smooth(log_ratio) is None


def test_no_trouble_of_a_transition_is_lost():
    """Of four draws in two chains, by one, two, one and two transitions."""
    dims, every = ("chain", "draw"), np.arange(12).reshape(2, 6)
    stats = xr.Dataset(
        {
            "n_steps": (dims, every),
            "diverging": (dims, every == 4),
            "maxdepth_reached": (dims, every == 7),
            "depth": (dims, every % 5),
            "step_size": (dims, every / 10),
        },
        coords={"chain": range(2), "draw": range(6)},
    )
    found = nuts._by_draw(stats, np.array([0, 2, 3, 5]))
    expected = {
        "n_steps": [[0, 3, 3, 9], [6, 15, 9, 21]],
        "diverging": [[False, False, False, True], [False] * 4],
        "maxdepth_reached": [[False] * 4, [False, True, False, False]],
        "depth": [[0, 2, 3, 4], [1, 3, 4, 1]],
        "step_size": [[0.0, 0.2, 0.3, 0.5], [0.6, 0.8, 0.9, 1.1]],
    }
    assert {name: found[name].to_numpy().tolist() for name in expected} == expected
    assert found["draw"].to_numpy().tolist() == [0, 1, 2, 3]


def test_what_was_interrupted_is_no_result(problem, monkeypatch):
    """The sampler returns what it has."""
    sample = nutpie.sample
    monkeypatch.setattr(
        nutpie, "sample", lambda *given, draws, **rest: sample(*given, draws=draws // 2, **rest)
    )
    with pytest.raises(KeyboardInterrupt):
        sample_nuts(problem, find_mode(problem), Sampling("nuts", 20, 20, 2))


def test_few_draws_are_exact(wide_problem, monkeypatch):
    monkeypatch.setattr(block_density, "MOST", 24)
    monkeypatch.setattr(block_density, "PART", 0.0)
    few = sample_nuts(wide_problem, find_mode(wide_problem), Sampling("nuts", 11, 5, 11))
    assert few.x.shape[:2] == (11, 11)
    assert few.weights is None


def test_resampling_is_in_order_and_as_often_as_the_weights_say():
    rng = np.random.default_rng(4)
    weight = rng.gamma(0.5, size=300)
    chosen = nuts._systematic(weight, rng)
    assert (np.diff(chosen) >= 0).all()
    expected = 300 * weight / weight.sum()
    assert (np.abs(np.bincount(chosen, minlength=300) - expected) < 1).all()


def test_a_seed_repeats_the_chains_and_what_is_made_of_them(wide_problem, monkeypatch):
    monkeypatch.setattr(block_density, "MOST", 24)
    monkeypatch.setattr(block_density, "PART", 0.0)
    mode = find_mode(wide_problem)
    first, again, other = (
        sample_nuts(wide_problem, mode, Sampling("nuts", 100, 100, 2, random_seed=s))
        for s in (3, 3, 4)
    )
    assert first.weights is not None
    assert np.array_equal(first.x, again.x)
    assert np.array_equal(first.weights, again.weights)
    assert not np.array_equal(first.x, other.x)

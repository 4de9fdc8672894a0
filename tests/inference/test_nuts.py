"""NUTS in whitened coordinates, against NUTS in the model's own."""

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr

import bayes_intgen as ig
from bayes_intgen.inference.draws_tree import HyperDraws, label_draws
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.sampling import Sampling, sample_nuts
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


def test_a_seed_repeats_the_chains(problem):
    mode = find_mode(problem)
    short = [
        sample_nuts(problem, mode, Sampling("nuts", 20, 20, 2, random_seed=s)) for s in (3, 3, 4)
    ]
    assert np.array_equal(short[0].x, short[1].x)
    assert not np.array_equal(short[0].x, short[2].x)

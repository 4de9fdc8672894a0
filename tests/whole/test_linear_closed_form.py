"""The linear-Gaussian system, where E[Y | do(a)] and the conjugate posterior are known exactly."""

from functools import partial

import arviz as az
import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.base.metrics import coverage, credible_interval
from bayes_intgen.inference.draws_tree import build_tree
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.nuts import sample_nuts
from bayes_intgen.inference.options import Sampling
from bayes_intgen.inference.problem import Problem
from bayes_intgen.model.priors import LogNormal, Priors
from models import linear

POINTS = {"a1": np.array([-1.0, 0.0, 0.5, 1.5]), "a2": np.array([0.5, 0.0, -1.0, 1.0])}
REGIMES = [("a1", "a2"), (), ("a1",), ("a2",)]


def read(n, random_seed):
    frame = linear.make_data(n, random_seed)
    return frame, ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])


@pytest.fixture(scope="module")
def posterior():
    model = ig.InterventionModel(ig.Polynomial(1))
    _, data = read(2000, random_seed=1)
    return model.fit(data, draws=500, chains=4, random_seed=2, progressbar=False)


@pytest.mark.parametrize("do", REGIMES)
def test_nuts_posterior_is_near_the_truth(posterior, do):
    draws = posterior.expected_outcome(POINTS, do=do)
    error = draws.mean(("chain", "draw")) - linear.mixed_truth(**POINTS, do=do)
    assert (np.abs(error) < 3 * draws.std(("chain", "draw"))).all()
    assert draws.std() / np.sqrt(4) < 2  # the outcome's sd is above 2: the intervals say something


def test_nuts_fit_converged(posterior):
    assert posterior.convergence.ok, posterior.convergence


def test_observational_answer_is_wrong_here(posterior):
    """The question matters: seeing a = (1.5, 1) is not setting it, by many posterior sds."""
    draws = posterior.expected_outcome(POINTS, do=[])
    error = np.abs(draws.mean(("chain", "draw")) - linear.truth(**POINTS))
    assert error[3] > 20 * draws.std(("chain", "draw"))[3]


def exact_conjugate_posterior(frame, sigma, scale, constant):
    """Mean and sd of E[Y | do(a1, a2)] at POINTS by textbook regression on explicit rows.

    Every prior scale and residual sd is known, so the weights are Gaussian given the rows.
    """
    regimes = ["obs", "a1", "a2"]
    parts = [frame[frame["regime"] == regime] for regime in regimes]

    def standard(name):
        centre = np.mean([part[name].mean() for part in parts])
        square = np.mean([((part[name] - centre) ** 2).mean() for part in parts])
        return centre, np.sqrt(square)

    scales = {name: standard(name) for name in ("a1", "a2", "y")}
    z = {name: (frame[name].to_numpy() - c) / s for name, (c, s) in scales.items()}
    ones = np.ones(len(frame))
    basis = np.column_stack([ones, z["a1"], z["a2"]])
    off1 = (frame["regime"] != "a1").to_numpy()[:, None]
    off2 = (frame["regime"] != "a2").to_numpy()[:, None]
    # each bias sums to its constant over the rows that leave its action alone
    own1, own2 = (
        (z["a1"] * off1[:, 0]).sum() / off1.sum(),
        (z["a2"] * off2[:, 0]).sum() / off2.sum(),
    )
    rows = np.hstack([basis, off1 * (basis - [0, own1, 0]), off2 * (basis - [0, 0, own2])])
    prior_sd = np.tile([constant, scale, scale], 3)
    covariance = np.linalg.inv(rows.T @ rows / sigma**2 + np.diag(prior_sd**-2))
    mean = covariance @ rows.T @ z["y"] / sigma**2
    at = np.column_stack([(POINTS[k] - scales[k][0]) / scales[k][1] for k in ("a1", "a2")])
    ask = np.hstack([np.ones((len(at), 1)), at, np.zeros((len(at), 6))])
    centre, spread = scales["y"]
    sd = np.sqrt(np.einsum("ij,jk,ik->i", ask, covariance, ask))
    return centre + spread * ask @ mean, spread * sd


def test_nuts_equals_the_exact_conjugate_posterior():
    """With hyperparameters pinned by their priors, mean and sd agree within Monte Carlo error."""
    frame, data = read(100, random_seed=3)
    pin = partial(LogNormal, log_sd=1e-4)
    priors = Priors(sigma=pin(0.5), linear=pin(0.4), constant=2.0, offset=pin(2.0))
    model = ig.InterventionModel(ig.Polynomial(1))
    free = (
        ig.InterventionModel(ig.Polynomial(1), "full", variance="constant")._prepare(data).problem
    )
    problem = Problem(free.design, free.moments, priors)
    sampling = Sampling("nuts", random_seed=4)
    hyper = sample_nuts(problem, find_mode(problem), sampling)
    tree = build_tree(problem, hyper, random_seed=5)
    reference = model.fit(data, method="laplace", draws=1)
    posterior = ig.Posterior(
        tree, problem.design, reference.summary, reference.outcome_scale, reference.convergence
    )
    draws = posterior.expected_outcome(POINTS)
    mean, sd = exact_conjugate_posterior(frame, sigma=0.5, scale=0.4, constant=2.0)
    values = draws.to_dataset(name="y")
    error = draws.mean(("chain", "draw")) - mean
    assert (np.abs(error) < 3 * az.mcse(values, method="mean")["y"]).all()
    assert_allclose(draws.std(("chain", "draw")), sd, rtol=0.06)  # 4 standard errors at 4000 draws


def test_laplace_intervals_cover():
    """90% intervals over 30 data sets, four points in each of four regimes."""
    model = ig.InterventionModel(ig.Polynomial(1), interactions="none")
    covered = []
    for seed in range(30):
        _, data = read(200, random_seed=100 + seed)
        posterior = model.fit(data, method="laplace", random_seed=seed)
        for do in REGIMES:
            lower, upper = credible_interval(posterior.expected_outcome(POINTS, do=do))
            covered.append(coverage(lower, upper, linear.mixed_truth(**POINTS, do=do)))
    assert 0.80 <= np.mean(covered) <= 0.98
    assert 0.80 <= np.mean(covered[::4]) <= 0.98  # the joint effect alone


def test_laplace_agrees_with_nuts(posterior):
    _, data = read(2000, random_seed=1)
    laplace = ig.InterventionModel(ig.Polynomial(1)).fit(
        data, method="laplace", draws=4000, random_seed=3
    )
    ours, theirs = (fit.expected_outcome(POINTS) for fit in (laplace, posterior))
    sd = theirs.std(("chain", "draw"))
    difference = ours.mean(("chain", "draw")) - theirs.mean(("chain", "draw"))
    assert (np.abs(difference) < 0.25 * sd).all()
    assert_allclose(ours.std(("chain", "draw")), sd, rtol=0.15)

"""The approximation by blocks, against the exact density where the two agree."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.model import block_density as module
from bayes_intgen.model.block_density import block_density, cut_into_blocks
from models import polynomial

MOST = 24


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "lifts and foreign priors"])
def problem(request):
    frame = polynomial.make_data(60, random_seed=1)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    basis = ig.HSGP(m=6, m_pair=3, warp=8)
    if not request.param:
        return ig.InterventionModel(basis, [("a1", "a2")])._prepare(data).problem
    table = pd.DataFrame({"action": ["a1"], "from": [-0.3], "to": [0.4], "effect": [0.2]})
    lifts = ig.LiftTests.from_frame(table.assign(standard_error=0.1))
    priors = ig.Priors(linear=pm.HalfNormal.dist(0.5), lengthscale=pm.Gamma.dist(4, 8))
    model = ig.InterventionModel(basis, [("a1", "a2")], priors=priors)
    return model._prepare(data, lifts=lifts).problem


@pytest.fixture(scope="module")
def mode(problem):
    return find_mode(problem).mode


@pytest.fixture
def density(problem, mode, monkeypatch):
    """By blocks of few weights, as a function of the distance from the mode."""
    monkeypatch.setattr(module, "MOST", MOST)
    found = block_density(
        problem.likelihood, problem.scales, problem.hyperpriors, mode, np.eye(len(mode))
    )
    assert found is not None
    return found


@pytest.fixture
def blocks(problem, mode):
    covariance = problem.conditional(mode).centred.covariance_of_seen
    return cut_into_blocks(covariance, problem.scales.group_index[problem.likelihood.seen], MOST)


def difference(problem, mode, density, step):
    """How far two differences from the mode are from each other."""
    exact = problem.log_posterior(mode + step)[0] - problem.log_posterior(mode)[0]
    return density(step)[0] - density(np.zeros(len(mode)))[0] - exact


def test_what_changes_in_one_block_is_exact(problem, mode, density, blocks):
    assert len(blocks) > 3
    regimes, groups = len(problem.moments.regimes), problem.scales.group_index
    largest = 0.0
    for block in blocks:
        step = np.zeros(len(mode))
        own = [group for group in np.unique(groups[block]) if group < problem.scales.n_groups]
        for sign in (-2.0, 2.0):
            step[regimes + np.array(own, dtype=int)] = sign
            assert_allclose(difference(problem, mode, density, step), 0.0, atol=1e-6)
            change = problem.log_posterior(mode + step)[0] - problem.log_posterior(mode)[0]
            largest = max(largest, abs(change))
    assert largest > 5


def test_what_changes_in_two_blocks_is_not(problem, mode, density):
    step = np.full(len(mode), 1.0)
    step[: len(problem.moments.regimes)] = 0.0
    assert abs(difference(problem, mode, density, step)) > 1e-3


def test_log_sigma_is_exact_to_the_second_order(problem, mode, density):
    direction = np.zeros(len(mode))
    direction[: len(problem.moments.regimes)] = [1.0, -0.5, 0.7]
    errors = [abs(difference(problem, mode, density, size * direction)) for size in (0.02, 0.01)]
    assert errors[0] < 0.02
    assert errors[0] / errors[1] == pytest.approx(8, rel=0.2)  # an error of the third order


def test_log_sigma_beside_the_rest_is_exact_to_the_second_order(problem, mode, density):
    """By central differences in log sigma and each other hyperparameter."""
    regimes, size = len(problem.moments.regimes), 0.02
    hessian = problem.derivatives(mode)[2]
    shifts = size * np.eye(len(mode))
    for one in shifts[:regimes]:
        found = [
            sum(i * j * density(i * one + j * other)[0] for i in (-1, 1) for j in (-1, 1))
            for other in shifts[regimes:]
        ]
        expected = hessian[np.flatnonzero(one)[0], regimes:]
        assert np.abs(expected).max() > 0.5
        assert_allclose(np.array(found) / (4 * size**2), expected, rtol=0.01, atol=1e-3)


@pytest.mark.parametrize("rows", [20, 60])
def test_far_away_the_density_vanishes(rows, monkeypatch):
    """Along a log sigma with what it is coupled to: unbounded, this outweighs the priors."""
    monkeypatch.setattr(module, "MOST", MOST)
    frame = polynomial.make_data(rows, random_seed=1)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    model = ig.InterventionModel(ig.HSGP(m=6, m_pair=3, warp=8), [("a1", "a2")])
    problem = model._prepare(data).problem
    mode, regimes = find_mode(problem).mode, len(data.regimes)
    parts = problem.likelihood, problem.scales, problem.hyperpriors, mode, np.eye(len(mode))
    density = block_density(*parts)
    sd = problem.hyperpriors.sd
    for r, row in enumerate(problem.derivatives(mode)[2][:regimes]):
        direction = sd**2 * row
        direction[:regimes] = 0.0
        coupling = np.linalg.norm(direction / sd)
        direction[r] = coupling * sd[r]
        direction /= np.linalg.norm(direction)
        values = [density(size * direction)[0] for size in (0.0, 64.0, 256.0, 1024.0)]
        assert (np.diff(values) < 0).all()


def test_the_gradient_is_that_of_the_value_and_at_the_mode_exact(problem, mode, density):
    step = 0.5 * np.random.default_rng(1).normal(size=len(mode))
    shifts = 1e-4 * np.eye(len(mode))
    differences = [(density(step + e)[0] - density(step - e)[0]) / 2e-4 for e in shifts]
    assert_allclose(density(step)[1], differences, rtol=1e-4, atol=1e-4)
    exact = problem.log_posterior(mode)[1]
    assert_allclose(density(np.zeros(len(mode)))[1], exact, atol=1e-4)


def test_coordinates_are_those_of_the_root(problem, mode, density, monkeypatch):
    monkeypatch.setattr(module, "MOST", MOST)
    rng = np.random.default_rng(2)
    root = np.tril(0.1 * rng.normal(size=(len(mode), len(mode)))) + np.eye(len(mode))
    other = block_density(problem.likelihood, problem.scales, problem.hyperpriors, mode, root)
    z = 0.2 * rng.normal(size=len(mode))
    value, gradient = density(root @ z)
    assert_allclose(other(z)[0], value, rtol=1e-12)
    assert_allclose(other(z)[1], root.T @ gradient, rtol=1e-8, atol=1e-8)


def test_few_weights_need_no_blocks(problem, mode, monkeypatch):
    monkeypatch.setattr(module, "MOST", 10**6)
    parts = problem.likelihood, problem.scales, problem.hyperpriors, mode, np.eye(len(mode))
    assert block_density(*parts) is None


@pytest.mark.parametrize("most", [12, 30, 1000])
def test_blocks_hold_each_weight_once_and_no_scale_is_cut(most):
    """Of a covariance in four uncorrelated parts, with groups of up to nine weights."""
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(16), rng.integers(1, 10, size=16))
    part = groups % 4
    rows = rng.normal(size=(200, len(groups))) + 2 * rng.normal(size=(200, 4))[:, part]
    covariance = np.cov(rows.T) * np.equal.outer(part, part)
    blocks = cut_into_blocks(covariance, groups, most)
    assert sorted(np.concatenate(blocks)) == list(range(len(groups)))
    for block in blocks:
        assert len(block) <= most
        assert np.isin(groups, groups[block]).sum() == len(block)
        assert len(np.unique(part[block])) == 1
    if most == 1000:
        assert len(blocks) == 4

"""The search for the mode of the hyperparameters: where it starts, and where it may go."""

import numpy as np
import pytest

import bayes_intgen as ig
from bayes_intgen.inference.laplace import Target, _descend, _guard, _Local, find_maximum, find_mode


def pose(rows, seed, n_actions=3):
    scm = ig.scm.sample_polynomial_scm(n_actions, seed)
    frame = scm.sample_regimes(["obs", *scm.actions], rows, seed)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    return ig.InterventionModel()._prepare(data, weighted=False).problem


@pytest.mark.parametrize("rows", [20, 300, 3000])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_mode_lies_well_within_the_bounds(rows, seed):
    problem = pose(rows, seed)
    target, mode = Target.of(problem), find_mode(problem)
    assert mode.converged
    z = (mode.mode - target.centre) / target.unit
    bounds = target.bounds()
    assert (bounds.lb + 0.1 < z).all()
    assert (z < bounds.ub - 0.1).all()
    assert target(z)[0] < target(target.start())[0]


def test_sigma_starts_at_the_residuals_of_least_squares():
    scm = ig.scm.sample_polynomial_scm(3, 3)
    frame = scm.sample_regimes(["obs", *scm.actions], 3000, 3)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    model = ig.InterventionModel(basis=ig.Polynomial(degree=3))
    problem = model._prepare(data, weighted=False).problem
    target = Target.of(problem)
    found = np.exp(problem.split(target.centre + target.unit * target.start())[0])
    for sigma, (_, values) in zip(found, data.batches(), strict=True):
        phi = problem.design.features.evaluate(values[:, :-1])
        y = problem.moments.outcome_scale.standardise(values[:, -1])
        residual = y - phi @ np.linalg.lstsq(phi, y)[0]
        expected = np.mean(y**2) * np.sum(residual**2) / np.sum((y - y.mean()) ** 2)
        assert sigma**2 == pytest.approx(expected, rel=1e-9)


def test_a_corner_without_a_usable_precision_leads_back_to_the_start():
    """At a million rows the search tries corners in which the prior is lost to rounding."""
    problem = pose(3000, seed=4)
    target = Target.of(problem)
    start = target.start()
    corner = np.full(len(start), 20.0)
    log_sigma = np.where(np.arange(len(target.shares)) % 2, 2.0, -20.0)
    corner[: len(log_sigma)] = target._standardise(log_sigma)[: len(log_sigma)]
    with pytest.raises(np.linalg.LinAlgError):
        target(corner)
    guarded = _guard(target, start)
    value, slope = guarded(corner)
    assert target(start)[0] < value < np.inf
    assert slope @ (corner - start) > 0
    assert guarded(start)[0] == target(start)[0]


def test_the_mode_is_the_same_from_wherever_the_search_comes():
    """From close by in a few steps, from farther on by the search; all to 1e-6 of an sd."""
    problem = pose(300, seed=5)
    found = find_mode(problem)
    sd = np.sqrt(np.diag(found.covariance))
    assert found.decrement < 1e-10
    for away in (0.0, 1e-3, 0.02, 0.5):
        shift = away * sd * np.random.default_rng(6).choice([-1, 1], size=len(sd))
        again = find_mode(problem, found.mode + shift)
        assert np.abs((again.mode - found.mode) / sd).max() < 1e-6
        assert (
            np.abs(again.covariance / np.outer(sd, sd) - found.covariance / np.outer(sd, sd)).max()
            < 1e-5
        )


@pytest.mark.parametrize(("rows", "seed"), [(20, 1), (300, 5), (3000, 2)])
def test_two_hessians_lead_to_the_mode(rows, seed, monkeypatch):
    """One where the steps begin, one at the mode; and the latter not for the maximum alone."""
    problem, counts = pose(rows, seed), []
    derivatives = Target.derivatives
    monkeypatch.setattr(
        Target, "derivatives", lambda self, z: counts.append(1) or derivatives(self, z)
    )
    mode = find_mode(problem)
    assert mode.decrement < 1e-10
    exact = np.linalg.inv(-problem.derivatives(mode.mode)[2])
    sd = np.sqrt(np.diag(exact))
    assert np.abs((mode.covariance - exact) / np.outer(sd, sd)).max() < 1e-9
    noise = np.random.default_rng(1).normal(size=len(sd))
    noise *= 0.7 / np.linalg.norm(noise)
    for start in (None, mode.mode + np.linalg.cholesky(exact) @ noise):
        counts.clear()
        again = find_mode(problem, start)
        assert len(counts) == 2
        assert np.abs((again.mode - mode.mode) / sd).max() < 1e-6
        counts.clear()
        maximum = find_maximum(problem, start)
        assert len(counts) == 1
        assert np.abs((maximum - mode.mode) / sd).max() < 1e-6


class Bowl:
    """A function with little curvature, and less than none along the first axis away from zero."""

    def __call__(self, z):
        scale = np.array([1.0, 1e-2, 4.0])
        return float(np.sum(scale * np.log1p(z**2)) / 2), scale * z / (1 + z**2)

    def derivatives(self, z):
        scale = np.array([1.0, 1e-2, 4.0])
        return *self(z), np.diag(scale * (1 - z**2) / (1 + z**2) ** 2)


def test_steps_lead_down_where_hessians_are_not_positive():
    local = _Local.at(Bowl(), np.array([1.6, 0.9, -1.3]))
    for _ in range(20):
        moved = _descend(Bowl(), local)
        assert moved.value <= local.value
        np.linalg.cholesky(moved.hessian)
        if moved is local or moved.decrement <= 1e-12:
            break
        local = _Local.at(Bowl(), moved.z)
    assert moved.value < 1e-6 < Bowl()(np.array([1.6, 0.9, -1.3]))[0]

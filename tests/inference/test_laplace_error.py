"""The verdict on the Laplace approximation: nothing where it is exact, an alarm where it is not."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.verdicts import convergence
from bayes_intgen.inference.verdicts.convergence import (
    Reweighting,
    check_laplace,
    laplace_error,
    typical_rows,
)
from models import polynomial


def prepare(priors=None):
    frame = polynomial.make_data(200, random_seed=1)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    model = ig.InterventionModel(ig.Polynomial(2), [("a1", "a2")], priors=priors)
    problem = model._prepare(data).problem
    return problem, find_mode(problem), typical_rows(problem, ("a1", "a2"))


@pytest.fixture(scope="module")
def case():
    return prepare()


def error(problem, mode, asked, seed=1):
    return laplace_error(problem, mode, asked, np.random.default_rng(seed))


def test_nothing_changes_where_the_hyperparameters_are_known():
    known = ig.Priors(sigma=0.6, linear=0.3, wiggly=0.1, pair=0.1, offset=0.2)
    shift, ratio = error(*prepare(known))
    assert shift < 0.01
    assert ratio < 1.01


def test_a_gaussian_in_the_wrong_place_is_found(case):
    """Scales an e^3 too small shrink every curve; the weights of the points pull them back."""
    problem, mode, asked = case
    sound, _ = error(problem, mode, asked)
    assert sound < 0.25
    moved = mode.mode.copy()
    moved[len(problem.moments.regimes) :] -= 3.0
    wrong = error(problem, replace(mode, mode=moved), asked)
    assert wrong[0] > 2 * sound
    assert not check_laplace(True, *wrong).ok


def test_variances_of_combinations_equal_those_of_the_covariance(case):
    problem, mode, asked = case
    given = problem.conditional(mode.mode)
    expected = np.einsum("ij,jk,ik->i", asked, given.covariance, asked)
    assert_allclose(given.variance_of(asked), expected, rtol=1e-8)


def test_density_equals_that_of_the_search(case):
    problem, mode, _ = case
    given = problem.conditional(mode.mode)
    value, _ = problem.log_posterior(mode.mode)
    assert_allclose(problem.log_density(mode.mode, given), value, rtol=1e-12)


@pytest.mark.parametrize(
    ("found", "shift", "ratio", "words"),
    [
        (True, 0.3, 1.0, "moves by 0.30 sd"),
        (True, 0.0, 1.2, "a factor of 1.20"),
        (True, 0.2504, 1.0, "moves by 0.2504 sd (should be at most 0.25)"),
        (True, 0.0, 1.1503, "a factor of 1.1503 (at most 1.15)"),
        (True, np.nan, 1.0, "differs from the posterior"),
        (False, 0.0, 1.0, "stopped early"),
    ],
)
def test_what_is_wrong_is_said(found, shift, ratio, words):
    verdict = check_laplace(found, shift, ratio)
    assert not verdict.ok
    assert words in str(verdict)
    assert check_laplace(True, 0.2, 1.1).ok


@pytest.mark.parametrize(("limit", "size"), [(0.25, 64), (1e-6, 1024)])
def test_the_points_that_are_drawn_may_settle_the_matter(case, monkeypatch, limit, size):
    """They do where the error is small; near a limit the answer is that of fresh points alone."""
    problem, mode, asked = case
    fresh = error(*case)
    monkeypatch.setattr(convergence, "MAX_SHIFT", limit)
    reweighted = Reweighting(problem, mode, asked)
    for point in mode.draw(64, np.random.default_rng(4)):
        reweighted.add(point, problem.conditional(point))
    by_drawn = reweighted.error()
    found = reweighted.complete(np.random.default_rng(1))
    assert len(reweighted._points) == size
    assert found == (by_drawn if size == 64 else fresh)
    assert by_drawn != fresh

"""Tails of weighted sums of chi-squares against exact ones and simulation."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, stats

from bayes_intgen.inference.verdicts.quadratic_form import (
    quadratic_form_tail,
    quadratic_form_tails,
)


def slow_tail(q, eigenvalues):
    """The saddlepoint of one q by bracketing; the largest eigenvalue is one."""

    def slope(t):
        return np.sum(eigenvalues / (1 - 2 * t * eigenvalues))

    ends = -len(eigenvalues) / (2 * q) - 1.0, 0.5 * (1 - 1e-12)
    t = optimize.brentq(lambda t: slope(t) - q, *ends, xtol=1e-14, rtol=1e-13)
    cumulant = -0.5 * np.sum(np.log1p(-2 * t * eigenvalues))
    w = np.sign(t) * np.sqrt(2 * (t * q - cumulant))
    v = t * np.sqrt(2 * np.sum((eigenvalues / (1 - 2 * t * eigenvalues)) ** 2))
    return stats.norm.sf(w + np.log(v / w) / w)


@pytest.mark.parametrize("spread", [0.1, 1.0, 5.0])
def test_tails_by_newton_steps_equal_those_by_bracketing(spread):
    """From far below the mean to tails of 10^-40; equal ones, and some that hardly count."""
    rng = np.random.default_rng(4)
    for size in (2, 9, 40):
        eigenvalues = np.exp(spread * rng.normal(size=size))
        eigenvalues /= eigenvalues.max()
        q = eigenvalues.sum() * np.exp(np.linspace(-4.05, 4, 30))
        expected = [slow_tail(each, eigenvalues) for each in q]
        assert_allclose(quadratic_form_tails(q, eigenvalues), expected, rtol=1e-9)
        assert quadratic_form_tail(q[7], eigenvalues) == pytest.approx(expected[7], rel=1e-9)


@pytest.mark.parametrize("q", [0.5, 3.0, 20.0, 150.0])
def test_equal_eigenvalues_give_a_chi_square(q):
    found = quadratic_form_tail(2 * q, np.full(3, 2.0))
    assert_allclose(found, stats.chi2.sf(q, 3), rtol=1e-12)


@pytest.mark.parametrize("q", [0.2, 1.9, 2.6, 2.7, 8.0, 60.0])
def test_pairs_of_equal_eigenvalues_are_known_exactly(q):
    """lambda = (a, a, b, b): a mixture of two exponentials, tail (a e^(-q/2a) - b e^(-q/2b))/(a-b).

    The saddlepoint's relative error stays below 6% at tails of 10^-13.
    """
    a, b = 1.0, 0.3
    expected = (a * np.exp(-q / (2 * a)) - b * np.exp(-q / (2 * b))) / (a - b)
    found = quadratic_form_tail(q, np.array([a, a, b, b]))
    assert_allclose(found, expected, rtol=0.06)


@pytest.mark.parametrize("eigenvalues", [[1.0, 0.5, 0.1, 0.01], [1.0, 1e-3, 1e-3], [5.0, 4.0]])
def test_simulated_tails(eigenvalues):
    values = np.array(eigenvalues)
    rng = np.random.default_rng(1)
    draws = rng.standard_normal((400_000, len(values))) ** 2 @ values
    for share in (0.9, 0.5, 0.1, 0.01):
        q = float(np.quantile(draws, 1 - share))
        assert_allclose(quadratic_form_tail(q, values), share, rtol=0.08)


def test_the_tail_falls_smoothly_through_the_mean():
    values = np.array([1.0, 0.5, 0.3])
    grid = np.linspace(1.79, 1.81, 41)
    tails = np.array([quadratic_form_tail(q, values) for q in grid])
    steps = np.diff(tails)
    assert (steps < 0).all()
    assert steps.min() > 2 * steps.max()  # no jump


def test_nothing_to_sum_has_no_tail():
    assert quadratic_form_tail(0.0, np.zeros(3)) == 1.0
    assert quadratic_form_tail(-1.0, np.ones(2)) == 1.0

"""Confounders given their actions: closed forms, and draws that know nothing of the method."""

import numpy as np
import pytest
from scipy import special, stats

from bayes_intgen.base.errors import ModelError
from bayes_intgen.scm import Noise, Polynomial
from bayes_intgen.scm.conditional import condition_on_action
from bayes_intgen.scm.noise import KINDS
from bayes_intgen.scm.polynomial_draw import draw_polynomial

ALONE = np.empty((1, 0))
GAUSSIAN, UNIFORM = Noise("gaussian", 1.0), Noise("uniform", 1.0)


def condition(mechanism, confounder, noise, z, order=4):
    z = np.asarray(z, dtype=float)
    return condition_on_action(mechanism, confounder, noise, np.empty((len(z), 0)), z, order)


@pytest.mark.parametrize("z", [1e-6, 1e-3, 0.2, 1.0, 3.0, 8.0])
@pytest.mark.parametrize("sign", [-1, 1])
def test_product_of_gaussians_is_a_hyperbola_whose_moments_are_bessel_functions(z, sign):
    # z = C V: p(c | z) is proportional to exp(-(c^2 + z^2 / c^2) / 2) / |c|
    found = condition(Polynomial(((1, 1),), (1.0,)), GAUSSIAN, GAUSSIAN, [sign * z])
    k0, k1, k2 = (special.kve(order, z) for order in (0, 1, 2))
    expected = [1, 0, z * k1 / k0, 0, z**2 * k2 / k0]
    np.testing.assert_allclose(found.moments[0], expected, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(found.rough[0], expected, rtol=1e-7, atol=1e-14)


@pytest.mark.parametrize("z", [1e-4, 0.5, 2.9])
def test_sum_of_squares_of_uniforms_is_a_circle(z):
    # The angle on the circle of radius sqrt(z) is uniform while it lies within the square
    found = condition(Polynomial(((2, 0), (0, 2)), (1.0, 1.0)), UNIFORM, UNIFORM, [z])
    np.testing.assert_allclose(found.moments[0], [1, 0, z / 2, 0, 3 * z**2 / 8], atol=1e-12)


def test_circle_that_leaves_the_square_keeps_its_corners():
    # z = 4 with |c|, |v| <= sqrt 3: the angle runs from pi/6 to pi/3 in each quadrant
    found = condition(Polynomial(((2, 0), (0, 2)), (1.0, 1.0)), UNIFORM, UNIFORM, [4.0, 6.1])
    angle = stats.uniform(np.pi / 6, np.pi / 6)
    expected = [angle.expect(lambda t, p=p: (2 * np.cos(t)) ** p) for p in (2, 4)]
    np.testing.assert_allclose(found.moments[0, [2, 4]], expected, rtol=1e-12)
    assert np.isnan(found.moments[1]).all()  # beyond the corners


def test_linear_gaussian_mechanisms_by_gaussian_conditioning():
    # z = 2 C - V + 0.3: the regression of C on z, and what it leaves
    linear = Polynomial(((1, 0), (0, 1), (0, 0)), (2.0, -1.0, 0.3))
    c, v = Noise("gaussian", 0.5), Noise("gaussian", 0.7)
    z = np.linspace(-2, 2, 5)
    slope = 2 * 0.25 / (4 * 0.25 + 0.49)
    posterior = stats.norm(slope * (z - 0.3), np.sqrt(0.25 - slope * 2 * 0.25))
    expected = np.column_stack([np.ones(5), *(posterior.moment(p) for p in (1, 2, 3, 4))])
    exact = condition(linear, c, v, z)
    np.testing.assert_allclose(exact.moments, expected, rtol=1e-12, atol=1e-15)
    assert (exact.moments == exact.rough).all()
    bent = Polynomial((*linear.powers, (2, 0)), (*linear.coefficients, 1e-13))  # by quadrature
    np.testing.assert_allclose(condition(bent, c, v, z).moments, expected, rtol=1e-9, atol=1e-9)


def test_an_action_without_noise_reveals_its_confounder():
    # z = C^2 + C / 2 has two roots, told apart by the density of C and the slope there
    found = condition(Polynomial(((2, 0), (1, 0)), (1.0, 0.5)), GAUSSIAN, GAUSSIAN, [0.5, 3.0])
    for z, moments in zip([0.5, 3.0], found.moments, strict=True):
        roots = np.roots([1, 0.5, -z])
        weight = stats.norm.pdf(roots) / np.abs(2 * roots + 0.5)
        expected = [(weight * roots**p).sum() / weight.sum() for p in range(5)]
        np.testing.assert_allclose(moments, expected, rtol=1e-9)


def test_an_action_that_its_confounder_does_not_move_reveals_nothing():
    found = condition(Polynomial(((0, 2), (0, 0)), (1.0, 0.5)), UNIFORM, GAUSSIAN, [0.7])
    np.testing.assert_allclose(found.moments[0], [1, 0, 1, 0, 9 / 5])


@pytest.mark.parametrize("seed", range(9))
def test_random_mechanisms_against_draws(seed):
    """Residuals C^p - E[C^p | A, parents] have mean zero in every bin of A and the parent."""
    rng = np.random.default_rng(seed)
    mechanism = draw_polynomial(3, rng)
    confounder, noise = Noise(KINDS[seed % 3], 0.5), Noise(KINDS[seed // 3], 0.1)
    parent, c, v = rng.normal(0, 0.5, 8000), confounder.sample(8000, rng), noise.sample(8000, rng)
    z = mechanism(np.column_stack([parent, c, v]))
    found = condition_on_action(mechanism, confounder, noise, parent[:, None], z, 4)
    assert np.abs(found.moments - found.rough).max() < 1e-3
    residuals = c[:, None] ** np.arange(1, 5) - found.moments[:, 1:]
    bins = [z > np.quantile(z, q) for q in (0.05, 0.25, 0.5, 0.75, 0.95)]
    bins += [parent > 0, parent**2 > 0.25, np.ones(8000)]
    for chosen in bins:
        product = residuals * np.asarray(chosen, dtype=float)[:, None]
        spread = product.std(axis=0) / np.sqrt(8000)
        assert (np.abs(product.mean(axis=0)) < 4.5 * spread + 1e-12).all()


def test_points_are_independent_of_one_another_and_of_their_number():
    rng = np.random.default_rng(1)
    mechanism = draw_polynomial(3, rng)
    parents, z = rng.normal(0, 0.5, (9000, 1)), rng.normal(0, 0.2, 9000)
    arguments = Noise("gaussian", 0.5), Noise("logistic", 0.1)
    found = condition_on_action(mechanism, *arguments, parents, z, 2).moments
    some = condition_on_action(mechanism, *arguments, parents[4000:4200], z[4000:4200], 2).moments
    np.testing.assert_allclose(found[4000:4200], some, rtol=1e-12, atol=1e-14)


def test_mechanisms_of_a_higher_degree_are_refused():
    with pytest.raises(ModelError, match=r"degree two at most .* powers \(2, 1\)"):
        condition(Polynomial(((2, 1), (1, 0)), (1.0, 1.0)), GAUSSIAN, GAUSSIAN, [0.0])

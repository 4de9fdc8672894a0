"""Coordinates for the sampler: changes of variables that leave the posterior as it is."""

import numpy as np
import pymc as pm
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from bayes_intgen.model.whitening import RegressionWhitening, Standardising, VarianceWhitening

SD = np.array([0.5, 2.0, 1e-6, 0.1])


def quadratic(seed, shape=()):
    """A log-likelihood b'w - w'G w / 2, G of one rank less than full."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(*shape, 3, 4))
    return np.swapaxes(root, -1, -2) @ root, 3 * rng.normal(size=(*shape, 4))


def regression():
    """Weights with unknown scales; the coordinates are made for the likelihood of the test."""
    gram, cross = quadratic(1)
    with pm.Model() as model:
        log_sd = pm.Normal("log_sd", np.log(SD), 1)
        pm.Normal("w", 0, pm.math.exp(log_sd), transform=RegressionWhitening(gram, cross))
    return model, {"log_sd": np.log(SD) + 0.3}, lambda w: cross @ w - 0.5 * w @ gram @ w


def variances():
    """Two regimes, each with a scale of its own."""
    gram, cross = quadratic(2, (2,))
    relative = np.array([1.0, 0.4, 2.0, 0.01])
    transform = VarianceWhitening(gram, cross, relative)
    with pm.Model() as model:
        log_tau = pm.Normal("log_tau", 0, 1, shape=2)
        pm.Normal("w", 0, pm.math.exp(log_tau)[:, None] * relative, transform=transform)

    def log_likelihood(w):
        return np.sum(cross * w) - 0.5 * np.einsum("ri,rij,rj->", w, gram, w)

    return model, {"log_tau": np.array([-1.0, 0.5])}, log_likelihood


@pytest.fixture(params=[regression, variances], ids=lambda case: case.__name__)
def case(request):
    model, hyper, log_likelihood = request.param()
    return model, hyper, log_likelihood, model["w"].eval().shape


def evaluate(model, variables, point):
    return model.compile_fn(variables, inputs=model.value_vars, on_unused_input="ignore")(point)


def constrained(model, point):
    [weights] = evaluate(model, model.replace_rvs_by_values([model["w"]]), point)
    return weights


def test_posterior_of_the_coordinates_is_standard_normal(case):
    """log p(w) + log-likelihood + log Jacobian = log N(v; 0, 1) + constant, exactly."""
    model, hyper, log_likelihood, shape = case
    rng = np.random.default_rng(3)
    density = model.compile_fn(model.logp(vars=[model["w"]]), inputs=model.value_vars)
    gaps = []
    for _ in range(5):
        point = {**hyper, "w_whitened__": 2 * rng.normal(size=shape)}
        value = density(point) + log_likelihood(constrained(model, point))
        gaps.append(value - stats.norm.logpdf(point["w_whitened__"]).sum())
    assert_allclose(gaps, gaps[0], rtol=1e-8)


def test_forward_undoes_backward(case):
    model, hyper, _, shape = case
    v = np.random.default_rng(4).normal(size=shape)
    weights = constrained(model, {**hyper, "w_whitened__": v})
    start = pm.initial_point.make_initial_point_fn(
        model=model, overrides={**hyper, "w": weights}, jitter_rvs=set(), return_transformed=True
    )
    assert_allclose(start(1)["w_whitened__"], v, rtol=1e-6, atol=1e-6)


def test_jacobian_is_that_of_the_map(case):
    """The determinant, by central differences of the map."""
    model, hyper, _, shape = case
    v = np.random.default_rng(5).normal(size=shape)

    def weights(v):
        return constrained(model, {**hyper, "w_whitened__": v.reshape(shape)}).ravel()

    steps = 1e-4 * np.eye(v.size)
    columns = [(weights(v.ravel() + e) - weights(v.ravel() - e)) / 2e-4 for e in steps]
    with_it, without = (
        evaluate(
            model, model.logp(vars=[model["w"]], jacobian=jacobian), {**hyper, "w_whitened__": v}
        )
        for jacobian in (True, False)
    )
    assert_allclose(with_it - without, np.linalg.slogdet(columns)[1], rtol=1e-6)


def test_gradient_equals_central_differences(case):
    """Of prior, Jacobian and a function of the weights that is not the quadratic one."""
    model, hyper, _, shape = case
    with model:
        pm.Potential("likelihood", -pm.math.sum(pm.math.log1pexp(3 * model["w"] + 0.2)))
    point = {**hyper, "w_whitened__": np.random.default_rng(6).normal(size=shape)}
    density, gradient = model.compile_logp(), model.compile_dlogp()
    found = gradient(point)
    order = [variable.name for variable in model.value_vars]
    expected = []
    for name in order:
        for index in np.ndindex(point[name].shape):
            values = []
            for step in (1e-5, -1e-5):
                moved = point[name].copy()
                moved[index] += step
                values.append(density({**point, name: moved}))
            expected.append((values[0] - values[1]) / 2e-5)
    assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_standardising():
    transform = Standardising(np.array([1.0, -2.0]), np.array([0.5, 3.0]))
    with pm.Model() as model:
        pm.Normal("x", 0, [1.0, 2.0], transform=transform)
    v = np.array([0.3, -1.0])
    expected = stats.norm.logpdf([1.15, -5.0], 0, [1, 2]) + np.log([0.5, 3.0])
    assert_allclose(model.compile_logp(sum=False)({"x_standardised__": v})[0], expected)

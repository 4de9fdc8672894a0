"""The compressed likelihood against slow, obvious ones."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from threadpoolctl import threadpool_limits

import bayes_intgen as ig
from bayes_intgen.base import parallel
from bayes_intgen.base.regimes import format_regime, parse_regime
from bayes_intgen.design.basis.hsgp import HSGP
from bayes_intgen.inference.problem import conditionals
from bayes_intgen.model import marginal
from bayes_intgen.model.centring import Centring
from bayes_intgen.model.compiled_density import CompiledDensity
from bayes_intgen.model.each_draw import draw_weights_of_each
from models import polynomial

pytestmark = pytest.mark.usefixtures("quick_graphs")


def prepare(frame, basis, structure="full", target=("a1", "a2")):
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    model = ig.InterventionModel(basis, structure, variance="constant")
    return model._prepare(data, target=target).problem


@pytest.fixture(scope="module")
def frame():
    return polynomial.make_data(40, random_seed=1)


@pytest.fixture(
    scope="module",
    params=[
        (ig.Polynomial(3), ["obs", "a1", "a2"]),
        (HSGP(m=6, m_pair=3), ["obs", "a1", "a2"]),
        (HSGP(m=6, m_pair=3, warp=8), ["obs", "a1", "a2"]),
        (ig.Polynomial(3), ["a1"]),  # the bias of a1 is in no regime
    ],
    ids=repr,
)
def problem(request, frame):
    basis, regimes = request.param
    target = ("a1", "a2") if "obs" in regimes else ("a1",)
    return prepare(frame[frame["regime"].isin(regimes)], basis, target=target)


@pytest.fixture(scope="module")
def x(problem):
    """Some hyperparameters, not far from their priors."""
    mean, sd = problem.hyperpriors.mean, problem.hyperpriors.sd
    return mean + 0.7 * sd * np.random.default_rng(2).normal(size=len(mean))


@pytest.fixture(scope="module")
def hyper(problem, x):
    """The same as log sigma by regime and log prior sd by weight."""
    log_sigma, log_scale, log_length = problem.split(x)
    return log_sigma, problem.scales.log_sd(log_scale, log_length)


def row_wise_design(problem, frame):
    """Rows of features spread over the centred weights, the outcome in standard units, regimes."""
    at_hand = [format_regime(regime) for regime in problem.moments.regimes]
    frame = frame[frame["regime"].isin(at_hand)]
    values = frame[["a1", "a2"]].to_numpy()
    phi = problem.design.features.evaluate(values)[:, problem.design.positions]
    labels = frame["regime"].to_list()
    active = np.array(
        [problem.design.active(parse_regime(label, ("a1", "a2"))) for label in labels]
    )
    scale = problem.moments.outcome_scale
    y = (frame["y"].to_numpy() - scale.centre) / scale.spread
    order = {regime: i for i, regime in enumerate(problem.moments.regimes)}
    codes = np.array([order[parse_regime(label, ("a1", "a2"))] for label in labels])
    return problem.likelihood.centring.to_centred_rows(phi * active), y, codes


def test_marginal_density_is_that_of_a_multivariate_normal(problem, frame, hyper):
    rows, y, regime = row_wise_design(problem, frame)
    log_sigma, log_sd = hyper
    covariance = (rows * np.exp(2 * log_sd)) @ rows.T + np.diag(np.exp(2 * log_sigma[regime]))
    expected = stats.multivariate_normal.logpdf(y, np.zeros(len(y)), covariance)
    assert_allclose(problem.likelihood.log_density(log_sigma, log_sd), expected, rtol=1e-8)


def test_gradient_equals_central_differences(problem, x):
    _, gradient = problem.log_posterior(x)
    steps = 1e-5 * np.eye(len(x))
    differences = [
        (problem.log_posterior(x + e)[0] - problem.log_posterior(x - e)[0]) / 2e-5 for e in steps
    ]
    assert_allclose(gradient, differences, rtol=1e-6, atol=1e-5)


def test_hessian_equals_central_differences_of_the_gradient(problem, x):
    steps = 1e-5 * np.eye(len(x))
    differences = [
        (problem.log_posterior(x + e)[1] - problem.log_posterior(x - e)[1]) / 2e-5 for e in steps
    ]
    assert_allclose(problem.derivatives(x)[2], differences, rtol=1e-6, atol=1e-6)


def test_prior_scale_of_a_wave_follows_its_spectral_density(problem, x):
    """sd_i = scale * product of sqrt(S(w)).

    S(w) = sqrt(2 pi) l exp(-l^2 w^2 / 2) of the action itself, a squared exponential; of its warped
    coordinate S(w) = (16 / 3) 5^(5/2) / l^5 / (5 / l^2 + w^2)^3, a Matern kernel of smoothness 5/2.
    """
    _, log_scale, log_length = problem.split(x)
    found = problem.scales.log_sd(log_scale, log_length)
    scale = dict(zip(problem.design.groups, np.exp(log_scale), strict=True))
    length = dict(zip(problem.design.smooth_actions, np.exp(log_length), strict=True))
    for weight, log_sd in zip(problem.design.weights, found, strict=True):
        expected = scale.get(weight.group, problem.priors.constant)
        for action, position in weight.feature.factors:
            function = problem.design.features.bases[action].functions[position]
            w = function.frequency
            if w is None:
                continue
            if not function.coordinate:
                ell = length[action]
                expected *= np.sqrt(np.sqrt(2 * np.pi) * ell * np.exp(-((ell * w) ** 2) / 2))
            else:
                ell = length[f"{action}:warped"]
                expected *= np.sqrt(16 / 3 * 5**2.5 / ell**5 / (5 / ell**2 + w**2) ** 3)
        assert_allclose(np.exp(log_sd), expected, rtol=1e-12)


def test_conditional_is_the_ridge_solution_of_the_rows(problem, frame, hyper):
    rows, y, regime = row_wise_design(problem, frame)
    log_sigma, log_sd = hyper
    weight = np.exp(-2 * log_sigma[regime])
    precision = rows.T @ (weight[:, None] * rows) + np.diag(np.exp(-2 * log_sd))
    given = problem.likelihood.conditional(log_sigma, log_sd)
    assert_allclose(given.mean, np.linalg.solve(precision, rows.T @ (weight * y)), rtol=1e-6)
    assert_allclose(given.covariance, np.linalg.inv(precision), rtol=1e-6, atol=1e-10)
    assert_allclose(given.log_det, np.linalg.slogdet(precision)[1], rtol=1e-10)


def test_roots_and_variances_are_those_of_the_covariance(problem, hyper):
    given = problem.likelihood.conditional(*hyper)
    rows = np.random.default_rng(5).normal(size=(3, len(given.mean)))
    expected = rows @ given.covariance @ rows.T
    root = given.root_of(rows)
    assert_allclose(root.T @ root, expected, rtol=1e-7)
    assert_allclose(given.variance_of(rows), np.diag(expected), rtol=1e-7)
    scaled = given.factor @ given.factor.T / np.outer(given.scaling, given.scaling)
    assert_allclose(scaled @ given.covariance, np.eye(len(given.mean)), atol=1e-6)


def test_weights_in_no_regime_keep_their_prior(frame):
    problem = prepare(frame[frame["regime"] == "a1"], ig.Polynomial(3), target=("a1",))
    likelihood, log_sd = problem.likelihood, np.linspace(-1, 1, len(problem.design.weights))
    unseen = [i for i, w in enumerate(problem.design.weights) if w.component == "bias:a1"]
    assert unseen
    assert np.setdiff1d(np.arange(len(log_sd)), likelihood.seen).tolist() == unseen
    given = likelihood.conditional(np.zeros(1), log_sd)
    assert not given.mean[unseen].any()
    assert_allclose(np.diag(given.covariance)[unseen], np.exp(2 * log_sd[unseen]))


def test_draws_of_the_weights_have_the_conditional_moments(problem, hyper):
    given = problem.likelihood.conditional(*hyper)
    draws = given.draw(40_000, np.random.default_rng(3))
    sd = np.sqrt(np.diag(given.covariance))
    assert np.abs((draws.mean(axis=0) - given.mean) / sd).max() < 4.5 / np.sqrt(40_000)
    correlation = np.corrcoef(draws.T)
    expected = given.covariance / np.outer(sd, sd)
    assert np.abs(correlation - expected).max() < 5 / np.sqrt(40_000)


def test_pymc_graph_equals_numpy(problem, x):
    function = problem.build().logp_dlogp_function(ravel_inputs=True)
    function.set_extra_values({})
    value, gradient = function(x)
    expected, expected_gradient = problem.log_posterior(x)
    assert_allclose(value, expected, rtol=1e-10)
    assert_allclose(gradient, expected_gradient, rtol=1e-8, atol=1e-7)


def compile_density(problem, centre, root):
    parts = problem.likelihood, problem.scales, problem.hyperpriors
    return CompiledDensity.of(*parts, centre, root)


def test_the_compiled_density_is_the_plain_one_in_other_coordinates(problem, x):
    rng = np.random.default_rng(6)
    centre, root = x + 0.1, np.tril(0.1 * rng.normal(size=(len(x), len(x)))) + np.eye(len(x))
    value, slope = compile_density(problem, centre, root)(np.linalg.solve(root, x - centre))
    expected, gradient = problem.log_posterior(x)
    assert_allclose(value, expected, rtol=1e-10)
    wanted = root.T @ gradient
    assert_allclose(slope, wanted, rtol=1e-8, atol=1e-8 * np.abs(wanted).max())


def check_draws(problem, points):
    """Weights given each of some hyperparameters, against one at a time by the same noise."""
    log_sigma, log_sd = problem.log_sds(points)
    noise = np.random.default_rng(7).normal(size=log_sd.shape)
    found, density = draw_weights_of_each(problem.likelihood, log_sigma, log_sd, noise)
    for row, value, *hyper, own in zip(found, density, log_sigma, log_sd, noise, strict=True):
        given = problem.likelihood.conditional(*hyper)
        expected = np.exp(hyper[1]) * own  # of weights that are not seen
        drawn = given.cholesky.divide(own[None, given.seen])[0]
        expected[given.seen] = given.mean[given.seen] + drawn
        assert_allclose(row, expected, rtol=1e-7, atol=1e-9)
        assert_allclose(value, problem.likelihood.log_density(*hyper), rtol=1e-10)


def test_compiled_draws_of_weights_are_those_of_the_conditionals(problem, x):
    check_draws(problem, x + 0.1 * np.random.default_rng(8).normal(size=(120, len(x))))
    with pytest.raises(ValueError, match="shapes must go with"):
        draw_weights_of_each(problem.likelihood, *problem.log_sds(x[None]), np.zeros((1, 3)))


def test_draws_where_nothing_can_be_factorised_are_no_numbers(problem, x):
    nowhere = problem.log_sds(np.full((2, len(x)), np.nan))
    found, density = draw_weights_of_each(problem.likelihood, *nowhere, np.ones_like(nowhere[1]))
    assert np.isnan(found).all()
    assert np.isnan(density).all()


def test_the_compiled_density_knows_foreign_priors_and_lift_tests(frame):
    table = pd.DataFrame({"action": ["a1"], "from": [-0.3], "to": [0.4], "effect": [0.2]})
    lifts = ig.LiftTests.from_frame(table.assign(standard_error=0.1))
    priors = ig.Priors(linear=pm.HalfNormal.dist(0.5), lengthscale=pm.Gamma.dist(4, 8))
    model = ig.InterventionModel(HSGP(m=6, m_pair=3, warp=8), [("a1", "a2")], priors=priors)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    problem = model._prepare(data, lifts=lifts).problem
    x = problem.hyperpriors.mean + 0.1
    value, slope = compile_density(problem, x, np.eye(len(x)))(np.zeros(len(x)))
    expected, gradient = problem.log_posterior(x)
    assert_allclose(value, expected, rtol=1e-10)
    assert_allclose(slope, gradient, rtol=1e-8, atol=1e-8 * np.abs(gradient).max())
    check_draws(problem, x[None])


def test_where_the_precision_cannot_be_factorised_the_density_is_no_number(problem, x):
    density = compile_density(problem, x, np.eye(len(x)))
    value, gradient = density(np.full(len(x), np.nan))
    assert np.isnan(value)
    assert np.isnan(gradient).all()


@pytest.mark.parametrize("structure", [["a1", "a2"], [("a1", "a2")], []])
def test_a_structure_is_a_selection_of_weights(frame, structure, monkeypatch):
    """Dropping weights equals giving them no prior variance, if they are not centred by others."""
    monkeypatch.setattr(Centring, "of", lambda design, grams: Centring(()))
    full, narrow = (prepare(frame, ig.Polynomial(2), s) for s in ("full", structure))
    kept = {weight.name for weight in narrow.design.weights}
    assert kept < {weight.name for weight in full.design.weights}
    log_sd = np.array([0.0 if w.name in kept else -30.0 for w in full.design.weights])
    found = full.likelihood.conditional(np.zeros(3), log_sd).mean
    expected = narrow.likelihood.conditional(np.zeros(3), np.zeros(len(kept))).mean
    by_name = dict(zip([weight.name for weight in full.design.weights], found, strict=True))
    tight = [by_name[weight.name] for weight in narrow.design.weights]
    assert_allclose(tight, expected, rtol=1e-6, atol=1e-8)


def test_units_do_not_matter(frame):
    """Multiplying the outcome by 1e6, or shifting it by 1e9, leaves the standardised density."""
    basis = ig.Polynomial(3)
    reference = prepare(frame, basis)
    x = reference.hyperpriors.mean
    expected = reference.log_posterior(x)[0]
    moved, shifted = frame.assign(y=frame["y"] * 1e6), frame.assign(y=frame["y"] + 1e9)
    assert_allclose(prepare(moved, basis).log_posterior(x)[0], expected, rtol=1e-9)
    assert_allclose(prepare(shifted, basis).log_posterior(x)[0], expected, rtol=1e-6)


def slow_hessian(likelihood, log_sigma, log_sd):
    """The formulas of the module's docstring, one matrix product after the other."""
    given = likelihood.conditional(log_sigma, log_sd)
    m, c = given.mean, given.covariance
    w, lam = np.exp(-2 * log_sigma), np.exp(-2 * log_sd)
    rho = [b - g @ m for b, g in zip(likelihood.cross, likelihood.gram, strict=True)]
    by_w = [
        [
            0.5 * np.trace(c @ g @ c @ h) + p @ c @ q
            for h, q in zip(likelihood.gram, rho, strict=True)
        ]
        for g, p in zip(likelihood.gram, rho, strict=True)
    ]
    squares = [
        yy - 2 * b @ m + m @ g @ m + np.trace(c @ g)
        for yy, b, g in zip(likelihood.square, likelihood.cross, likelihood.gram, strict=True)
    ]
    mixed = [
        0.5 * np.diag(c @ g @ c) - m * (c @ p) for g, p in zip(likelihood.gram, rho, strict=True)
    ]
    by_lam = 0.5 * c**2 + np.outer(m, m) * c
    return (
        4 * np.outer(w, w) * by_w - np.diag(2 * w * squares),
        4 * np.outer(w, lam) * mixed,
        4 * np.outer(lam, lam) * by_lam - np.diag(2 * lam * (np.diag(c) + m**2)),
    )


@pytest.mark.parametrize("many", [0, 10**6], ids=["threads", "no threads"])
def test_hessian_equals_its_slow_twin_in_any_number_of_tiles(problem, hyper, monkeypatch, many):
    monkeypatch.setattr(parallel, "MANY_WEIGHTS", many)
    monkeypatch.setattr(marginal, "TILE", 7 * problem.likelihood.cross.size)
    expected = slow_hessian(problem.likelihood, *hyper)
    for found, wanted in zip(problem.likelihood.derivatives(*hyper)[2], expected, strict=True):
        assert_allclose(found, wanted, rtol=1e-8, atol=1e-8 * np.abs(wanted).max())


def test_threads_change_no_digit_of_the_conditionals(problem, x, monkeypatch):
    points = x + 0.01 * np.random.default_rng(4).normal(size=(9, len(x)))
    alone = [problem.conditional(point) for point in points]
    monkeypatch.setattr(parallel, "MANY_WEIGHTS", 0)
    monkeypatch.setattr(parallel, "available_cores", lambda: 3)
    with threadpool_limits(1):
        found = list(conditionals(problem, points))
    for one, other in zip(alone, found, strict=True):
        assert_allclose(other.mean, one.mean, rtol=1e-12, atol=0)
        assert_allclose(other.centred.factor, one.centred.factor, rtol=1e-12, atol=1e-14)

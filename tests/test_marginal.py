"""The compressed likelihood against slow, obvious ones."""

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.basis import HSGP
from bayes_intgen.inference import check_nuts
from bayes_intgen.priors import Priors
from bayes_intgen.regimes import parse_regime
from bayes_intgen.summary import Summary
from models import hsgp, linear, polynomial


def pose(frame, basis, structure="full"):
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    return ig.InterventionModel(basis, structure, "constant")._pose(data)[0]


@pytest.fixture(scope="module")
def frame():
    return polynomial.make_data(40, random_seed=1)


@pytest.fixture(scope="module", params=[ig.Polynomial(3), HSGP(m=6, m_pair=3)], ids=repr)
def problem(request, frame):
    return pose(frame, request.param)


@pytest.fixture(scope="module")
def x(problem):
    """Some hyperparameters, not far from their priors."""
    mean, sd = problem.locations
    return mean + 0.7 * sd * np.random.default_rng(2).normal(size=len(mean))


@pytest.fixture(scope="module")
def hyper(problem, x):
    """The same as log sigma by regime and log prior sd by weight."""
    log_sigma, log_scale, log_length = problem.split(x)
    return log_sigma, problem.scales.log_sd(log_scale, log_length)


def row_wise_design(problem, frame):
    """Rows of features spread over the weights, the outcome in standard units, and regimes."""
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
    return phi * active, y, codes


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


def test_prior_scale_of_a_wave_follows_its_spectral_density(problem, x):
    """sd_i = scale * product of sqrt(S(w)), S(w) = sqrt(2 pi) l exp(-l^2 w^2 / 2)."""
    _, log_scale, log_length = problem.split(x)
    found = problem.scales.log_sd(log_scale, log_length)
    scale = dict(zip(problem.design.groups, np.exp(log_scale), strict=True))
    length = dict(zip(problem.design.smooth_actions, np.exp(log_length), strict=True))
    for weight, log_sd in zip(problem.design.weights, found, strict=True):
        expected = scale.get(weight.group, problem.priors.constant)
        for action, position in weight.feature.factors:
            w = problem.design.features.bases[action].functions[position].frequency
            if w is not None:
                ell = length[action]
                expected *= np.sqrt(np.sqrt(2 * np.pi) * ell * np.exp(-((ell * w) ** 2) / 2))
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


def test_draws_of_the_weights_have_the_conditional_moments(problem, hyper):
    given = problem.likelihood.conditional(*hyper)
    draws = given.draw(40_000, np.random.default_rng(3))
    sd = np.sqrt(np.diag(given.covariance))
    assert np.abs((draws.mean(axis=0) - given.mean) / sd).max() < 4.5 / np.sqrt(40_000)
    correlation = np.corrcoef(draws.T)
    expected = given.covariance / np.outer(sd, sd)
    assert np.abs(correlation - expected).max() < 5 / np.sqrt(40_000)


class Longhand:
    """A model written longhand, the same one of the package, and a point that both understand."""

    COMPONENTS = {"effect": "causal", "bias1": "bias:a1", "bias2": "bias:a2"}  # noqa: RUF012

    def __init__(self, model, basis, structure):
        self.frame = model.make_data(2500, random_seed=4)
        self.frame.loc[0, "a1"] = 30.0  # beyond the box of an HSGP
        self.problem = pose(self.frame, basis, structure)
        self.model = model.build(self.frame)
        rng = np.random.default_rng(5)
        mean, sd = self.problem.locations
        self.x = mean + 0.7 * sd * rng.normal(size=len(mean))
        self.log_sigma, self.log_scale, self.log_length = self.problem.split(self.x)
        self.log_length[:] = np.log([0.4, 1.5][: len(self.log_length)])  # some sd reach exp(-40)
        self.weights = rng.normal(size=len(self.problem.design.weights))

    def spread_weights(self, values):
        """Cut one value per weight into the arrays of the longhand model, by name."""
        terms = [(w.component, w.feature.name) for w in self.problem.design.weights]
        left = dict(zip(terms, values, strict=True))
        found = {}
        for name, component in self.COMPONENTS.items():
            constant = "alpha" if component == "causal" else f"{name}_constant"
            if constant in self.model.named_vars:
                found[constant] = left.pop((component, "1"))
            [dim] = self.model.named_vars_to_dims[name]
            features = self.model.coords[dim]
            found[name] = np.array([left.pop((component, feature)) for feature in features])
        assert not left  # none is missing in the longhand model
        return found

    def spread_hyper(self, values):
        """Cut one value per hyperparameter likewise."""
        sigma, scale, length = self.problem.split(values)
        found = {"sigma": sigma}
        for name, component in self.COMPONENTS.items():
            groups = [group.startswith(f"{component}|") for group in self.problem.design.groups]
            found[f"{name}_scale"] = scale[groups]
        return found | ({"lengthscale": length} if len(length) else {})

    def log_density(self, names):
        """Evaluate the terms of some variables, an array each, on the scale of the sampler."""
        terms = self.model.logp(vars=[self.model[name] for name in names], sum=False)
        inputs = self.model.value_vars
        function = self.model.compile_fn(terms, inputs=inputs, on_unused_input="ignore")
        hyper = {f"{name}_log__": value for name, value in self.spread_hyper(self.x).items()}
        values = function(self.spread_weights(self.weights) | hyper)
        return dict(zip(names, values, strict=True))


@pytest.fixture(
    scope="module",
    params=[
        (linear, ig.Polynomial(1), "full"),
        (polynomial, ig.Polynomial(3), "full"),
        (hsgp, HSGP(), [("a1", "a2")]),
    ],
    ids=lambda case: case[0].__name__,
)
def longhand(request):
    return Longhand(*request.param)


def test_likelihood_given_weights_equals_the_longhand_model(longhand):
    """Same weights, same sigma: moments and rows give the same log-likelihood, regime by regime."""
    likelihood = longhand.problem.likelihood
    sigma = np.exp(longhand.log_sigma)
    found = likelihood.log_likelihood(longhand.weights[None], sigma[None])[0]
    by_row = longhand.log_density(["y"])["y"]
    regime = longhand.frame["regime"].to_numpy()
    expected = [by_row[regime == label].sum() for label in ("obs", "a1", "a2")]
    assert_allclose(found, expected, rtol=1e-8)


def test_prior_equals_the_longhand_model(longhand):
    """That of each weight given the hyperparameters, and that of each hyperparameter."""
    log_sd = longhand.problem.scales.log_sd(longhand.log_scale, longhand.log_length)
    weights = longhand.spread_weights(stats.norm.logpdf(longhand.weights, 0, np.exp(log_sd)))
    hyper = longhand.spread_hyper(stats.norm.logpdf(longhand.x, *longhand.problem.locations))
    expected = weights | hyper
    assert set(expected) == {variable.name for variable in longhand.model.free_RVs}
    found = longhand.log_density(list(expected))
    for name, values in expected.items():
        assert_allclose(found[name], values, rtol=1e-7, err_msg=name)  # PyTensor: float32 log(3)


def test_nuts_posterior_equals_that_of_the_longhand_model():
    """Weights integrated out or sampled, rows or moments: E[Y | do(a)] has the same posterior."""
    frame = linear.make_data(60, random_seed=6)
    at = {"a1": np.array([-1.0, 0.0, 1.5]), "a2": np.array([0.5, 0.0, 1.0])}
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    model = ig.InterventionModel(ig.Polynomial(1), "full", "constant")
    posterior = model.fit(data, draws=1000, chains=4, random_seed=7, progressbar=False)
    assert posterior.convergence.ok, posterior.convergence
    ours = posterior.expected_outcome(at)

    with linear.build(frame):
        tree = pm.sample(
            draws=1500,
            tune=1000,
            chains=4,
            cores=2,
            target_accept=0.95,
            nuts_sampler="nutpie",
            random_seed=8,
            progressbar=False,
            compute_convergence_checks=False,
        )
    longhand = tree["posterior"].dataset
    assert check_nuts(longhand, tree["sample_stats"].dataset).ok
    scales = Summary.from_data(data).scales
    z1, z2 = (xr.DataArray(scales[name].standardise(at[name]), dims="point") for name in at)
    effect = longhand["effect"]
    theirs = longhand["alpha"] + effect.sel(action="a1") * z1 + effect.sel(action="a2") * z2
    theirs = scales["y"].centre + scales["y"].spread * theirs

    dims = ("chain", "draw")
    for found, expected, kind in [
        (ours.mean(dims), theirs.mean(dims), "mean"),
        (ours.std(dims), theirs.std(dims), "sd"),
    ]:
        errors = [az.mcse(part.to_dataset(name="y"), method=kind)["y"] for part in (ours, theirs)]
        error = np.hypot(*(part.to_numpy() for part in errors))
        assert (error < 0.05 * theirs.std(dims)).all()  # so that agreement says something
        assert (np.abs(found.to_numpy() - expected.to_numpy()) < 3 * error).all(), kind


def test_pymc_graph_equals_numpy(problem, x):
    function = problem.build().logp_dlogp_function(ravel_inputs=True)
    function.set_extra_values({})
    value, gradient = function(x)
    expected, expected_gradient = problem.log_posterior(x)
    constant = -np.sum(np.log(problem.locations[1]) + 0.5 * np.log(2 * np.pi))
    assert_allclose(value, expected + constant, rtol=1e-10)
    assert_allclose(gradient, expected_gradient, rtol=1e-8, atol=1e-7)


@pytest.mark.parametrize("structure", [["a1", "a2"], [("a1", "a2")], []])
def test_a_structure_is_a_selection_of_weights(frame, structure):
    """Dropping weights equals giving them no prior variance."""
    full, narrow = (pose(frame, ig.Polynomial(2), s) for s in ("full", structure))
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
    reference = pose(frame, basis)
    x = reference.locations[0]
    expected = reference.log_posterior(x)[0]
    moved, shifted = frame.assign(y=frame["y"] * 1e6), frame.assign(y=frame["y"] + 1e9)
    assert_allclose(pose(moved, basis).log_posterior(x)[0], expected, rtol=1e-9)
    assert_allclose(pose(shifted, basis).log_posterior(x)[0], expected, rtol=1e-6)


def test_priors_by_kind():
    priors = Priors()
    mean, sd = priors.locations(1, ("linear", "wiggly", "pair", "higher"), 1)
    parts = [priors.sigma, priors.linear, priors.wiggly, priors.pair, priors.higher]
    parts.append(priors.lengthscale)
    assert_allclose(mean, np.log([part.median for part in parts]))
    assert_allclose(sd, [part.log_sd for part in parts])

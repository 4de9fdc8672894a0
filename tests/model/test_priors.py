"""Priors: numbers, log-normals and PyMC distributions, the same for NumPy and PyMC."""

import json

import numpy as np
import pymc as pm
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.model.distributions import HyperPriors
from models import hsgp

# few rows, at which the Laplace approximation may differ from the posterior
pytestmark = [
    pytest.mark.usefixtures("quick_graphs"),
    pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning"),
]

MIXED = ig.Priors(
    sigma=pm.InverseGamma.dist(3, 1.0),  # parameters that PyTensor's float32 constants hold exactly
    linear=ig.LogNormal(0.5, 0.7),
    wiggly=pm.HalfNormal.dist(0.5),
    warped=pm.HalfNormal.dist(0.5),
    lengthscale=pm.Gamma.dist(4, 8),
    lengthscale_warped=pm.Gamma.dist(4, 8),
    pair=0.2,
)


@pytest.fixture(scope="module")
def data():
    frame = hsgp.make_data(200, random_seed=1)
    return ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])


def pose(data, priors):
    return ig.InterventionModel(structure=["a1", "a2"], priors=priors)._prepare(data).problem


def test_each_kind_of_group_has_its_own_prior():
    priors = ig.Priors()
    kinds = ("linear", "wiggly", "pair", "higher", "confounding_unset")
    lengths = ("lengthscale", "lengthscale_unset")
    found = priors.of_each(2, kinds, lengths)
    assert found == [priors.sigma] * 2 + [getattr(priors, kind) for kind in kinds + lengths]


def test_an_action_that_no_regime_sets_has_priors_of_its_own(data):
    """Of its confounding, as a function of itself, and of its lengthscale; no other differs."""
    priors = ig.Priors()
    found = medians_without_a2(data, ig.HSGP(warp=0))
    assert found["bias:a2|a2:linear"] == found["bias:a2|a2:wiggly"]
    assert_allclose(found["bias:a2|a2:linear"], priors.confounding_unset.median)
    assert_allclose(found["a2"], priors.lengthscale_unset.median)
    for name in ("bias:a1|a1", "bias:a2|a1", "causal|a1", "causal|a2"):
        assert_allclose(found[f"{name}:linear"], priors.linear.median)
        assert_allclose(found[f"{name}:wiggly"], priors.wiggly.median)
    assert_allclose([found["bias:a2|a1*a2"], found["a1"]], [0.1, 0.6])


def medians_without_a2(data, basis):
    """Medians of the priors by group and coordinate, where no regime sets the second action."""
    model = ig.InterventionModel(basis, structure=["a1", "a2"])
    problem = model._prepare(data.drop("a2")).problem
    names = (*problem.design.groups, *problem.design.smooth_actions)
    return dict(zip(names, np.exp(problem.hyperpriors.mean[2:]), strict=True))


def test_with_a_warped_coordinate_its_effect_has_wider_wiggles(data):
    """As that of an action with few rows of experiments: what is seen is effect plus bias."""
    priors = ig.Priors()
    found = medians_without_a2(data, ig.HSGP(warp=24))
    for group in ("bias:a2|a2:linear", "bias:a2|a2:warped", "shared|a2:smooth"):
        assert_allclose(found[group], priors.confounding_unset.median)
    assert_allclose(found["causal|a2:warped"], priors.gapped.median)
    for group in ("shared|a1:smooth", "bias:a2|a1:smooth"):
        assert_allclose(found[group], priors.wiggly.median)
    for group in ("bias:a1|a1:warped", "bias:a2|a1:warped", "causal|a1:warped"):
        assert_allclose(found[group], priors.warped.median)
    lengths = [found[name] for name in ("a1", "a1:warped", "a2", "a2:warped")]
    short = priors.lengthscale_unset.median
    assert_allclose(lengths, [0.6, priors.lengthscale_warped.median, short, short])


def test_densities_are_those_of_the_logarithm():
    """If x = log s and s has density p, then x has density p(e^x) e^x."""
    joint = HyperPriors.of([MIXED.sigma, MIXED.linear, MIXED.wiggly, MIXED.lengthscale])
    x = np.log([0.4, 0.6, 0.3, 0.7])
    s = np.exp(x)
    expected = [
        stats.invgamma.logpdf(s[0], 3, scale=1.0) + x[0],
        stats.norm.logpdf(x[1], np.log(0.5), 0.7),
        stats.halfnorm.logpdf(s[2], scale=0.5) + x[2],
        stats.gamma.logpdf(s[3], 4, scale=1 / 8) + x[3],
    ]
    assert_allclose(joint.log_density(x), expected, rtol=1e-7)  # PyTensor: float32 log(2)
    assert_allclose(joint.log_density(np.stack([x, x]))[1], expected, rtol=1e-7)


def test_derivatives_equal_differences():
    joint = HyperPriors.of([MIXED.sigma, MIXED.linear, MIXED.wiggly, MIXED.lengthscale])
    x, h = np.log([0.4, 0.6, 0.3, 0.7]), 1e-4
    slope, bend = joint.derivatives(x)
    up, down, here = (joint.log_density(x + step) for step in (h, -h, 0.0))
    assert_allclose(slope, (up - down) / (2 * h), rtol=1e-6)
    assert_allclose(bend, (up - 2 * here + down) / h**2, rtol=1e-4)


def test_draws_follow_the_priors():
    joint = HyperPriors.of([MIXED.wiggly, MIXED.linear, MIXED.wiggly])
    draws = np.exp(joint.draw(4000, np.random.default_rng(1)))
    for column in (0, 2):
        assert stats.kstest(draws[:, column], stats.halfnorm(scale=0.5).cdf).pvalue > 1e-3
    assert stats.kstest(draws[:, 1], stats.lognorm(0.7, scale=0.5).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(draws[:, 0], draws[:, 2])[0, 1]) < 0.06  # of each its own


def test_pymc_model_has_the_same_density_and_prior(data):
    problem = pose(data, MIXED)
    model = problem.build()
    function = model.logp_dlogp_function(ravel_inputs=True)
    function.set_extra_values({})
    rng = np.random.default_rng(2)
    x = problem.hyperpriors.mean + 0.3 * rng.normal(size=len(problem.hyperpriors.mean))
    value, gradient = function(x)
    expected, expected_gradient = problem.log_posterior(x)
    assert_allclose(value, expected, rtol=1e-9)
    assert_allclose(gradient, expected_gradient, rtol=1e-7, atol=1e-6)
    drawn = np.exp(pm.draw(model["log_length"], 500, random_seed=3))
    assert stats.kstest(drawn.ravel(), stats.gamma(4, scale=1 / 8).cdf).pvalue > 1e-3


def test_hessian_equals_differences_of_the_gradient_under_any_priors(data):
    problem = pose(data, MIXED)
    x = problem.hyperpriors.mean + 0.1
    steps = 1e-5 * np.eye(len(x))
    differences = [
        (problem.log_posterior(x + e)[1] - problem.log_posterior(x - e)[1]) / 2e-5 for e in steps
    ]
    assert_allclose(problem.derivatives(x)[2], differences, rtol=1e-5, atol=1e-3)


def test_a_prior_that_is_known_is_held(data):
    model = ig.InterventionModel(priors=ig.Priors(lengthscale=0.8))
    fit = model.fit(data, method="laplace")
    length = fit.idata["posterior"].dataset["lengthscale"].sel(smooth_action=["a1", "a2"])
    assert np.abs(length - 0.8).max() < 0.01


def test_a_tight_prior_pulls_and_a_foreign_log_normal_is_no_other(data):
    """PyMC's own log-normal gives the answer of ours; a far tighter one gives another."""
    at = {"a1": np.linspace(-1, 1, 5), "a2": 0.0}
    answers = [
        ig.InterventionModel(priors=priors, interactions="none")
        .fit(data, method="laplace")
        .table(at)["mean"]
        for priors in (
            ig.Priors(),
            ig.Priors(
                wiggly=pm.LogNormal.dist(np.log(0.1), 1.0),
                warped=pm.LogNormal.dist(np.log(0.2), 1.0),
            ),
            ig.Priors(wiggly=1e-6, warped=1e-6, linear=1e-6),
        )
    ]
    assert_allclose(answers[1], answers[0], rtol=1e-3)  # PyTensor keeps log(0.1) as float32
    assert np.ptp(answers[2]) < 1e-3 < np.ptp(answers[0])


def test_priors_are_kept_as_text(data, tmp_path):
    fit = ig.InterventionModel(priors=MIXED).fit(data, method="laplace")
    fit.save(tmp_path / "fit.nc")
    texts = json.loads(ig.load(tmp_path / "fit.nc").idata.attrs["priors"])
    assert texts["wiggly"].startswith("HalfNormal(0, 0.5): 90% within")
    assert texts["pair"] == "0.2 (known)"
    assert texts["higher"].startswith("LogNormal(median=0.05")


@pytest.mark.parametrize(
    ("argument", "bad", "words"),
    [
        ("sigma", -1.0, "sigma must be a positive finite number"),
        ("linear", np.nan, "linear must be"),
        ("wiggly", "HalfNormal(1)", "wiggly must be"),
        ("pair", True, "pair must be"),
        ("higher", None, "higher must be"),
        ("constant", pm.HalfNormal.dist(1), "constant must be a positive finite number; got"),
        ("linear", pm.Normal.dist(0, 1), "linear = Normal.*not positive"),
        ("linear", pm.HalfNormal.dist([1, 2]), r"linear has shape \(2,\)"),
        ("linear", pm.DiracDelta.dist(0.3), "all the same"),
    ],
)
def test_what_is_no_prior_is_refused(argument, bad, words):
    with pytest.raises(ig.ModelError, match=words):
        ig.Priors(**{argument: bad})


@pytest.mark.parametrize(("median", "log_sd"), [(0, 1), (1, 0), (-1, 1), (np.inf, 1), (1, "2")])
def test_a_log_normal_needs_positive_numbers(median, log_sd):
    with pytest.raises(ig.ModelError, match="positive finite number"):
        ig.LogNormal(median, log_sd)


def test_the_model_takes_nothing_else():
    with pytest.raises(ig.ModelError, match="priors must be a Priors object"):
        ig.InterventionModel(priors={"sigma": 1.0})


@pytest.mark.parametrize(("shift", "factor"), [(0.0, 1e6), (1e9, 1.0), (-3.0, 1e-7)])
def test_answers_move_with_the_unit_of_the_outcome(data, shift, factor):
    """Multiply y or shift it: the same answer up to scale."""
    at = {"a1": np.linspace(-1, 1, 5), "a2": 0.3}
    frame = hsgp.make_data(200, random_seed=1)
    moved = ig.RegimeData.from_frame(frame.assign(y=frame["y"] * factor + shift), "y", ["a1", "a2"])
    ours = ig.InterventionModel().fit(data, method="laplace").table(at)
    theirs = ig.InterventionModel().fit(moved, method="laplace").table(at)
    size = float(frame["y"].std())
    assert_allclose((theirs["mean"] - shift) / factor, ours["mean"], rtol=1e-4, atol=1e-4 * size)
    assert_allclose(theirs["sd"] / factor, ours["sd"], rtol=2e-3)


@pytest.mark.parametrize(("shift", "factor"), [(0.0, 1e6), (1e7, 1.0)])
def test_answers_move_with_the_unit_of_an_action(data, shift, factor):
    frame = hsgp.make_data(200, random_seed=1)
    moved = ig.RegimeData.from_frame(
        frame.assign(a1=frame["a1"] * factor + shift), "y", ["a1", "a2"]
    )
    grid = np.linspace(-1, 1, 5)
    ours = ig.InterventionModel().fit(data, method="laplace").table({"a1": grid, "a2": 0.3})
    fit = ig.InterventionModel().fit(moved, method="laplace")
    theirs = fit.table({"a1": grid * factor + shift, "a2": 0.3})
    assert_allclose(theirs["mean"], ours["mean"], atol=1e-4 * float(frame["y"].std()))
    assert_allclose(theirs["sd"], ours["sd"], rtol=2e-3)


def test_prior_curves_have_the_prior_spread(data):
    """The sd of the linear part of u_1 over many prior draws, against numerical integration."""
    priors = ig.Priors(linear=0.5, wiggly=1e-6, warped=1e-6, lengthscale=0.6)
    prior = ig.InterventionModel(priors=priors).sample_prior(data, draws=4000, random_seed=1)
    scale = prior.summary.scales["a1"]
    curve = prior.component("a1", [scale.centre, scale.centre + 2 * scale.spread])
    sd = curve.std(("chain", "draw")).to_numpy() / prior.outcome_scale.spread
    assert sd[0] == 0  # curves are relative to the mean of the action
    assert abs(sd[1] - 2 * 0.5) < 0.05
    assert str(prior).startswith("Prior of E[y | do(a1, a2)]")
    other = ig.InterventionModel(priors=priors).sample_prior(data, draws=4000, random_seed=2)
    assert not np.allclose(other.component("a1", [0.0]), prior.component("a1", [0.0]))


def test_the_prior_has_not_seen_the_outcome(data):
    """Shuffled outcomes: another data set, the same prior curves up to the outcome's unit."""
    frame = hsgp.make_data(200, random_seed=1)
    shuffled = frame.assign(y=frame["y"].sample(frac=1, random_state=1).to_numpy())
    other = ig.RegimeData.from_frame(shuffled, "y", ["a1", "a2"])
    curves = [
        prior.component("a1", np.linspace(-1, 1, 4)) / prior.outcome_scale.spread
        for prior in (ig.InterventionModel().sample_prior(rows, 50) for rows in (data, other))
    ]
    assert_allclose(curves[0], curves[1], rtol=1e-10, atol=1e-12)

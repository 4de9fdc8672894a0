"""Predictive draws: right mean, spread and coverage under every regime; never a borrowed sigma."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.base.metrics import coverage, credible_interval
from bayes_intgen.inference.variance_functions import variance_design
from bayes_intgen.model.log_variance import VarianceFeatures
from bayes_intgen.posterior.estimands import table
from bayes_intgen.posterior.predictive import predict_portion, predictive_interval
from bayes_intgen.posterior.query import read_points
from models import linear, polynomial
from tests.cases.true_variance import true_variance

AT = {"a1": np.linspace(-1.0, 1.0, 6), "a2": 0.3}
LINEAR = ig.InterventionModel(ig.Polynomial(1))


def read(frame, actions=("a1", "a2")):
    return ig.RegimeData.from_frame(frame, outcome="y", actions=list(actions))


@pytest.fixture(scope="module")
def data():
    return read(polynomial.make_data(1000, random_seed=1))


@pytest.fixture(scope="module")
def posterior(data):
    return ig.InterventionModel(ig.Polynomial(3)).fit(data, method="laplace", draws=400)


@pytest.fixture(scope="module")
def gaussian():
    """A linear Gaussian system, in which every predictive distribution is exactly normal."""
    scm = ig.scm.sample_linear_scm(3, random_seed=1, edge_probability=1.0)
    frame = scm.sample_regimes(scm.single_regimes, 10_000, random_seed=2)
    return scm, LINEAR.fit(read(frame, scm.actions), method="laplace")


@pytest.mark.parametrize("do", [None, [], ["a1"], ["a2"]])
def test_the_mean_is_the_expected_outcome(posterior, do):
    draws, mean = posterior.predict(AT, do), posterior.expected_outcome(AT, do)
    assert draws.dims == mean.dims == ("chain", "draw", "point")
    assert draws.attrs == mean.attrs
    assert (draws["support"].to_numpy() == mean["support"].to_numpy()).all()
    error = draws.std(("chain", "draw")) / np.sqrt(draws.sizes["draw"])
    gap = (draws - mean).mean(("chain", "draw"))
    assert (np.abs(gap) < 4 * error).all()
    assert (draws.std("draw") > 2 * mean.std("draw")).all()


@pytest.mark.parametrize("do", [(), ("a2",), ("a1", "a3"), ("a1", "a2", "a3")])
def test_the_spread_of_a_linear_system_is_the_true_one(gaussian, do):
    scm, posterior = gaussian
    rows = scm.sample(50, do=do, random_seed=3)
    draws = posterior.predict(rows, do=list(do), beyond="clamp")
    found = draws.std(("chain", "draw")).mean().item()
    truth = np.sqrt(true_variance(scm, rows[list(scm.actions)].to_numpy(), do).mean())
    assert abs(found / truth - 1) < 0.03


def test_joint_rows_have_uniform_ranks(gaussian):
    """Probability integral transform of held-out rows; a borrowed spread fails the same test."""
    scm, posterior = gaussian
    rows = scm.sample(1000, do=scm.actions, random_seed=4)
    draws = posterior.predict(rows, beyond="clamp").to_numpy()[0]
    ranks = (draws < rows["y"].to_numpy()).mean(axis=0)
    assert stats.kstest(ranks, "uniform").pvalue > 0.05
    observed = scm.sample(1000, random_seed=5)
    spread = (posterior.predict(observed, do=[], beyond="clamp")).std("draw").mean().item()
    mean = posterior.expected_outcome(rows, beyond="clamp").mean(("chain", "draw")).to_numpy()
    borrowed = stats.norm.cdf((rows["y"] - mean) / spread)
    assert stats.kstest(borrowed, "uniform").pvalue < 1e-6


def one_system(seed):
    scm = ig.scm.sample_polynomial_scm(3, random_seed=seed)
    frame = scm.sample_regimes(scm.single_regimes, 3000, random_seed=seed)
    posterior = ig.InterventionModel().fit(read(frame, scm.actions), method="laplace")
    observed = frame[frame["regime"] == "obs"].head(1000)
    mean = posterior.expected_outcome(observed, do=[], beyond="clamp").mean(("chain", "draw"))
    sigma = np.std(observed["y"].to_numpy() - mean.to_numpy())
    rows = scm.sample(1000, do=scm.actions, random_seed=seed + 1)
    draws = posterior.predict(rows, beyond="clamp")
    inside = draws["support"].to_numpy() == "supported"
    lower, upper = (end.to_numpy()[inside] for end in credible_interval(draws))
    y, middle = rows["y"].to_numpy()[inside], draws.mean("draw").to_numpy()[0, inside]
    reach = stats.norm.ppf(0.95) * sigma
    return coverage(lower, upper, y), coverage(middle - reach, middle + reach, y)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")
def test_coverage_without_a_joint_row():
    """Averaged over systems; single ones differ, as their noise is not normal."""
    ours, borrowed = np.mean([one_system(seed) for seed in range(200, 206)], axis=0)
    assert 0.88 < ours < 0.93
    assert borrowed < 0.85


def test_draws_depend_on_the_seed_and_the_place_only(posterior):
    first = posterior.predict(AT, random_seed=7)
    xr.testing.assert_identical(posterior.predict(AT, random_seed=7), first)
    assert not np.allclose(posterior.predict(AT, random_seed=8), first)
    some = {"a1": AT["a1"][:2], "a2": 0.3}
    assert_allclose(posterior.predict(some, random_seed=7), first[..., :2], rtol=1e-12)
    points = read_points(posterior, {"a1": AT["a1"][2:], "a2": 0.3})
    later = predict_portion(posterior, points, posterior.actions, 7, "error", 2)
    assert_allclose(later, first[..., 2:], rtol=1e-12)
    noise = (first - posterior.expected_outcome(AT)).to_numpy()[0]
    assert np.abs(np.corrcoef(noise.T) - np.eye(6)).max() < 0.25


def test_portions_make_no_difference(posterior, monkeypatch):
    whole = predictive_interval(posterior, AT, ["a1"], 0.8, 3)
    expected = credible_interval(posterior.predict(AT, ["a1"], 3), 0.8)
    assert_allclose(whole, expected)
    monkeypatch.setattr(table, "VALUES_AT_ONCE", 800)
    assert_allclose(predictive_interval(posterior, AT, ["a1"], 0.8, 3), whole, rtol=1e-12)


@pytest.mark.parametrize("do", [None, [], ["a2"]])
def test_a_saved_fit_predicts_the_same(posterior, tmp_path, do):
    posterior.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    xr.testing.assert_identical(again.predict(AT, do, 5), posterior.predict(AT, do, 5))


def test_variance_draws_belong_to_their_design(posterior):
    functions = posterior.idata["variance"].dataset
    names = [weight.name for weight in variance_design(posterior.design).weights]
    assert functions["variance_term"].to_numpy().tolist() == names
    assert dict(functions["weight"].sizes) == {"chain": 1, "draw": 400, "variance_term": len(names)}


def change(posterior, group, **variables):
    tree = posterior.idata.copy()
    tree[group] = xr.DataTree(tree[group].dataset.assign(**variables))
    return replace(posterior, idata=tree)


def test_a_variance_below_the_floor_is_held_and_flagged(posterior):
    assert float(posterior.predict(AT)["at_floor"].max()) < 0.05
    functions = posterior.idata["variance"].dataset
    weight = xr.zeros_like(functions["weight"])
    weight[..., 0] = -1.0  # the constant of the causal part
    negative = change(posterior, "variance", weight=weight)
    at = {"a1": np.zeros(20), "a2": 0.0}
    draws = negative.predict(at)
    assert (draws["at_floor"] == 1).all()
    noise = draws - negative.expected_outcome(at)
    assert_allclose((noise**2).mean(), functions["least"], rtol=0.1)
    residual = np.min(posterior.idata["posterior"].dataset["sigma"].mean("draw")) ** 2
    assert 0.001 * residual < functions["least"] < 0.1 * residual


def test_the_unit_of_the_outcome_carries_over(data, posterior):
    frame = polynomial.make_data(1000, random_seed=1)
    frame["y"] = 50 - 1000 * frame["y"]
    model = ig.InterventionModel(ig.Polynomial(3))
    scaled = model.fit(read(frame), method="laplace", draws=400)
    ours, theirs = scaled.predict(AT), posterior.predict(AT)
    assert_allclose(ours.std("draw"), 1000 * theirs.std("draw"), rtol=0.05)


def test_categorical_actions(tmp_path):
    """The spread depends on a level, and on the one that was set alone."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"c": rng.choice(["x", "y", "z"], 9000), "a": rng.normal(size=9000)})
    frame["regime"] = np.repeat(["obs", "c", "a"], 3000)
    spread = frame["c"].map({"x": 0.5, "y": 1.0, "z": 2.0})
    frame["y"] = frame["a"] + spread * rng.normal(size=9000)
    data = ig.RegimeData.from_frame(frame, "y", ["c", "a"], categorical=["c"])
    posterior = ig.InterventionModel().fit(data, method="laplace")
    draws = posterior.predict({"c": ["x", "y", "z"], "a": 0.2})
    assert_allclose(draws.std("draw")[0], [0.5, 1.0, 2.0], rtol=0.1)
    posterior.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc").predict({"c": ["x", "y", "z"], "a": 0.2})
    xr.testing.assert_identical(again, draws)


# One sigma per regime


@pytest.fixture(scope="module")
def constant(data):
    model = ig.InterventionModel(ig.Polynomial(3), variance="constant")
    return model.fit(data, method="laplace", draws=400)


@pytest.mark.parametrize("source", ["constant", "moments", "prior"])
def test_one_sigma_is_for_its_own_regime(data, constant, source):
    model = ig.InterventionModel(ig.Polynomial(3))
    if source == "constant":
        fit = constant
    elif source == "moments":
        moments = ig.Moments.from_data(data, basis=ig.Polynomial(3))
        fit = model.fit(moments, method="laplace", draws=400)
    else:
        fit = model.sample_prior(data, draws=2000)
    for label in ("obs", "a1", "a2"):
        noise = fit.predict(AT, label) - fit.expected_outcome(AT, label)
        sigma = fit.idata["posterior"].dataset["sigma"].sel(regime=label)
        expected = np.sqrt((sigma**2).mean("draw"))
        assert_allclose(np.sqrt((noise**2).mean(("draw", "point"))), expected, rtol=0.1)
    with pytest.raises(ig.QueryError, match=r"'a1\+a2'.*no rows.*variance='learned'"):
        fit.predict(AT)


def test_students_t_has_its_own_tails(constant):
    posterior = constant.idata["posterior"].dataset
    nu = xr.full_like(posterior["sigma"].isel(regime=0, drop=True), 3.0)
    fit = change(constant, "posterior", nu=nu)
    at = {"a1": np.zeros(200), "a2": 0.0}
    noise = fit.predict(at, []) - fit.expected_outcome(at, [])
    standard = (noise / posterior["sigma"].sel(regime="obs")).to_numpy().ravel()
    assert stats.kstest(standard, stats.t(3).cdf).pvalue > 0.01
    with pytest.raises(ig.QueryError, match="student_t"):
        fit.predict(at)


def test_inferred_variance_functions_are_combined(constant):
    """Against the formula, with weights that make each regime's variance different."""
    features = VarianceFeatures.of(constant.design.features)
    draws, (size, terms) = constant.idata["posterior"].dataset, (400, len(features.columns))
    gamma = np.zeros((1, size, 3, terms))
    gamma[..., 0] = [0.05, 0.5, 0.2]  # of a1
    limits = np.tile([[-5.0, -5.0], [5.0, 5.0]], (3, 1, 1))
    sigma = xr.zeros_like(draws["sigma"]) + np.array([0.5, 2.0, 3.0])
    dims = ("chain", "draw", "regime", "variance_term")
    fit = change(constant, "posterior", sigma=sigma)
    fit.idata["variance_weights"] = xr.DataTree(xr.Dataset({"variance_weight": (dims, gamma)}))
    fit = change(
        fit,
        "constant_data",
        variance_centre=(("regime", "variance_term"), np.zeros((3, terms))),
        variance_limits=(("regime", "limit", "action"), limits),
    )
    at = {"a1": np.full(300, 1.0), "a2": 0.3}
    a1 = constant.design.features.evaluate(np.array([[1.0, 0.3]]))[0, features.columns[0]]
    h = 4 * np.tanh(np.array([0.05, 0.5, 0.2]) * a1 / 4)
    obs, first, second = np.array([0.5, 2.0, 3.0]) ** 2 * np.exp(h)
    for do, expected in ((None, first + second - obs), ([], obs), (["a2"], second)):
        noise = fit.predict(at, do) - fit.expected_outcome(at, do)
        assert_allclose((noise**2).mean(), expected, rtol=0.02)


# What cannot be asked


def test_fits_without_a_spread_say_so(posterior):
    tree = posterior.idata.copy()
    del tree["variance"]
    old = replace(posterior, idata=tree)
    with pytest.raises(ig.QueryError, match="fit it again"):
        old.predict(AT, [])


@pytest.mark.parametrize("seed", [-1, 1.5, True, None])
def test_seeds_are_checked(posterior, seed):
    with pytest.raises(ig.QueryError, match="random_seed"):
        posterior.predict(AT, random_seed=seed)


def test_questions_are_checked_as_for_the_mean(posterior):
    with pytest.raises(ig.QueryError, match="box"):
        ig.InterventionModel().fit(
            read(linear.make_data(100, 1)), method="laplace", draws=10
        ).predict({"a1": 1e3, "a2": 0.0})
    with pytest.raises(ig.QueryError, match="a9"):
        posterior.predict(AT, do=["a9"])

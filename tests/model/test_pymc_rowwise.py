"""Fits with a row-wise likelihood: the posterior is right, and what each likelihood is for."""

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from pymc.stats import compute_log_likelihood, compute_log_prior
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.base.metrics import rmse
from bayes_intgen.inference.draws_tree import DRAWS
from bayes_intgen.inference.options import Sampling
from bayes_intgen.inference.rowwise import RowwiseProblem, sample_rowwise
from models import heteroscedastic, linear, student_t

AT = {"a1": np.array([-1.0, 0.0, 1.5]), "a2": np.array([0.5, 0.0, 1.0])}


def read(frame, actions=("a1", "a2")):
    return ig.RegimeData.from_frame(frame, outcome="y", actions=list(actions))


def prepare(data, basis, structure, likelihood):
    model = ig.InterventionModel(basis, structure, variance="constant", likelihood=likelihood)
    return RowwiseProblem.read(model._prepare(data, weighted=False).problem, data, likelihood)


def start_at(rowwise, at):
    """E[Y | do(all)] with the weights at which sampling starts."""
    design, scale = rowwise.problem.design, rowwise.problem.moments.outcome_scale
    phi = design.features.evaluate(np.column_stack([at[name] for name in design.actions]))
    theta = design.collect(rowwise.start.weights, design.active(design.actions))
    return scale.centre + scale.spread * phi @ theta


@pytest.mark.slow
def test_normal_rows_and_the_compressed_model_have_one_posterior():
    """Mean and sd of E[Y | do(a)], weights sampled or integrated out, within Monte Carlo error."""
    data = read(linear.make_data(60, random_seed=6))
    model = ig.InterventionModel(ig.Polynomial(1), "full", variance="constant")
    ours = model.fit(data, draws=6000, chains=4, random_seed=7, progressbar=False)
    rowwise = prepare(data, ig.Polynomial(1), "full", "normal")
    tree, convergence = sample_rowwise(rowwise, Sampling("nuts", 6000, random_seed=8))
    assert convergence.ok, convergence
    theirs = ig.Posterior(tree, ours.design, ours.summary, ours.outcome_scale, convergence)
    found, expected = ours.expected_outcome(AT), theirs.expected_outcome(AT)
    for kind in ("mean", "sd"):
        parts = [part.to_dataset(name="y") for part in (found, expected)]
        error = np.hypot(*(az.mcse(part, method=kind)["y"].to_numpy() for part in parts))
        first, second = (
            (
                part["y"].mean(("chain", "draw"))
                if kind == "mean"
                else part["y"].std(("chain", "draw"))
            )
            for part in parts
        )
        assert (error < 0.02 * expected.std(("chain", "draw")).to_numpy()).all()
        # of six comparisons one is beyond this by chance in one run of a thousand
        assert (np.abs(first - second).to_numpy() < stats.norm.isf(1e-3 / 12) * error).all(), kind


def heavy_tailed(n, random_seed):
    """One action without a confounder; y = 3 + 2 a + t_4, in a unit far from one."""
    rng = np.random.default_rng(random_seed)
    frame = pd.DataFrame({"a": rng.normal(size=2 * n), "regime": np.repeat(["obs", "a"], n)})
    sigma = np.repeat([20.0, 50.0], n)
    frame["y"] = 300 + 200 * frame["a"] + sigma * stats.t(4).rvs(2 * n, random_state=rng)
    return frame


@pytest.fixture(scope="module")
def student():
    """The posterior of 3000 rows with t_4 noise, and the problem it belongs to."""
    data = read(heavy_tailed(1500, random_seed=1), ["a"])
    model = ig.InterventionModel(ig.Polynomial(1), likelihood="student_t")
    posterior = model.fit(data, random_seed=2, progressbar=False)
    return posterior, prepare(data, ig.Polynomial(1), "full", "student_t")


@pytest.mark.slow
def test_degrees_of_freedom_are_recovered(student):
    posterior, _ = student
    assert posterior.convergence.ok, posterior.convergence
    draws = posterior.idata["posterior"].dataset
    for name, truth in (("nu", 4.0), ("sigma", [20.0, 50.0])):
        mean, sd = draws[name].mean(("chain", "draw")), draws[name].std(("chain", "draw"))
        assert (np.abs(mean - truth) < 3 * sd).all()
        assert (sd < 0.2 * mean).all()


@pytest.mark.slow
def test_the_posterior_answers_as_any_other(student, tmp_path):
    posterior, rowwise = student
    at = {"a": np.array([-1.0, 0.0, 2.0])}
    table = posterior.table(at)
    assert (np.abs(table["mean"] - (300 + 200 * at["a"])) < 4 * table["sd"]).all()
    assert (table["sd"] < 5).all()
    assert_allclose(
        posterior.effects()["mean"], 400 * posterior.summary.scales["a"].spread, rtol=0.02
    )
    assert "likelihood: student_t, nu 4." in str(posterior)
    posterior.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    assert str(again) == str(posterior)
    assert set(again.idata.groups) == set(posterior.idata.groups)
    for group in posterior.idata.groups:
        xr.testing.assert_equal(again.idata[group].dataset, posterior.idata[group].dataset)
    assert (np.abs(start_at(rowwise, at) - table["mean"]) < 0.5 * table["sd"]).all()


def in_terms_of_the_model(posterior, centring):
    """A few draws, back in standard units and under the names of the PyMC model."""
    unit = posterior.outcome_scale.spread
    groups = [name for name in DRAWS if name in posterior.idata.children]
    draws = xr.merge([posterior.idata[name].to_dataset() for name in groups])
    draws = draws.isel(chain=[0, 1], draw=slice(0, 5))
    named = {
        "log_sigma": np.log(draws["sigma"] / unit),
        "log_scale": np.log(draws["prior_scale"] / unit),
        "weight": draws["weight"] / unit,
        "centred_weight": draws["weight"].copy(
            data=centring.to_centred(draws["weight"].to_numpy() / unit)
        ),
    }
    if "nu" in draws:
        named |= {"nu_above_2": draws["nu"] - 2, "nu": draws["nu"]}
    else:
        named["log_variance_scale"] = np.log(draws["variance_scale"])
        named["variance_weight"] = draws["variance_weight"]
    return xr.Dataset(named).drop_vars(["component", "feature"])


def check_densities(posterior, rowwise):
    """The stored log-likelihood and log-prior are those of the PyMC model, row by row."""
    unit = posterior.outcome_scale.spread
    tree = xr.DataTree.from_dict(
        {"posterior": in_terms_of_the_model(posterior, rowwise.start.centring)}
    )
    model = rowwise.build()
    compute_log_likelihood(tree, model=model, progressbar=False)
    compute_log_prior(tree, model=model, progressbar=False)
    stored = {
        group: posterior.idata[group].dataset.isel(chain=[0, 1], draw=slice(0, 5))
        for group in posterior.idata.groups
        if group.endswith(("log_likelihood", "log_prior"))
    }
    by_row = tree["log_likelihood"]["outcome"].to_numpy() - np.log(unit)
    counts = posterior.idata["constant_data"]["n_rows"].to_numpy().astype(int)
    parts = np.split(by_row, np.cumsum(counts)[:-1], axis=-1)
    expected = np.stack([part.sum(axis=-1) for part in parts], axis=-1)
    assert_allclose(stored["/log_likelihood"]["outcome"], expected, rtol=1e-9)
    same = {"sigma": "log_sigma", "prior_scale": "log_scale", "weight": "centred_weight"}
    same |= {"variance_scale": "log_variance_scale", "variance_weight": "variance_weight"}
    priors = [part for group, part in stored.items() if group.endswith("log_prior")]
    assert len(priors) == (3 if rowwise.variance else 2)
    for name, values in (item for part in priors for item in part.data_vars.items()):
        theirs = tree["log_prior"][{**same, "nu": "nu_above_2"}[name]]
        assert_allclose(values, theirs, rtol=1e-6, err_msg=name)


@pytest.mark.slow
def test_stored_densities_are_those_of_pymc_student(student):
    posterior, rowwise = student
    check_densities(posterior, rowwise)


def test_outliers_carry_no_weight():
    """With 2% gross outliers, over ten systems, the error is at most a third of the normal one."""
    at = {"a1": np.linspace(-1.5, 1.5, 7), "a2": np.linspace(1.0, -1.0, 7)}
    errors = {"student_t": [], "normal": []}
    for seed in range(10):
        data = read(student_t.make_data(500, random_seed=seed))
        fit = ig.InterventionModel(ig.Polynomial(1), "full").fit(data, method="laplace")
        errors["normal"].append(rmse(fit.table(at)["mean"], student_t.truth(**at)))
        robust = start_at(prepare(data, ig.Polynomial(1), "full", "student_t"), at)
        errors["student_t"].append(rmse(robust, student_t.truth(**at)))
    assert np.mean(errors["student_t"]) < np.mean(errors["normal"]) / 3


@pytest.mark.slow
def test_nuts_resists_outliers_as_its_start_does():
    data = read(student_t.make_data(500, random_seed=3))
    model = ig.InterventionModel(ig.Polynomial(1), "full", likelihood="student_t")
    posterior = model.fit(data, random_seed=4, progressbar=False)
    assert posterior.convergence.ok, posterior.convergence
    table = posterior.table(AT)
    assert (np.abs(table["mean"] - student_t.truth(**AT)) < 3 * table["sd"]).all()
    start = start_at(prepare(data, ig.Polynomial(1), "full", "student_t"), AT)
    assert (np.abs(start - table["mean"]) < 0.5 * table["sd"]).all()
    wide = ig.InterventionModel(ig.Polynomial(1), "full").fit(data, method="laplace").table(AT)
    assert (table["sd"] < 0.5 * wide["sd"]).all()


@pytest.fixture(scope="module")
def spread():
    data = read(heteroscedastic.make_data(400, random_seed=5))
    model = ig.InterventionModel(ig.Polynomial(2), "full", likelihood="heteroscedastic")
    return model.fit(data, random_seed=6, progressbar=False), data


@pytest.mark.slow
def test_variance_inferred_with_the_mean(spread):
    """It converges, covers the truth, and is surer of it than with one sigma per regime."""
    posterior, data = spread
    assert posterior.convergence.ok, posterior.convergence
    table = posterior.table(AT)
    assert (np.abs(table["mean"] - heteroscedastic.truth(**AT)) < 3 * table["sd"]).all()
    model = ig.InterventionModel(ig.Polynomial(2), "full", variance="constant")
    constant = model.fit(data, method="laplace").table(AT)
    assert table["sd"].iloc[1] < 0.7 * constant["sd"].iloc[1]  # the origin, where noise is least
    start = start_at(prepare(data, ig.Polynomial(2), "full", "heteroscedastic"), AT)
    assert (np.abs(start - table["mean"]) < 0.5 * table["sd"]).all()
    assert "likelihood: heteroscedastic" in str(posterior)


@pytest.mark.slow
def test_inferred_variances_carry_over_to_the_joint_regime(spread):
    """Away from the origin, where a log-variance of this form is far too smooth."""
    posterior, _ = spread
    a1, a2 = (part.ravel() for part in np.meshgrid([-1.5, -1.0, 1.0, 1.5], [-1.0, 1.0]))
    at, truth = {"a1": a1, "a2": a2}, np.sqrt(4 * a1**2 + a2**2 + 0.25)
    joint, borrowed = (posterior.predict(at, do).std(("chain", "draw")) for do in (None, []))
    errors = [rmse(np.log(found), np.log(truth)) for found in (joint, borrowed)]
    assert errors[0] < 0.25
    assert errors[0] < errors[1] / 3


@pytest.mark.slow
def test_stored_densities_are_those_of_pymc_heteroscedastic(spread):
    posterior, data = spread
    check_densities(posterior, prepare(data, ig.Polynomial(2), "full", "heteroscedastic"))


@pytest.mark.slow
def test_inferring_the_variance_pays_where_spreads_differ():
    """Over ten data sets, against one sigma per regime."""
    at = {"a1": np.linspace(-1.5, 1.5, 7), "a2": np.linspace(1.0, -1.0, 7)}
    errors = {"heteroscedastic": [], "constant": []}
    for seed in range(10):
        data = read(heteroscedastic.make_data(500, random_seed=seed))
        model = ig.InterventionModel(ig.Polynomial(2), "full", variance="constant")
        truth = heteroscedastic.truth(**at)
        errors["constant"].append(rmse(model.fit(data, method="laplace").table(at)["mean"], truth))
        rowwise = prepare(data, ig.Polynomial(2), "full", "heteroscedastic")
        errors["heteroscedastic"].append(rmse(start_at(rowwise, at), truth))
    assert np.mean(errors["heteroscedastic"]) < 0.8 * np.mean(errors["constant"])

"""In the hands of others: tables in, arrays and files out, PyMC, ArviZ, scikit-learn, Dask."""

import dataclasses
from functools import reduce

import arviz as az
import dask
import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pymc as pm
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import PolynomialFeatures

import bayes_intgen as ig
from models import linear

pytestmark = pytest.mark.usefixtures("quick_graphs")

mpl.use("Agg")

TABLES = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}
AT = {"a1": [0.0, 1.0], "a2": [1.0, -1.0]}


@pytest.fixture(scope="module")
def frame():
    return linear.make_data(200, random_seed=1)


def read(table):
    return ig.RegimeData.from_frame(table, outcome="y", actions=["a1", "a2"])


@pytest.fixture(scope="module")
def data(frame):
    return read(frame)


@pytest.fixture(scope="module")
def posterior(data):
    return ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace", draws=200)


@pytest.fixture(scope="module")
def model(data):
    return ig.InterventionModel(ig.Polynomial(1), "full", variance="constant").build(data)


@pytest.mark.parametrize("kind", TABLES)
def test_every_kind_of_table_gives_the_same_rows_and_answers(frame, data, posterior, kind):
    same = read(TABLES[kind](frame))
    for regime in data.labels:
        assert np.array_equal(same.rows(regime), data.rows(regime))
    points = TABLES[kind](pd.DataFrame(AT))
    xr.testing.assert_equal(
        posterior.expected_outcome(points).drop_vars("point"),
        posterior.expected_outcome(AT).drop_vars("point"),
    )


def test_answers_are_labelled_arrays(posterior, tmp_path):
    answer = posterior.expected_outcome(AT)
    frame = answer.mean(("chain", "draw")).to_dataframe()
    assert frame["a1"].tolist() == AT["a1"]
    answer.to_netcdf(tmp_path / "answer.nc", engine="h5netcdf")
    xr.testing.assert_allclose(xr.load_dataarray(tmp_path / "answer.nc", engine="h5netcdf"), answer)


def test_a_saved_fit_is_a_plain_netcdf_tree(posterior, tmp_path):
    posterior.save(tmp_path / "fit.nc")
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as tree:
        draws = tree["posterior"].dataset["sigma"]
        assert np.array_equal(draws, posterior.idata["posterior"].dataset["sigma"])


def test_arviz_summarises_and_draws_a_fit(posterior):
    assert len(az.summary(posterior.idata, var_names=["sigma"])) == 3
    for draw in (az.plot_forest, az.plot_dist):
        collection = draw(posterior.idata, var_names=["sigma"], backend="matplotlib")
        assert isinstance(collection, az.PlotCollection)
        plt.close("all")
    answer = posterior.expected_outcome(AT).to_dataset(name="y")
    assert az.summary(answer.drop_vars(["support", "a1", "a2"]))["mean"].shape == (2,)


@pytest.mark.filterwarnings("ignore:The effect of Potentials:UserWarning")
def test_pymc_draws_from_the_prior_of_a_built_model(model):
    prior = pm.sample_prior_predictive(50, model=model, random_seed=1)
    names = {variable.name for variable in model.free_RVs}
    assert names <= set(prior["prior"].data_vars)


def test_pymc_finds_the_mode_and_samples_around_it(model, posterior):
    with model:
        mode = pm.find_MAP(progressbar=False, return_inferencedata=True, jitter=False)[
            "posterior"
        ].dataset
        mode = mode.isel(chain=0, draw=0)
        draws = pm.sample(
            60, tune=60, chains=1, cores=1, random_seed=1, nuts_sampler="pymc",
            progressbar=False, compute_convergence_checks=False,
        )["posterior"].dataset  # fmt: skip
    for name in (variable.name for variable in model.free_RVs):
        mean, sd = draws[name].mean(("chain", "draw")), draws[name].std(("chain", "draw"))
        assert (np.abs(mean - mode[name]) < 4 * sd + 0.05).all(), name
    scale = posterior.outcome_scale.spread
    sigma = np.exp(mode["log_sigma"].to_numpy()) * scale
    known = posterior.idata["posterior"].dataset["sigma"].mean(("chain", "draw"))
    assert sigma == pytest.approx(known.to_numpy(), rel=0.35)


def test_pymc_knows_what_a_built_model_consists_of(model):
    assert np.isfinite(model.compile_logp()(model.initial_point()))
    assert "log_sigma" in model.str_repr()
    picture = pm.model_to_mermaid(model)
    assert all(variable.name in picture for variable in model.free_RVs)


def test_ridge_estimators_are_values(data):
    """No ``get_params``: options are fields, a copy is ``dataclasses.replace``, ``fit`` returns."""
    estimator = ig.RidgeEstimator(degree=2)
    assert dataclasses.asdict(estimator) == {"degree": 2, "estimator": "ridge"}
    assert dataclasses.replace(estimator, degree=3) == ig.RidgeEstimator(3)
    assert clone(estimator, safe=False) == estimator
    before = estimator
    first, second = estimator.fit(data), estimator.fit(data)
    assert before == ig.RidgeEstimator(degree=2)
    assert np.array_equal(first.expected_outcome(AT), second.expected_outcome(AT))


def test_ridge_agrees_with_a_scikit_learn_pipeline_where_shrinkage_vanishes():
    frame = linear.make_data(20_000, random_seed=1)
    regressions = {}
    for regime, rows in frame.groupby("regime"):
        phi = PolynomialFeatures(1).fit_transform(rows[["a1", "a2"]])
        regressions[regime] = LinearRegression().fit(phi, rows["y"])
    points = PolynomialFeatures(1).fit_transform(np.column_stack([AT["a1"], AT["a2"]]))
    means = {regime: fit.predict(points) for regime, fit in regressions.items()}
    ours = ig.RidgeEstimator(1).fit(read(frame)).expected_outcome(AT)
    assert np.allclose(ours, means["a1"] + means["a2"] - means["obs"], atol=5e-3)


def test_moments_of_partitions_are_computed_by_dask_and_merged(frame, data):
    whole = ig.Moments.from_data(data, basis=ig.Polynomial(1))
    parts = [frame.iloc[start::3] for start in range(3)]

    @dask.delayed
    def compute(part):
        return ig.Moments.from_data(read(part), like=whole)

    found = dask.compute(*map(compute, parts), scheduler="threads", num_workers=2)
    merged = reduce(ig.Moments.merge, found)
    assert merged.n_rows == whole.n_rows
    for regime in whole.regimes:
        ours, theirs = merged.regression(regime), whole.regression(regime)
        assert np.allclose(ours.gram, theirs.gram)

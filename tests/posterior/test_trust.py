"""Priors that matter, predictive checks through ArviZ, and the picture of support."""

import arviz as az
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.base.errors import ModelError, QueryError
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.plots.overlap import SHADES
from bayes_intgen.posterior.query import mean_functionals, read_points

mpl.use("Agg")


def rows(n, seed, noise):
    """A linear system without confounding."""
    rng = np.random.default_rng(seed)
    parts = []
    for regime in ("obs", "a1", "a2"):
        a1, a2 = rng.normal(size=(2, n))
        y = a1 + a2 + noise(rng, n)
        parts.append(pd.DataFrame({"a1": a1, "a2": a2, "y": y, "regime": regime}))
    return pd.concat(parts, ignore_index=True)


def read(frame):
    return ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])


def fit(data, priors=None, draws=1000):
    model = ig.InterventionModel(ig.Polynomial(1), [], priors=priors, variance="constant")
    return model.fit(data, method="laplace", draws=draws)


def normal(rng, n):
    return rng.normal(size=n)


@pytest.fixture(scope="module")
def plain():
    data = read(rows(500, 1, normal))
    return data, fit(data)


def test_priors_matter_where_they_fight_the_data_and_only_there(plain):
    _, posterior = plain
    calm = posterior.prior_sensitivity()
    assert calm.index.tolist() == ["effect of a1", "effect of a2"]
    assert (calm["prior"] < 0.05).all()
    assert (calm["diagnosis"] == "✓").all()
    assert "PRIORS MATTER" not in str(posterior)
    tight = fit(read(rows(60, 2, normal)), ig.Priors(linear=ig.LogNormal(0.01, 0.3)))
    found = tight.prior_sensitivity()
    flagged = found.index[found["prior"] > 0.1]
    assert len(flagged)
    assert found.index[found["diagnosis"] != "✓"].equals(flagged)
    assert f"PRIORS MATTER for {flagged[0]}" in str(tight)
    assert f"alarm above {0.1 if tight.convergence.method == 'laplace' else 0.05}" in (
        str(tight).replace("\n  ", " ")
    )


def test_draws_move_with_the_power_of_the_prior_as_integration_says():
    """d E[answer] / d alpha is the covariance of the answer and log p(x) under the posterior.

    The oracle integrates over x by importance sampling, with the weights integrated out.
    """
    data = read(rows(40, 3, normal))
    priors = ig.Priors(linear=ig.LogNormal(0.02, 0.5))
    model = ig.InterventionModel(ig.Polynomial(1), [], priors=priors, variance="constant")
    problem = model._prepare(data).problem
    mode = find_mode(problem)
    proposal = stats.multivariate_t(mode.mode, mode.covariance, df=5, seed=1)
    x = proposal.rvs(8000)
    given = [problem.conditional(point) for point in x]
    density = [problem.log_density(point, part) for point, part in zip(x, given, strict=True)]
    weight = np.array(density) - proposal.logpdf(x)
    weight = np.exp(weight - weight.max())
    posterior = model.fit(data, draws=3000, random_seed=2, progressbar=False)
    after, before = {"a1": 1.0, "a2": 0.0}, {"a1": -1.0, "a2": 0.0}
    ends = [read_points(posterior, part).values for part in (after, before)]
    step = np.subtract(
        *(mean_functionals(posterior.design, part, posterior.actions)[0] for part in ends)
    )
    answers = problem.moments.outcome_scale.spread * np.array([part.mean @ step for part in given])
    expected = np.cov(answers, problem.hyperpriors.log_density(x).sum(axis=1), aweights=weight)
    log_prior = posterior.idata["log_prior"].dataset
    total = log_prior["sigma"].sum("regime") + log_prior["prior_scale"].sum("group")
    draws = posterior.contrast(after, before).isel(point=0)
    products = (draws - draws.mean()) * (total - total.mean())
    error = float(products.std()) / np.sqrt(float(az.ess(products.rename("x").to_dataset())["x"]))
    assert float(products.mean()) == pytest.approx(expected[0, 1], abs=3.5 * error)
    assert expected[0, 1] < -3.5 * error  # so that a wrong sign or no effect would be seen
    assert posterior.prior_sensitivity(after, before)["prior"].item() > 0.05


def test_arviz_reads_the_tree_as_it_is():
    """``log_prior`` is that of the hyperparameters; with that of the weights any fit is flagged."""
    scm = ig.scm.sample_common_support_scm(2, random_seed=4)
    frame = scm.sample_regimes(scm.single_regimes, 300, random_seed=2)
    posterior = ig.InterventionModel().fit(read(frame), method="laplace")
    asked = {"var_names": ["sigma"], "group": "prior"}
    some = az.psense(posterior.idata, **asked)["sigma"]
    whole = posterior.idata.copy()
    given = posterior.idata["weights/log_prior"].dataset["weight"]
    given = given.drop_vars(["component", "feature"])
    whole["log_prior"] = xr.DataTree(whole["log_prior"].to_dataset().assign(weight=given))
    every = az.psense(whole, **asked)["sigma"]
    assert float(every.min()) > 3 * float(some.max())


def test_what_has_no_answer_is_refused(plain):
    data, _ = plain
    with pytest.raises(QueryError, match="at least 100 draws"):
        fit(data, draws=20).prior_sensitivity()
    prior = ig.InterventionModel(ig.Polynomial(1)).sample_prior(data, draws=200)
    with pytest.raises(QueryError, match="draws from the prior"):
        prior.prior_sensitivity()
    str(prior)


def pit_of(tree):
    drawn, seen = tree["posterior_predictive"].dataset["y"], tree["observed_data"].dataset["y"]
    return (drawn <= seen).mean(("chain", "draw"))


def test_pit_is_uniform_with_normal_noise_and_not_with_heavy_tails(plain):
    data, posterior = plain
    tree = posterior.predictive_check(data)
    assert stats.kstest(pit_of(tree), "uniform").pvalue > 0.01
    heavy = read(rows(500, 4, lambda rng, n: rng.standard_t(2.1, size=n)))
    found = pit_of(fit(heavy).predictive_check(heavy, rows=500))
    assert stats.kstest(found, "uniform").pvalue < 1e-4
    assert np.abs(found - 0.5).mean() < 0.24  # too much mass in the middle: tails are heavy


def test_arviz_draws_and_leaves_out_rows(plain):
    data, posterior = plain
    tree = posterior.predictive_check(data, rows=60)
    assert isinstance(az.plot_ppc_pit(tree), az.PlotCollection)
    plt.close("all")
    left_out = az.loo_pit(tree)["y"]
    assert float(abs(left_out - pit_of(tree)).max()) < 0.05
    density = tree["log_likelihood"].dataset["y"]
    sigma = posterior.idata["posterior"].dataset["sigma"].sel(regime="a1")
    row = int(np.flatnonzero(tree["observed_data"]["regime_label"] == "a1")[0])
    at = {name: float(tree["observed_data"][name][row]) for name in ("a1", "a2")}
    mean = posterior.expected_outcome(at, do="a1").isel(point=0)
    seen = float(tree["observed_data"]["y"][row])
    assert np.allclose(density.isel(row=row), stats.norm.logpdf(seen, mean, sigma))


def test_rows_are_spread_evenly_and_regimes_can_be_chosen(plain):
    data, posterior = plain
    tree = posterior.predictive_check(data, rows=5, regimes=["a2"])
    assert set(tree["observed_data"]["regime_label"].to_numpy()) == {"a2"}
    expected = data.rows("a2")[np.linspace(0, 499, 5).astype(int), -1]
    xr.testing.assert_equal(
        tree["observed_data"]["y"].drop_vars(["a1", "a2", "regime_label"]),
        xr.DataArray(expected, dims="row", coords={"row": range(5)}, name="y"),
    )
    with pytest.raises(ModelError, match=r"the data have no \['a1\+a2'\]"):
        posterior.predictive_check(data, regimes=["a1+a2"])
    with pytest.raises(ModelError, match="rows must be"):
        posterior.predictive_check(data, rows=0)
    renamed = rows(20, 1, normal).rename(columns={"y": "z"})
    other = ig.RegimeData.from_frame(renamed, outcome="z", actions=["a1", "a2"])
    with pytest.raises(ModelError, match="columns and levels"):
        posterior.predictive_check(other)


def test_the_picture_of_support_has_the_flags_of_the_table(plain):
    data, posterior = plain
    at = pd.DataFrame({"a1": [0.0, 3.0], "a2": [0.5, -2.0]})
    figure = posterior.plot_support(at)
    pair = figure.axes[2]
    (mesh,) = pair.collections
    codes = np.asarray(mesh.get_array()).reshape(61, 61)
    middle = mesh.get_coordinates()
    middle = (middle[1:, 1:] + middle[:-1, :-1]) / 2
    points = middle.reshape(-1, 2)
    table = posterior.table({"a1": points[:, 0], "a2": points[:, 1]}, beyond="clamp")
    flags = np.array(list(SHADES))[codes.ravel().astype(int)]
    assert (flags == table["support"].to_numpy()).mean() > 0.999  # midpoints, to rounding
    assert {"supported", "extrapolated", "outside"} <= set(flags)
    crosses = next(line for line in pair.lines if line.get_marker() == "x")
    assert np.allclose(crosses.get_xydata(), at)
    assert sum(len(line.get_xdata()) for line in pair.lines) == 3 * 400 + 2
    assert "do(a1, a2)" in figure.get_suptitle()
    plt.close(figure)
    assert "observational" in posterior.plot_support(do=[], data=data).get_suptitle()
    plt.close("all")


def test_a_loaded_fit_needs_the_rows(plain, tmp_path):
    data, posterior = plain
    posterior.save(tmp_path / "fit.nc")
    loaded = ig.load(tmp_path / "fit.nc")
    with pytest.raises(QueryError, match="give the data, too"):
        loaded.plot_support()
    assert len(loaded.plot_support(data=data).axes) == 4
    plt.close("all")


def test_levels_are_named_on_the_axes():
    frame = rows(60, 1, normal).assign(a2=lambda f: np.where(f["a2"] > 0, "high", "low"))
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"], categorical=["a2"])
    model = ig.InterventionModel(ig.Polynomial(1))
    figure = model.fit(data, method="laplace", draws=50).plot_support()
    shown = [text.get_text() for text in figure.axes[3].get_xticklabels()]
    assert shown == ["high", "low"]
    plt.close(figure)

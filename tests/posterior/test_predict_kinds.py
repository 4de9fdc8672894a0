"""Predictions of outcomes by their kind: possible values, uniform ranks, the same when loaded."""

import arviz as az
import numpy as np
import pytest
import xarray as xr
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.posterior.fitted_law import law_of
from bayes_intgen.studies.refit.simulate_rows import one_draw, rows_of, simulate_outcome
from tests.cases.outcome_kinds import ACTIONS, LINEAR, draw, make_data

MODEL = ig.InterventionModel(ig.Polynomial(3), structure=["a1", "a2"])
LAWS = {
    "binary": "Bernoulli",
    "poisson": "counts, by mean and variance",
    "overdispersed": "counts, by mean and variance",
    "underdispersed": "counts, by mean and variance",
    "gamma": "gamma",
    "lognormal": "lognormal",
    "often zero": "gamma, with mass at 0",
    "proportion": "beta",
    "ends": "beta, with mass at 0, with mass at 1",
    "real": "normal",
}


@pytest.fixture(scope="module", params=LINEAR)
def case(request):
    data = make_data(LINEAR[request.param], 1500, 7)
    return request.param, data, MODEL.fit(data, method="laplace", draws=400)


def is_possible(name, y):
    whole = bool((y == np.rint(y)).all())
    return {
        "binary": bool(np.isin(y, [0, 1]).all()),
        "poisson": whole and y.min() >= 0,
        "overdispersed": whole and y.min() >= 0,
        "underdispersed": whole and y.min() >= 0,
        "gamma": y.min() > 0,
        "lognormal": y.min() > 0,
        "often zero": y.min() == 0,
        "proportion": y.min() > 0 and y.max() < 1,
        "ends": y.min() == 0 and y.max() == 1,
        "real": y.min() < 0,
    }[name]


@pytest.mark.parametrize("do", [(), ("a1", "a2")], ids=str)
def test_joint_and_observed_rows_have_uniform_ranks(case, do):
    """Ranks among draws, ties broken at random: uniform if mean, variance and shape are right.

    Of 1000 rows the share inside has a standard error of .0095, and the fit errs, too.
    """
    name, _, posterior = case
    rows = draw(LINEAR[name], 1000, 70 + len(do), do)
    draws = posterior.predict(rows, list(do), beyond="clamp").to_numpy()[0]
    assert is_possible(name, draws)
    y = rows["y"].to_numpy()
    u = np.random.default_rng(1).random(len(y))
    ranks = (draws < y).mean(axis=0) + u * (draws == y).mean(axis=0)
    assert 0.87 < np.mean((ranks > 0.05) & (ranks < 0.95)) < 0.93
    # the joint mean is known to about a tenth of the outcome's spread, which shifts the ranks
    assert stats.kstest(ranks, "uniform").statistic < (0.12 if do else 0.06)
    lower, upper = np.quantile(draws, [0.05, 0.95], axis=0)
    assert np.mean((lower <= y) & (y <= upper)) > 0.87


def test_the_law_is_told_and_the_draws_have_its_mean(case):
    name, _, posterior = case
    assert str(law_of(posterior)) == LAWS[name]
    told = f"outcome: {posterior.summary.outcome_range}; predictions are {LAWS[name]}"
    assert told in str(posterior)
    assert told in posterior._repr_html_().replace("&#x27;", "'")
    at = {"a1": np.linspace(-1, 1, 5), "a2": 0.2}
    draws, mean = posterior.predict(at), posterior.expected_outcome(at)
    error = draws.std(("chain", "draw")) / 20
    assert (np.abs((draws - mean).mean(("chain", "draw"))) < 4 * error).all()


def test_a_loaded_fit_draws_the_same(case, tmp_path):
    _, _, posterior = case
    posterior.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    at = {"a1": [0.0, 0.5], "a2": 0.2}
    xr.testing.assert_identical(again.predict(at), posterior.predict(at))
    assert str(again) == str(posterior)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
def test_the_predictive_check_follows(case):
    name, data, posterior = case
    tree = posterior.predictive_check(data, rows=60)
    draws = tree["posterior_predictive"].dataset["y"]
    assert is_possible(name, draws.to_numpy())
    whole = name in ("binary", "poisson", "overdispersed", "underdispersed")
    assert (draws.dtype.kind == "i") == whole
    assert (tree["observed_data"].dataset["y"].dtype.kind == "i") == whole
    density = tree["log_likelihood"].dataset["y"].to_numpy()
    assert np.isfinite(density).all()
    if whole:
        assert density.max() <= 0
    az.loo(tree, var_name="y")


def test_simulated_rows_are_of_the_same_kind(case):
    name, data, posterior = case
    rows = rows_of(data, posterior)
    y = simulate_outcome(one_draw(posterior, 3), rows, np.random.default_rng(2))
    assert is_possible(name, y)
    again = rows.assign(y=y).rename(columns={"__regime__": "regime"})
    kind = ig.RegimeData.from_frame(again, outcome="y", actions=ACTIONS).summary.outcome_range.kind
    assert kind == data.summary.outcome_range.kind


def test_yes_or_no_needs_no_spread():
    """Moments know none of a joint regime, but the mean of a 0/1 outcome says it all."""
    moments = ig.Moments.from_data(make_data(LINEAR["binary"], 300, 1), basis=ig.Polynomial(2))
    model = ig.InterventionModel(ig.Polynomial(2), structure=["a1", "a2"])
    fit = model.fit(moments, method="laplace", draws=400)
    draws = fit.predict({"a1": 0.2, "a2": [0.1, 0.3]})
    assert np.isin(draws, [0, 1]).all()
    assert (draws["at_floor"] == 0).all()


def test_heavy_tails_do_not_spoil_the_kind():
    """A student_t fit of counts draws counts, with the variance that its t law has."""
    law = law_of(MODEL.fit(make_data(LINEAR["poisson"], 100, 1), method="laplace", draws=20))
    mean, scale = np.full(100_000, 9.0), np.full(100_000, 6.0)
    y = law.draw(mean, scale, np.random.default_rng(3), np.full(100_000, 4.0))
    assert (y == np.rint(y)).all()
    assert y.var() == pytest.approx(12, rel=0.05)

"""What ``fit`` refuses, before any sampling starts, and what it warns of."""

import networkx as nx
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

import bayes_intgen as ig
from bayes_intgen.inference.verdicts.convergence import Convergence, check_nuts
from models import linear


@pytest.fixture(scope="module")
def frame():
    return linear.make_data(50, random_seed=1)


@pytest.fixture
def data(frame):
    return ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])


@pytest.fixture
def no_sampling(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("sampling started")

    monkeypatch.setattr(pm, "sample", refuse)


@pytest.mark.usefixtures("no_sampling")
@pytest.mark.parametrize(
    ("dropped", "missing"), [("obs", "observational rows"), ("a1", "'a1'"), ("a2", "'a2'")]
)
def test_missing_experiment_is_named(data, dropped, missing):
    with pytest.raises(ig.NotIdentifiedError, match=missing):
        ig.InterventionModel().fit(data.drop(dropped))


def test_a_smaller_target_needs_fewer_experiments(data):
    model = ig.InterventionModel(ig.Polynomial(1))
    posterior = model.fit(data.drop("a2"), method="laplace", target="a1")
    assert posterior.expected_outcome({"a1": 0.0, "a2": 0.0}, do="a1").sizes["point"] == 1
    with pytest.raises(ig.NotIdentifiedError, match="'a2'"):
        posterior.expected_outcome({"a1": 0.0, "a2": 0.0})


@pytest.mark.usefixtures("no_sampling")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "advi"}, "method must be one of .*'laplace'.*got 'advi'"),
        ({"draws": 0}, "draws must be a whole number of at least 1"),
        ({"draws": 10.5}, "draws must be a whole number"),
        ({"tune": -1}, "tune must be"),
        ({"chains": 0}, "chains must be"),
        ({"cores": 0}, "cores must be"),
        ({"random_seed": -3}, "random_seed must be"),
        ({"random_seed": None}, "random_seed must be"),
    ],
)
def test_bad_options_are_refused(data, options, words):
    with pytest.raises(ig.ModelError, match=words):
        ig.InterventionModel().fit(data, **options)


@pytest.mark.usefixtures("no_sampling")
def test_bad_target_and_data_are_refused(data, frame):
    with pytest.raises(ig.RegimeError, match="price"):
        ig.InterventionModel().fit(data, target="price")
    with pytest.raises(ig.ModelError, match="data must be a RegimeData or Moments, got DataFrame"):
        ig.InterventionModel().fit(frame)


@pytest.mark.usefixtures("no_sampling")
def test_moments_of_another_basis_are_refused(data):
    moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
    with pytest.raises(ig.ModelError, match=r"Polynomial\(degree=3\).*another basis"):
        ig.InterventionModel(ig.Polynomial(3)).fit(moments)


@pytest.mark.usefixtures("no_sampling")
def test_build_returns_the_model_without_sampling(data):
    model = ig.InterventionModel(structure=nx.DiGraph([("a1", "a2")])).build(data)
    assert isinstance(model, pm.Model)
    assert {variable.name for variable in model.free_RVs} == {
        "log_sigma",
        "log_scale",
        "log_length",
    }
    assert model.coords["regime"] == ("obs", "a1", "a2")
    assert np.isfinite(model.compile_logp()(model.initial_point()))


def test_model_is_in_the_hands_of_pymc(data):
    model = ig.InterventionModel(ig.Polynomial(1)).build(data)
    prior = pm.draw(model["log_scale"], 2000, random_seed=1)
    medians = [0.2 if group == "bias|constant" else 0.3 for group in model.coords["group"]]
    assert medians.count(0.2) == 1
    assert np.abs(prior.mean(axis=0) - np.log(medians)).max() < 0.1


def draws(shift=0.0, chains=4, n=1000):
    values = np.random.default_rng(1).normal(size=(chains, n, 2))
    values[0] += shift
    return xr.Dataset({"log_sigma": (("chain", "draw", "regime"), values)})


def stats(diverging=0, saturated=0):
    flags = np.zeros((4, 1000), dtype=bool)
    first, second = flags.copy(), flags.copy()
    first[0, :diverging] = True
    second[0, :saturated] = True
    dims = ("chain", "draw")
    return xr.Dataset({"diverging": (dims, first), "maxdepth_reached": (dims, second)})


def test_sound_draws_pass():
    verdict = check_nuts(draws(), stats())
    assert verdict.ok
    assert verdict.r_hat < 1.01
    assert 3000 < verdict.ess < 6000


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (lambda: check_nuts(draws(shift=1.0), stats()), "chains disagree"),
        (lambda: check_nuts(draws(n=50), stats()), "Too few effective draws"),
        (lambda: check_nuts(draws(), stats(diverging=3)), "3 of 4000 draws diverged"),
        (lambda: check_nuts(draws(), stats(saturated=5)), "5 of 4000 draws reached the tree"),
        (lambda: check_nuts(draws(chains=1), stats()), "One chain"),
    ],
)
def test_trouble_is_reported(verdict, words):
    found = verdict()
    assert not found.ok
    assert words in str(found)
    with pytest.warns(ig.ConvergenceWarning, match="NOT CONVERGED"):
        found.warn()


def test_fit_warns_and_marks_its_file(data, tmp_path):
    with pytest.warns(ig.ConvergenceWarning, match="Too few effective draws"):
        posterior = ig.InterventionModel(ig.Polynomial(1)).fit(
            data, draws=30, tune=100, chains=2, progressbar=False
        )
    posterior.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    assert not again.convergence.ok
    assert again.convergence == posterior.convergence
    assert "NOT CONVERGED" in str(again)
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as tree:  # by other means
        assert tree.attrs["converged"].startswith("NO: NOT CONVERGED: ")


def test_verdict_survives_a_round_trip():
    verdict = Convergence("laplace", problems=("The search stopped.",))
    again = Convergence.from_dict(verdict.to_dict())
    assert str(again) == str(verdict)
    assert np.isnan(again.r_hat)


def test_an_outcome_without_noise_is_refused(frame):
    exact = frame.assign(y=frame["a1"] - 2 * frame["a2"])
    data = ig.RegimeData.from_frame(exact, outcome="y", actions=["a1", "a2"])
    with pytest.raises(ig.ModelError, match="'obs' the outcome 'y' is constant or an exact"):
        ig.InterventionModel(ig.Polynomial(1)).fit(data)
    noise = np.random.default_rng(1).normal(scale=1e-3, size=len(exact))
    data = ig.RegimeData.from_frame(exact.assign(y=exact["y"] + noise), "y", ["a1", "a2"])
    fit = ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace")
    assert fit.convergence.ok
    assert abs(float(fit.expected_outcome({"a1": 1.0, "a2": 1.0}).mean()) + 1) < 0.01


@pytest.mark.parametrize("basis", ["polynomial", ig.Polynomial, None, {}, {"a1": 3}])
def test_what_is_no_basis_is_refused(basis):
    with pytest.raises(ig.ModelError, match="basis must be"):
        ig.InterventionModel(basis)


def test_a_basis_for_each_action(data):
    model = ig.InterventionModel({"a1": ig.Polynomial(1), "a2": ig.Polynomial(2)})
    posterior = model.fit(data, method="laplace")
    names = posterior.design.features.names
    assert "a2^2" in names
    assert "a1^2" not in names
    with pytest.raises(ig.ModelError, match="every action once"):
        ig.InterventionModel({"a1": ig.Polynomial(1)}).fit(data)


def test_covariates_that_cause_too_many_weights_are_named():
    names = [f"z{k}" for k in range(12)]
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(300, 15)), columns=["a1", "a2", "y", *names])
    frame["regime"] = np.repeat(["obs", "a1", "a2"], 100)
    data = ig.RegimeData.from_frame(frame, "y", ["a1", "a2"], covariates=names)
    with pytest.raises(ig.ModelError, match=r"covariates: .* give fewer covariates"):
        ig.InterventionModel(ig.Polynomial(4), "full", interactions="none").fit(data)


def test_too_many_weights_are_refused():
    actions = [f"a{k}" for k in range(14)]
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(150, 14)), columns=actions)
    frame["y"] = rng.normal(size=150)
    frame["regime"] = np.repeat(["obs", *actions], 10)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=actions)
    with pytest.raises(ig.ModelError, match=r"structure: .* weights are more than"):
        ig.InterventionModel(structure="full").fit(data)
    # the way out that is named; test_numerical_limits fits as many actions
    posed = ig.InterventionModel(structure=[])._prepare(data).problem
    assert len(posed.design.weights) < 4000

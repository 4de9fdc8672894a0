"""Calibration in the user's own setting: its statistics in closed form, and end to end."""

import dataclasses
import subprocess
import sys

import matplotlib as mpl
import networkx as nx
import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.base.errors import ModelError, NotIdentifiedError, QueryError
from bayes_intgen.cli.main import main
from bayes_intgen.posterior.estimands.expected_outcome import weight_draws
from bayes_intgen.posterior.noise_scale import noise_scale
from bayes_intgen.posterior.query import read_points
from bayes_intgen.studies.refit.model_text import model_of, read_model, write_model
from bayes_intgen.studies.refit.simulate_rows import REGIME, one_draw, rows_of, simulate_outcome
from bayes_intgen.studies.refit.unit import LEVELS

mpl.use("Agg")


def exact(n, factor, seed, shift=0.0):
    """Normal posteriors of two quantities whose sds are ``factor`` times what they should be."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n, 2))
    mean = truth + rng.normal(size=(n, 2)) + shift
    sd = np.full((n, 2), factor)
    quantiles = mean[..., None] + factor * stats.norm.ppf(LEVELS)
    converged = np.ones(n, dtype=bool)
    return ig.IntervalCalibration(
        "posterior", ("a", "b"), truth, mean, sd, quantiles, 2.0, converged
    )


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.0, "consistent"), (0.7, "too narrow"), (1.3, "too wide")]
)
def test_the_verdict_on_posteriors_whose_width_is_known(factor, verdict):
    found = exact(2000, factor, seed=1)
    assert found.verdict == verdict
    assert found.passed == (factor == 1.0)
    assert found.ratio == pytest.approx(1 / factor, rel=0.03)
    expected = 2 * stats.norm.cdf(factor * stats.norm.ppf(0.95)) - 1
    row = found.coverage.loc[0.9]
    assert row["coverage"] == pytest.approx(expected, abs=3.5 * row["se"])
    assert verdict.upper() in str(found)
    assert "<table" in found._repr_html_()


def test_the_interval_of_the_ratio_holds_one_as_often_as_it_says():
    """Its chi-square law is exact for independent normal quantities."""
    held = 0
    for seed in range(400):
        low, high = exact(10, 1.0, seed).ratio_interval
        held += low <= 1 <= high
    assert held / 400 == pytest.approx(0.95, abs=3.5 * np.sqrt(0.95 * 0.05 / 400))


def test_stretching_is_what_would_have_been_found():
    found, narrow = exact(50, 1.0, seed=3).stretch(0.7), exact(50, 0.7, seed=3)
    assert np.allclose(found.z, narrow.z)
    assert np.allclose(found.ranks, narrow.ranks)
    pd.testing.assert_frame_equal(found.coverage, narrow.coverage)
    with pytest.raises(ModelError, match="factor must be positive"):
        found.stretch(0.0)


def test_ranks_are_normal_probabilities_of_z():
    found = exact(200, 1.0, seed=4)
    inside = (found.ranks > 0.03) & (found.ranks < 0.97)
    assert np.allclose(found.ranks[inside], stats.norm.cdf(found.z[inside]), atol=2e-3)
    prior = dataclasses.replace(found, source="prior")
    assert prior.verdict == "consistent"
    assert prior.stretch(0.4).verdict == "not uniform"
    assert "ARE NOT UNIFORM" in str(prior.stretch(0.4))


def test_a_bias_is_in_the_table():
    result = exact(400, 1.0, seed=5, shift=1.0)
    assert "Biased beyond chance: 2 of 2" in str(result)
    assert "too high by 1.0" in str(result) or "too high by 0.9" in str(result)
    assert "Biased" not in str(exact(400, 1.0, seed=6))
    found = result.table
    assert np.allclose(found["bias"], 1.0, atol=4 * found["bias_se"].max())
    assert np.allclose(found["rmse"], np.sqrt(2), rtol=0.1)


@pytest.fixture(scope="module")
def fitted():
    """A linear system with an action that has levels, and its fit."""
    rng = np.random.default_rng(1)
    parts = []
    for regime in ("obs", "a1", "shop"):
        a1 = rng.normal(size=120)
        shop = rng.choice(["x", "y"], size=120)
        y = a1 + (shop == "x") + (1 + 0.8 * (a1 > 0)) * rng.normal(size=120)
        parts.append(pd.DataFrame({"a1": a1, "shop": shop, "y": y, "regime": regime}))
    frame = pd.concat(parts, ignore_index=True)
    data = ig.RegimeData.from_frame(
        frame, outcome="y", actions=["a1", "shop"], categorical=["shop"]
    )
    model = ig.InterventionModel(ig.Polynomial(1))
    return frame, data, model.fit(data, method="laplace", draws=200)


def test_simulated_rows_have_the_mean_and_spread_of_one_draw(fitted):
    _, data, posterior = fitted
    rows = rows_of(data, posterior)
    assert (
        rows["shop"].tolist()
        == pd.concat([fitted[0][fitted[0]["regime"] == label] for label in data.labels])[
            "shop"
        ].tolist()
    )
    single = one_draw(posterior, 7)
    assert np.array_equal(weight_draws(single)[0, 0], weight_draws(posterior)[0, 7])
    rng = np.random.default_rng(2)
    y = np.array([simulate_outcome(single, rows, rng) for _ in range(300)])
    for label in data.labels:
        chosen = (rows[REGIME] == label).to_numpy()
        do = [] if label == "obs" else [label]
        mean = posterior.expected_outcome(rows[chosen], do).to_numpy()[0, 7]
        values = read_points(single, rows[chosen]).values
        scale, _ = noise_scale(single, values, tuple(do))
        z = (y[:, chosen] - mean) / scale[0, 0]
        assert abs(z.mean()) < 4 / np.sqrt(z.size)
        assert z.std() == pytest.approx(1, abs=4 / np.sqrt(2 * z.size))
        assert z.std(axis=0).max() < 1.25  # at every row, not on average only


def test_simulated_rows_share_what_the_order_of_rows_showed():
    rng = np.random.default_rng(3)
    parts = []
    for regime in ("obs", "a1", "a2"):
        a = rng.normal(size=(600, 2))
        y = a[:, 0] - a[:, 1] + rng.normal(size=600) + np.repeat(rng.normal(size=20), 30)
        parts.append(pd.DataFrame({"a1": a[:, 0], "a2": a[:, 1], "y": y, "regime": regime}))
    data = ig.RegimeData.from_frame(pd.concat(parts), outcome="y", actions=["a1", "a2"])
    posterior = ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace", draws=200)
    rows, length = rows_of(data, posterior), posterior.dependence.block_rows["obs"]
    assert "__time__" not in rows  # the refit has to find it again
    single, rng = one_draw(posterior, 3), np.random.default_rng(4)
    y = simulate_outcome(single, rows, rng) - (rows["a1"] - rows["a2"]).to_numpy()
    of_obs = y[(rows[REGIME] == "obs").to_numpy()][: 600 // length * length]
    within = of_obs.reshape(-1, length)
    share = within.mean(axis=1).var() / within.var()
    assert share == pytest.approx(posterior.dependence.shares["obs"], abs=0.2)


def test_a_study_is_resumed_and_says_so(fitted, tmp_path, capsys):
    _, data, posterior = fitted
    options = {"at": {"a1": [0.0, 1.0], "shop": "x"}, "draws": 100, "out": tmp_path}
    found = ig.refit_calibration(posterior, data, n=3, **options)
    assert found.names == ("point 0", "point 1")
    assert found.support == ("supported", "supported")
    more = ig.refit_calibration(posterior, data, n=4, **options)
    assert "3 of 4 units were done before" in capsys.readouterr().err
    assert np.array_equal(more.truth[:3], found.truth)
    assert 1 <= found.independent <= 2
    silent = ig.refit_calibration(
        posterior, data, n=3, progressbar=False, at=options["at"], draws=100
    )
    assert np.array_equal(silent.mean, found.mean)
    assert capsys.readouterr().err == ""
    left, right = found.plot()
    assert left.get_xlabel() == "probability of the interval"
    assert len(right.get_lines()) >= 2


def test_two_draws_tell_nothing_of_correlations(fitted):
    _, data, _ = fitted
    posterior = ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace", draws=2)
    calibration = ig.refit_calibration(posterior, data, n=2, draws=100, progressbar=False)
    assert len(calibration.names) == 2
    assert calibration.independent == 2.0


def test_a_model_that_rules_the_effects_out_is_found_too_narrow(fitted):
    _, data, posterior = fitted
    held = ig.InterventionModel(
        ig.Polynomial(1), priors=ig.Priors(linear=1e-3, level=1e-3), variance="constant"
    )
    found = ig.refit_calibration(posterior, data, n=5, model=held, draws=100, progressbar=False)
    assert found.verdict == "too narrow"
    assert found.table.loc["effect of a1", "bias"] < -1  # of a true effect of about two


def test_calibration_over_the_prior(fitted):
    _, data, _ = fitted
    model = ig.InterventionModel(ig.Polynomial(1), structure=[])
    found = ig.simulation_based_calibration(
        model, data, n=15, method="laplace", draws=100, progressbar=False
    )
    assert found.names[-3:] == ("sigma of obs", "sigma of a1", "sigma of shop")
    assert found.source == "prior"
    assert found.passed
    assert found.truth.std(axis=0).min() > 0.05  # every data set has a truth of its own
    assert np.corrcoef(found.truth[:, -3], found.mean[:, -3])[0, 1] > 0.95


def test_the_command_line(fitted, tmp_path, capsys):
    frame, _, posterior = fitted
    posterior.save(tmp_path / "fit.nc")
    frame.to_csv(tmp_path / "data.csv", index=False)
    out = tmp_path / "out"
    arguments = ["recalibrate", str(tmp_path / "fit.nc"), str(tmp_path / "data.csv")]
    code = main([*arguments, "--sets", "3", "--workers", "1", "--out", str(out)])
    shown = capsys.readouterr().out
    assert code == (0 if "CONSISTENT" in shown else 1)
    table = pd.read_csv(out / "recalibration.csv", index_col="quantity")
    assert [name.split("[")[0] for name in table.index] == ["effect of a1", "effect of shop"]
    assert (out / "recalibration.png").stat().st_size > 5000


@pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")
def test_targets_covariates_and_mixed_effects_are_kept():
    """Only a1 is set by an experiment, so that E[Y | do(a1), a2, z] is all that can be asked."""
    rng = np.random.default_rng(3)
    parts = []
    for regime in ("obs", "a1"):
        z, a1, a2 = rng.normal(size=(3, 80))
        y = a1 * z + a2 + rng.normal(size=80)
        parts.append(pd.DataFrame({"a1": a1, "a2": a2, "z": z, "y": y, "regime": regime}))
    data = ig.RegimeData.from_frame(
        pd.concat(parts), outcome="y", actions=["a1", "a2"], covariates=["z"]
    )
    posterior = ig.InterventionModel(ig.Polynomial(2), []).fit(
        data, method="laplace", draws=100, target="a1"
    )
    at = {"a1": 1.0, "a2": 0.0, "z": [-1.0, 1.0]}
    options = {"n": 2, "draws": 100, "progressbar": False, "do": "a1"}
    found = ig.refit_calibration(
        posterior, data, at, {"a1": 0.0, "a2": 0.0, "z": at["z"]}, **options
    )
    assert found.truth.shape == (2, 2)
    assert (found.truth[:, 0] < 0).all()
    assert (found.truth[:, 1] > 0).all()
    with pytest.raises(NotIdentifiedError):
        ig.refit_calibration(posterior, data, at, **{**options, "do": None})


def test_what_cannot_be_calibrated_is_refused(fitted):
    frame, data, posterior = fitted
    quiet = {"n": 2, "progressbar": False}
    with pytest.raises(ModelError, match="fitted to other rows"):
        ig.refit_calibration(posterior, data.drop("a1"), **quiet)
    with pytest.raises(ModelError, match="n must be"):
        ig.refit_calibration(posterior, data, n=1)
    with pytest.raises(ModelError, match="must be the RegimeData"):
        ig.refit_calibration(posterior, frame, **quiet)
    with pytest.raises(ModelError, match="must be a Posterior"):
        ig.refit_calibration(data, data, **quiet)
    with pytest.raises(QueryError, match="give the points"):
        ig.refit_calibration(posterior, data, baseline={"a1": 0, "shop": "x"}, **quiet)
    with pytest.raises(ModelError, match="student_t"):
        ig.simulation_based_calibration(ig.InterventionModel(likelihood="student_t"), data, **quiet)
    own = ig.InterventionModel(ig.Polynomial(1), priors=ig.Priors(sigma=0.5))
    with pytest.raises(ModelError, match="give the model"):
        model_of(own.fit(data, method="laplace", draws=10))


@pytest.mark.parametrize(
    "model",
    [
        ig.InterventionModel(),
        ig.InterventionModel(
            {"a1": ig.HSGP(m=8), "a2": ig.Categorical()}, ["a1", "a2"], "pairwise", ["a1+a2"]
        ),
        ig.InterventionModel(
            ig.Polynomial(2), [("a1", "a2")], "all", None, ig.Priors(sigma=0.5), "constant"
        ),
    ],
)
def test_models_survive_as_text(model):
    assert read_model(write_model(model)) == model


def test_graphs_become_edges_and_distributions_are_refused():
    graph = ig.InterventionModel(structure=nx.DiGraph([("a1", "a2")]))
    assert read_model(write_model(graph)).structure == [("a1", "a2")]
    own = ig.InterventionModel(priors=ig.Priors(linear=pm.HalfNormal.dist(1.0)))
    with pytest.raises(ModelError, match="PyMC distributions"):
        write_model(own)


@pytest.mark.parametrize("structure", ["learned", "full", [("a1", "shop")], []])
def test_the_model_of_a_fit_fits_the_same(fitted, structure):
    _, data, _ = fitted
    model = ig.InterventionModel(ig.Polynomial(2), structure, "pairwise", variance="constant")
    first = model.fit(data, method="laplace", draws=20)
    again = model_of(first).fit(data, method="laplace", draws=20)
    assert np.array_equal(weight_draws(first), weight_draws(again))


SCRIPT = """
import bayes_intgen as ig
from bayes_intgen.studies.runner.pool import local_processes

def study():
    return local_processes(2).workers

{guard}
    print(study())
"""


@pytest.mark.parametrize(
    ("guard", "code"), [("if True:", 1), ('if __name__ == "__main__":', 0), ("if 1 > 0:", 1)]
)
def test_a_script_without_a_guard_is_told_at_once(tmp_path, guard, code):
    """Its workers would import it, and each start the study anew."""
    path = tmp_path / "study.py"
    path.write_text(SCRIPT.format(guard=guard))
    run = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    assert run.returncode == code, run.stderr
    assert ("Put what the script does under `if __name__" in run.stderr) == bool(code)
    assert ("line 9" in run.stderr) == bool(code)
    assert run.stdout.strip() == ("" if code else "2")

"""The paper's figures as studies: units, plans, summaries, pictures and the command line."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from threadpoolctl import threadpool_limits

import bayes_intgen as ig
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.metrics import coverage, rmse
from bayes_intgen.cli.main import main
from bayes_intgen.studies.paper.figures import draw_figure
from bayes_intgen.studies.paper.plans import FIGURES, RATIOS, best_ratio, default_sizes, plan_units
from bayes_intgen.studies.paper.report import average, format_report, rows_needed
from bayes_intgen.studies.paper.unit import COLUMNS, ESTIMATORS, ReproduceUnit
from bayes_intgen.studies.runner.pool import Pool
from bayes_intgen.studies.runner.unit import unit_key

PROTOTYPE = ReproduceUnit("fig2a", 0, 100, 100, 100)
TINY = ["--scms", "2", "--n", "100", "--n-actions", "2", "--seed", "5"]
SHORT = ["--ratios", "0.5,1"]


@pytest.fixture
def threads(monkeypatch):
    """Run units in a thread of this process, which spares the start of others."""

    def make(workers):
        return Pool(workers, lambda: ThreadPoolExecutor(1))

    monkeypatch.setattr("bayes_intgen.cli.reproduce.local_processes", make)


@pytest.fixture(scope="module")
def moderate():
    """The rows of one system of the paper's kind."""
    with threadpool_limits(1):
        return pd.DataFrame(ReproduceUnit("fig2a", 3, 4000, 4000, 4000, n_actions=3).run())


def test_estimators_rank_as_theory_says(moderate):
    assert moderate["estimator"].tolist() == list(ESTIMATORS)
    error = moderate.set_index("estimator")["rmse_effect"]
    assert error["bayes"] < error["ridge"] < error["observational"]
    assert error["joint"] < error["ridge"]
    assert error["joint"] < error["pooled"]
    assert (moderate["rmse_outcome"] > moderate["perfect"] * 0.99).all()
    spread = moderate.set_index("estimator")["rmse_outcome"]
    assert spread["bayes"] == pytest.approx(moderate["perfect"].iloc[0], rel=0.02)
    held = moderate.set_index("estimator")["coverage"]
    assert 0.5 < held["bayes"] <= 1
    assert held.drop("bayes").isna().all()
    assert (moderate["seconds"] > 0).all()
    assert moderate["converged"].all()


def test_rows_agree_with_the_estimators_themselves():
    """The first 80% of every regime are for fitting, the rest of the joint rows for judging."""
    unit = ReproduceUnit("fig2b", 7, 50, 30, 205, seed=2, n_actions=2)
    seed = np.random.SeedSequence([2, 7])
    scm = ig.scm.sample_polynomial_scm(2, seed)
    parts = {
        label: scm.sample(n, label, random_seed=seed)
        for label, n in {"obs": 50, "a1": 30, "a2": 30, "a1+a2": 205}.items()
    }
    fitted = {"obs": 40, "a1": 24, "a2": 24, "a1+a2": 164}
    train = pd.concat([parts[key][:n].assign(regime=key) for key, n in fitted.items()])
    test = parts["a1+a2"][164:]
    truth = scm.expected_outcome(test)
    data = ig.RegimeData.from_frame(train, outcome="y", actions=["a1", "a2"])
    rows = {row["estimator"]: row for row in unit.run()}
    for name, estimator, seen in (
        ("observational", ig.ObservationalRidge(), data.drop("a1+a2")),
        ("pooled", ig.PooledRidge(), data.drop("a1+a2")),
        ("ridge", ig.RidgeEstimator(), data.drop("a1+a2")),
        ("joint", ig.JointRidge(), data),
    ):
        answer = estimator.fit(seen).expected_outcome(test)
        assert rows[name]["rmse_effect"] == pytest.approx(rmse(answer, truth), rel=1e-9)
        assert rows[name]["rmse_outcome"] == pytest.approx(rmse(answer, test["y"]), rel=1e-9)
        assert rows[name]["perfect"] == pytest.approx(rmse(truth, test["y"]))
    draw = np.random.SeedSequence(seed.entropy, spawn_key=(int.from_bytes(b"posterior"),))
    posterior = ig.InterventionModel().fit(
        data.drop("a1+a2"),
        method="laplace",
        random_seed=int(np.random.default_rng(draw).integers(2**32)),
    )
    table = posterior.table(test, probability=0.9, beyond="clamp")
    assert rows["bayes"]["rmse_effect"] == pytest.approx(rmse(table["mean"], truth), rel=1e-6)
    assert rows["bayes"]["coverage"] == coverage(table["lower"], table["upper"], truth)


def test_settings_of_one_system_are_judged_at_the_same_rows():
    one = ReproduceUnit("fig2b", 1, 60, 30, 120, n_actions=2, estimators=("joint",)).run()
    other = ReproduceUnit("fig2b", 1, 120, 0, 120, n_actions=2, estimators=("joint",)).run()
    assert one[0]["rmse_outcome"] == other[0]["rmse_outcome"]


def test_defaults_are_the_settings_of_the_paper():
    (unit,) = plan_units("fig2a", PROTOTYPE, 1, default_sizes("fig2a"), (5,))
    assert (unit.n_obs, unit.n_sint, unit.n_jint) == (10**6, 10**6, 10**6)
    assert (unit.n_actions, unit.degree, unit.edge_probability) == (5, 3, 0.3)
    assert unit.estimators == ESTIMATORS
    units = plan_units("fig2b", PROTOTYPE, 1, default_sizes("fig2b"), (5,))
    assert {unit.n_obs + 5 * unit.n_sint for unit in units} == {60_000}
    assert units[0].estimators == ("observational", "joint")
    assert units[0].n_jint == 60_000
    found = [unit.n_sint / unit.n_obs for unit in units[1:]]
    assert found == pytest.approx(RATIOS, rel=2e-3)
    sizes = default_sizes("fig2c")
    assert (sizes[0], sizes[-1], len(sizes)) == (100, 10**6, 9)
    for unit, n in zip(plan_units("fig2c", PROTOTYPE, 1, sizes, (5,)), sizes, strict=True):
        assert (unit.n_obs, unit.n_sint, unit.n_jint) == (n, n, 6 * n)
    for figure in ("figA", "figB"):
        assert len(FIGURES[figure].n_actions) > 1
    assert default_sizes("figB") == (100, 1000, 10_000, 100_000)


@pytest.mark.parametrize("figure", FIGURES)
def test_units_of_a_plan_differ_in_their_keys(figure):
    units = plan_units(figure, PROTOTYPE, 2, default_sizes(figure), FIGURES[figure].n_actions)
    assert len({unit_key(unit) for unit in units}) == len(units)


@pytest.mark.parametrize("k", [2, 3, 5, 9])
def test_the_vertical_line_is_the_closed_form(k):
    """Theorem 1 on separate fits has variance (k-1)^2/n_obs + k/n_sint; its least, by search."""

    def variance(share: float) -> float:
        return (k - 1) ** 2 / share + k / ((1 - share) / k)

    best = optimize.minimize_scalar(variance, bounds=(1e-3, 1 - 1e-3), method="bounded")
    assert best.x == pytest.approx(1 / (1 + k * best_ratio(k)), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"estimators": ("ridge", "forest")}, "estimators must be"),
        ({"estimators": ()}, "estimators must be"),
        ({"estimators": ("joint", "joint")}, "estimators must be"),
        ({"n_obs": 9}, "n_obs must be a whole number of at least 10, got 9; ask for more rows"),
        ({"n_sint": 0}, "n_sint must be"),
        ({"n_actions": 1}, "n_actions must be"),
        ({"scm": -1}, "scm must be"),
        ({"edge_probability": 1.5}, "edge_probability must be from 0 to 1"),
        ({"method": "advi"}, "method must be one of"),
        ({"interactions": "some"}, "interactions must be one of"),
    ],
)
def test_units_check_their_settings(change, words):
    with pytest.raises(ModelError, match=words):
        replace(PROTOTYPE, **change)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fig3", 1, (100,), (5,)), "figure must be one of"),
        (("fig2a", 0, (100,), (5,)), "scms must be"),
        (("fig2a", 1, (100, 200), (5,)), "sizes must be one number for fig2a"),
        (("fig2c", 1, (100, 100), (5,)), "sizes must be different positive"),
        (("fig2c", 1, (100,), (2, 5)), "n_actions must be one number for fig2c.*use figA"),
        (("fig2b", 1, (100,), (5,), (0.0,)), "ratios must be different positive"),
        (("fig2b", 1, (20,), (5,), (0.05,)), "20 rows per regime, split with .* 0.05, leave"),
    ],
)
def test_plans_check_their_settings(arguments, words):
    figure, scms, *rest = arguments
    with pytest.raises(ModelError, match=words):
        plan_units(figure, PROTOTYPE, scms, *rest)


def table(**columns):
    base = {"K": 5, "n_obs": 100, "n_sint": 100, "estimator": "joint", "coverage": np.nan}
    base |= {"rmse_outcome": 1.0, "rmse_effect": 1.0, "perfect": 0.3, "seconds": 1.0}
    rows = pd.DataFrame(base | {"converged": True} | columns)
    return rows.assign(figure="fig2c", scm=range(len(rows)))


def test_means_and_their_standard_errors():
    (found,) = average(table(rmse_effect=[1.0, 2.0, 6.0])).to_dict("records")
    assert (found["scms"], found["rmse_effect"], found["total"], found["n"]) == (3, 3.0, 600, 100)
    assert found["rmse_effect_se"] == pytest.approx(np.sqrt(7 / 3))
    assert found["share"] == 1 / 6


def test_rows_needed_are_read_off_the_curves():
    n = np.array([100.0, 400.0, 1600.0])
    at, ratio = rows_needed(10 * n, 1 / np.sqrt(n), n, 1 / np.sqrt(n))
    np.testing.assert_allclose(at, n)
    np.testing.assert_allclose(ratio, 10)
    at, ratio = rows_needed(n, 5 / np.sqrt(n), n, 1 / np.sqrt(n))
    assert at.size == ratio.size == 0  # 25 times 100 rows are more than there are
    names = ["joint"] * 3 + ["bayes"] * 3
    rows = table(
        estimator=names, n_obs=np.tile(n, 2), n_sint=np.tile(n, 2),
        rmse_effect=np.concatenate([1, 2] * (1 / np.sqrt(n))[:, None]).reshape(3, 2).T.ravel(),
    )  # fmt: skip
    assert "bayes needs" in format_report("fig2c", average(rows))
    assert "4 at 600, 4 at 2,400" in format_report("fig2c", average(rows))


def test_pictures_show_the_means():
    n = np.array([100, 400, 1600])
    rows = table(estimator=["joint"] * 3, n_obs=n, n_sint=n, rmse_effect=[0.3, 0.2, 0.1])
    canvas = draw_figure("fig2c", average(rows))
    line = canvas.axes[1].get_lines()[0]
    assert np.allclose(line.get_xydata(), [[600, 0.3], [2400, 0.2], [9600, 0.1]])
    plt.close(canvas)
    rows = table(estimator=["ridge", "joint"], n_obs=[400, 600], n_sint=[40, 0])
    canvas = draw_figure("fig2b", average(rows))
    ridge, joint, best = canvas.axes[0].get_lines()
    assert np.allclose(ridge.get_xydata(), [[400 / 600, 1.0]])
    assert np.allclose(joint.get_ydata(), 1.0)
    assert np.allclose(best.get_xdata(), 4 / 9)
    plt.close(canvas)


@pytest.mark.parametrize(
    ("figure", "settings", "rows"),
    [
        ("fig2a", [], 2 * 5),
        ("fig2b", SHORT, 2 * (2 + 2 * 2)),
        ("fig2c", ["--estimators", "ridge,joint"], 2 * 2),
        ("figA", ["--n-actions", "2,3", "--estimators", "joint,bayes"], 2 * 2 * 2),
        pytest.param(
            *("figB", [*SHORT, "--n-actions", "2,3", "--estimators", "joint,ridge"], 12),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_command_line_end_to_end(tmp_path, capsys, request, figure, settings, rows):
    if figure != "fig2a":
        request.getfixturevalue("threads")
    workers = ["--workers", "1"]
    assert main(["reproduce", figure, "--out", str(tmp_path), *TINY, *settings, *workers]) == 0
    shown = capsys.readouterr()
    assert "rmse_effect" in shown.out
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {".units", f"{figure}.csv", f"{figure}.png", f"{figure}.pdf"}
    found = pd.read_csv(tmp_path / f"{figure}.csv")
    assert found.columns.tolist() == list(COLUMNS)
    assert len(found) == rows
    assert set(found["figure"]) == {figure}
    assert np.isfinite(found[["rmse_outcome", "rmse_effect", "seconds"]]).all(axis=None)
    assert (found["coverage"].notna() == (found["estimator"] == "bayes")).all()

    # Nothing is left to do: the same table again, `seconds` included
    before = (tmp_path / f"{figure}.csv").read_bytes()
    assert main(["reproduce", figure, "--out", str(tmp_path), *TINY, *settings, *workers]) == 0
    assert "were done before" in capsys.readouterr().err
    assert (tmp_path / f"{figure}.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--scms", "0"], "scms must be"),
        (["--n", "5"], "n_obs must be"),
        (["--estimators", "ridge,forest"], "estimators must be"),
        (["--n-actions", "2,3"], "--n-actions must be one number"),
        (["--n", "100", "--sizes", "100"], "exclude each other"),
        (["--workers", "0"], "workers must be"),
    ],
)
def test_bad_options_are_refused_before_anything_runs(tmp_path, capsys, change, words):
    assert main(["reproduce", "fig2a", "--out", str(tmp_path), *change]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.json"))


def without_seconds(path):
    """Return the lines of a table, as they are in the file, without their last column."""
    lines = path.read_text().splitlines()
    assert lines[0].endswith(",seconds")
    return [line.rpartition(",")[0] for line in lines]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="kills with a signal")
def test_the_table_is_the_same_to_the_byte_after_a_kill(tmp_path, threads):
    """One thread to the end, against two processes that are killed at some moment, and resumed."""
    settings = ["fig2c", "--scms", "3", "--sizes", "100,200", "--n-actions", "2", "--seed", "9"]
    command = [sys.executable, "-m", "bayes_intgen.cli.main", "reproduce", *settings]
    assert main(["reproduce", *settings, "--workers", "1", "--out", str(tmp_path / "whole")]) == 0
    killed = tmp_path / "killed"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*command, "--workers", "2", "--out", str(killed)], **quiet) as study:
        end = time.monotonic() + 120
        while not list(killed.glob(".units/[!.]*.json")):
            assert study.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        time.sleep(np.random.default_rng(os.getpid()).uniform(0, 0.5))
        study.send_signal(signal.SIGKILL)
    kept = {path: path.read_bytes() for path in killed.glob(".units/[!.]*.json")}
    assert 1 <= len(kept) <= 6
    assert main(["reproduce", *settings, "--workers", "1", "--out", str(killed)]) == 0
    assert without_seconds(killed / "fig2c.csv") == without_seconds(tmp_path / "whole/fig2c.csv")
    # What was done before the kill was not done again, so that its seconds stayed too
    assert {path: path.read_bytes() for path in kept} == kept
    seconds = {row["seconds"] for text in kept.values() for row in json.loads(text)["rows"]}
    assert seconds <= set(pd.read_csv(killed / "fig2c.csv")["seconds"])

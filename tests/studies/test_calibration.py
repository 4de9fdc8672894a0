"""The calibration study: its measures against their definitions, and the command line."""

import json

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.metrics import coverage, rmse
from bayes_intgen.cli.main import main
from bayes_intgen.studies.random_systems.calibration import (
    COVERAGES,
    FAMILIES,
    CalibrationUnit,
    compare,
)
from bayes_intgen.studies.random_systems.report import format_summary, summarise

TINY = {"n": 300, "n_actions": 2, "points": 1500}


@pytest.fixture(scope="module")
def case():
    """A fit, joint settings of which some lie far out, and the truth there."""
    scm = FAMILIES["paper"](2, np.random.SeedSequence(5))
    frame = scm.sample_regimes(scm.single_regimes, 300, random_seed=1)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    posterior = ig.InterventionModel().fit(data, method="laplace")
    at = scm.sample(1500, do=scm.actions, random_seed=2)[list(scm.actions)]
    return posterior, at, scm.expected_outcome(at).to_numpy()


def test_measures_agree_with_the_table_of_the_posterior(case):
    posterior, at, truth = case
    rows = {row.pop("settings"): row for row in compare(posterior, at, truth, truth + 2.0)}
    for name, nominal in COVERAGES.items():
        table = posterior.table(at, probability=nominal, beyond="clamp")
        flagged = (table["support"] == "supported").to_numpy()
        assert 0.5 < flagged.mean() < 0.99
        kinds = {"all": flagged | True, "supported": flagged, "unsupported": ~flagged}
        assert list(rows) == list(kinds)
        for kind, chosen in kinds.items():
            part, true, row = table[chosen], truth[chosen], rows[kind]
            assert row[name] == coverage(part["lower"], part["upper"], true)
            assert row["rmse"] == pytest.approx(rmse(part["mean"], true), rel=1e-10)
            assert row["level"] == pytest.approx(np.mean(part["mean"] - true), abs=1e-12)
            assert row["rmse"] ** 2 == pytest.approx(row["level"] ** 2 + row["shape"] ** 2)
            assert (row["points"], row["share"]) == (chosen.sum(), chosen.mean())
            assert row["spread"] == pytest.approx(true.std())
            assert row["rmse_ridge"] == pytest.approx(2.0)


def test_a_kind_without_settings_has_no_row(case):
    posterior, at, truth = case
    near = posterior.table(at, beyond="clamp")["support"].to_numpy() == "supported"
    assert [row["settings"] for row in compare(posterior, at[near], truth[near], truth[near])] == [
        "all",
        "supported",
    ]


@pytest.mark.parametrize(
    ("error", "inside"), [(0.0, 1.0), (1.0, 0.0)], ids=["the mean itself", "far off"]
)
def test_coverage_is_all_or_nothing_where_it_must_be(case, error, inside):
    posterior, at, _ = case
    mean = posterior.expected_outcome(at, beyond="clamp").mean(("chain", "draw")).to_numpy()
    row = compare(posterior, at, mean + 1e6 * error, mean)[0]
    assert row["coverage_50"] == row["coverage_95"] == inside
    assert row["level"] == pytest.approx(-1e6 * error, abs=1e-9)
    assert row["shape"] == pytest.approx(0, abs=1e-6)


def test_systems_differ_within_a_family_and_between_seeds():
    units = [CalibrationUnit("linear", i, seed, **TINY) for i, seed in [(0, 1), (1, 1), (0, 2)]]
    errors = {unit.run()[0]["rmse"] for unit in units}
    assert len(errors) == 3


def test_summary_has_means_and_standard_errors_over_systems():
    rows = pd.DataFrame({"family": "linear", "settings": "all", "level": [-3.0, 1.0, 2.0]})
    rows = rows.assign(
        share=1.0, rmse_ridge=1.0, spread=1.0, rmse=[3.0, 4.0, 5.0], shape=0.5, seconds=2.0
    )
    rows = rows.assign(converged=[True, True, False], **dict.fromkeys(COVERAGES, 0.8))
    rows = rows.assign(needed_interactions=["none", "pairwise", "none"])
    (found,) = summarise(rows).to_dict("records")
    assert found["needs_none"] == pytest.approx(2 / 3)
    assert found["needs_all"] == 0
    assert found["scms"] == 3
    assert found["level"] == 2.0  # of the sizes 3, 1 and 2
    assert found["rmse"] == 4.0
    assert found["rmse_se"] == pytest.approx(1 / np.sqrt(3))
    assert found["converged"] == pytest.approx(2 / 3)
    text = format_summary(summarise(rows))
    assert "4±0.6" in text
    assert "0.80±0.00" in text
    assert "nan" not in format_summary(summarise(rows[:1]))


@pytest.mark.slow
def test_command_line_end_to_end(tmp_path, capsys):
    out = tmp_path / "study"
    options = ["--family", "linear,common-support", "--scms", "1", "--workers", "1", "--seed", "4"]
    options += [part for name, value in TINY.items() for part in (f"--{name}", str(value))]
    options = [option.replace("n_actions", "n-actions") for option in options]
    assert main(["calibrate", "--out", str(out), *options]) == 0
    shown = capsys.readouterr()
    assert "2 of 2 units" in shown.err
    assert "common-support" in shown.out
    names = {path.name for path in out.iterdir()}
    assert names == {".units", "calibration.csv", "calibration.png", "summary.csv"}
    table = pd.read_csv(out / "calibration.csv")
    assert set(table["family"]) == {"linear", "common-support"}
    # In another process the same numbers as here
    found = table[table["family"] == "linear"].drop(columns="seconds").reset_index(drop=True)
    expected = pd.DataFrame(CalibrationUnit("linear", 0, seed=4, **TINY).run())
    pd.testing.assert_frame_equal(found, expected.drop(columns="seconds"), rtol=1e-6)
    summary = pd.read_csv(out / "summary.csv")
    assert summary["scms"].tolist() == [1] * len(summary)

    # Nothing is left to do, so that a mark in a unit's file reaches the table
    (file,) = (out / ".units").glob("linear-*.json")
    state = json.loads(file.read_text())
    state["rows"][0]["rmse"] = 123.0
    file.write_text(json.dumps(state))
    assert main(["calibrate", "--out", str(out), *options]) == 0
    assert "2 of 2 units were done before" in capsys.readouterr().err
    assert pd.read_csv(out / "calibration.csv")["rmse"].max() == 123.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--family", "paper,cubic"], "family must be one of"),
        (["--scms", "0"], "--scms must be at least 1"),
        (["--n", "0"], "n must be"),
        (["--workers", "0"], "workers must be"),
    ],
)
def test_bad_options_are_refused_before_anything_runs(tmp_path, capsys, change, words):
    assert main(["calibrate", "--out", str(tmp_path), *change]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.json"))


def test_units_check_their_settings():
    for name in ("index", "seed"):
        with pytest.raises(ModelError, match=f"{name} must be"):
            CalibrationUnit(**{"family": "linear", "index": 0, name: -1})

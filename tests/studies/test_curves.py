"""The study of families of curves: measures against definitions, the report, and the command."""

import json

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.metrics import coverage, credible_interval, rmse
from bayes_intgen.cli.main import main
from bayes_intgen.studies.curves.families import CURVE_FAMILIES, read_families
from bayes_intgen.studies.curves.report import (
    AT_SETTINGS,
    MEAN,
    MEASURES,
    draw_curves,
    format_curves,
    summarise_curves,
)
from bayes_intgen.studies.curves.system import draw_system
from bayes_intgen.studies.curves.unit import CurveUnit, compare_curves, median_settings

mpl.use("Agg")

TINY = {"n": 150, "n_actions": 2, "points": 40}


@pytest.fixture(scope="module")
def case():
    """A fit, the median setting with others after it, the truth and another answer there."""
    rng = np.random.default_rng(11)
    system = draw_system(CURVE_FAMILIES["gap"], 2, rng)
    frame = system.sample_regimes(rng, most=300)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=system.actions)
    posterior = ig.InterventionModel().fit(data, method="laplace")
    middle = median_settings(frame, system.actions)
    near = np.array([[-1.5, 1.5], [1.5, 1.5], [1.5, -1.5], [1.45, 1.4]])
    at = np.vstack([middle, middle, near, system.draw_settings(200, rng)])
    return posterior, at, system.expected_outcome(at)


def test_measures_agree_with_the_tables_of_the_posterior(case):
    posterior, at, truth = case
    row = compare_curves(posterior, at, truth, truth + np.arange(len(at)) / 100)
    assert set(np.abs(at[0])) == {1.5}  # a setting that was tested, never one in between
    points = pd.DataFrame(at[1:], columns=posterior.actions)
    middle = dict(zip(posterior.actions, at[0], strict=True))
    levels = posterior.table(points, probability=0.9, beyond="clamp")
    draws = posterior.contrast(points, middle, beyond="clamp")
    lower, upper = credible_interval(draws, 0.9)
    mean = draws.mean(("chain", "draw"))
    changes = pd.DataFrame({"mean": mean, "lower": lower, "upper": upper})
    flags = levels["support"].to_numpy()
    assert 0 < np.mean(flags == "supported") < 0.5
    assert row["supported"] == np.mean(flags == "supported")
    assert row["extrapolated"] == np.mean(flags == "extrapolated")
    sd = truth[1:].std()
    assert row["spread"] == pytest.approx(sd)
    moved = [tuple(point) != tuple(at[0]) for point in at[1:]]
    assert 1 <= moved.count(False) <= 2
    added = np.arange(1, len(at)) / 100
    for ending, chosen in (("", flags != ""), ("_supported", flags == "supported")):
        for kind, table, true, asked in (
            ("", levels, truth[1:], chosen),
            ("_contrast", changes, truth[1:] - truth[0], chosen & moved),
        ):
            part, true_part = table[asked], true[asked]
            found = row[f"rmse{kind}{ending}"]
            assert found == pytest.approx(rmse(part["mean"], true_part) / sd, rel=1e-9)
            expected = np.sqrt(np.mean(added[asked] ** 2)) / sd
            assert row[f"rmse_ridge{kind}{ending}"] == pytest.approx(expected)
            inside = coverage(part["lower"], part["upper"], true_part)
            assert row[f"coverage{kind}{ending}"] == inside
    assert row["rmse"] ** 2 == pytest.approx(row["level"] ** 2 + row["shape"] ** 2)
    assert row["level"] == pytest.approx(np.mean(levels["mean"] - truth[1:]) / sd)


def test_nothing_is_said_of_supported_settings_where_there_are_none(case):
    posterior, at, _ = case
    inner = np.vstack([at[:1], [[0.0, 0.1], [0.2, 0.0]]])
    row = compare_curves(posterior, inner, np.array([0.0, 1.0, 2.0]), np.zeros(3))
    assert (row["supported"], row["extrapolated"]) == (0, 1)
    assert all(np.isnan(row[f"{name}_supported"]) for name in AT_SETTINGS)
    assert np.isfinite([row[name] for name in AT_SETTINGS]).all()


def test_a_unit_follows_from_its_fields():
    (first,), (again,) = (CurveUnit("jump", 1, **TINY).run() for _ in range(2))
    assert first | {"seconds": 0} == again | {"seconds": 0}
    others = [
        CurveUnit("jump", 2, **TINY),
        CurveUnit("jump", 1, 2, **TINY),
        CurveUnit("kink", 1, **TINY),
    ]
    errors = {row["rmse"] for unit in others for row in unit.run()}
    assert len(errors | {first["rmse"]}) == 4


def made_up_rows():
    """Return rows of three families, in one of which nothing is supported."""
    rng = np.random.default_rng(12)
    rows = pd.DataFrame(rng.uniform(0.1, 1, (9, len(MEASURES))), columns=list(MEASURES))
    rows.insert(0, "family", ["jump", "gap", "clusters"] * 3)
    rows["seconds"] = np.arange(9.0) ** 2
    rows["level"] -= 0.5
    rows.loc[rows["family"] == "gap", [f"{name}_supported" for name in AT_SETTINGS]] = np.nan
    return rows.assign(converged=True)


def test_the_summary_is_a_mean_over_systems_and_then_over_families():
    rows = made_up_rows()
    table = summarise_curves(rows).set_index("family")
    assert list(table.index) == ["jump", "gap", "clusters", MEAN]
    jump = rows[rows["family"] == "jump"]
    assert table.loc["jump", "rmse"] == pytest.approx(jump["rmse"].mean())
    error = jump["rmse"].std(ddof=1) / np.sqrt(3)
    assert table.loc["jump", "rmse_se"] == pytest.approx(error)
    assert table.loc["jump", "level"] == pytest.approx(jump["level"].abs().mean())
    assert table.loc["jump", "seconds"] == 9  # the median of 0, 9 and 36
    assert table.loc[MEAN, "rmse"] == pytest.approx(table["rmse"].iloc[:3].mean())
    total = np.sqrt((table["rmse_se"].iloc[:3] ** 2).sum()) / 3
    assert table.loc[MEAN, "rmse_se"] == pytest.approx(total)
    assert np.isnan(table.loc["gap", "coverage_supported"])
    of_two = table.loc[["jump", "clusters"], "coverage_supported"].mean()
    assert table.loc[MEAN, "coverage_supported"] == pytest.approx(of_two)
    assert table["breaks"].tolist() == ["", "", "rows are not independent", ""]


def test_the_report_marks_what_breaks_an_assumption_and_has_no_nan():
    rows = made_up_rows()
    text = format_curves(summarise_curves(rows))
    assert "nan" not in text
    assert "clusters*" in text
    assert "coverage is not owed" in text
    kept = rows[rows["family"] == "jump"]
    assert "*" not in format_curves(summarise_curves(kept))
    assert "±" not in format_curves(summarise_curves(kept[:1]))


def test_the_picture_has_a_dot_per_family_and_a_line_at_90_percent():
    summary = summarise_curves(made_up_rows())
    figure = draw_curves(summary)
    levels, supported, errors = figure.axes
    for ax, name in ((levels, "coverage"), (supported, "coverage_supported"), (errors, "rmse")):
        dots = ax.containers[0].lines[0]
        assert np.allclose(dots.get_xdata(), summary[name], equal_nan=True)
        assert [text.get_text() for text in levels.get_yticklabels()][-2:] == ["clusters*", MEAN]
        lines = [line for line in ax.get_lines() if set(line.get_xdata()) == {0.9}]
        assert len(lines) == (ax is not errors)
    plt.close(figure)


@pytest.mark.slow
def test_the_command_runs_resumes_and_reports_what_is_recomputed(tmp_path, capsys):
    out = tmp_path / "study"
    options = ["--families", "jump,clusters", "--scms", "2", "--workers", "1", "--seed", "4"]
    options += [part for name, value in TINY.items() for part in (f"--{name}", str(value))]
    options = [option.replace("n_actions", "n-actions") for option in options]
    assert main(["calibrate", "--out", str(out), *options]) == 0
    shown = capsys.readouterr()
    assert "4 of 4 units" in shown.err
    files = ["families.csv", "families.png", "families.txt", "families_summary.csv"]
    assert sorted(path.name for path in out.iterdir()) == [".units", *files]
    assert (out / "families.txt").read_text() in shown.out
    table = pd.read_csv(out / "families.csv")
    # In another process the same numbers as here
    units = [CurveUnit("jump", i, seed=4, **TINY) for i in range(2)]
    expected = pd.DataFrame([row for unit in units for row in unit.run()])
    columns = [name for name in expected if name != "seconds"]
    found = table.loc[table["family"] == "jump", columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected[columns], rtol=1e-6)
    summary = pd.read_csv(out / "families_summary.csv", keep_default_na=False, na_values=[""])
    assert summary["family"].tolist() == ["jump", "clusters", MEAN]
    for name in ("rmse", "coverage_contrast", "supported"):
        means = table.groupby("family", sort=False)[name].mean()
        assert summary[name].tolist() == pytest.approx([*means, means.mean()], rel=1e-6)

    # Nothing is left to do, so that a mark in a unit's file reaches the table
    (file,) = (out / ".units").glob("jump-0001-*.json")
    state = json.loads(file.read_text())
    state["rows"][0]["rmse"] = 123.0
    file.write_text(json.dumps(state))
    assert main(["calibrate", "--out", str(out), *options]) == 0
    assert "4 of 4 units were done before" in capsys.readouterr().err
    assert pd.read_csv(out / "families.csv")["rmse"].max() == 123.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--families", "jump,cubic"], "--families must be out of smooth, saturating, "),
        (["--families", "jump,cubic"], "clusters, got ['cubic']"),
        (["--families", ","], "--families must be out of smooth"),
        (["--families", "--family", "paper"], "exclude each other"),
        (["--families", "--n", "0"], "n must be"),
        (["--families", "--points", "1"], "points must be"),
    ],
)
def test_bad_options_are_refused_before_anything_runs(tmp_path, capsys, change, words):
    assert main(["calibrate", "--out", str(tmp_path), *change]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.json"))


def test_families_alone_means_all_of_them(tmp_path, monkeypatch):
    asked = []

    def keep(units, *_):
        asked.extend(unit.family for unit in units)
        raise ModelError("enough")

    monkeypatch.setattr("bayes_intgen.cli.calibrate.run_sweep", keep)
    assert main(["calibrate", "--families", "--scms", "1", "--out", str(tmp_path)]) == 2
    assert asked == list(CURVE_FAMILIES)


def test_names_of_families_are_checked_and_none_counts_twice():
    assert read_families(["kink", "jump", "kink"]) == ["kink", "jump"]
    with pytest.raises(ModelError, match=r"families must be out of smooth.*got \['cubic'\]"):
        read_families(["cubic", "jump"])
    with pytest.raises(ModelError, match="family must be one of"):
        CurveUnit("cubic", 0)

"""The comparison with related work: rows of a unit, the report, and a study that was stopped."""

from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.cli import compare
from bayes_intgen.cli.main import main
from bayes_intgen.studies.relatives.families import RELATIVES, draw_case
from bayes_intgen.studies.relatives.report import (
    draw_comparison,
    format_comparison,
    summarise_comparison,
)
from bayes_intgen.studies.relatives.unit import COLUMNS, ESTIMATORS, CompareUnit
from bayes_intgen.studies.runner.pool import Pool

mpl.use("Agg")

QUICK = ("observational", "pooled", "ridge", "factor", "additive-noise", "aggregation", "joint")


@pytest.mark.parametrize("family", RELATIVES)
def test_a_case_is_the_same_for_the_same_seed_and_its_truth_is_that_of_joint_rows(family):
    one, two = (draw_case(family, 2, 3000, 50, np.random.SeedSequence([1, 2])) for _ in range(2))
    pd.testing.assert_frame_equal(one.rows, two.rows)
    pd.testing.assert_frame_equal(one.settings, two.settings)
    assert set(one.rows["regime"]) == {"obs", "a1", "a2"}
    data = ig.RegimeData.from_frame(one.joint, outcome="y", actions=one.actions)
    fitted = ig.JointRidge(degree=5).fit(data).expected_outcome(one.settings)
    assert np.corrcoef(fitted, one.truth)[0, 1] > 0.95


def test_a_unit_compares_every_estimator_with_the_truth():
    unit = CompareUnit("noise-linear", 0, n=400, n_actions=2, points=100, estimators=QUICK)
    rows = pd.DataFrame(unit.run()).set_index("estimator")
    assert list(rows.reset_index().columns.sort_values()) == sorted(COLUMNS)
    case = draw_case("noise-linear", 2, 400, 100, np.random.SeedSequence([1, 0]))
    data = ig.RegimeData.from_frame(case.rows, outcome="y", actions=case.actions)
    answer = ig.CausalAggregation().fit(data).expected_outcome(case.settings)
    error = np.sqrt(np.mean((answer.to_numpy() - case.truth) ** 2)) / case.truth.std()
    assert rows.loc["aggregation", "rmse"] == pytest.approx(error)
    inside = np.abs(answer.to_numpy() - case.truth) < 1.6449 * answer["sd"].to_numpy()
    assert rows.loc["aggregation", "coverage"] == pytest.approx(inside.mean(), abs=0.02)
    assert rows["coverage"].notna().sum() == 1
    assert rows.loc["additive-noise", "rmse"] < rows.loc["ridge", "rmse"] / 3
    assert (rows["note"] == "").all()


def test_the_report_has_medians_and_says_whose_assumptions_hold():
    numbers = [(0, 0.1), (1, 0.3), (2, 0.2), (3, np.nan)]
    rows = pd.DataFrame(
        [("shared-cubic", i, e, v, 0.9, 1.0, "") for i, v in numbers for e in ESTIMATORS],
        columns=COLUMNS,
    )
    summary = summarise_comparison(rows)
    assert (summary["rmse"] == 0.2).all()
    assert (summary["scms"] == 3).all()
    holds = set(summary.loc[summary["assumptions"], "estimator"])
    assert holds == {"aggregation", "joint"}
    assert "0.200*" in format_comparison(summary)
    figure = draw_comparison(rows, summary)
    assert figure.axes[0].get_title().startswith("shared-cubic")
    plt.close(figure)


def test_a_study_that_was_stopped_ends_in_the_same_bytes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        compare, "local_processes", lambda n: Pool(n, lambda: ThreadPoolExecutor(1))
    )
    options = ["--families", "noise-linear,shared-linear", "--estimators", "ridge,aggregation"]
    options += ["--n", "100", "--n-actions", "2", "--workers", "1"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert main(["compare", *options, "--scms", "2", "--out", str(whole)]) == 0
    assert main(["compare", *options, "--scms", "1", "--out", str(parts)]) == 0
    assert main(["compare", *options, "--scms", "2", "--out", str(parts)]) == 0
    assert "2 of 4 units were done before" in capsys.readouterr().err
    for name in ("comparison.csv", "summary.csv", "comparison.txt", "comparison.png"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"family": "other"}, "family must be one of"),
        ({"estimators": ("ridge", "ridge")}, "different ones out of"),
        ({"n": 5}, "n must be a whole number of at least 50"),
    ],
)
def test_fields_that_make_no_sense_are_refused(change, says):
    with pytest.raises(ig.ModelError, match=says):
        CompareUnit(**{"family": "paper", "index": 0} | change)


def test_unknown_families_are_refused(capsys, tmp_path):
    assert main(["compare", "--families", "other", "--out", str(tmp_path)]) == 2
    assert "--families must be out of paper" in capsys.readouterr().err

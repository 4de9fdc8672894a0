"""``bayes-intgen plan``: the answers of ``posterior.plan``, asked for by text."""

import json

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.cli.main import main
from models import linear


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("plan")
    data = ig.RegimeData.from_frame(linear.make_data(100, random_seed=1), "y", ["a1", "a2"])
    model = ig.InterventionModel(ig.Polynomial(1))
    model.fit(data, method="laplace", draws=128).save(path / "fit.nc")
    pd.DataFrame({"a1": [0.5, 0.0], "a2": [0.0, 0.5]}).to_csv(path / "points.csv", index=False)
    pd.DataFrame({"a1": [0.0], "a2": [0.0]}).to_csv(path / "base.csv", index=False)
    return path


def test_it_plans_what_python_plans(folder, capsys):
    asked = ["plan", str(folder / "fit.nc"), "--points", str(folder / "points.csv")]
    asked += ["--baseline", str(folder / "base.csv"), "--budget", "900", "--cost", "a1=3,obs=0.5"]
    asked += ["--options", "obs,a1,a1+a2", "--fixed", "a1+a2=50"]
    assert main([*asked, "--out", str(folder / "plan.csv"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    expected = ig.load(folder / "fit.nc").plan(
        {"a1": [0.5, 0.0], "a2": [0.0, 0.5]},
        {"a1": 0.0, "a2": 0.0},
        ["obs", "a1", "a1+a2"],
        budget=900,
        cost={"a1": 3.0, "obs": 0.5},
        fixed={"a1+a2": 50.0},
    )
    assert answer["table"] == expected.table.to_dict("records")
    assert answer["sd_after"] == expected.sd_after.tolist()
    assert answer["curve"][0]["evsi"] is None
    pd.testing.assert_frame_equal(pd.read_csv(folder / "plan.csv"), expected.table)


def test_the_best_setting_is_a_goal(folder, capsys):
    asked = ["plan", str(folder / "fit.nc"), "--bounds", "a1=-1:1,a2=-1:1"]
    assert main([*asked, "--value", "1e-9", "--cost", "obs=1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["decision"]["pays"] is False
    assert sum(row["rows"] for row in answer["table"]) == 0


def test_mistakes_are_told(folder, capsys):
    fit = str(folder / "fit.nc")
    assert main(["plan", fit, "--bounds", "a1", "--average"]) == 2
    assert "--baseline" in capsys.readouterr().err
    assert main(["plan", fit, "--points", str(folder / "points.csv")]) == 2
    assert "--rows: say how much, as --rows 1000" in capsys.readouterr().err


def test_goals_have_the_names_of_their_points(folder, capsys, tmp_path):
    table = pd.DataFrame({"name": ["now", "sale"], "a1": [0.5, 0.0], "a2": [0.0, 0.5]})
    table.to_csv(tmp_path / "named.csv", index=False)
    asked = ["plan", str(folder / "fit.nc"), "--points", str(tmp_path / "named.csv")]
    assert main([*asked, "--rows", "50", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["goals"] == ["now", "sale"]


@pytest.fixture(scope="module")
def gap(tmp_path_factory):
    """The best a lies between the two values that its experiment tried."""
    rng = np.random.default_rng(1)
    parts = []
    for regime in ("obs", "a", "b"):
        rows = pd.DataFrame({"a": rng.normal(0, 0.3, 200), "b": rng.uniform(-1, 1, 200)})
        if regime == "a":
            rows["a"] = rng.choice([-1.0, 1.0], 200)
        parts.append(
            rows.assign(y=rows["b"] - rows["a"] ** 2 + rng.normal(0, 1, 200), regime=regime)
        )
    data = ig.RegimeData.from_frame(pd.concat(parts), "y", ["a", "b"])
    path = tmp_path_factory.mktemp("gap") / "fit.nc"
    model = ig.InterventionModel(ig.Polynomial(2), structure=[], interactions="none")
    model.fit(data, method="laplace", draws=128).save(path)
    return path


def test_a_plan_says_what_best_says_of_values_between(gap, capsys):
    asked = ["plan", str(gap), "--bounds", "a,b", "--cost", "obs=1", "--value", "1e-6"]
    assert main(asked) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "repeating the values tried so far does not pay" in said
    assert "no further experiment pays" not in said
    assert "BETWEEN TESTED VALUES" in said
    assert "plan with --settings that try others of a." in said
    assert main([*asked, "--settings", "a=-0.5:0:0.5", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["decision"]["untested"] == []
    assert answer["simulated"] == ["a"]

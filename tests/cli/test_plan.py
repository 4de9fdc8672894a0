"""``bayes-intgen plan``: the answers of ``posterior.plan``, asked for by text."""

import json

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
    assert "rows: say how much" in capsys.readouterr().err

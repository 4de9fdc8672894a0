"""The command line, run in process."""

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.base.metrics import rmse
from bayes_intgen.cli.main import main
from models import linear


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "data.csv"
    linear.make_data(300, random_seed=1).to_csv(path, index=False)
    return path


@pytest.fixture
def fit(table, tmp_path):
    out = tmp_path / "fit.nc"
    arguments = ["--outcome", "y", "--actions", "a1,a2", "--method", "laplace"]
    arguments += ["--basis", "polynomial", "--degree", "1"]
    assert main(["fit", str(table), *arguments, "--regime", "regime", "--out", str(out)]) == 0
    return out


@pytest.fixture
def points(tmp_path):
    path = tmp_path / "points.csv"
    frame = pd.DataFrame({"a1": [0.0, 1.0, 40.0], "a2": [1.0, -1.0, 0.0], "extra": ["x", "y", "z"]})
    frame.to_csv(path, index=False)
    return path


def test_fit_then_query(fit, points, tmp_path, capsys):
    out = tmp_path / "effects.csv"
    assert main(["query", str(fit), "--points", str(points), "--out", str(out)]) == 0
    table = pd.read_csv(out)
    answer = ["a1", "a2", "mean", "sd", "lower", "upper", "support"]
    assert list(table.columns) == ["a1", "a2", "extra", *answer[2:]]
    assert table["extra"].tolist() == ["x", "y", "z"]
    expected = ig.load(fit).table({"a1": table["a1"], "a2": table["a2"]})
    pd.testing.assert_frame_equal(table[answer], expected.reset_index(drop=True))
    error = table["mean"] - linear.truth(table["a1"], table["a2"])
    assert (np.abs(error) < 4 * table["sd"]).all()
    assert table["support"].tolist() == ["supported", "supported", "outside"]
    shown = capsys.readouterr()
    assert "3 points (2 supported, 1 outside)" in shown.out
    assert "1 of 3 points lie beyond the support" in shown.err


def test_query_predicts_single_outcomes(fit, points, tmp_path):
    out = tmp_path / "effects.csv"
    arguments = ["query", str(fit), "--points", str(points), "--out", str(out), "--predict"]
    assert main([*arguments, "--interval", "0.8", "--seed", "3", "--do", "a2"]) == 0
    table = pd.read_csv(out)
    assert list(table.columns)[-3:] == ["support", "predicted_lower", "predicted_upper"]
    draws = ig.load(fit).predict(pd.read_csv(points), ["a2"], random_seed=3)
    lower, upper = draws.quantile([0.1, 0.9], ("chain", "draw")).to_numpy()
    assert np.allclose(table["predicted_lower"], lower)
    assert np.allclose(table["predicted_upper"], upper)


@pytest.mark.parametrize(("text", "do"), [("none", []), ("a1", ["a1"]), ("a2, a1", None)])
def test_query_of_mixed_effects(fit, points, tmp_path, text, do):
    out = tmp_path / "effects.csv"
    assert main(["query", str(fit), "--points", str(points), "--do", text, "--out", str(out)]) == 0
    expected = ig.load(fit).table(pd.read_csv(points), do=do)
    assert np.allclose(pd.read_csv(out)["mean"], expected["mean"])


def test_query_prints_without_out(fit, points, capsys):
    capsys.readouterr()
    assert main(["query", str(fit), "--points", str(points), "--interval", "0.5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    answer = ["mean", "sd", "lower", "upper", "support"]
    assert lines[0].split() == ["a1", "a2", "extra", *answer]
    assert len(lines) == 4


def test_fit_shows_regimes_and_effects(table, tmp_path, capsys):
    arguments = ["--outcome", "y", "--actions", "a1,a2", "--out", str(tmp_path / "fit.nc")]
    assert main(["fit", str(table), *arguments, "--method", "laplace"]) == 0
    shown = capsys.readouterr().out
    for words in ("none (observational)", "300", "E[y | do(a1, a2)]", "Saved to"):
        assert words in shown


def test_regimes_can_be_left_out(table, tmp_path, capsys):
    arguments = ["--outcome", "y", "--actions", "a1,a2", "--out", str(tmp_path / "fit.nc")]
    assert main(["fit", str(table), *arguments, "--drop", "a2"]) == 2
    assert "missing an experiment that sets 'a2'" in capsys.readouterr().err


def test_a_target_takes_fewer_regimes(table, tmp_path, capsys):
    out = tmp_path / "fit.nc"
    arguments = ["--outcome", "y", "--actions", "a1,a2", "--method", "laplace", "--out", str(out)]
    arguments += ["--basis", "polynomial", "--degree", "1"]
    for target, regime in (("a1", ("a1",)), ("obs", ())):
        assert main(["fit", str(table), *arguments, "--drop", "a2", "--target", target]) == 0
        assert ig.load(out).target == regime
    assert main(["fit", str(table), *arguments, "--drop", "a2", "--target", "price"]) == 2
    assert "names ['price']" in capsys.readouterr().err


def test_structure_is_read(table, tmp_path):
    out = tmp_path / "fit.nc"
    arguments = ["--outcome", "y", "--actions", "a1,a2", "--method", "laplace", "--out", str(out)]
    assert main(["fit", str(table), *arguments, "--structure", "a1>a2"]) == 0
    assert ig.load(out).design.parents == {"a1": (), "a2": ("a1",)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"--outcome": "sales"}, ["outcome", "'sales'", "it has"]),
        ({"--actions": "a1,price"}, ["actions", "'price'"]),
        ({"--regime": "arm"}, ["regime", "'arm'"]),
        ({"--draws": "0"}, ["draws", "at least 1"]),
        ({"--basis": "polynomial", "--degree": "11"}, ["degree", "1 to 8"]),
        ({"--degree": "2"}, ["--degree", "--basis polynomial"]),
        ({"--structure": "a1>b"}, ["structure", "'b'"]),
        ({"--structure": "a1>a2,a2>a1"}, ["structure", "cycle"]),
        ({"DATA": "absent.csv"}, ["absent.csv"]),
        ({"DATA": "table.xls"}, ["table.xls"]),
    ],
)
def test_user_mistakes_give_one_line_and_exit_code_2(table, tmp_path, capsys, change, words):
    options = {"--outcome": "y", "--actions": "a1,a2", "--out": str(tmp_path / "fit.nc")} | change
    data = options.pop("DATA", str(table))
    assert main(["fit", data, *(part for pair in options.items() for part in pair)]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    for word in words:
        assert word in error
    assert not (tmp_path / "fit.nc").exists()


@pytest.mark.parametrize("points", ["a1\n1.0\n", "", "a1,a2\n1.0,x\n"])
def test_bad_points_are_refused(fit, tmp_path, capsys, points):
    path = tmp_path / "bad.csv"
    path.write_text(points)
    assert main(["query", str(fit), "--points", str(path)]) == 2
    assert "bayes-intgen query: " in capsys.readouterr().err


def test_a_fit_that_did_not_converge_is_marked(table, tmp_path, capsys):
    out = tmp_path / "fit.nc"
    arguments = ["--outcome", "y", "--actions", "a1,a2", "--draws", "20", "--out", str(out)]
    assert main(["fit", str(table), *arguments, "--basis", "polynomial"]) == 1
    assert "NOT CONVERGED" in capsys.readouterr().err
    assert not ig.load(out).convergence.ok


def test_folder_of_the_output_must_exist(table, tmp_path):
    out = str(tmp_path / "nowhere" / "fit.nc")
    with pytest.raises(SystemExit) as caught:
        main(["fit", str(table), "--outcome", "y", "--actions", "a1,a2", "--out", out])
    assert caught.value.code == 2


def test_demo_saves_everything_and_beats_the_observational_regression(tmp_path, capsys):
    out = tmp_path / "demo"
    arguments = ["--method", "laplace", "--rows", "1000", "--n-actions", "2"]
    assert main(["demo", "--out", str(out), *arguments]) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "data.csv",
        "demo.png",
        "effects.csv",
        "fit.nc",
    ]
    table = pd.read_csv(out / "effects.csv")
    errors = {name: rmse(table[name], table["truth"]) for name in ("mean", "observational")}
    assert errors["mean"] < 0.5 * errors["observational"]
    shown = capsys.readouterr().out
    for word in ("Seen:", "Asked:", "Trust:"):
        assert word in shown


def test_an_output_never_replaces_its_input(table, fit, points, capsys):
    before = table.read_bytes(), fit.read_bytes(), points.read_bytes()
    columns = ["--outcome", "y", "--actions", "a1,a2"]
    assert main(["fit", str(table), *columns, "--out", str(table)]) == 2
    assert main(["query", str(fit), "--points", str(points), "--out", str(fit)]) == 2
    assert main(["query", str(fit), "--points", str(points), "--out", str(points)]) == 2
    assert (table.read_bytes(), fit.read_bytes(), points.read_bytes()) == before
    assert capsys.readouterr().err.count("is the input itself") == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a1,a2\n0,1,5\n1,2,3\n", "cannot be read"),
        ("a1,a1,a2\n0,1,5\n", "distinct"),
        ("a1 a2\n0 1\n", "a1"),
    ],
)
def test_ambiguous_points_are_refused(fit, tmp_path, capsys, text, words):
    path = tmp_path / "points.csv"
    path.write_text(text)
    assert main(["query", str(fit), "--points", str(path)]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--interval", "2"], ["--do", ""], ["--do", "price"]])
def test_bad_query_options_are_refused(fit, points, options):
    assert main(["query", str(fit), "--points", str(points), *options]) == 2


def test_latin_1_is_named(tmp_path, capsys):
    path = tmp_path / "latin.csv"
    path.write_bytes("Umsätze,a1,regime\n1,2,obs\n".encode("latin-1"))
    arguments = ["--outcome", "y", "--actions", "a1", "--out", str(tmp_path / "fit.nc")]
    assert main(["fit", str(path), *arguments]) == 2
    assert "UTF-8" in capsys.readouterr().err


def test_points_beyond_the_box_are_refused_unless_clamped(table, points, tmp_path, capsys):
    fit, out = tmp_path / "smooth.nc", tmp_path / "effects.csv"
    columns = ["--outcome", "y", "--actions", "a1,a2", "--out", str(fit)]
    assert main(["fit", str(table), *columns, "--method", "laplace"]) == 0
    query = ["query", str(fit), "--points", str(points), "--out", str(out)]
    assert main(query) == 2
    assert "a1 must lie in" in capsys.readouterr().err
    assert main([*query, "--beyond", "clamp"]) == 0
    assert pd.read_csv(out)["support"].tolist() == ["supported", "supported", "beyond"]

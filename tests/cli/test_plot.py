"""``bayes-intgen plot`` and ``identify``, JSON, widths of the terminal, and help that teaches."""

import json

import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.cli.main import main
from bayes_intgen.cli.text import fit_terminal, show_table
from models import linear

KINDS = ["surface", "response", "decomposition", "contrasts", "structure"]
COMMANDS = [
    "demo",
    "fit",
    "plot",
    "query",
    "best",
    "report",
    "check",
    "identify",
    "calibrate",
    "reproduce",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli")
    linear.make_data(300, random_seed=1).to_csv(path / "data.csv", index=False)
    pd.DataFrame({"a1": [0.0, 40.0], "a2": [1.0, 0.0]}).to_csv(path / "points.csv", index=False)
    return path


@pytest.fixture(scope="module")
def fit(folder):
    data = ig.RegimeData.from_frame(folder / "data.csv", outcome="y", actions=["a1", "a2"])
    out = folder / "fit.nc"
    ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace", draws=100).save(out)
    return out


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_is_saved(fit, tmp_path, kind):
    out = tmp_path / "picture.png"
    assert main(["plot", str(fit), "--kind", kind, "--out", str(out), "--units", "a1=EUR"]) == 0
    assert out.read_bytes()[:4] == b"\x89PNG"
    assert out.stat().st_size > 5000


def test_a_picture_takes_actions_and_values(fit, tmp_path):
    out = tmp_path / "picture.svg"
    command = ["plot", str(fit), "--kind", "response", "--actions", "a2", "--out", str(out)]
    assert main([*command, "--at", "a1=0.5", "--do", "a2"]) == 0
    assert "<svg" in out.read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--actions", "a1"], "takes 2"),
        (["--actions", "a1,tv"], "y must be one of"),
        (["--at", "tv=1"], "tv"),
        (["--kind", "response", "--at", "a2=much"], "must be a number"),
        (["--do", ""], "--do"),
    ],
)
def test_a_mistake_is_one_line(fit, tmp_path, capsys, options, words):
    out = tmp_path / "picture.png"
    assert main(["plot", str(fit), "--out", str(out), *options]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1
    assert not out.exists()


@pytest.mark.parametrize(
    "options", [["--out", "picture.txt"], ["--out", "x.png", "--at", "a1"], []]
)
def test_options_that_cannot_be_read_exit_with_two(fit, options):
    with pytest.raises(SystemExit) as caught:
        main(["plot", str(fit), *options])
    assert caught.value.code == 2


def test_identify_answers_and_exits(capsys):
    assert main(["identify", "obs,price,tv", "price+tv"]) == 0
    assert "m(price) + m(tv) - m(obs)" in capsys.readouterr().out
    assert main(["identify", "obs,price", "price+tv", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found == {"target": "price+tv", "identified": False, "weights": {}, "missing": ["tv"]}
    assert main(["identify", "obs,a,b,c", "a+b+c", "--blocks", "a+b"]) == 1
    assert main(["identify", "obs,a", "a+a"]) == 2


def test_fit_as_json_is_json_alone(folder, tmp_path, capsys):
    out = tmp_path / "fit.nc"
    command = ["fit", str(folder / "data.csv"), "--outcome", "y", "--actions", "a1,a2", "--json"]
    command += ["--basis", "polynomial", "--degree", "1", "--out", str(out)]
    assert main([*command, "--method", "laplace"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["converged"] is True
    assert found["rows"] == {"obs": 300, "a1": 300, "a2": 300}
    effects = ig.load(out).effects()
    assert [row["action"] for row in found["effects"]] == ["a1", "a2"]
    assert [row["mean"] for row in found["effects"]] == pytest.approx(effects["mean"].tolist())


def test_query_as_json_holds_all_digits(fit, folder, capsys):
    points = folder / "points.csv"
    assert main(["query", str(fit), "--points", str(points), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = ig.load(fit).table(pd.read_csv(points))
    assert [row["mean"] for row in found] == expected["mean"].tolist()
    assert [row["support"] for row in found] == ["supported", "outside"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_by_example_and_fits_the_terminal(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert f"\n  bayes-intgen {command}" in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_exit_codes_are_documented(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert "exit codes" in shown
    for command in COMMANDS:
        assert f"bayes-intgen {command}" in shown


def test_what_is_printed_fits_80_columns(fit, folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    main(["query", str(fit), "--points", str(folder / "points.csv")])
    command = ["fit", str(folder / "data.csv"), "--outcome", "y", "--actions", "a1,a2"]
    main([*command, "--out", str(folder / "b.nc"), "--method", "laplace"])
    main(["check", *command[1:]])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, [line for line in lines if not line.startswith("Saved to")])) <= 80


def test_wide_tables_are_split_and_tables_in_texts_are_kept(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    wide = pd.DataFrame({f"action{i}": [1 / 3] for i in range(15)})
    assert max(map(len, show_table(wide).splitlines())) <= 80
    table = "name  " + "x" * 100
    assert fit_terminal(table) == table


def test_a_reader_that_stops_is_no_error(fit, folder, monkeypatch):
    def closed(text):
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", closed)
    monkeypatch.setattr("os.dup2", lambda *_: None)
    assert main(["identify", "obs,a", "a"]) == 0


def test_a_full_disk_is_one_line(capsys, monkeypatch):
    def full(text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bayes_intgen.cli.identify.fit_terminal", full)
    assert main(["identify", "obs,a", "a"]) == 2
    assert "No space left" in capsys.readouterr().err

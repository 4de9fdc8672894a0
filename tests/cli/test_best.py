"""``bayes-intgen best``: the answers of ``best_action``, asked for by text."""

import json

import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.cli.main import main
from models import categorical


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    names = {"a1": "price", "a2": "channel"}
    frame = categorical.make_data(200, random_seed=1).rename(columns=names)
    frame = frame.replace({"regime": names})
    data = ig.RegimeData.from_frame(frame, "y", ["price", "channel"], categorical=["channel"])
    out = tmp_path_factory.mktemp("best") / "fit.nc"
    ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace", draws=100).save(out)
    return out


def found(command, capsys):
    capsys.readouterr()
    assert main([*command, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_it_finds_what_python_finds(fit, tmp_path, capsys):
    levels = ig.load(fit).summary.levels["channel"]
    texts = ["--bounds", f"price=-0.5:0.5,channel={levels[0]}:{levels[1]}", "--budget", "0.4"]
    texts += ["--cost", f"price=2,channel[{levels[1]}]=0.3", "--grid", "5", "--minimize"]
    answer = found(["best", str(fit), *texts, "--out", str(tmp_path / "best.csv")], capsys)
    expected = ig.load(fit).best_action(
        {"price": (-0.5, 0.5), "channel": list(levels[:2])},
        0.4,
        {"price": 2.0, "channel": {levels[1]: 0.3}},
        grid=5,
        minimize=True,
    )
    assert answer["recommended"] == expected.recommended
    assert answer["regret"] == expected.regret
    assert answer["cost"] == expected.cost <= 0.4
    table = pd.read_csv(tmp_path / "best.csv", keep_default_na=False)
    pd.testing.assert_frame_equal(table, expected.candidates, check_dtype=False)
    assert len(answer["candidates"]) == len(table)


def test_by_default_every_action_is_chosen_and_some_can_be_held(fit, capsys):
    assert set(found(["best", str(fit)], capsys)["recommended"]) == {"price", "channel"}
    level = ig.load(fit).summary.levels["channel"][0]
    held = found(["best", str(fit), "--bounds", "price", "--at", f"channel={level}"], capsys)
    assert set(held["recommended"]) == {"price"}


def test_it_prints_what_python_prints(fit, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    assert main(["best", str(fit)]) == 0
    assert capsys.readouterr().out.strip() == str(ig.load(fit).best_action())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--bounds", "price=3"], "the lowest and the highest"),
        (["--bounds", "price=3:much"], "must be a number"),
        (["--bounds", "tv=3:4"], "'tv'"),
        (["--cost", "channel=2"], "each of its levels"),
        (["--cost", "price=dear"], "must be a number"),
        (["--budget", "-1000"], "budget"),
        (["--at", "price=x"], "must be a number"),
    ],
)
def test_a_mistake_is_one_line(fit, capsys, options, words):
    assert main(["best", str(fit), *options]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert words in error


def test_a_name_given_twice_is_refused(fit, capsys):
    with pytest.raises(SystemExit):
        main(["best", str(fit), "--bounds", "price=1:2,price=3:4"])
    assert "given twice" in capsys.readouterr().err

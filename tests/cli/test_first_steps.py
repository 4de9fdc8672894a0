"""The command line as a new user meets it: labels, missing options, typos, two-valued actions."""

import json

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.cli.main import main

LABELS = {"obs": "history", "price": "price test", "promo": "promo test"}
MEANING = "history=obs,price test=price,promo test=promo"
COLUMNS = ["--outcome", "sales", "--actions", "price,promo"]
QUICK = ["--covariates", "z", "--regime", "test", "--basis", "polynomial", "--degree", "1"]
QUICK += ["--structure", "none", "--interactions", "none", "--method", "laplace", "--draws", "100"]
QUICK += ["--json"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table with labels of its own and a fit to it; promo is 0 or 1."""
    rng = np.random.default_rng(1)
    parts = []
    for label, n in (("obs", 200), ("price", 100), ("promo", 100)):
        rows = pd.DataFrame({"price": rng.uniform(8, 12, n), "promo": rng.binomial(1, 0.4, n)})
        rows["z"] = rng.normal(0 if label == "obs" else 3, 1, n)
        mean = 3 * rows["promo"] - rows["price"] + rows["z"]
        parts.append(rows.assign(sales=mean + rng.normal(0, 1, n), test=LABELS[label]))
    path = tmp_path_factory.mktemp("first")
    pd.concat(parts).sample(frac=1, random_state=1).to_csv(path / "sales.csv", index=False)
    command = ["fit", str(path / "sales.csv"), *COLUMNS, *QUICK, "--out", str(path / "fit.nc")]
    assert main([*command, "--labels", "history=obs", "--labels", MEANING[12:]]) == 0
    return path


def told(command, capsys, code=2):
    capsys.readouterr()
    assert main([str(part) for part in command]) == code
    return capsys.readouterr()


def test_unknown_labels_are_told_with_the_option_that_maps_them(folder, capsys):
    command = ["fit", folder / "sales.csv", *COLUMNS, "--regime", "test", "--out", folder / "x.nc"]
    said = told(command, capsys).err
    assert len(said.splitlines()) == 1
    option = said.partition("--labels '")[2].partition("'")[0]
    assert sorted(option.split(",")) == sorted(MEANING.split(","))


def test_all_that_is_missing_is_told_at_once(folder, capsys):
    assert "DATA, --outcome, --actions, --out: " in told(["fit"], capsys).err
    assert "DATA, --outcome, --actions: " in told(["check"], capsys).err
    said = told(["moments", folder / "sales.csv", "--outcome", "sales"], capsys).err
    assert "moments: --actions, --out: " in said
    assert "--out: name the file" in told(["fit", "day1.npz"], capsys).err


def test_best_chooses_between_two_values_and_says_what_is_held(folder, capsys):
    said = " ".join(told(["best", folder / "fit.nc"], capsys, 0).out.split())
    assert "promo = 1" in said
    assert "cost" not in said
    z = ig.load(folder / "fit.nc").summary.scales["z"].centre
    assert f"held: z = {z:.4g} (what is not given: the mean of the regimes' means" in said
    answer = json.loads(
        told(["best", folder / "fit.nc", "--bounds", "price", "--json"], capsys, 0).out
    )
    assert answer["held"] == {"promo": 0.0, "z": z}
    assert answer["cost"] is None


def test_queries_speak_of_options(folder, capsys):
    (folder / "points.csv").write_text("name,price\nlow,9\nhigh,11\n")
    command = ["query", folder / "fit.nc", "--points", folder / "points.csv"]
    said = told(command, capsys).err
    assert "--points must give a value" in said
    assert "do=None" not in said
    assert "--average ROWS" in said
    (folder / "points.csv").write_text("price,promo,z\n9,0,0\n")
    assert "--interval must be" in told([*command, "--interval", "90"], capsys).err


def test_averages_over_the_rows_of_a_table(folder, capsys):
    (folder / "points.csv").write_text("name,price\nlow,9\nhigh,11\n")
    rows = pd.read_csv(folder / "sales.csv").head(50)
    rows.to_csv(folder / "some.csv", index=False)
    command = ["query", folder / "fit.nc", "--points", folder / "points.csv", "--average"]
    answer = json.loads(told([*command, folder / "some.csv", "--json"], capsys, 0).out)
    assert [row["name"] for row in answer] == ["low", "high"]
    draws = ig.load(folder / "fit.nc").average_outcome(rows, setting={"price": 11})
    assert answer[1]["mean"] == float(draws.mean())
    assert answer[1]["supported"] == pytest.approx(float(draws["supported_share"]))
    rows.to_csv(folder / "points.csv", index=False)
    assert (
        "--average: POINTS holds the covariates"
        in told([*command, folder / "some.csv"], capsys).err
    )


def test_the_fit_knows_the_columns_of_its_table(folder, capsys):
    out = folder / "report.html"
    command = ["report", folder / "fit.nc", "--out", out]
    told(command, capsys, 0)
    assert "--check DATA" in out.read_text()
    told([*command, "--check", folder / "sales.csv"], capsys, 0)
    assert "CHECKS PASSED" in out.read_text()
    command = ["recalibrate", folder / "fit.nc", folder / "sales.csv", "--out", folder / "study"]
    capsys.readouterr()
    assert main([*map(str, command), "--sets", "2", "--workers", "1"]) in (0, 1)
    assert "2 data sets drawn" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["obs,price,tvv", "price+tv"], "'tvv' is taken as an action that TARGET does not set; is"),
        (["history,price,tv", "price+tv"], "rows in which nothing was set are 'obs'"),
        (["obs,price,mail", "price"], "'mail' is taken as an action that TARGET does not set."),
        (["obs,price,tv", "price+tv"], ""),
        (["obs,price,price+tv", "tv"], ""),
    ],
)
def test_identify_points_at_what_may_be_misspelt(capsys, words, said):
    main(["identify", *words])
    error = capsys.readouterr().err
    assert said in error
    assert bool(error) == bool(said)


def test_identify_refuses_what_is_no_action(capsys):
    command = ["identify", "obs,price,tvv", "price+tv", "--actions", "price,tv"]
    assert "EXPERIMENTS: regime label 'tvv'" in told(command, capsys).err


def test_a_fit_that_is_not_sound_is_told_once_in_words_of_the_command(folder, capsys, monkeypatch):
    monkeypatch.setattr("bayes_intgen.inference.verdicts.convergence.MAX_SHIFT", 1e-9)
    command = ["fit", folder / "sales.csv", *COLUMNS, *QUICK[:-1], "--out", folder / "x.nc"]
    said = told([*command, "--labels", MEANING], capsys, 1)
    assert said.out.count("NOT CONVERGED") == 1
    assert "fit with --method nuts" in " ".join(said.out.split())
    assert said.err.strip() == "bayes-intgen fit: NOT CONVERGED, as said above."

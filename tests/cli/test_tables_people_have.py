"""Tables as spreadsheets save them: semicolons, decimal commas, names with commas, more columns."""

import re

import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.cli.main import main
from models import linear

NAMES = {"a1": "Price (EUR)", "a2": "TV, GRP", "y": "Sales"}
ACTIONS = 'Price (EUR),"TV, GRP"'
FOREIGN = re.compile(
    r"narwhals|pandas|pyarrow|Arrow|CSV parse|conversion error|C error|invalid \w+ v"
)


@pytest.fixture(scope="module")
def frame():
    table = linear.make_data(120, random_seed=1).rename(columns=NAMES)
    return table.assign(regime=table["regime"].replace(NAMES))


def fit_to(path, out, *more):
    columns = ["--outcome", "Sales", "--actions", ACTIONS, "--structure", "none"]
    model = ["--basis", "polynomial", "--degree", "1", "--method", "laplace", "--draws", "50"]
    return main(["fit", str(path), *columns, *model, "--out", str(out), *more])


@pytest.fixture(scope="module")
def fit(frame, tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    frame.to_csv(folder / "sales.csv", sep=";", decimal=",", index=False)
    assert fit_to(folder / "sales.csv", folder / "fit.nc") == 0
    return folder / "fit.nc"


def query(fit, points, out, *more):
    return main(["query", str(fit), "--points", str(points), "--out", str(out), *more])


@pytest.mark.parametrize(("sep", "decimal"), [(";", ","), (";", "."), ("\t", ","), (",", ",")])
def test_every_way_of_writing_numbers_gives_the_same_rows(frame, tmp_path, sep, decimal):
    path = tmp_path / "rows.csv"
    frame.to_csv(path, sep=sep, decimal=decimal, index=False)
    read = ig.RegimeData.from_frame(path, "Sales", [NAMES["a1"], NAMES["a2"]])
    same = ig.RegimeData.from_frame(frame, "Sales", [NAMES["a1"], NAMES["a2"]])
    for regime in same.regimes:
        assert read.rows(regime) == pytest.approx(same.rows(regime), rel=1e-12)


def test_how_a_table_was_read_is_told(frame, tmp_path, capsys, fit):
    assert fit_to(fit.parent / "sales.csv", tmp_path / "fit.nc") == 0
    assert "semicolons between the columns and decimal commas" in capsys.readouterr().out
    plain = tmp_path / "plain.csv"
    frame.to_csv(plain, index=False)
    assert fit_to(plain, tmp_path / "fit.nc") == 0
    assert "between the columns" not in capsys.readouterr().out


def test_a_plan_keeps_its_columns_and_is_written_as_it_came(fit, tmp_path):
    points, out = tmp_path / "plan.csv", tmp_path / "out.csv"
    points.write_text(
        "Plan;Price (EUR);Kosten;TV, GRP;ID\nheute;0,5;1,50;1;007\nspäter;1;2;0,5;8\n"
    )
    assert query(fit, points, out) == 0
    answer = pd.read_csv(out, sep=";", decimal=",", dtype={"ID": str, "Kosten": str})
    assert list(answer)[:6] == ["Plan", "Price (EUR)", "Kosten", "TV, GRP", "ID", "mean"]
    assert answer["Plan"].tolist() == ["heute", "später"]
    assert answer["ID"].tolist() == ["007", "8"]
    assert answer["Kosten"].tolist() == ["1,50", "2"]
    expected = ig.load(fit).table({"Price (EUR)": [0.5, 1.0], "TV, GRP": [1.0, 0.5]})
    assert answer["mean"].to_numpy() == pytest.approx(expected["mean"].to_numpy())


def test_columns_of_an_earlier_answer_are_replaced_and_named(fit, tmp_path, capsys):
    points, out = tmp_path / "plan.csv", tmp_path / "out.csv"
    pd.DataFrame({"mean": [1e9], "Price (EUR)": 0.5, "note": "x", "TV, GRP": 1.0}).to_csv(
        points, index=False
    )
    assert query(fit, points, out) == 0
    answer = pd.read_csv(out)
    assert list(answer)[:4] == ["Price (EUR)", "note", "TV, GRP", "mean"]
    assert answer["mean"][0] < 1e3
    assert "['mean']" in capsys.readouterr().err


def test_a_parquet_plan_keeps_its_columns_too(fit, tmp_path):
    points, out = tmp_path / "plan.parquet", tmp_path / "out.csv"
    day = pd.Timestamp("2026-03-01")
    pd.DataFrame({"Price (EUR)": [0.5], "TV, GRP": 1.0, "day": day}).to_parquet(points)
    assert query(fit, points, out, "--json") == 0
    assert pd.read_csv(out)["day"].tolist() == ["2026-03-01"]


def test_names_with_commas_are_reached_by_every_option(fit, tmp_path, capsys):
    points = tmp_path / "plan.csv"
    pd.DataFrame({"Price (EUR)": [0.5], "TV, GRP": 1.0}).to_csv(points, index=False)
    out = tmp_path / "out.csv"
    assert query(fit, points, out, "--do", '"TV, GRP"') == 0
    best = ["best", str(fit), "--bounds", '"TV, GRP"=0:1,Price (EUR)', "--cost", '"TV, GRP"=2']
    assert main([*best, "--grid", "3"]) == 0
    assert "TV, GRP" in capsys.readouterr().out
    assert main(["best", str(fit), "--at", '"TV, GRP"=1', "--grid", "3"]) == 0
    edge = ["--structure", '"TV, GRP">Price (EUR)']
    assert fit_to(fit.parent / "sales.csv", tmp_path / "fit.nc", *edge) == 0
    assert ig.load(tmp_path / "fit.nc").design.parents["Price (EUR)"] == ("TV, GRP",)


def test_a_name_that_was_cut_at_its_comma_is_explained(fit, tmp_path, capsys):
    out = ["--outcome", "Sales", "--out", str(tmp_path / "f.nc")]
    path = str(fit.parent / "sales.csv")
    assert main(["fit", path, "--actions", "Price (EUR),TV, GRP", *out]) == 2
    assert "'\"TV, GRP\"'" in capsys.readouterr().err


BAD = {
    "mixed marks": ("Price (EUR);TV, GRP\n0,5;1.5\n", "all decimals alike"),
    "thousands": ('Price (EUR),"TV, GRP"\n"1,500",1\n', "thousands"),
    "thousands and decimals": ("Price (EUR);TV, GRP\n1.234,5;1\n", "must be numbers"),
    "a field too many": ("Price (EUR);TV, GRP\n1;2;3\n", "has 3 fields, the header 2"),
    "no number": ("Price (EUR);TV, GRP\n1;viel\n", "must be numbers"),
    "nothing": ("", "empty"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_explained_in_our_words(name, fit, tmp_path, capsys):
    text, words = BAD[name]
    path = tmp_path / "plan.csv"
    path.write_text(text)
    assert query(fit, path, tmp_path / "out.csv") == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert not FOREIGN.search(shown)
    assert len(shown.splitlines()) == 1


@pytest.mark.parametrize("cell", ["viel", "1.234,5", "12,5"])
def test_a_cell_of_the_data_that_is_no_number_is_named(frame, tmp_path, capsys, cell):
    path = tmp_path / "rows.csv"
    text = frame.to_csv(index=False).splitlines()
    k = list(frame).index("Price (EUR)")
    row = text[3].split(",")
    row[k] = f'"{cell}"'
    path.write_text("\n".join([*text[:3], ",".join(row), *text[4:]]) + "\n")
    assert fit_to(path, tmp_path / "fit.nc") == 2
    shown = capsys.readouterr().err
    assert cell in shown
    assert not FOREIGN.search(shown)


@pytest.mark.parametrize("ending", [".xlsx", ".ods"])
def test_spreadsheets_are_refused_with_a_way_out(fit, tmp_path, capsys, ending):
    path = tmp_path / f"book{ending}"
    path.write_bytes(b"PK\x03\x04")
    sales = str(fit.parent / "sales.csv")
    for arguments in (
        [str(path)],
        [sales, "--lifts", str(path)],
    ):
        assert fit_to(*arguments[:1], tmp_path / "fit.nc", *arguments[1:]) == 2
        assert "CSV UTF-8" in capsys.readouterr().err
    assert query(fit, path, tmp_path / "out.csv") == 2
    assert "CSV UTF-8" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        query(fit, fit.parent / "sales.csv", path)
    assert "written as CSV" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value"), [("--draws", "many"), ("--draws", "1.5"), ("--seed", "")]
)
def test_options_that_are_no_numbers(fit, tmp_path, capsys, option, value):
    with pytest.raises(SystemExit):
        fit_to(fit.parent / "sales.csv", tmp_path / "fit.nc", option, value)
    shown = capsys.readouterr().err
    assert f"must be a whole number, got {value!r}" in shown
    assert not FOREIGN.search(shown)


@pytest.mark.parametrize("label", ["control", "Ctrl", "placebo"])
def test_controls_under_another_name_are_explained(frame, label):
    table = frame.assign(regime=frame["regime"].replace("obs", label))
    with pytest.raises(ig.RegimeError, match=r"Controls .* are 'obs'"):
        ig.RegimeData.from_frame(table, "Sales", [NAMES["a1"], NAMES["a2"]])

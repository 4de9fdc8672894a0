"""A flag per action in place of labels: the same regimes, whatever the table and the type."""

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from numpy.testing import assert_array_equal

import bayes_intgen as ig
from bayes_intgen.cli.main import main

ACTIONS = ["a1", "a2", "a3"]
FLAGS = {"a3": "t3", "a1": "t1"}


@pytest.fixture(scope="module")
def frame():
    scm = ig.scm.sample_polynomial_scm(3, random_seed=1)
    rows = scm.sample_regimes(["obs", "a1", "a3", "a1+a3"], n=30, random_seed=2)
    rows = rows.sample(frac=1, random_state=3).reset_index(drop=True)
    rows["t1"] = rows["regime"].str.contains("a1")
    rows["t3"] = rows["regime"].str.contains("a3")
    return rows


def same(data, frame):
    labelled = ig.RegimeData.from_frame(frame, outcome="y", actions=ACTIONS)
    assert data.labels == labelled.labels == ("obs", "a1", "a3", "a1+a3")
    for regime in data.labels:
        assert_array_equal(data.rows(regime), labelled.rows(regime))


@pytest.mark.parametrize("kind", ["bool", "int", "float", "nullable", "polars", "arrow", "lazy"])
def test_flags_are_labels(frame, kind):
    table = frame.drop(columns="regime")
    if kind in ("int", "float"):
        table = table.astype({"t1": kind, "t3": kind})
    elif kind == "nullable":
        table = table.astype({"t1": "boolean", "t3": "Int8"})
    elif kind in ("polars", "lazy"):
        table = pl.from_pandas(table)
        table = table.lazy() if kind == "lazy" else table
    elif kind == "arrow":
        table = pa.Table.from_pandas(table)
    same(ig.RegimeData.from_frame(table, outcome="y", actions=ACTIONS, regime=FLAGS), frame)


@pytest.mark.parametrize("kind", ["csv", "parquet", "csv of 0 and 1"])
def test_flags_in_a_file(frame, tmp_path, kind):
    path = tmp_path / f"rows.{kind.split()[0]}"
    table = frame.drop(columns="regime")
    if kind == "parquet":
        pyarrow.parquet.write_table(pa.Table.from_pandas(table), path)
    else:
        cells = {"t1": int, "t3": int} if kind.endswith("1") else {}
        table.astype(cells).to_csv(path, index=False)
    same(ig.RegimeData.from_frame(path, outcome="y", actions=ACTIONS, regime=FLAGS), frame)


def test_further_rows_come_with_flags_too(frame):
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=ACTIONS)
    moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
    more = ig.Moments.from_data(frame.drop(columns="regime"), like=moments, regime=FLAGS)
    for regime in moments.regimes:
        gram, other = (m.regression(regime).gram for m in (moments, more))
        np.testing.assert_allclose(other, gram, rtol=1e-12)


@pytest.mark.parametrize(
    ("regime", "message"),
    [
        ({}, "flags must be given by action"),
        ({"a9": "t1"}, r"by action, \['a1', 'a2', 'a3'\], got \['a9'\]"),
        ({"a1": 3}, r"names of columns, got \[3\]"),
        ({"a1": "t1", "a3": "t1"}, "a flag of its own"),
        ({"a1": "t9"}, "regime: the table has no column 't9'"),
        ({"a1": "a2"}, "regime names column 'a2', which is also an action"),
        ({"a1": "y"}, "outcome and regime both name column 'y'"),
        ({"a1": "two"}, r"flags of column 'two' must be true or false \(1 or 0\), got 2 in row 0"),
        (
            {"a1": "gap"},
            r"regime: column 'gap' must hold finite numbers.*Write 0 where it is false",
        ),
        ({"a1": "regime"}, "regime: column 'regime' must hold numbers.*Write true or false"),
    ],
)
def test_flags_that_cannot_be_used(frame, regime, message):
    table = frame.assign(two=2, gap=np.where(frame.index == 4, np.nan, 0.0))
    with pytest.raises(ig.DataError, match=message):
        ig.RegimeData.from_frame(table, outcome="y", actions=ACTIONS, regime=regime)


def test_the_command_line_takes_flags(frame, tmp_path, capsys):
    path = tmp_path / "rows.csv"
    kept = frame[frame["regime"] != "a1+a3"].drop(columns="regime")
    kept.to_csv(path, index=False)
    columns = ["--outcome", "y", "--actions", "a1,a3", "--regime", "a1=t1,a3=t3"]
    out = tmp_path / "fit.nc"
    options = ["--basis", "polynomial", "--method", "laplace", "--out", str(out)]
    assert main(["fit", str(path), *columns, *options]) == 0
    assert "obs, a1, a3" in capsys.readouterr().out
    assert out.exists()

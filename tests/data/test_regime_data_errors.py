"""Every way in which a table can be unusable: the error names the argument and the way out."""

import os

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bayes_intgen import BayesIntgenError, DataError, FileError, RegimeData, RegimeError

FORMS = ["pandas", "polars", "pyarrow", "csv", "parquet"]


def write(frame, form, folder):
    match form:
        case "pandas":
            return frame
        case "polars":
            return pl.from_pandas(frame)
        case "pyarrow":
            return pa.Table.from_pandas(frame)
        case "csv":
            frame.to_csv(folder / "rows.csv", index=False)
            return folder / "rows.csv"
        case "parquet":
            frame.to_parquet(folder / "rows.parquet")
            return folder / "rows.parquet"


def read(table, **changes):
    return RegimeData.from_frame(
        table, **{"outcome": "y", "actions": ["a1", "a2", "a3"], "regime": "regime"} | changes
    )


def assert_refused(error, message, table, **changes):
    with pytest.raises(error, match=message) as caught:
        read(table, **changes)
    assert isinstance(caught.value, BayesIntgenError)
    assert isinstance(caught.value, ValueError)


# Columns


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("role", "names"),
    [("actions", ["a1", "b", "a2"]), ("outcome", "b"), ("regime", "b")],
)
def test_missing_columns(frame, tmp_path, form, role, names):
    message = rf"^{role}: the table has no column 'b'; it has \['a1', .*\]. Name one of those"
    assert_refused(DataError, message, write(frame, form, tmp_path), **{role: names})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"actions": "a1"}, r"^actions must be a list .* got 'a1'; write \['a1', 'a2'\]"),
        ({"actions": []}, "^actions must name at least one column"),
        ({"actions": ["a1", "a1"]}, r"^actions must be distinct, got \['a1'\]"),
        ({"actions": ["a1", "obs"]}, "^actions may not .* called .*got 'obs'; rename"),
        ({"actions": ["a1", "support"]}, "^actions may not .* called .*got 'support'; rename"),
        ({"actions": ["a1+a2"]}, r"^actions may not contain '\+'.* rename"),
        ({"actions": ["a1", "y"]}, "^outcome names column 'y', which is also an action"),
        ({"actions": ["a1", "regime"]}, "^regime names column 'regime', which is also an action"),
        ({"outcome": "regime"}, "^outcome and regime both name column 'regime'"),
        ({"outcome": None}, "^outcome must be the name of a column, got None"),
        ({"regime": ""}, "^regime must be the name of a column, got ''"),
    ],
)
def test_names_that_cannot_be_columns(frame, changes, message):
    assert_refused(DataError, message, frame, **changes)


def test_repeated_column_names(frame, tmp_path):
    table = pa.Table.from_pandas(frame).append_column("a1", pa.array(frame["a2"]))
    pq.write_table(table, tmp_path / "twice.parquet")
    text = frame.to_csv(index=False).replace("a1,a2,a3", "a1,a2,a1", 1)
    (tmp_path / "twice.csv").write_text(text)
    message = "^frame: column names must be distinct"
    assert_refused(DataError, message, pd.concat([frame, frame[["a1"]]], axis=1))
    assert_refused(DataError, message, table)
    assert_refused(FileError, "duplicate field names", tmp_path / "twice.parquet")
    assert_refused(FileError, "multiple columns named a1", tmp_path / "twice.csv")


# Values


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("column", "role"), [("a1", "actions"), ("a3", "actions"), ("y", "outcome")]
)
def test_missing_and_infinite_values_are_counted(frame, tmp_path, form, column, role):
    frame.loc[[40, 50, 60], column] = [-np.inf, np.nan, np.inf]
    message = (
        f"^{role}: column '{column}' must hold finite numbers, but 1 values are missing .* and 2 "
        f"infinite, the first in row 40 .* Drop or impute"
    )
    assert_refused(DataError, message, write(frame, form, tmp_path))


def test_rows_are_counted_over_batches(frame, tmp_path, monkeypatch):
    monkeypatch.setattr("bayes_intgen.data.sources.BATCH_ROWS", 7)
    frame.loc[41, "a2"] = np.nan
    assert_refused(DataError, "the first in row 41", write(frame, "parquet", tmp_path))


@pytest.mark.parametrize("form", FORMS)
def test_missing_values_of_nullable_integers(frame, tmp_path, form):
    frame["a2"] = frame["a2"].round().astype("Int64").mask(frame.index == 9)
    message = "^actions: column 'a2' .* 1 values are missing .* row 9"
    assert_refused(DataError, message, write(frame, form, tmp_path))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("role", ["actions", "outcome"])
@pytest.mark.parametrize(
    "values",
    [["x"] * 100, ["1.5"] * 99 + ["x"], pd.date_range("2020-01-01", periods=100)],
    ids=["text", "one text", "dates"],
)
def test_columns_that_are_not_numbers(frame, tmp_path, form, role, values):
    column = "a2" if role == "actions" else "y"
    table = write(frame.assign(**{column: values}), form, tmp_path)
    if form == "csv":
        message = f"^{role}: column '{column}' of .*rows.csv.* Row #.* invalid value .* Correct"
    else:
        message = f"^{role}: column '{column}' must hold numbers, but its type is .* Convert it"
    assert_refused(DataError, message, table)


@pytest.mark.parametrize(
    "values",
    [
        [1.0] * 99 + ["x"],
        pd.Categorical(np.arange(100) % 3),
        np.ones(100) * 1j,
        [[1.0]] * 100,
        pd.to_timedelta(np.arange(100), "s"),
    ],
    ids=["mixed", "categories", "complex", "lists", "durations"],
)
def test_pandas_columns_of_objects(frame, values):
    frame["a1"] = pd.Series(values, dtype=getattr(values, "dtype", object))
    assert_refused(DataError, "^actions: column 'a1' must hold numbers, but its type is", frame)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("column", "role"), [("a1", "actions"), ("y", "outcome")])
def test_constant_columns(frame, tmp_path, form, column, role):
    table = write(frame.assign(**{column: 2.5}), form, tmp_path)
    assert_refused(DataError, f"^{role}: column '{column}' is 2.5 in every row of every", table)


def test_an_action_may_be_constant_in_all_regimes_but_one(frame):
    frame["a1"] = frame["a1"].where(frame["regime"] == "a1", 2.0)
    frame["y"] = frame["y"].where(frame["regime"] != "obs", 0.0)
    assert read(frame).n_rows == 100


@pytest.mark.parametrize("form", FORMS)
def test_tables_without_rows(frame, tmp_path, form):
    table = write(frame[:0], form, tmp_path)
    assert_refused(DataError, "^frame: the table has no rows", table)


# Labels


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("b", "label 'b' names .*'b'.* not among the actions. Use 'obs'"),
        ("a1+b", "label .* names .*'b'.* not among the actions. Use 'obs'"),
        ("a1+a1", "names an action twice"),
        ("", "labels must not be empty, got ''. Use 'obs'"),
        (" ", "labels must not be empty, got ' '. Use 'obs'"),
        (None, "1 rows have no label; write 'obs'|must not be empty, got ''"),
        (3, "labels must be text, got 3. Use 'obs'|label '3' names"),
    ],
)
def test_bad_labels(frame, tmp_path, form, label, message):
    if label == 3:
        frame["regime"] = 3
    else:
        frame["regime"] = frame["regime"].mask(frame.index == 5, label)
    assert_refused(RegimeError, f"^regime.*{message}", write(frame, form, tmp_path))


def test_a_number_among_text_labels(frame):
    labels = frame["regime"].astype(object).mask(frame.index == 5, 3)
    assert_refused(RegimeError, "^regime labels must be text, got 3", frame.assign(regime=labels))


@pytest.mark.parametrize("form", FORMS)
def test_a_regime_needs_eight_rows(frame, tmp_path, form):
    rank = frame.groupby("regime").cumcount()
    enough = frame[(frame["regime"] != "a2") | (rank < 8)]
    assert read(write(enough, form, tmp_path)).summary.regimes["a2",].n == 8
    few = frame[(frame["regime"] != "a2") | (rank < 7)]
    message = "^regime 'a2' has 7 rows; at least 8 are needed. Drop those rows, or collect"
    assert_refused(RegimeError, message, write(few, form, tmp_path))


# Frames and files


@pytest.mark.parametrize("frame", [None, 3, {"a1": [1.0]}, np.zeros((9, 3))])
def test_what_is_no_table(frame):
    message = f"^frame must be .* table, .* or a path .*; got {type(frame).__name__}."
    assert_refused(DataError, message, frame)


def test_files_that_cannot_be_read(frame, tmp_path):
    whole = write(frame, "parquet", tmp_path).read_bytes()
    for name, content, message in [
        ("half.parquet", whole[: len(whole) // 2], "cannot be read"),
        ("empty.parquet", b"", "cannot be read"),
        ("empty.csv", b"", "cannot be read"),
        ("ragged.csv", frame.to_csv(index=False).encode() + b"1,2\n", "cannot be read"),
        ("rows.xlsx", whole, "must end in .csv, .parquet, .pq, .arrow or .feather; read"),
    ]:
        (tmp_path / name).write_bytes(content)
        assert_refused(FileError, rf"^frame: '.*{name}' {message}", tmp_path / name)
    assert_refused(FileError, "^frame: '.*none.csv' is not a file; give", tmp_path / "none.csv")
    assert_refused(FileError, "^frame: '.*' is a folder, not a file", tmp_path)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_files_that_change_after_they_were_opened(frame, tmp_path, form):
    path = write(frame, form, tmp_path)
    data = read(path)
    time = path.stat().st_mtime_ns
    message = f"^frame: the file '.*{path.name}' has changed since it was opened; call RegimeData"
    write(frame[::-1], form, tmp_path)
    os.utime(path, ns=(time + 10**9, time + 10**9))
    with pytest.raises(FileError, match=message):
        data.rows("obs")
    path.unlink()
    with pytest.raises(FileError, match=message):
        data.rows("obs")

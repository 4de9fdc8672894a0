"""Categorical columns: equal codes from every kind of table, and every way to be unusable."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bayes_intgen import DataError, QueryError, RegimeData
from bayes_intgen.data.levels import level_text, sort_levels
from bayes_intgen.data.points import Points

NAMES = np.array(["tv", "radio", "e-mail"])
SORTED = ("e-mail", "radio", "tv")


def parquet(frame, folder):
    path = folder / "rows.parquet"
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, row_group_size=33)
    return path


def csv(frame, folder):
    frame.to_csv(folder / "rows.csv", index=False)
    return folder / "rows.csv"


FORMS = {
    "pandas": lambda frame, folder: frame,
    "polars": lambda frame, folder: pl.from_pandas(frame),
    "pyarrow": lambda frame, folder: pa.Table.from_pandas(frame),
    "chunks": lambda frame, folder: pa.concat_tables(
        [pa.Table.from_pandas(frame[:33]), pa.Table.from_pandas(frame[33:])]
    ),
    "csv": csv,
    "parquet": parquet,
}

TYPES = {  # from positions in NAMES to a column, and what its levels are
    "text": (lambda k: pd.Series(NAMES[k]), SORTED),
    "objects": (lambda k: pd.Series(NAMES[k], dtype=object), SORTED),
    "categories": (lambda k: pd.Categorical(NAMES[k], ["tv", "unused", "radio", "e-mail"]), SORTED),
    "whole numbers": (lambda k: k * 9 - 1, ("-1", "8", "17")),
    "whole floats": (lambda k: k * 9.0 - 1.0, ("-1", "8", "17")),
    "categories of numbers": (lambda k: pd.Categorical(k * 9 - 1), ("-1", "8", "17")),
    "booleans": (lambda k: k > 0, ("False", "True")),
    "Int64": (lambda k: pd.Series(k * 9 - 1, dtype="Int64"), ("-1", "8", "17")),
    "numbers in text": (lambda k: (k * 9 - 1).astype(str), ("-1", "8", "17")),
    "pyarrow text": (lambda k: pd.Series(NAMES[k], dtype="string[pyarrow]"), SORTED),
}


@pytest.fixture
def chosen(frame):
    """Positions in NAMES, such that none follows the regimes."""
    return np.random.default_rng(1).integers(3, size=len(frame))


def read(table, **changes):
    arguments = {"outcome": "y", "actions": ["a1", "a2", "a3"], "categorical": ["a2"]}
    return RegimeData.from_frame(table, **arguments | changes)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", TYPES)
def test_every_table_of_every_type_gives_the_same_codes(frame, chosen, tmp_path, form, kind):
    column, levels = TYPES[kind]
    typed = frame.assign(a2=column(chosen))
    if form == "csv" and kind == "whole floats":
        levels = ("-1.0", "8.0", "17.0")  # a CSV file holds text
    data = read(FORMS[form](typed, tmp_path))
    assert data.levels == {"a2": levels}
    assert data.labels == ("obs", "a1", "a2", "a3")
    order = np.concatenate([np.flatnonzero(frame["regime"] == label) for label in data.labels])
    found = np.concatenate([data.rows(label) for label in data.labels])
    if "float" in kind:
        column = TYPES["whole numbers"][0]
        levels = tuple(level.removesuffix(".0") for level in levels)
    named = np.array(levels)[found[:, 1].astype(int)]
    np.testing.assert_array_equal(named, np.asarray(column(chosen)).astype(str)[order])
    np.testing.assert_array_equal(found[:, [0, 2, 3]], frame.loc[order, ["a1", "a3", "y"]])


def test_polars_categories(frame, chosen):
    for dtype in (pl.Categorical, pl.Enum(["tv", "unused", "radio", "e-mail"])):
        column = pl.Series("a2", NAMES[chosen].tolist(), dtype=dtype)
        data = read(pl.from_pandas(frame).with_columns(column))
        assert data.levels == {"a2": SORTED}
        rows = data.rows("obs")[:, 1].astype(int)
        assert np.array_equal(np.array(SORTED)[rows], NAMES[chosen][frame["regime"] == "obs"])


@pytest.mark.parametrize("form", ["csv", "parquet", "pandas"])
def test_codes_are_the_same_in_every_batch(frame, chosen, tmp_path, monkeypatch, form):
    """The first batches lack levels that come later; codes hold for the whole."""
    monkeypatch.setattr("bayes_intgen.data.sources.BATCH_ROWS", 7)
    typed = frame.assign(a2=NAMES[np.sort(chosen)])
    data = read(FORMS[form](typed, tmp_path))
    assert data.levels == {"a2": SORTED}
    for label in data.labels:
        named = np.array(SORTED)[data.rows(label)[:, 1].astype(int)]
        np.testing.assert_array_equal(named, typed.loc[typed["regime"] == label, "a2"])


@pytest.mark.parametrize("form", FORMS)
def test_levels_may_be_named_like_nothing(frame, chosen, tmp_path, form):
    names = np.array(["NA", "None", "nan"])
    data = read(FORMS[form](frame.assign(a2=names[chosen]), tmp_path))
    assert data.levels == {"a2": ("NA", "None", "nan")}
    assert data.summary.level_counts("a2").sum(axis=1).tolist() == [40, 25, 20, 15]


def test_an_empty_text_is_a_level_but_an_empty_cell_is_missing(frame, chosen, tmp_path):
    typed = frame.assign(a2=np.array(["", "b", "c"])[chosen])
    assert read(typed).levels == {"a2": ("", "b", "c")}
    with pytest.raises(DataError, match="'a2' must hold a level in every row, but"):
        read(csv(typed, tmp_path))


def test_several_categorical_actions_in_any_order(frame, chosen):
    typed = frame.assign(a2=NAMES[chosen], a3=chosen == 1)
    data = read(typed, categorical=["a3", "a2"])
    assert data.levels == {"a2": SORTED, "a3": ("False", "True")}
    assert data.columns.categorical == ("a2", "a3")
    assert read(frame, categorical=()).levels == {}


def test_printed_levels(frame, chosen):
    assert "levels of a2: e-mail, radio, tv" in str(read(frame.assign(a2=NAMES[chosen])))
    many = read(frame.assign(a2=np.arange(100) % 20))
    assert "levels of a2: 0, 1, 2, 3, 4, 5, 6, 7, ... (20 levels)" in str(many)


def test_dropped_regimes_take_their_levels_with_them(frame, chosen):
    typed = frame.assign(a2=np.where(frame["regime"] == "a3", "e-mail", NAMES[chosen % 2]))
    data = read(typed)
    fewer = data.drop("a3")
    assert (data.levels["a2"], fewer.levels["a2"]) == (SORTED, ("radio", "tv"))
    named = np.array(fewer.levels["a2"])[fewer.rows("a1")[:, 1].astype(int)]
    np.testing.assert_array_equal(named, typed.loc[typed["regime"] == "a1", "a2"])
    with pytest.raises(DataError, match="'a2' is 'tv' in every row of every regime"):
        read(typed.assign(a2=np.where(frame["regime"] == "obs", "e-mail", "tv"))).drop("obs")


def test_recoded_data_have_the_codes_of_earlier_data(frame, chosen):
    data = read(frame.assign(a2=NAMES[chosen % 2]))
    coded = data.recode({"a2": SORTED})
    assert data.levels["a2"] == ("radio", "tv")
    for found, levels in ((data, ("radio", "tv")), (coded, SORTED)):
        named = np.array(levels)[found.rows("obs")[:, 1].astype(int)]
        np.testing.assert_array_equal(named, NAMES[chosen % 2][frame["regime"] == "obs"])
    with pytest.raises(DataError, match=r"'a2' has the levels \['tv'\], which the earlier data"):
        data.recode({"a2": ("radio", "e-mail")})
    with pytest.raises(DataError, match=r"\['a2'\] are categorical here, but \[\] in the earlier"):
        data.recode({})


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (["b", "a", "B"], ("B", "a", "b")),
        (["10", "9", "-1.5"], ("-1.5", "9", "10")),
        (["01", "1", "0"], ("0", "01", "1")),
        (["10", "9", "x"], ("10", "9", "x")),
        (["nan", "2", "10"], ("10", "2", "nan")),
        (["True", "False"], ("False", "True")),
    ],
)
def test_levels_are_sorted_as_numbers_if_all_are(levels, expected):
    assert sort_levels(levels) == expected
    assert sort_levels(reversed(levels)) == expected


# What cannot be used


def refuse(message, table, **changes):
    with pytest.raises(DataError, match=message):
        read(table, **changes)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["channel"], r"^categorical names \['channel'\], which are not among the actions \['a1'"),
        (["y"], r"^categorical names \['y'\]"),
        ("a2", r"^categorical must be a list .* got 'a2'; write \['a1', 'a2'\]"),
        (None, "^categorical must be a list of names of actions, got None"),
    ],
)
def test_unknown_names(frame, names, message):
    refuse(message, frame, categorical=names)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["text", "objects", "categories", "Int64"])
def test_missing_levels(frame, chosen, tmp_path, form, kind):
    column = pd.Series(TYPES[kind][0](chosen))
    column[[40, 50]] = None
    message = (
        "^actions: the categorical column 'a2' must hold a level .* 2 values are missing, "
        r"the first in row 40 \(counted from 0\). Drop those rows, or give them a level"
    )
    refuse(message, FORMS[form](frame.assign(a2=column), tmp_path))


def test_rows_of_missing_levels_are_counted_over_batches(frame, chosen, tmp_path, monkeypatch):
    monkeypatch.setattr("bayes_intgen.data.sources.BATCH_ROWS", 7)
    column = pd.Series(NAMES[chosen]).mask(frame.index == 41)
    refuse("the first in row 41", parquet(frame.assign(a2=column), tmp_path))


@pytest.mark.parametrize("form", FORMS)
def test_a_single_level(frame, tmp_path, form):
    message = "^actions: column 'a2' is 'tv' in every row of every regime; nothing .* Leave it out"
    refuse(message, FORMS[form](frame.assign(a2="tv"), tmp_path))


@pytest.mark.parametrize("form", FORMS)
def test_fifty_levels_are_read_and_more_refused(frame, tmp_path, monkeypatch, form):
    many = np.array([f"n{k:03}" for k in range(100)])
    assert len(read(FORMS[form](frame.assign(a2=many[np.arange(100) % 50]), tmp_path)).levels["a2"])
    message = (
        r"^actions: the categorical column 'a2' has more than 50 levels, such as \['n0.*\]\. "
        "If it holds numbers .* merge rare levels"
    )
    refuse(message, FORMS[form](frame.assign(a2=many[np.arange(100) % 51]), tmp_path))
    monkeypatch.setattr("bayes_intgen.data.sources.BATCH_ROWS", 7)  # few levels in each batch
    refuse(message, FORMS[form](frame.assign(a2=many), tmp_path))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.linspace(0, 1, 100).round(1), "'a2': levels .* are texts, whole numbers .* got 0.1"),
        (pd.date_range("2020-01-01", periods=100), "'a2' must hold text, .* its type is timestamp"),
        ([["x"]] * 100, "'a2' must hold text, .* its type is|'a2' .* mixture of types"),
        (pd.Series([1, "x"] * 50, dtype=object), "'a2' .* mixture of types. Convert it to text"),
        (pd.Categorical([1, "x"] * 50), "'a2' .* mixture of types. Convert it to text"),
    ],
)
def test_columns_without_levels(frame, values, message):
    refuse(f"^actions: the categorical column {message}", frame.assign(a2=values))


@pytest.mark.parametrize("form", FORMS)
def test_text_that_is_not_declared_points_to_categorical(frame, chosen, tmp_path, form):
    table = FORMS[form](frame.assign(a2=NAMES[chosen]), tmp_path)
    refuse("^actions: column 'a2' .*, or list it in categorical", table, categorical=[])


# Query points


POINTS = [
    {"c": ["tv", "radio"], "a": 1.0},
    {"c": np.array(["tv", "radio"]), "a": [1.0, 1.0]},
    pd.DataFrame({"c": ["tv", "radio"], "a": 1.0}),
    pd.DataFrame({"c": pd.Categorical(["tv", "radio"]), "a": 1.0}),
    pl.DataFrame({"c": ["tv", "radio"], "a": [1, 1]}),
    pl.DataFrame({"c": pl.Series(["tv", "radio"], dtype=pl.Categorical), "a": [1, 1]}),
    pa.table({"c": pa.array(["tv", "radio"]).dictionary_encode(), "a": [1, 1]}),
]


@pytest.mark.parametrize("at", POINTS)
def test_points_hold_levels(at):
    points = Points.read(at, ("a", "c"), {"c": SORTED})
    np.testing.assert_array_equal(points.values, [[1, 2], [1, 1]])
    assert points.coords()["c"][1].tolist() == ["tv", "radio"]
    assert points.take(1, 2).coords()["c"][1].tolist() == ["radio"]
    assert Points.read(points, ("a", "c"), {"c": SORTED}) is points


@pytest.mark.parametrize("values", [[8, 17], [8.0, 17.0], ["8", "17"], np.array([8, 17], "int8")])
def test_numbers_stand_for_levels(values):
    points = Points.read({"c": values}, ("c",), {"c": ("-1", "8", "17")})
    np.testing.assert_array_equal(points.values, [[1], [2]])
    one = Points.read({"c": "17", "a": [0.0, 1.0]}, ("a", "c"), {"c": ("-1", "8", "17")})
    np.testing.assert_array_equal(one.values, [[0, 2], [1, 2]])
    truth = Points.read({"c": [True, False]}, ("c",), {"c": ("False", "True")})
    np.testing.assert_array_equal(truth.values, [[1], [0]])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["tv", "fax", "fax"], r"^at: action 'c' has no level 'fax'; the data have \['e-mail', "),
        ("TV", "has no level 'TV'"),
        (0, "has no level '0'"),
        (["tv", None], "^at: the categorical action 'c' has missing values at 1 points; drop"),
        ([np.nan], "missing values at 1 points"),
        ([pd.NA, pd.NaT], "missing values at 2 points"),
        (0.5, "^at: action 'c': levels .* are texts, whole numbers or booleans, got 0.5"),
        ([["tv"]], r"^at: the values of action 'c' must be one level .* shape \(1, 1\)"),
    ],
)
def test_points_without_levels(values, message):
    with pytest.raises(QueryError, match=message):
        Points.read({"c": values}, ("c",), {"c": SORTED})


def test_texts_of_levels():
    whole = [3, np.int8(3), 3.0, Decimal(3), "3"]
    assert {level_text(value) for value in whole} == {"3"}
    assert [level_text(value) for value in (True, np.False_)] == ["True", "False"]
    for value in (np.inf, 0.5, b"x", object()):
        with pytest.raises(DataError, match="texts, whole numbers or booleans"):
            level_text(value)

"""Query points from mappings and frames."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from bayes_intgen import QueryError
from bayes_intgen.data.points import Points

VALUES = np.array([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]])


@pytest.mark.parametrize(
    "at",
    [
        {"b": [4, 5, 6], "a": (1.0, 2.0, 3.0)},
        {"a": np.array([1, 2, 3]), "b": pd.Series([4.0, 5.0, 6.0], index=[7, 8, 9])},
        {"a": range(1, 4), "b": pl.Series([4, 5, 6]), "extra": "ignored"},
        pd.DataFrame({"b": [4, 5, 6], "a": [1.0, 2.0, 3.0], "extra": "x"}),
        pd.DataFrame({"b": [4, 5, 6], "a": [1, 2, 3]}, dtype="Int64"),
        pl.DataFrame({"b": [4, 5, 6], "a": [1.0, 2.0, 3.0], "extra": "x"}),
        pa.table({"b": [4, 5, 6], "a": [1.0, 2.0, 3.0], "extra": ["x"] * 3}),
    ],
)
def test_mappings_and_frames_give_the_same_points(at):
    points = Points.read(at, ("a", "b"))
    np.testing.assert_array_equal(points.values, VALUES)
    assert points.values.dtype == np.float64
    assert points.index.tolist() == [0, 1, 2]
    assert len(points) == 3


def test_scalars_are_repeated():
    points = Points.read({"a": 1, "b": [4.0, 5.0], "c": np.float32(7)}, ("a", "b", "c"))
    np.testing.assert_array_equal(points.values, [[1, 4, 7], [1, 5, 7]])
    one = Points.read({"a": True, "b": np.array(2.0)}, ("a", "b"))
    np.testing.assert_array_equal(one.values, [[1, 2]])
    assert Points.read({"a": [3.0], "b": 2.0}, ("a", "b")).values.shape == (1, 2)


@pytest.mark.parametrize(
    ("index", "labels"),
    [
        (["u", "v"], ["u", "v"]),
        ([5, 5], [5, 5]),
        (pd.MultiIndex.from_tuples([("u", 1), ("v", 2)]), ["('u', 1)", "('v', 2)"]),
        (pd.date_range("2020-01-01", periods=2), np.array(["2020-01-01", "2020-01-02"], "M8[us]")),
    ],
)
def test_the_index_of_a_pandas_frame_labels_the_points(index, labels):
    points = Points.read(pd.DataFrame({"a": [1.0, 2.0]}, index=index), ("a",))
    answer = points.to_xarray(np.array([8.0, 9.0]), "answer")
    np.testing.assert_array_equal(answer["point"], labels)
    np.testing.assert_array_equal(answer["a"], [1.0, 2.0])
    assert (answer.name, answer.dims, answer.values.tolist()) == ("answer", ("point",), [8, 9])


def test_read_only_columns_are_read():
    values = np.array([1.0, 2.0])
    values.flags.writeable = False
    assert Points.read({"a": values}, ("a",)).values.ravel().tolist() == [1, 2]


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ({"a": 1.0}, r"^at must give a value for every action, but \['b'\] are missing; it has \["),
        (pd.DataFrame({"b": [1.0]}), r"\['a'\] are missing; .* Even under do=None all actions"),
        ({}, r"\['a', 'b'\] are missing"),
        (
            {"a": [1, 2], "b": [1, 2, 3]},
            r"^at: the actions must have equally many .*\(2,\).*\(3,\)",
        ),
        ({"a": [1], "b": [1, 2]}, r"equally many values \(or one\)"),
        ({"a": [], "b": 1.0}, "^at must hold at least one point, got none"),
        (pd.DataFrame({"a": [], "b": []}), "at least one point"),
        ({"a": "x", "b": 1.0}, "^at: the values of action 'a' must be numbers"),
        ({"a": 1j, "b": 1.0}, "'a' must be numbers"),
        ({"a": 1.0, "b": [[1.0]]}, r"^at: the values of action 'b' must be one .*\(1, 1\)"),
        (
            {"a": 1.0, "b": [1.0, None]},
            "^at: action 'b' has missing or infinite values at 1 p",
        ),
        ({"a": 1.0, "b": np.inf}, "'b' has missing or infinite"),
        (pl.DataFrame({"a": [1, None], "b": [1, 2]}), "'a' has missing .*; drop those points"),
        (pd.DataFrame({"a": [1, None], "b": 1}, dtype="Int64"), "'a' has missing"),
        ([1.0, 2.0], "^at must be a pandas, polars or pyarrow table, or a mapping .*; got list"),
        (None, "got NoneType"),
        (VALUES, "got ndarray"),
        (pl.LazyFrame({"a": [1.0], "b": [1.0]}), "got LazyFrame"),
    ],
)
def test_points_that_cannot_be_used(at, message):
    with pytest.raises(QueryError, match=message):
        Points.read(at, ("a", "b"))

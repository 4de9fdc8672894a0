"""Tables as other libraries leave them: objects, labels, lazy frames, repeated names."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
import xarray as xr

import bayes_intgen as ig
from models import linear

AT = pd.DataFrame({"a1": [0.0, 0.5, 1.0], "a2": [0.1, 0.2, 0.3]})


@pytest.fixture(scope="module")
def frame():
    return linear.make_data(50, random_seed=1)


@pytest.fixture(scope="module")
def posterior(frame):
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    return ig.InterventionModel(ig.Polynomial(1), "full").fit(data, method="laplace", draws=20)


def read(frame):
    return ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])


@pytest.mark.parametrize("kind", [float, np.float64, lambda value: Decimal(repr(value))])
@pytest.mark.parametrize("names", [["a1"], ["y", "a2"]])
def test_objects_that_are_numbers_are_numbers(frame, kind, names):
    objects = frame.assign(
        **{name: pd.Series([kind(v) for v in frame[name]], dtype=object) for name in names}
    )
    assert set(map(str, objects[names].dtypes)) == {"object"}
    for label in ("obs", "a1", "a2"):
        np.testing.assert_array_equal(read(objects).rows(label), read(frame).rows(label))


@pytest.mark.parametrize(
    ("value", "words"), [(None, "missing"), (pd.NA, "missing"), ("1.0", "must hold numbers")]
)
def test_objects_that_are_no_numbers_are_refused(frame, value, words):
    values = frame["a1"].astype(object)
    values.iloc[3] = value
    with pytest.raises(ig.DataError, match=words):
        read(frame.assign(a1=values))


@pytest.mark.parametrize(
    ("index", "first"),
    [
        (pd.date_range("2024-01-01", periods=3, tz="Europe/Berlin"), "2024-01-01 00:00:00+01:00"),
        (pd.period_range("2024-01", periods=3, freq="M"), "2024-01"),
        (pd.interval_range(0, 3), "(0, 1]"),
        (pd.Index(["a", 1, 2.5], dtype=object), "a"),
        (pd.Index(pd.date_range("2024-01-01", periods=3).date), "2024-01-01"),
        (pd.date_range("2024-01-01", periods=3), np.datetime64("2024-01-01")),
    ],
)
def test_answers_are_saved_whatever_labels_the_plan_has(posterior, tmp_path, index, first):
    plan = AT.set_index(index)
    for answer in (posterior.expected_outcome(plan), posterior.contrast(plan, plan.iloc[[0]])):
        answer.to_netcdf(tmp_path / "answer.nc", engine="h5netcdf")
        again = xr.load_dataarray(tmp_path / "answer.nc", engine="h5netcdf")
        assert again["point"][0] == first
        np.testing.assert_array_equal(again, answer)
    assert posterior.table(plan).index.equals(index.rename("point"))


def test_series_are_put_into_the_order_of_the_first(posterior):
    shuffled = AT["a2"].iloc[[2, 0, 1]]
    expected = posterior.expected_outcome(AT)
    for other in (shuffled, xr.DataArray(shuffled)):
        found = posterior.expected_outcome({"a1": AT["a1"], "a2": other})
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ig.QueryError, match=r"different labels \(0, 1, 2 and 5, 6, 7\)"):
        posterior.expected_outcome({"a1": AT["a1"], "a2": AT["a2"].set_axis([5, 6, 7])})
    with pytest.raises(ig.QueryError, match="different labels"):
        posterior.expected_outcome({"a1": AT["a1"], "a2": AT["a2"].set_axis([0, 0, 1])})


REPEATED = pd.concat([AT, AT[["a1"]]], axis=1)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (3, "got int"),
        (REPEATED, r"column names must be distinct, got \['a1'\] more than once"),
        (pl.from_pandas(AT).lazy(), "collect it first"),
    ],
    ids=["number", "repeated", "lazy"],
)
def test_what_is_no_table_is_refused_in_our_words(posterior, table, words):
    readers = [
        (posterior.expected_outcome, ig.QueryError),
        (posterior.average_outcome, ig.QueryError),
        (ig.LiftTests.from_frame, ig.DataError),
    ]
    if not isinstance(table, pl.LazyFrame):  # whose rows from_frame reads
        readers.append((read, ig.DataError))
    for reader, error in readers:
        with pytest.raises(error, match=words) as caught:
            reader(table) if reader is not posterior.average_outcome else reader(table, do=["a1"])
        for foreign in ("narwhals", "eager", "dataframe type", "Expected"):
            assert foreign not in str(caught.value)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pd.Series(["x"] * 150), "str"),
        (pd.Series(pd.date_range("2024-01-01", periods=150)), "datetime64"),
        (pl.Series(["x"] * 150), "String"),
    ],
)
def test_a_type_is_named_as_its_library_does(frame, column, kind):
    table = pl.from_pandas(frame) if isinstance(column, pl.Series) else frame
    named = {"a1": column}
    table = (
        table.with_columns(**named) if isinstance(table, pl.DataFrame) else table.assign(**named)
    )
    with pytest.raises(ig.DataError, match=f"its type is {kind}"):
        read(table)


def test_labels_that_are_lists_are_refused(frame):
    with pytest.raises(ig.RegimeError, match="collections"):
        read(frame.assign(regime=[["obs"]] * len(frame)))


NAMES = {"a1": "price/unit", "a2": "price_unit", "y": "sales/week"}


@pytest.fixture(scope="module")
def slashed(frame):
    renamed = frame.rename(columns=NAMES)
    renamed["regime"] = renamed["regime"].replace(NAMES)
    data = ig.RegimeData.from_frame(renamed, "sales/week", ["price/unit", "price_unit"])
    model = ig.InterventionModel(ig.Polynomial(1), "full")
    return data, model.fit(data, method="laplace", draws=20)


ASK = {
    "expected_outcome": lambda p, at, base: p.expected_outcome(at),
    "mean": lambda p, at, base: p.expected_outcome(at).mean(["chain", "draw"]),
    "interval": lambda p, at, base: p.expected_outcome(at).quantile([0.1, 0.9], ["chain", "draw"]),
    "contrast": lambda p, at, base: p.contrast(at, base),
    "probability": lambda p, at, base: p.probability(at, base),
    "predict": lambda p, at, base: p.predict(at),
    "component": lambda p, at, base: p.component("price/unit", [0.0, 1.0]),
    "dose_response": lambda p, at, base: p.dose_response("price/unit", [0.0, 1.0]),
    "decomposition": lambda p, at, base: p.decomposition(at),
    "average": lambda p, at, base: p.average_outcome(at, do=["price/unit"]),
    "best": lambda p, at, base: p.best_action(dict.fromkeys(at, (0.0, 1.0)), grid=3).draws,
}


@pytest.mark.parametrize("name", ASK)
def test_names_with_a_slash_can_be_saved(slashed, tmp_path, name):
    at = pd.DataFrame({"price/unit": [0.0, 0.5], "price_unit": 0.1})
    answer = ASK[name](slashed[1], at, at.iloc[[0]])
    answer.to_netcdf(tmp_path / "answer.nc")
    kept = answer if isinstance(answer, xr.Dataset) else answer.to_dataset(name="answer")
    with xr.open_dataset(tmp_path / "answer.nc") as again:
        assert not any("/" in held for held in again.variables)
        true = {held: str(held) for held in again.variables}
        true |= {
            k: v.attrs["long_name"] for k, v in again.variables.items() if v.attrs.get("long_name")
        }
        true = {k: "answer" if v == getattr(answer, "name", "") else v for k, v in true.items()}
        assert sorted(true.values()) == sorted(map(str, kept.variables))
        for held, called in true.items():
            np.testing.assert_array_equal(again[held], kept[called])


def test_a_predictive_check_takes_names_with_a_slash(slashed, tmp_path):
    data, posterior = slashed
    tree = posterior.predictive_check(data)
    tree.to_netcdf(tmp_path / "tree.nc", engine="h5netcdf")
    assert tree["observed_data"]["sales_week"].attrs["long_name"] == "sales/week"
    posterior.save(tmp_path / "fit.nc")
    at = {"price/unit": 0.5, "price_unit": 0.1}
    pd.testing.assert_frame_equal(ig.load(tmp_path / "fit.nc").table(at), posterior.table(at))


def test_a_baseline_in_another_order_is_refused(posterior):
    at = {"a1": pd.Series([0.0, 0.5], ["x", "y"]), "a2": 0.1}
    assert not posterior.contrast(at, at).any()
    turned = at | {"a1": at["a1"].iloc[::-1]}
    for ask in (posterior.contrast, posterior.probability):
        with pytest.raises(ig.QueryError, match="baseline carries the labels of at in another"):
            ask(at, turned)
    with pytest.raises(ig.QueryError, match="another order"):
        posterior.contrast(AT, AT.iloc[::-1])
    assert posterior.contrast(AT, AT.set_axis([7, 8, 9])).sizes["point"] == 3  # by position


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (pd.Series([1, pd.NA], dtype=object), "missing or infinite values at 1"),
        ([[1], [1, 2]], r"one value or a one-dimensional array, got .*\[\[1\], \[1, 2\]\]"),
        ({1, 2}, r"must be numbers, got \{1, 2\}"),
        ("x", "must be numbers, got text"),
    ],
)
def test_values_of_a_query_are_refused_in_our_words(posterior, value, words):
    with pytest.raises(ig.QueryError, match=words) as caught:
        posterior.expected_outcome({"a1": value, "a2": 0.0})
    for foreign in ("float()", "inhomogeneous", "<U", "NAType"):
        assert foreign not in str(caught.value)


def test_objects_of_one_type_are_levels(frame):
    codes = pd.Series([1, 2, 3] * (len(frame) // 3), dtype=object)
    data = [
        ig.RegimeData.from_frame(frame.assign(a1=own), "y", ["a1", "a2"], categorical=["a1"])
        for own in (codes, codes.astype(int))
    ]
    np.testing.assert_array_equal(data[0].rows("a2"), data[1].rows("a2"))
    assert data[0].summary.levels == data[1].summary.levels


def test_types_of_marks_are_in_common_words(frame):
    months = pd.period_range("2000-01", periods=len(frame), freq="M")
    for arguments, kind in (({"time": "m"}, "period"), ({"weights": "t"}, "string")):
        with pytest.raises(ig.DataError, match=f"its type is {kind}\\."):
            ig.RegimeData.from_frame(frame.assign(m=months, t="x"), "y", ["a1", "a2"], **arguments)

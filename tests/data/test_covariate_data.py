"""Covariates as columns: read, validated, summarised, asked for at every point."""

import json

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import bayes_intgen as ig
from bayes_intgen.data.points import Points
from bayes_intgen.data.summary import Summary
from models import covariate

COLUMNS = {"outcome": "y", "actions": ["a1", "a2"], "covariates": ["z", "site"]}


@pytest.fixture(scope="module")
def frame():
    frame = covariate.make_data(40, random_seed=1)
    frame["site"] = np.resize(["north", "south", "west"], len(frame))
    return frame.sample(frac=1, random_state=2, ignore_index=True)


def write(frame, form, folder):
    """Hand a table over in one of the forms that can be read."""
    if form == "polars":
        return pl.from_pandas(frame)
    if form == "csv":
        frame.to_csv(folder / "rows.csv", index=False)
        return folder / "rows.csv"
    if form == "parquet":
        frame.to_parquet(folder / "rows.parquet")
        return folder / "rows.parquet"
    return frame


@pytest.mark.parametrize("form", ["pandas", "polars", "csv", "parquet"])
def test_rows_are_actions_covariates_outcome(frame, form, tmp_path):
    table = write(frame[["y", "site", "regime", "z", "a2", "a1"]], form, tmp_path)
    data = ig.RegimeData.from_frame(table, **COLUMNS, categorical=["site"])
    assert (data.actions, data.covariates) == (("a1", "a2"), ("z", "site"))
    assert data.variables == ("a1", "a2", "z", "site")
    assert data.levels == {"site": ("north", "south", "west")}
    for regime in ("obs", "a1", "a2"):
        part = frame[frame["regime"] == regime]
        expected = part.assign(site=part["site"].map(["north", "south", "west"].index))
        assert_allclose(data.rows(regime), expected[["a1", "a2", "z", "site", "y"]].to_numpy(float))


def test_printed(frame):
    shown = str(ig.RegimeData.from_frame(frame, **COLUMNS, categorical=["site"]))
    assert "outcome 'y', actions ['a1', 'a2'], covariates ['z', 'site']\n" in shown
    assert "levels of site: north, south, west\n" in shown
    without = ig.RegimeData.from_frame(frame, "y", ["a1", "a2"])
    assert "covariates" not in str(without)
    assert without.covariates == ()


def test_drop_and_recode_keep_the_covariates(frame):
    data = ig.RegimeData.from_frame(frame, **COLUMNS, categorical=["site"]).drop("a2")
    assert data.covariates == ("z", "site")
    order = {"site": ("east", "west", "south", "north")}
    rows = data.recode(order).rows("obs")
    assert_array_equal(rows[:, 3], 3.0 - data.rows("obs")[:, 3])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"covariates": "z"}, r"^covariates must be a list of column names, got 'z'; write \['z1"),
        ({"covariates": 3}, "^covariates must be a list of column names, got 3"),
        ({"covariates": [""]}, "^covariates must be non-empty strings, got ''"),
        ({"covariates": ["z", "z"]}, r"^covariates must be distinct, got \['z'\]"),
        ({"covariates": ["mean"]}, "^covariates may not .* called .*got 'mean'; rename"),
        ({"covariates": ["z+site"]}, r"^covariates may not contain '\+'.* rename"),
        ({"covariates": ["z", "a1"]}, r"^covariates name the columns \['a1'\], which are also act"),
        (
            {"covariates": ["site", "y"]},
            "^outcome names column 'y', which is also among the covariates",
        ),
        (
            {"covariates": ["site", "regime"]},
            "^regime names column 'regime', which is also among the covariates",
        ),
        ({"covariates": ["site", "age"]}, "^covariates: the table has no column 'age'; it has"),
        ({"categorical": []}, "^covariates: column 'site' must hold numbers.* list it in categor"),
        (
            {"categorical": ["q"]},
            r"^categorical names \['q'\].*'a2'\] or covariates \['z', 'site'\]",
        ),
    ],
)
def test_bad_names_are_refused(frame, options, message):
    with pytest.raises(ig.DataError, match=message):
        ig.RegimeData.from_frame(frame, **{**COLUMNS, "categorical": ["site"], **options})


@pytest.mark.parametrize("form", ["pandas", "csv", "parquet"])
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"z": [np.nan, np.inf]}, "^covariates: column 'z' must hold finite .* 1 values are miss"),
        ({"z": 2.5}, "^covariates: column 'z' is 2.5 in every row of every regime"),
        ({"site": [None]}, "^covariates: the categorical column 'site' must hold a level in eve"),
        ({"site": "n"}, "^covariates: column 'site' is 'n' in every row of every regime"),
        ({"site": [str(k) for k in range(60)]}, "^covariates: the categorical .* more than 50 lev"),
    ],
)
def test_bad_values_are_refused(frame, changed, message, form, tmp_path):
    [(name, values)] = changed.items()
    table = frame.copy()
    if isinstance(values, list):
        table.loc[: len(values) - 1, name] = values
    else:
        table[name] = values
    with pytest.raises(ig.DataError, match=message):
        ig.RegimeData.from_frame(write(table, form, tmp_path), **COLUMNS, categorical=["site"])


def test_a_covariate_cannot_be_set(frame):
    labels = frame["regime"].replace("a1", "z")
    with pytest.raises(ig.RegimeError, match=r"names \['z'\], which is not among the actions"):
        ig.RegimeData.from_frame(frame.assign(regime=labels), **COLUMNS, categorical=["site"])


def test_summary_holds_the_covariates_and_survives_storage(frame):
    data = ig.RegimeData.from_frame(frame, **COLUMNS, categorical=["site"])
    summary = data.summary
    assert summary.columns == ("a1", "a2", "z", "site", "y")
    again = Summary.from_dict(json.loads(json.dumps(summary.to_dict())))
    for found in (summary, again):
        parts = [frame.loc[frame["regime"] == regime, "z"] for regime in ("obs", "a1", "a2")]
        assert found.covariates == ("z", "site")
        assert found.scales["z"].centre == pytest.approx(np.mean([p.mean() for p in parts]))
        assert found.pooled_core("z")[1] == pytest.approx(frame["z"].max(), rel=0.02)
        assert_allclose(found.level_shares("site").sum(), 1)
    merged = summary.merge(data.drop(["obs", "a1"]).summary)
    assert merged.covariates == ("z", "site")
    assert merged.regimes[("a2",)].moments.n == 80


def test_points_need_every_covariate():
    points = Points.read({"a": 1.0, "z": [2.0, 3.0]}, ("a",), covariates=("z",))
    assert points.values.tolist() == [[1.0, 2.0], [1.0, 3.0]]
    assert points.to_xarray(np.zeros(2), "y")["z"].values.tolist() == [2.0, 3.0]
    assert points.take(1, 2).values.tolist() == [[1.0, 3.0]]
    for at, message in [
        ({"a": 1.0}, r"^at must give a value for every action and covariate, but \['z'\] are miss"),
        ({"a": 1.0, "z": "x"}, "^at: the values of covariate 'z' must be numbers"),
        ({"a": 1.0, "z": np.nan}, "^at: covariate 'z' has missing or infinite values"),
        ({"a": [1.0, 2.0], "z": [1.0, 2.0, 3.0]}, "^at: the variables must have equally many"),
    ]:
        with pytest.raises(ig.QueryError, match=message):
            Points.read(at, ("a",), covariates=("z",))
    with pytest.raises(ig.QueryError, match=r"^at: covariate 's' has no level 'east'"):
        Points.read({"a": 1.0, "s": "east"}, ("a",), {"s": ("north",)}, ("s",))


def test_moments_merge_over_days(frame):
    data = ig.RegimeData.from_frame(frame, **COLUMNS, categorical=["site"])
    first = ig.Moments.from_data(data, basis=ig.Polynomial(2))
    assert (first.covariates, first.variables) == (("z", "site"), data.variables)
    half = [frame.iloc[start::2] for start in (0, 1)]
    days = [ig.RegimeData.from_frame(part, **COLUMNS, categorical=["site"]) for part in half]
    merged = ig.Moments.from_data(days[0], like=first).merge(
        ig.Moments.from_data(days[1], like=first)
    )
    for regime in first.regimes:
        assert_allclose(merged.regression(regime).gram, first.regression(regime).gram, atol=1e-8)
    with pytest.raises(ig.ModelError, match=r"^like: its columns are"):
        ig.Moments.from_data(ig.RegimeData.from_frame(frame, "y", ["a1", "a2"]), like=first)
    renamed = frame.rename(columns={"z": "a3"}).assign(regime=frame["regime"].replace("a1", "a3"))
    one = ig.RegimeData.from_frame(renamed, "y", ["a1", "a2", "a3"])
    other = ig.RegimeData.from_frame(
        frame.rename(columns={"z": "a3"}), "y", ["a1", "a2"], covariates=["a3"]
    )
    with pytest.raises(ig.ModelError, match=r"^like: its covariates are \[\], those of the data"):
        ig.Moments.from_data(other, like=ig.Moments.from_data(one, basis=ig.Polynomial(1)))

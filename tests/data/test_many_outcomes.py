"""Many outcomes in one pass: each as if it were read alone, and the unusable ones named."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal

import bayes_intgen as ig

ACTIONS = ["a1", "a2", "a3"]


@pytest.fixture
def table(frame):
    rng = np.random.default_rng(2)
    missing = frame["y"].where(frame.index != 7)
    return frame.assign(
        yes=(frame["y"] > 5).astype(int),
        still=3.0,
        gap=missing,
        far=frame["y"].where(frame.index != 3, np.inf),
        word=pd.Series(["x", "y"] * 50),
        noise=rng.normal(size=100),
    )


FORMS = {
    "pandas": lambda table, path: table,
    "polars": lambda table, path: pl.from_pandas(table),
    "csv": lambda table, path: (table.to_csv(path / "t.csv", index=False), path / "t.csv")[1],
    "parquet": lambda table, path: (table.to_parquet(path / "t.parquet"), path / "t.parquet")[1],
}


@pytest.mark.parametrize("form", FORMS)
def test_outcomes_that_cannot_be_used_are_named_and_stop_no_other(table, form, tmp_path):
    source = FORMS[form](table, tmp_path)
    asked = ["y", "yes", "still", "gap", "far", "word", "noise"]
    many = ig.RegimeData.from_frame(source, asked, ACTIONS)
    assert many.names == ("y", "yes", "noise")
    assert set(many.excluded) == {"still", "gap", "far", "word"}
    assert "is 3 in every row" in many.excluded["still"]
    assert "1 of 100 values are missing" in many.excluded["gap"]
    assert "no numbers" in many.excluded["word"]
    for name in many.names:
        alone = ig.RegimeData.from_frame(table, name, ACTIONS)
        assert many[name].columns == alone.columns
        for label in alone.labels:
            assert_array_equal(many[name].rows(label), alone.rows(label))
        assert many[name].summary.scales == alone.summary.scales


def test_a_pattern_takes_what_it_matches_but_no_action_or_label(table):
    many = ig.RegimeData.from_frame(table, ["noise", "*"], ACTIONS)
    assert many.names[0] == "noise"
    assert {*many.names, *many.excluded} == {*table.columns} - {*ACTIONS, "regime"}
    with pytest.raises(ig.DataError, match="no column matches 'gene_"):
        ig.RegimeData.from_frame(table, ["gene_*"], ACTIONS)


def test_what_is_wrong_with_all_outcomes_stops_reading(table):
    with pytest.raises(ig.DataError, match=r"none of the outcomes can be used .*still: is 3"):
        ig.RegimeData.from_frame(table, ["still", "word"], ACTIONS)
    with pytest.raises(ig.DataError, match="no column 'absent'"):
        ig.RegimeData.from_frame(table, ["y", "absent"], ACTIONS)
    with pytest.raises(ig.DataError, match="outcome names column 'a1'"):
        ig.RegimeData.from_frame(table, ["y", "a1"], ACTIONS)
    broken = table.assign(a2=table["a2"].where(table.index != 1))
    with pytest.raises(ig.DataError, match="actions: column 'a2'"):
        ig.RegimeData.from_frame(broken, ["y", "noise"], ACTIONS)
    with pytest.raises(ig.DataError, match="outcome must be the name of a column, or a list"):
        ig.RegimeData.from_frame(table, ["y", 3], ACTIONS)


def test_levels_are_those_of_the_data_of_one_outcome(table):
    table = table.assign(channel=np.where(table["a1"] > 2, "tv", "web"))
    roles = {"actions": [*ACTIONS, "channel"], "categorical": ["channel"]}
    many = ig.RegimeData.from_frame(table, ["y", "noise"], **roles)
    alone = ig.RegimeData.from_frame(table, "noise", **roles)
    assert many["noise"].levels == alone.levels
    assert_array_equal(many["noise"].rows("obs"), alone.rows("obs"))


def test_an_outcome_that_is_constant_in_what_is_left_goes_with_the_regime(table):
    table = table.assign(late=np.where(table["regime"] == "a3", np.arange(100.0), 1.0))
    many = ig.RegimeData.from_frame(table, ["y", "late"], ACTIONS)
    left = many.drop("a3")
    assert left.names == ("y",)
    assert left["y"].labels == ("obs", "a1", "a2")
    assert "is 1 in every row" in left.excluded["late"]
    with pytest.raises(ig.RegimeError, match="have no regime"):
        many.drop("a1+a2")
    with pytest.raises(ig.DataError, match=r"outcome 'late' is not among 'y'. It was left out"):
        left["late"]


def test_one_fit_of_many_outcomes_is_refused_with_the_way_out(table):
    many = ig.RegimeData.from_frame(table, ["y", "noise"], ACTIONS)
    with pytest.raises(ig.ModelError, match="fitted by fit_outcomes"):
        ig.InterventionModel().fit(many)

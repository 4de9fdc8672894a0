"""Which rows share an intercept: clusters, blocks of times, and settings that are held."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.data.grouping import BLOCK, Grouping, unit_keys
from tests.cases.dependent_rows import draw

WEEKS, HELD = 150, 4


def table(seed: int = 1, levels: bool = False) -> pd.DataFrame:
    """Both actions are held for four weeks, but the one that an experiment on a2 leaves alone."""
    rng = np.random.default_rng(seed)
    parts = []
    for regime in ("obs", "a1", "a2"):
        week = np.arange(WEEKS)
        drawn = rng.normal(size=(2, WEEKS))
        held = drawn[:, week // HELD]
        a1, a2 = drawn[0] if regime == "a2" else held[0], held[1]
        if levels:
            a1, a2 = np.sign(a1), np.sign(a2)
        parts.append(pd.DataFrame({"a1": a1, "a2": a2, "week": week, "regime": regime}))
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(y=frame["a1"] + rng.normal(size=len(frame)))


def read(frame: pd.DataFrame, **marks: str) -> ig.RegimeData:
    return ig.RegimeData.from_frame(frame, "y", ["a1", "a2"], **marks)


def grouping_of(frame: pd.DataFrame, **marks: str) -> Grouping:
    found = read(frame, **marks).summary.grouping
    assert found is not None
    return found


@pytest.mark.parametrize("levels", [False, True])
def test_settings_that_are_held_are_found(levels) -> None:
    """Of observations all actions count, of an experiment those that it sets."""
    held = grouping_of(table(levels=levels), time="week").held
    assert held["a1"] == (0,)
    assert held["a2"] == (1,)
    assert held["obs"] == (0, 1)


def test_settings_that_are_drawn_each_time_are_not_held() -> None:
    frame = table()
    shuffled = frame.assign(week=frame.groupby("regime")["week"].transform(_shuffle))
    assert grouping_of(shuffled, time="week").held == {}
    assert grouping_of(shuffled.round(0), time="week").held == {}  # few levels, equal by chance
    coins = table(levels=True)
    coins["week"] = coins.groupby("regime")["week"].transform(_shuffle)
    assert grouping_of(coins, time="week").held == {}


def test_a_setting_that_never_changes_makes_no_groups() -> None:
    frame = table()
    frame.loc[frame["regime"] == "a1", "a1"] = 2.0
    assert "a1" not in grouping_of(frame, time="week").held


def test_clusters_keep_their_intercepts() -> None:
    frame = table().assign(region=lambda f: f["regime"] + (f["week"] % 3).astype(str))
    assert grouping_of(frame, time="week", cluster="region").held == {}


def test_groups_are_blocks_cut_where_settings_change() -> None:
    """Against a loop over the rows, which are shuffled; and their sums."""
    frame = table().sample(frac=1, random_state=3, ignore_index=True)
    data = read(frame, time="week")
    grouping = data.summary.grouping
    moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
    for regime, label, columns in (((), "obs", ["a1", "a2"]), (("a2",), "a2", ["a2"])):
        rows = frame[frame["regime"] == label]
        block = ((rows["week"] - grouping.origin) // grouping.width).astype(int)
        sizes: dict[tuple, int] = {}
        for key in zip(block, *(rows[name] for name in columns), strict=True):
            sizes[key] = sizes.get(key, 0) + 1
        groups = moments.clusters[regime]
        assert sorted(groups.rows) == sorted(sizes.values())
        units = np.unique(unit_keys(groups.keys, by_block=True)[:, 1])
        np.testing.assert_array_equal(units, np.unique(block))
        np.testing.assert_array_equal(unit_keys(groups.keys, by_block=False)[:, 1], 0)


def test_rows_of_one_time_alone_hold_nothing() -> None:
    """Thirty rows of each week, whose settings change every week."""
    rng = np.random.default_rng(2)
    week = np.repeat(np.arange(WEEKS), 30)
    frame = pd.DataFrame(rng.normal(size=(WEEKS, 2))[week], columns=["a1", "a2"])
    frame = frame.assign(y=frame["a1"] + rng.normal(size=len(frame)), week=week, regime="obs")
    assert grouping_of(frame, time="week").held == {}


def test_scores_of_many_groups_are_added_up_by_block() -> None:
    """Of more groups than are kept one by one, in one pass and in many."""
    rng = np.random.default_rng(4)
    hour = np.arange(24_000)
    held = rng.normal(size=(2, len(hour)))[:, hour // HELD]
    frame = pd.DataFrame({"a1": held[0], "a2": held[1], "hour": hour, "regime": "obs"})
    parts = [frame.assign(y=frame["a1"] + rng.normal(size=len(frame)))]
    for name in ("a1", "a2"):
        parts.append(parts[0][:2000].assign(regime=name))
    table_of = pd.concat(parts, ignore_index=True)
    data = read(table_of, time="hour")
    posterior = ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace", draws=400)
    assert "obs" in posterior.dependence.held
    sd = float(posterior.expected_outcome({"a1": 1.0, "a2": 0.0}).std())
    alone = ig.InterventionModel(ig.Polynomial(1)).fit(read(table_of), method="laplace")
    assert sd > 0.7 * float(alone.expected_outcome({"a1": 1.0, "a2": 0.0}).std())


def test_keys_know_one_zero() -> None:
    data = read(table(), time="week")
    regime, marks = ("a1",), data.marks(("a1",))
    rows = np.zeros((len(marks.table), 3))
    keys = data.summary.grouping.keys(regime, rows, marks)
    np.testing.assert_array_equal(keys, data.summary.grouping.keys(regime, -rows, marks))


def test_merged_moments_have_the_groups_of_one_pass() -> None:
    frame = table()
    whole = ig.Moments.from_data(read(frame, time="week"), basis=ig.Polynomial(2))
    first = ig.Moments.from_data(read(frame[::2], time="week"), like=whole)
    both = first.merge(ig.Moments.from_data(frame[1::2], like=whole))
    for regime, groups in whole.clusters.items():
        np.testing.assert_array_equal(both.clusters[regime].keys, groups.keys)
        np.testing.assert_allclose(both.clusters[regime].sums, groups.sums, atol=1e-12)


def test_moments_of_other_groups_are_not_merged() -> None:
    moments = ig.Moments.from_data(read(table(), time="week"), basis=ig.Polynomial(2))
    other = replace(moments, grouping=replace(moments.grouping, held={}))
    with pytest.raises(ig.ModelError, match="other blocks of times"):
        moments.merge(other)


def test_moments_of_earlier_versions_keep_their_blocks(tmp_path) -> None:
    """Their second key was the number of the block, and nothing was known to be held."""
    frame = table()
    shuffled = frame.assign(week=frame.groupby("regime")["week"].transform(_shuffle))
    moments = ig.Moments.from_data(read(shuffled, time="week"), basis=ig.Polynomial(2))
    moments.save(tmp_path / "now.npz")
    arrays = dict(np.load(tmp_path / "now.npz"))
    state = json.loads(arrays["state"].tobytes())
    assert state["grouping"].pop("held") == {}
    arrays["state"] = np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)
    for name in [name for name in arrays if name.startswith("group_keys")]:
        arrays[name] = arrays[name] // [1, BLOCK]
    np.savez(tmp_path / "then.npz", **arrays)
    known = ig.Moments.load(tmp_path / "then.npz")
    for regime, groups in moments.clusters.items():
        np.testing.assert_array_equal(known.clusters[regime].keys, groups.keys)


@pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")
def test_held_settings_do_not_pass_for_independent_rows(monkeypatch) -> None:
    """Fits to weeks whose settings and confounders are held for four, with and without."""

    def squared_error(seed: int) -> float:
        system = draw("weeks", "four weeks", WEEKS, seed)
        data = ig.RegimeData.from_frame(system.frame, "y", ["a1", "a2"], **system.marks)
        posterior = ig.InterventionModel().fit(data, method="laplace")
        at = np.random.default_rng(seed).uniform(-1.6, 1.6, size=(40, 2))
        points = dict(zip(("a1", "a2"), at.T, strict=True))
        mean = posterior.expected_outcome(points)[0].to_numpy().mean(axis=0)
        assert ("where settings are held" in str(posterior.dependence)) == bool(
            data.summary.grouping.held
        )
        return float(np.mean((mean - system.expected(at)) ** 2))

    seeds = range(4)
    ours = sum(map(squared_error, seeds))
    monkeypatch.setattr("bayes_intgen.data.grouping._is_held", lambda *_: False)
    assert ours < 0.5 * sum(map(squared_error, seeds))


def _shuffle(weeks: pd.Series) -> pd.Series:
    return weeks.sample(frac=1, random_state=7).set_axis(weeks.index)

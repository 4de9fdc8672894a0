"""The support flags of categorical actions, and what the first pass keeps for them."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bayes_intgen import RegimeData
from bayes_intgen.base.support_flags import EXTRAPOLATED, OUTSIDE, SUPPORTED
from bayes_intgen.data.summary import Summary
from bayes_intgen.posterior.support import classify_support

ALONE = {"a": (), "c": (), "d": ()}
LEVELS = {"c": ["x", "y", "z"], "d": ["u", "v"]}


def summarise(regimes):
    """Summarise tables of a, c and d by regime label."""
    frames = [pd.DataFrame(table).assign(regime=label) for label, table in regimes.items()]
    frame = pd.concat(frames, ignore_index=True)
    frame["y"] = np.arange(len(frame))
    return RegimeData.from_frame(frame, "y", ["a", "c", "d"], categorical=["c", "d"]).summary


def table(n, c, d=("u", "v"), seed=1, shift=0.0):
    """Draw a from N(shift, 1) with c and d in turn."""
    a = np.random.default_rng(seed).normal(size=n) + shift
    return {"a": a, "c": np.resize(list(c), n), "d": np.repeat(d, -(-n // len(d)))[:n]}


def flags(points, do, summary, parents=ALONE):
    values = [[a, *(LEVELS[k].index(level) for k, level in zip("cd", rest, strict=True))]
              for a, *rest in points]  # fmt: skip
    return classify_support(np.array(values, dtype=float), do, summary, parents).tolist()


# Actions that are set


def test_a_set_level_must_have_been_seen_where_regimes_set_it():
    summary = summarise({"obs": table(90, "xyz"), "c": table(90, "xy"), "d": table(90, "xyz")})
    points = [(0, "x", "u"), (0, "y", "v"), (0, "z", "u")]
    assert flags(points, ("c",), summary) == [SUPPORTED, SUPPORTED, EXTRAPOLATED]
    assert flags(points, ("d",), summary) == [SUPPORTED] * 3
    assert flags([(99, "x", "u")], ("c",), summary) == [OUTSIDE]


def test_regimes_together_show_a_level():
    regimes = {"obs": table(90, "xyz"), "c": table(90, "xy"), "c+d": table(90, "zy")}
    found = flags([(0, level, "u") for level in "xyz"], ("c",), summarise(regimes))
    assert found == [SUPPORTED] * 3


def test_a_level_of_a_parent_must_also_be_seen_where_its_child_is_set_and_where_neither_is():
    """Effect and bias of d are told apart only at the levels of c that both kinds of rows show."""
    parents = {"a": (), "c": (), "d": ("c",)}
    points = [(0, level, "u") for level in "xyz"]
    everywhere = {"obs": table(90, "xyz"), "c": table(90, "xyz"), "d": table(90, "xyz")}
    assert flags(points, ("c", "d"), summarise(everywhere), parents) == [SUPPORTED] * 3
    for regime in ("obs", "d"):
        summary = summarise(everywhere | {regime: table(90, "xy")})
        found = flags(points, ("c", "d"), summary, parents)
        assert found == [SUPPORTED, SUPPORTED, EXTRAPOLATED]
        assert flags(points, ("c", "d"), summary, ALONE) == [SUPPORTED] * 3


# Actions that are not set


def test_levels_must_have_been_seen_together():
    """x with u and y with v, never across; z with both."""
    joined = {"a": np.linspace(-1, 1, 80), "c": np.resize(list("xyzz"), 80)}
    joined["d"] = np.where(joined["c"] == "x", "u", np.where(joined["c"] == "y", "v", "u"))
    joined["d"][3::4] = "v"
    summary = summarise({"obs": joined})
    points = [(0, c, d) for c, d in ("xu", "xv", "yu", "yv", "zu", "zv")]
    parents = {"a": (), "c": ("d",), "d": ()}
    expected = [SUPPORTED, EXTRAPOLATED, EXTRAPOLATED, SUPPORTED, SUPPORTED, SUPPORTED]
    assert flags(points, (), summary, parents) == expected
    assert flags(points, (), summary, ALONE) == [SUPPORTED] * 6


def test_numeric_actions_must_lie_in_the_cloud_of_their_level():
    """a is near 0 at x and near 20 at y; each level has its own cloud."""
    near, far = table(60, "x", seed=1), table(60, "y", seed=2, shift=20.0)
    summary = summarise({"obs": {k: np.concatenate([near[k], far[k]]) for k in near}})
    points = [(0, "x", "u"), (20, "x", "u"), (0, "y", "u"), (20, "y", "u"), (10, "y", "u")]
    one, other = [SUPPORTED, EXTRAPOLATED], [EXTRAPOLATED, SUPPORTED, EXTRAPOLATED]
    for parents in ({"a": ("c",), "c": (), "d": ()}, {"a": (), "c": ("a",), "d": ()}):
        assert flags(points, (), summary, parents) == one + other
    # each on its own lies within the wide cloud of all rows
    assert flags(points, (), summary, ALONE) == [SUPPORTED] * 5


@pytest.mark.parametrize(("rows", "expected"), [(20, EXTRAPOLATED), (19, SUPPORTED)])
def test_a_level_with_few_rows_borrows_the_cloud_of_all(rows, expected):
    """With one numeric action twenty rows draw a border."""
    near, far = table(rows, "x", seed=1), table(60, "y", seed=2, shift=20.0)
    summary = summarise({"obs": {k: np.concatenate([near[k], far[k]]) for k in near}})
    found = flags([(0, "x", "u"), (20, "x", "u")], (), summary, {"a": ("c",), "c": (), "d": ()})
    assert found == [SUPPORTED, expected]


def test_any_regime_that_leaves_the_action_alone_will_do():
    """Observational rows have a near 0 with x and y, those that set d near 8 with y and z."""
    summary = summarise({"obs": table(90, "xy"), "d": table(90, "yz", shift=8.0)})
    points = [(a, level, "u") for a in (0, 4, 8) for level in "xyz"]
    near, between = [SUPPORTED, SUPPORTED, EXTRAPOLATED], [EXTRAPOLATED] * 3
    found = flags(points, (), summary, {"a": (), "c": ("a",), "d": ()})
    assert found == near + between + near[::-1]


def test_a_joint_arm_supports_its_own_cloud():
    """Observational rows do not reach a = 4.5, so that effect and bias are not told apart there."""
    regimes = {"obs": table(90, "xyz"), "a+c+d": table(90, "zy", shift=3.0)}
    points = [(4.5, "z", "u"), (4.5, "x", "u"), (2.0, "z", "v")]
    parents = {"a": (), "c": ("a",), "d": ()}
    found = flags(points, ("a", "c", "d"), summarise(regimes), parents)
    assert found == [SUPPORTED, EXTRAPOLATED, SUPPORTED]
    assert flags(points, ("a", "c"), summarise(regimes), parents)[0] == EXTRAPOLATED


# What the first pass keeps


def read(frame):
    return RegimeData.from_frame(frame, "y", ["a", "c", "d"], categorical=["c", "d"])


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(200, 2)), columns=["a", "y"]) + 1e6
    frame["c"] = rng.choice(list("xyz"), 200, p=[0.6, 0.3, 0.1])
    frame["d"] = rng.choice(["u", "v"], 200)
    return frame.assign(regime=np.repeat(["obs", "c"], 100))


def assert_kept(summary, rows):
    """Hold counts and moments by level against sums over the rows."""
    for label, table in rows.groupby("regime"):
        part = summary.regimes[() if label == "obs" else (label,)]
        for column, name in ((1, "c"), (2, "d")):
            for level, kept in zip(LEVELS[name], part.levels[column], strict=True):
                chosen = table[table[name] == level]
                assert kept.moments.n == len(chosen)
                assert_allclose(kept.moments.mean[0], chosen["a"].mean(), rtol=1e-13)
                assert_allclose(kept.moments.covariance[0, 0], chosen["a"].var(ddof=0), rtol=1e-8)
                for other, key in ((1, "c"), (2, "d")):
                    counts = [(chosen[key] == text).sum() for text in LEVELS[key]]
                    assert_array_equal(kept.together[other], counts)


def test_counts_and_moments_by_level(rows, monkeypatch):
    assert_kept(read(rows).summary, rows)
    monkeypatch.setattr("bayes_intgen.data.sources.BATCH_ROWS", 7)
    assert_kept(read(rows).summary, rows)


def test_merged_summaries_keep_them(rows):
    levels = {"c": ("x", "y", "z"), "d": ("u", "v")}
    first, second = rows[rows["c"] != "z"][::2], rows.drop(rows[rows["c"] != "z"][::2].index)
    parts = [read(part).recode(levels).summary for part in (first, second)]
    assert_kept(parts[0].merge(parts[1]), rows)


def test_they_survive_json(rows):
    summary = read(rows).summary
    again = Summary.from_dict(json.loads(json.dumps(summary.to_dict())))
    assert_kept(again, rows)
    assert again.levels == summary.levels
    points = np.column_stack([np.full(6, 1e6), np.arange(6) % 3, np.arange(6) % 2])
    parents = {"a": ("c",), "c": (), "d": ("c",)}
    found, expected = (classify_support(points, (), part, parents) for part in (again, summary))
    assert_array_equal(found, expected)


def test_shares_weight_every_regime_equally(rows):
    shares = rows.groupby("regime")["c"].value_counts(normalize=True).unstack().mean()
    assert_allclose(read(rows).summary.level_shares("c"), shares[["x", "y", "z"]])

"""The moves that put each action into one number stay within what its experiments set."""

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.data.reference import numeric_move, reference_contrasts, reference_values

DOSES = [0.0, 0.1, 0.3, 1.0, 3.0, 10.0]


def summary_of(obs, tested):
    """Summarise rows of an action ``a`` where it is left alone and where it is set."""
    parts = [pd.DataFrame({"a": np.ravel(v)}) for v in (obs, tested, obs)]
    frame = pd.concat(parts, keys=["obs", "a", "b"], names=["regime", None]).reset_index(level=0)
    rng = np.random.default_rng(1)
    frame = frame.assign(b=rng.normal(size=len(frame)), y=rng.normal(size=len(frame)))
    return ig.RegimeData.from_frame(frame, outcome="y", actions=["a", "b"]).summary


def test_doses_are_not_moved_below_zero_nor_into_a_gap():
    obs = np.random.default_rng(2).exponential(1.0, 400)
    summary = summary_of(obs, DOSES * 40)
    scale = summary.scales["a"]
    assert scale.centre - scale.spread < 0  # what moves by one sd would have started from
    assert 3 < scale.centre + scale.spread < 10  # a gap that no experiment has set anything in
    assert numeric_move(summary, "a") == (0.0, 3.0)


@pytest.mark.parametrize("seed", range(20))
def test_moves_stay_in_the_core_and_out_of_gaps(seed):
    rng = np.random.default_rng(seed)
    doses = np.sort(rng.lognormal(0.0, 1.5, rng.integers(3, 8)))
    tested = rng.choice(doses, 200) if seed % 2 else rng.gamma(0.3, 2.0, 200)
    summary = summary_of(rng.normal(rng.normal(), rng.uniform(0.1, 3.0), 200), tested)
    low, high = numeric_move(summary, "a")
    assert tested.min() <= low < high <= tested.max()
    assert not any(gap.low < end < gap.high for gap in summary.gaps["a"] for end in (low, high))


def test_where_the_data_allow_it_moves_are_by_one_sd_either_way():
    rng = np.random.default_rng(3)
    summary = summary_of(rng.normal(size=300), rng.uniform(-4, 4, size=300))
    move = next(move for move in reference_contrasts(summary) if move.action == "a")
    scale = summary.scales["a"]
    assert (move.start, move.end) == (scale.centre - scale.spread, scale.centre + scale.spread)


def test_an_action_that_is_set_to_one_value_moves_within_the_rows():
    rng = np.random.default_rng(4)
    obs = rng.normal(size=300)
    low, high = numeric_move(summary_of(obs, np.full(50, 9.0)), "a")
    assert obs.min() <= low < high <= 9.0


def test_an_action_that_is_on_or_off_rests_at_one_of_the_two():
    rng = np.random.default_rng(5)
    on = (rng.random(600) < 0.6).astype(float)
    assert reference_values(summary_of(on, on[::-1])).tolist()[0] == 1.0
    assert reference_values(summary_of(1 - on, 1 - on)).tolist()[0] == 0.0

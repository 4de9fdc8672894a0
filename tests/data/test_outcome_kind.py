"""The kind of an outcome: recognised from rows, whatever their chunks, and kept in files."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.data.outcome_kind import OutcomeFacts, recognise
from bayes_intgen.data.summary import Summary
from tests.cases.outcome_kinds import LINEAR, logistic, make_data, multiplicative

KINDS = {
    "binary": "binary",
    "poisson": "count",
    "overdispersed": "count",
    "underdispersed": "count",
    "gamma": "positive",
    "lognormal": "positive",
    "often zero": "positive",
    "proportion": "proportion",
    "ends": "proportion",
    "real": "real",
}


def facts(*values):
    return OutcomeFacts.from_outcomes(np.array(values, dtype=float))


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("n", [100, 2000])
def test_kinds_are_recognised(name, n):
    for seed in range(3):
        assert make_data(LINEAR[name], n, seed).summary.outcome_range.kind == KINDS[name]


@pytest.mark.parametrize("seed", range(3))
def test_links_do_not_hide_the_kind(seed):
    assert make_data(logistic, 200, seed).summary.outcome_range.kind == "binary"
    assert make_data(multiplicative, 200, seed).summary.outcome_range.kind == "positive"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((0, 1, 1), "binary"),
        ((0, 1, 2), "count"),
        ((-1, 1, 1), "real"),
        ((0, 1, 1.5), "real"),  # three rows say nothing of a tail
        ((0, 1, 0.5), "proportion"),
        ((1e15, 2e15), "real"),  # every number that large is whole
    ],
)
def test_ends_of_the_kinds(values, kind):
    assert recognise([facts(*values)]).kind == kind


def test_one_regime_decides_for_all():
    assert recognise([facts(0, 1, 1), facts(0, 3)]).kind == "count"
    assert recognise([facts(0, 1, 1), facts(0, 0.5)]).kind == "proportion"
    assert recognise([facts(0, 1), facts(-0.1, 1)]).kind == "real"


def test_positive_but_not_skewed_is_real():
    rng = np.random.default_rng(1)
    weights = OutcomeFacts.from_outcomes(rng.normal(70, 10, 5000))
    assert weights.low > 0
    assert recognise([weights]).kind == "real"
    assert recognise([OutcomeFacts.from_outcomes(rng.uniform(0, 9, 5000))]).kind == "real"


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_merged_facts_are_those_of_all_rows(offset):
    rng = np.random.default_rng(2)
    y = rng.gamma(0.7, 3.0, 1000) + offset
    whole = OutcomeFacts.from_outcomes(y)
    merged = OutcomeFacts()
    for part in np.split(y, [1, 7, 7, 400, 950]):
        merged = merged.merge(OutcomeFacts.from_outcomes(part))
    assert merged.n == whole.n == 1000
    assert merged.low == y.min()
    assert merged.high == y.max()
    assert merged.square == pytest.approx(1000 * y.var(), rel=1e-9)
    assert merged.skewness == pytest.approx(stats.skew(y), rel=1e-7)
    assert whole.skewness == pytest.approx(stats.skew(y), rel=1e-7)
    assert whole.variation == pytest.approx(y.std() / y.mean(), rel=1e-9)


def test_no_rows_and_huge_values_do_no_harm():
    assert OutcomeFacts().merge(OutcomeFacts()) == OutcomeFacts()
    assert recognise([]).kind == "real"
    huge = facts(-9e99, 1e99, 9e99)
    assert np.isfinite(huge.merge(facts(1e98, -9e99)).skewness)


def test_chunks_and_files_tell_the_same(tmp_path):
    data = make_data(LINEAR["ends"], 300, 1)
    frame = pd.concat(
        [
            pd.DataFrame(data.rows(label), columns=["a1", "a2", "y"]).assign(regime=label)
            for label in data.labels
        ]
    )
    frame.to_csv(tmp_path / "rows.csv", index=False)
    path = str(tmp_path / "rows.csv")
    read = ig.RegimeData.from_frame(path, outcome="y", actions=["a1", "a2"])
    assert str(read.summary.outcome_range) == str(data.summary.outcome_range)
    zeros = sum(int((data.rows(label)[:, -1] == 0).sum()) for label in data.labels)
    assert data.summary.outcome_range.facts.zeros == zeros > 0


def test_moments_keep_the_kind_and_merge_it(tmp_path):
    first = ig.Moments.from_data(make_data(LINEAR["binary"], 100, 1), basis=ig.Polynomial(1))
    first.save(tmp_path / "first.npz")
    again = ig.Moments.load(tmp_path / "first.npz")
    assert again.summary.outcome_range == first.summary.outcome_range
    more = ig.Moments.from_data(make_data(LINEAR["poisson"], 100, 2), like=again)
    merged = again.merge(more).summary.outcome_range
    assert merged.kind == "count"
    assert merged.facts.n == 600


def test_files_of_earlier_versions_load_without_it():
    state = make_data(LINEAR["binary"], 50, 1).summary.to_dict()
    assert Summary.from_dict(json.loads(json.dumps(state))).outcome_range.kind == "binary"
    for regime in state["regimes"].values():
        del regime["outcome"]
    old = Summary.from_dict(json.loads(json.dumps(state)))
    assert old.outcome_range.kind == "real"
    assert "earlier version" in str(old.outcome_range)
    assert old.merge(old).outcome_range.kind == "real"
    assert "outcome" not in old.to_dict()["regimes"]["obs"]

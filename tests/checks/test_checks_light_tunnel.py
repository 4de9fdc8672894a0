"""The checks on real measurements; see :mod:`tests.test_light_tunnel` for where they come from."""

from pathlib import Path

import pytest

import bayes_intgen as ig

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="the measurements are not part of the repository"
)


def check(name, drop=()):
    path = DATA / f"light_tunnel_{name}.csv"
    data = ig.RegimeData.from_frame(path, outcome="ir_1", actions=["blue", "green"])
    return ig.check(data.drop(drop) if drop else data, interactions="none")


def test_nothing_is_flagged_where_confounding_is_pairwise():
    for drop in ((), ("blue+green",)):
        result = check("pairwise", drop)
        assert result.passed
        assert result.needed_interactions == "none"


def test_one_hidden_lamp_behind_both_actions_is_seen_in_how_they_go_together():
    result = check("shared", ("blue+green",))
    assert not result.passed
    found = {finding.subject: finding for finding in result.failed}
    assert {finding.check for finding in result.failed} == {"mechanism"}
    for subject in ("mean of blue given green", "mean of green given blue"):
        assert found[subject].p_value < 1e-6
        assert "into one block" in found[subject].meaning

"""Regime labels: what they mean, how they are written, and what cannot be one."""

from itertools import combinations

import pytest

import bayes_intgen as ig
from bayes_intgen.base.errors import DataError, RegimeError
from bayes_intgen.base.regimes import (
    check_action_names,
    format_regime,
    order_regime,
    parse_regime,
    sort_regimes,
)
from bayes_intgen.design.identification.identify import read_names

ACTIONS = ("z", "a", "m")


@pytest.mark.parametrize(
    ("label", "regime"),
    [
        ("obs", ()),
        ("a", ("a",)),
        ("a+z", ("z", "a")),
        ("z+a", ("z", "a")),
        ("m+a+z", ("z", "a", "m")),
    ],
)
def test_labels_name_the_actions_in_any_order(label, regime):
    assert parse_regime(label, ACTIONS) == regime


def test_every_regime_survives_being_written_and_read():
    for size in range(4):
        for regime in combinations(ACTIONS, size):
            assert parse_regime(format_regime(regime), ACTIONS) == regime


def test_names_are_put_into_the_order_of_the_actions():
    assert order_regime({"m", "z"}, ACTIONS) == ("z", "m")


def test_regimes_are_ranked_by_size_then_by_the_order_of_the_actions():
    ranked = [(), ("z",), ("a",), ("m",), ("z", "a"), ("z", "m"), ("a", "m"), ("z", "a", "m")]
    assert sort_regimes(sorted(ranked), ACTIONS) == ranked


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("", "must not be empty, got ''"),
        ("  ", "must not be empty, got '  '"),
        (3, "must be text, got 3"),
        (None, "must be text, got None"),
        ("b", r"'b' names \['b'\], which is not among the actions"),
        ("a+b", r"'a\+b' names \['b'\]"),
        ("a+", r"'a\+' names \[''\]"),
        ("OBS", r"'OBS' names \['OBS'\]"),
        ("obs+a", r"names \['obs'\]"),
        ("a+a", "names an action twice"),
    ],
)
def test_bad_labels_are_refused_with_the_reason_and_the_way_out(label, reason):
    with pytest.raises(RegimeError, match=reason) as caught:
        parse_regime(label, ACTIONS)
    assert "Use 'obs' for observational rows, or actions joined by '+'" in str(caught.value)
    assert str(list(ACTIONS)) in str(caught.value)


@pytest.mark.parametrize(
    ("actions", "reason"),
    [
        ("a1", r"list of column names, got 'a1'; write \['a1', 'a2'\]"),
        (None, "list of column names, got None"),
        ([], "at least one column, got none"),
        (["a", ""], "non-empty strings, got ''; rename"),
        (["a", " "], "non-empty strings, got ' '; rename"),
        (["a", 3], "non-empty strings, got 3; rename"),
        (["obs"], "may not .* called .*got 'obs'; rename"),
        (["a", "a+b"], r"contain '\+' .* got 'a\+b'; rename"),
        (["b", "a", "b"], r"distinct, got \['b'\] more than once"),
    ],
)
def test_bad_action_names_are_refused(actions, reason):
    with pytest.raises(DataError, match=f"^actions .*{reason}"):
        check_action_names(actions)


def test_action_names_may_hold_anything_else():
    names = ["price", "Größe", "a b", "a-1", "a.1", "observed"]
    assert check_action_names(names) == tuple(names)


@pytest.mark.parametrize("label", ["a2 + a1", " a1+a2", "a1 +\ta2 "])
def test_blanks_around_the_names_of_a_label_do_not_matter(label):
    assert parse_regime(label, ["a1", "a2"]) == ("a1", "a2")
    assert read_names(label) == ("a1", "a2")
    assert parse_regime(" obs ", ["a1", "a2"]) == read_names(" obs ") == ()
    answer = ig.identify(["obs", "a1 ", "a2"], label)
    assert (answer.identified, answer.target) == (True, ("a1", "a2"))


def test_a_name_with_blanks_of_its_own_is_read_as_it_is():
    assert parse_regime("a 1+ a2", ["a 1", " a2"]) == ("a 1", " a2")
    with pytest.raises(RegimeError, match="twice"):
        parse_regime("a1 + a1", ["a1"])

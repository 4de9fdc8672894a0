"""Blocks and patterns: how they are read, and what cannot be."""

import pytest

from bayes_intgen import InterventionModel, ModelError
from bayes_intgen.base.blocks import find_cuts, read_blocks, split_regime

ACTIONS = ("a1", "a2", "a3", "a4")


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        (None, [("a1",), ("a2",), ("a3",), ("a4",)]),
        ([], [("a1",), ("a2",), ("a3",), ("a4",)]),
        (["a1+a2"], [("a1", "a2"), ("a3",), ("a4",)]),
        ([("a4", "a2"), {"a3"}], [("a1",), ("a2", "a4"), ("a3",)]),
        (["a3 + a1", ["a2"], "a4"], [("a1", "a3"), ("a2",), ("a4",)]),
        ([ACTIONS], [ACTIONS]),
        ((label for label in ("a3+a4",)), [("a1",), ("a2",), ("a3", "a4")]),
    ],
)
def test_they_are_read_as_a_partition_in_the_order_of_the_actions(blocks, expected):
    assert read_blocks(blocks, ACTIONS) == tuple(expected)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ("a1+a2", r"blocks must be a list .*got 'a1\+a2'; write \['a1\+a2'\]"),
        (3, "blocks must be a list .*got 3"),
        ([3], "each must be a label or a collection of actions, got 3; write"),
        ([[]], r"each must name one action or more, got \[\]; leave empty blocks out"),
        (["a1", ""], "each must name one action or more, got ''"),
        (["a1+"], r"each must name one action or more, got 'a1\+'"),
        ([["a1", 2]], "write action names as text"),
        (["a1+a2", "a2+a3"], r"must not overlap, but \['a2'\] .*merge blocks that share an action"),
        ([["a1", "a1"]], r"must not overlap, but \['a1'\] are named more than once"),
        (["a1+price"], r"\['price'\] are not among the actions .*correct the names or leave"),
    ],
)
def test_what_cannot_be_read_is_refused(blocks, message):
    with pytest.raises(ModelError, match=message):
        read_blocks(blocks, ACTIONS)


def test_the_model_refuses_bad_blocks_before_it_sees_data():
    with pytest.raises(ModelError, match="must not overlap"):
        InterventionModel(blocks=["a1+a2", "a1"])
    assert InterventionModel(blocks=(block for block in ["a1+a2"])).blocks == (("a1", "a2"),)


def test_patterns_of_a_regime():
    blocks = (("a1", "a2", "a3"), ("a4",))
    assert split_regime((), blocks) == ()
    assert split_regime(["a4", "a3", "a1"], blocks) == (("a1", "a3"), ("a4",))
    regimes = [("a1", "a2", "a3"), ("a4",), ("a2", "a3", "a4"), ("a2",), ("a2", "a4"), ()]
    assert find_cuts(regimes, blocks) == (("a2",), ("a2", "a3"))

"""The ways to say which action may depend on which."""

import networkx as nx
import pytest

from bayes_intgen import ModelError
from bayes_intgen.design.structure import resolve_structure

ACTIONS = ("a", "b", "c")


@pytest.mark.parametrize(
    ("structure", "parents"),
    [
        ("full", {"a": ("b", "c"), "b": ("a", "c"), "c": ("a", "b")}),
        (["c", "a", "b"], {"a": ("c",), "b": ("a", "c"), "c": ()}),
        (("a", "b", "c"), {"a": (), "b": ("a",), "c": ("a", "b")}),
        ([("c", "a"), ("b", "a")], {"a": ("b", "c"), "b": (), "c": ()}),
        ([["a", "b"], ("b", "c")], {"a": (), "b": ("a",), "c": ("b",)}),
        ({("a", "b")}, {"a": (), "b": ("a",), "c": ()}),
        (iter([("a", "b")]), {"a": (), "b": ("a",), "c": ()}),
        ([], {"a": (), "b": (), "c": ()}),
        (nx.DiGraph([("c", "b"), ("a", "b")]), {"a": (), "b": ("a", "c"), "c": ()}),
        (nx.DiGraph(), {"a": (), "b": (), "c": ()}),
    ],
)
def test_every_form_gives_the_possible_parents(structure, parents):
    found = resolve_structure(structure, ACTIONS)
    assert found == parents
    assert list(found) == list(ACTIONS)


def test_a_single_action_has_no_parents():
    for structure in ("full", ["a"], [], nx.DiGraph()):
        assert resolve_structure(structure, ["a"]) == {"a": ()}


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        ("a", "must be 'learned', 'full', a list .*; got 'a'"),
        (None, "must be 'learned', 'full', a list .*; got None"),
        (3, "must be 'learned', 'full', a list .*; got 3"),
        ([("a", "b", "c")], "must be 'learned', 'full', a list"),
        (["a", ("b", "c")], "must be 'learned', 'full', a list"),
        ({"a": "b", "b": "c", "c": "a"}, "must be 'learned', 'full', a list"),
        ({"a", "b", "c"}, "must be 'learned', 'full', a list"),
        (nx.path_graph(["a", "b", "c"]), "must be 'learned', 'full', a list"),
        (["a", "b"], r": a causal order must list every action once, .*got \['a', 'b'\]"),
        (["a", "b", "b"], ": a causal order must list every action once"),
        (["a", "b", "c", "d"], ": a causal order must list every action once"),
        ([("a", "d"), ("e", "a")], r": the edges name \['d', 'e'\], which are not actions"),
        (nx.DiGraph([("a", "y")]), r": the edges name \['y'\], which are not actions"),
        (
            [("a", "b"), ("b", "a")],
            ": the edges have the cycle .*; remove an edge, or use structure='full'",
        ),
        ([("a", "b"), ("b", "c"), ("c", "a")], ": the edges have the cycle a > b > c"),
        ([("a", "a")], ": the edges have the cycle a"),
    ],
)
def test_other_structures_are_refused(structure, message):
    with pytest.raises(ModelError, match=f"^structure ?{message}"):
        resolve_structure(structure, ACTIONS)

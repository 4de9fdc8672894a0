"""The ``structure`` argument: which actions a confounding bias may depend on.

The bias of action k depends on a_k and on the parents of A_k only (design (1)).
Any superset of the parents is a valid answer: a missing parent biases the result, a spurious
one only costs precision.
"""

from collections.abc import Iterable, Mapping, Sequence

import networkx as nx

from bayes_intgen.base.errors import ModelError

__all__ = ["Parents", "Structure", "resolve_structure"]

type Parents = Mapping[str, tuple[str, ...]]
type Structure = str | Sequence[str] | Iterable[tuple[str, str]] | nx.DiGraph


def resolve_structure(structure: Structure, actions: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Turn the ``structure`` argument into possible parents.

    Parameters
    ----------
    structure
        ``"full"``: every action may depend on every other. A list of all action names: a causal
        order, in which each may depend on those before it. A directed acyclic graph as a
        ``networkx.DiGraph`` or as a list of pairs (parent, child); an empty list means that no
        action depends on another.
    actions
        The known actions.

    Returns
    -------
    dict
        The possible parents of each action, in the order of ``actions``.

    Raises
    ------
    ModelError
        If the structure is none of these, names unknown actions or has a cycle.

    Examples
    --------
    >>> resolve_structure("full", ["a", "b"])
    {'a': ('b',), 'b': ('a',)}
    >>> resolve_structure(["b", "a"], ["a", "b"])
    {'a': ('b',), 'b': ()}
    >>> resolve_structure([("a", "b")], ["a", "b"])
    {'a': (), 'b': ('a',)}
    """
    if isinstance(structure, str):
        if structure == "full":
            return {name: tuple(a for a in actions if a != name) for name in actions}
        raise ModelError(_explain(structure))
    if isinstance(structure, nx.DiGraph):
        return _from_edges(list(structure.edges), actions)
    try:
        items = list(structure)
    except TypeError as error:
        raise ModelError(_explain(structure)) from error
    if items and isinstance(structure, Sequence) and all(isinstance(item, str) for item in items):
        return _from_order(items, actions)
    if all(isinstance(item, tuple | list) and len(item) == 2 for item in items):
        return _from_edges([(parent, child) for parent, child in items], actions)
    raise ModelError(_explain(structure))


def _from_order(order: Sequence[str], actions: Sequence[str]) -> dict[str, tuple[str, ...]]:
    if sorted(order) != sorted(actions):
        raise ModelError(
            f"structure: a causal order must list every action once, {list(actions)}; "
            f"got {list(order)}."
        )
    earlier = {name: set(order[:position]) for position, name in enumerate(order)}
    return {name: tuple(a for a in actions if a in earlier[name]) for name in actions}


def _from_edges(
    edges: Sequence[tuple[str, str]], actions: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    unknown = sorted({str(end) for edge in edges for end in edge if end not in actions})
    if unknown:
        raise ModelError(
            f"structure: the edges name {unknown}, which are not actions; "
            f"the actions are {list(actions)}."
        )
    graph = nx.DiGraph(edges)
    if not nx.is_directed_acyclic_graph(graph):
        cycle = " > ".join(str(parent) for parent, _ in nx.find_cycle(graph))
        raise ModelError(
            f"structure: the edges have the cycle {cycle}; remove an edge, or use "
            f"structure='full' if the direction is not known."
        )
    return {name: tuple(a for a in actions if graph.has_edge(a, name)) for name in actions}


def _explain(structure: object) -> str:
    return (
        "structure must be 'learned', 'full', a list of all actions in causal order, a "
        "networkx.DiGraph, or a list of (parent, child) pairs, empty if there are none; got "
        f"{structure!r}."
    )

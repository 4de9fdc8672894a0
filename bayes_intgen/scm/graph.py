"""The graph of the actions: edges that lead from earlier to later actions."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from bayes_intgen.base.arguments import read_real
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import check_action_names
from bayes_intgen.scm.seeds import check_count

__all__ = ["Edges", "check_graph", "draw_edges", "find_parents", "number_actions"]

MOST_ACTIONS = 1000

type Edges = tuple[tuple[str, str], ...]


def check_graph(actions: tuple[str, ...], edges: Edges) -> None:
    """Raise an error unless names can be those of actions, and edges follow their order.

    Raises
    ------
    DataError
        If a name cannot be that of an action.
    ModelError
        If one is that of the outcome, or an edge leads from a later to an earlier action.
    """
    check_action_names(actions)
    if {"y", "regime"} & set(actions):
        raise ModelError(f"actions may not be 'y' or 'regime', got {actions}; rename.")
    if not set(edges) <= set(combinations(actions, 2)):
        raise ModelError(
            f"edges must lead from earlier to later actions out of {actions}, got {edges}; list "
            f"the actions in a causal order."
        )


def find_parents(actions: tuple[str, ...], edges: Edges) -> dict[str, tuple[str, ...]]:
    """Return the parents of each action, in the order of the actions.

    Examples
    --------
    >>> find_parents(("a1", "a2"), (("a1", "a2"),))
    {'a1': (), 'a2': ('a1',)}
    """
    return {child: tuple(name for name in actions if (name, child) in edges) for child in actions}


def number_actions(n_actions: int) -> tuple[str, ...]:
    """Return the names a1..aK.

    Raises
    ------
    ModelError
        If K is not a positive whole number, or above a thousand.
    """
    check_count(n_actions, "n_actions", "actions", MOST_ACTIONS)
    return tuple(f"a{k + 1}" for k in range(n_actions))


def draw_edges(actions: Sequence[str], probability: float, rng: np.random.Generator) -> Edges:
    """Draw each edge from an earlier to a later action with some probability.

    Raises
    ------
    ModelError
        If it is not a probability.
    """
    rule = "a probability (the paper's is 0.3)"
    probability = read_real(probability, "edge_probability", rule, 0.0, 1.0)
    return tuple(pair for pair in combinations(actions, 2) if rng.random() < probability)

"""Ancestors and possible descendants of each action, for conditioning on non-descendants.

A confounding bias may use too many parents at little cost, but the mechanism of A_k must be given
no descendant of A_k: conditioning on one makes A_k depend on things that its mechanism does not
know. So of two opposite edges only the one that is far clearer is kept (p-values a thousand times
apart: at a level of 1% a weak edge may be chance), and an action is left out when it follows A_k at
level 5%, unless A_k follows it.

A test on few rows misses strong edges. What it misses shows elsewhere as soon as other regimes have
many more rows, and looks like a violation. So edges that fewer than 1000 rows have found absent
count as not tested while a regime has more than five times as many. (With 1000 rows the test finds
a correlation of 0.1 in a third and one of 0.15 in four fifths of all cases.) An edge that is only
possible counts as absent here: a dependence that the experiments do not show is what a confounder
of both actions would leave, and whether it is one is the question.
"""

from dataclasses import dataclass, replace

import networkx as nx

from bayes_intgen.data.summary import Summary
from bayes_intgen.design.structure_learning import LEVEL, LearnedStructure

__all__ = ["Ancestry", "distrust_few_rows"]

FEW_ROWS, MANY_TIMES = 1000, 5
CLEARER = 1e-3
DOUBTFUL = 0.05


@dataclass(frozen=True)
class Ancestry:
    """The ancestors and the possible descendants of each action."""

    # those that each action follows, as far as the experiments show it or do not test it
    before: dict[str, tuple[str, ...]]
    # Those that may follow it. An action that is in both makes the order unknown.
    after: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, learned: LearnedStructure) -> "Ancestry":
        """Read the evidence of the experiments."""
        p_values = {(edge.parent, edge.child): edge.p_value for edge in learned.edges}
        graph = nx.DiGraph()
        graph.add_nodes_from(learned.actions)
        for edge in learned.edges:
            opposite = p_values[edge.child, edge.parent]
            own = edge.p_value if edge.status == "seen" else LEVEL
            beaten = opposite < CLEARER * own
            if edge.status in ("seen", "untested") and not beaten:
                graph.add_edge(edge.parent, edge.child)
        closure = nx.transitive_closure(graph, reflexive=False)
        follows = set(closure.edges)
        doubtful = {
            (parent, child)
            for (parent, child), p_value in p_values.items()
            if p_value <= DOUBTFUL and (child, parent) not in follows
        }
        return cls(
            {a: tuple(b for b in learned.actions if (b, a) in follows) for a in learned.actions},
            {
                a: tuple(b for b in learned.actions if (a, b) in follows | doubtful)
                for a in learned.actions
            },
        )


def distrust_few_rows(learned: LearnedStructure, summary: Summary) -> LearnedStructure:
    """Call edges not tested that too few rows have found absent."""
    rows = {regime: part.moments.n for regime, part in summary.regimes.items()}
    most = max(rows.values())

    def too_few(parent: str, child: str) -> bool:
        tested = sum(n for r, n in rows.items() if parent in r and child not in r)
        return tested < FEW_ROWS and MANY_TIMES * tested < most

    edges = tuple(
        replace(edge, status="untested")
        if edge.status in ("absent", "possible") and too_few(edge.parent, edge.child)
        else edge
        for edge in learned.edges
    )
    return LearnedStructure(learned.actions, edges, learned.conflicts)

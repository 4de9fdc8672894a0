"""Which action depends on which, read off the experiments (``structure="learned"``).

In a regime that sets A_j and leaves A_k alone, A_j is independent of everything but its
descendants. So if A_k depends on A_j there, A_j is an ancestor of A_k; and if it does not, it is no
ancestor (but for paths that cancel exactly). No adjustment is needed.

The p-values of all regimes that test a pair (:mod:`bayes_intgen.design.independence_tests`) are
combined by Bonferroni. Paths that cancel are caught by the transitive closure when their parts are
seen. Pairs that no regime tests are kept.

The level of 1% is argued from the error of the joint effect, 40 systems of 3 actions (mean RMSE at
levels 0.01%, 0.1%, 1%, 5%, 20%): 0.0190, 0.0191, 0.0192, 0.0207, 0.0223 at 1000 rows per regime and
0.0072, 0.0072, 0.0072, 0.0074, 0.0087 at 10,000. Edges that 1% misses are too weak to matter there;
beyond it spurious ones cost precision. In 60 systems of 5 actions the level of 1% misses 10 of 195
direct edges at 10,000 rows per regime (47 at 1000) and keeps 17 (10) of 957 that are none.

With many actions a fixed level finds ever more edges that are none, and the closure multiplies
them: with 20 actions and 20 edges, five spurious ones of 360 made it 57. So beyond 20 pairs
(five actions) the level shrinks in proportion, and a spurious edge is expected in one data set of
five at most.

A missed edge biases, and few rows miss many. But where two actions are left alone, of which there
are usually more rows, an edge shows as a dependence between them, whichever way it points, once the
known ancestors of both are taken out. So if they depend on one another there, and no path joins
them, each way round is kept that the experiments would show with less than 99% probability, were
it half as strong there: ``possible``. With 20,000 observed and 60 experimental rows contrasts are
covered at 0.86 in place of 0.77 (0.89 with the true graph), with 100,000 and 40 at 0.83 in place of
0.73 (0.83).

In a regime that sets several actions, such as a block, their settings may depend on one another:
then A_k may seem to follow one of them through another, or follow neither because the two cancel.
So what the other settings explain (four cosines of their ranks, or indicators) is taken out of both
sides of the regression first. Where that leaves nothing of A_j, because it is a copy of the others,
or takes more than half of the rows' degrees of freedom, the regime does not test the pair or tests
it without. That two actions of a block share a confounder does not matter here: where A_j is set it
depends on none, and it is no cause of actions outside the block.

Where an experiment chooses a_j by a covariate z, as randomising within strata does, A_k may follow
a_j through z: the answer then is a superset of the parents, which costs precision and no bias.
Covariates are not tested: every action may depend on each of them, and none depends on an action.
An effect of A_j on A_k whose sign varies with z is seen in the spread of A_k.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, Self

import networkx as nx
import numpy as np
from scipy import stats

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.independence_tests import (
    COSINES,
    blocks_p_value,
    cosines,
    indicators,
    numeric_p_value,
    orthonormal,
)

__all__ = ["Edge", "LearnedStructure", "learn_structure"]

LEVEL = 0.01
FEW_PAIRS = 20
SURE = 0.99


type Status = Literal["seen", "implied", "untested", "possible", "absent"]


@dataclass(frozen=True)
class Edge:
    """The evidence on one ordered pair of actions.

    Parameters
    ----------
    parent, child
        The pair.
    p_value
        Of independence, over all regimes that set the parent and leave the child alone; NaN if
        there are none.
    status
        ``seen``: dependence found. ``implied``: by a chain of such. ``untested``: no regime tells,
        so it is kept. ``possible``: the two depend on one another where both are left alone, and
        the experiments have too few rows to say that it is not this way; kept likewise.
        ``absent``: no dependence found.
    """

    parent: str
    child: str
    p_value: float
    status: Status

    def __str__(self) -> str:
        why = f"p {self.p_value:.1g}" if self.status == "seen" else self.status
        return f"{self.parent}>{self.child} ({why})"


@dataclass(frozen=True)
class LearnedStructure:
    """Possible parents, and how each pair was decided."""

    actions: tuple[str, ...]
    edges: tuple[Edge, ...]
    conflicts: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON types; an untested pair has no p-value."""
        edges = [
            [e.parent, e.child, None if np.isnan(e.p_value) else e.p_value, e.status]
            for e in self.edges
        ]
        return {"actions": list(self.actions), "edges": edges, "conflicts": list(self.conflicts)}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the structure from :meth:`to_dict`."""
        edges = (
            Edge(parent, child, np.nan if p is None else p, status)
            for parent, child, p, status in state["edges"]
        )
        return cls(tuple(state["actions"]), tuple(edges), tuple(state["conflicts"]))

    def __str__(self) -> str:
        shown = [edge for edge in self.edges if edge.status != "absent"]
        text = ", ".join(str(edge) for edge in shown) or "none"
        conflicts = [f"CONFLICT: {conflict}" for conflict in self.conflicts]
        return "\n".join([f"dependences between actions, learned: {text}", *conflicts])

    @property
    def parents(self) -> dict[str, tuple[str, ...]]:
        """The possible parents of each action."""
        kept = [edge for edge in self.edges if edge.status != "absent"]
        return {
            action: tuple(edge.parent for edge in kept if edge.child == action)
            for action in self.actions
        }


def learn_structure(summary: Summary, level: float = LEVEL) -> LearnedStructure:
    """Test every ordered pair of actions and close the graph under ancestry.

    Parameters
    ----------
    summary
        The first pass over the data; its thinned rows are tested.
    level
        Level of each pair's test, of up to twenty pairs; with more it is divided by the number of
        pairs and multiplied by twenty.

    Raises
    ------
    ModelError
        If the summary was read from a file and holds no rows.
    """
    actions = summary.actions
    if not all(len(part.sample.rows) for part in summary.regimes.values()):
        raise ModelError(
            "structure='learned' needs rows, but the summary of the data holds none; give a causal "
            "order or a graph, or start from the rows."
        )
    pairs = [(parent, child) for child in actions for parent in actions if parent != child]
    p_values = {pair: _test_pair(summary, *pair) for pair in pairs}
    bound = level * min(1.0, FEW_PAIRS / max(len(pairs), 1))
    seen = [pair for pair in pairs if p_values[pair] <= bound]
    graph = nx.DiGraph()
    graph.add_nodes_from(actions)
    graph.add_edges_from(seen)
    closure = nx.transitive_closure(graph, reflexive=False)

    possible = _undecided(summary, closure, bound) - {*closure.edges}

    def status(pair: tuple[str, str]) -> Status:
        if pair in seen:
            return "seen"
        if closure.has_edge(*pair):
            return "implied"
        if np.isnan(p_values[pair]):
            return "untested"
        return "possible" if pair in possible else "absent"

    edges = tuple(Edge(*pair, p_values[pair], status(pair)) for pair in pairs)
    cycles = [sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]
    conflicts = tuple(
        f"the experiments show dependence in a circle among {names}; all its edges are kept"
        for names in cycles
    )
    return LearnedStructure(actions, edges, conflicts)


def _undecided(summary: Summary, closure: nx.DiGraph, bound: float) -> set[tuple[str, str]]:
    """Return the pairs that may be edges, for all that the experiments can tell.

    Two actions that no path joins, but which depend on one another where both are left alone, given
    the ancestors of either that are known. Each way round is kept that its experiments would have
    missed, were the dependence as strong there.
    """
    undecided = set()
    for one, other in combinations(summary.actions, 2):
        if closure.has_edge(one, other) or closure.has_edge(other, one):
            continue
        known = {*closure.predecessors(one), *closure.predecessors(other)}
        strength = _association(summary, one, other, sorted(known), bound)
        if strength > 0:
            ways = [(one, other), (other, one)]
            undecided |= {way for way in ways if _power(summary, *way, strength, bound) < SURE}
    return undecided


def _association(
    summary: Summary, one: str, other: str, known: Sequence[str], bound: float
) -> float:
    """Return the share of variance that one action explains of another, both left alone.

    The largest over the regimes that show a dependence at the level ``bound``; zero if none does.
    """
    columns = [summary.actions.index(one), summary.actions.index(other)]
    natural = [r for regime, r in summary.regimes.items() if not {one, other} & {*regime}]
    shares = [0.0]
    for part in natural:
        rows = part.sample.rows
        given = _settings(summary, rows, known)
        cause, effect = rows[:, columns].T
        if np.ptp(cause) == 0 or np.ptp(effect) == 0:
            continue
        u, v = (
            orthonormal(indicators(x) if name in summary.levels else cosines(x, COSINES), given)
            for x, name in ((cause, one), (effect, other))
        )
        n, least, most = len(rows) - given.shape[1], *sorted((u.shape[1], v.shape[1]))
        if least == 0 or n - 1 - most <= 0:
            continue
        trace = float(np.sum((u.T @ v) ** 2))
        p = stats.beta.sf(trace / least, least * most / 2, least * (n - 1 - most) / 2)
        if p * len(natural) <= bound:
            noise = least * most / (n - 1)
            shares.append(max(trace - noise, 0.0))
    return min(max(shares), 0.99)


def _power(summary: Summary, parent: str, child: str, strength: float, bound: float) -> float:
    """Return the probability that the experiments on ``parent`` show an effect on ``child``.

    Of half the strength of the association, as an experiment may choose a narrower range.
    """
    best = 0.0
    for regime, part in summary.regimes.items():
        if parent in regime and child not in regime:
            n = len(part.sample.rows)
            waves = min(COSINES, (n - 2) // 4)
            if waves < 1 or n - waves - 1 <= 0:
                continue
            share = strength / 2
            critical = stats.f.isf(bound / 2, waves, n - waves - 1)
            power = stats.ncf.sf(critical, waves, n - waves - 1, n * share / (1 - share))
            best = max(best, float(power))
    return best


def _test_pair(summary: Summary, parent: str, child: str) -> float:
    """Combine the p-values of all regimes that set the parent and leave the child alone."""
    columns = [summary.actions.index(parent), summary.actions.index(child)]
    coded = [action in summary.levels for action in (parent, child)]
    found = []
    for regime, part in summary.regimes.items():
        if parent in regime and child not in regime:
            rows = part.sample.rows
            given = _settings(summary, rows, [name for name in regime if name != parent])
            cause, effect = rows[:, columns].T
            p = (
                blocks_p_value(cause, effect, given, coded[0], coded[1])
                if any(coded)
                else numeric_p_value(cause, effect, given)
            )
            found.append(p)
    tested = [p for p in found if not np.isnan(p)]
    return min(1.0, len(tested) * min(tested)) if tested else np.nan


def _settings(summary: Summary, rows: Array, names: Sequence[str]) -> Array:
    """Return an orthonormal basis of functions of further actions, none if there are few rows."""
    blocks = [np.empty((len(rows), 0))]
    for name in names:
        values = rows[:, summary.actions.index(name)]
        if np.ptp(values) > 0:
            coded = name in summary.levels
            blocks.append(indicators(values) if coded else cosines(values, COSINES))
    basis = orthonormal(np.hstack(blocks))
    return basis if 2 * basis.shape[1] < len(rows) - 1 else basis[:, :0]

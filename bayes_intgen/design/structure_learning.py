"""Which action depends on which, read off the experiments (``structure="learned"``).

In a regime that sets A_j and leaves A_k alone, A_j is independent of everything but its
descendants. So if A_k depends on A_j there, A_j is an ancestor of A_k; and if it does not, it is no
ancestor (but for paths that cancel exactly). No adjustment is needed, and under the null hypothesis
the two are independent altogether, not just uncorrelated: A_k may be replaced by its normal scores
and A_j by functions of its ranks, so that neither heavy tails nor unequal spread disturb the test.

Per regime mean and spread of A_k are tested (:mod:`bayes_intgen.design.dependence`); the p-values
of all regimes that test the pair are combined by Bonferroni. Paths that cancel are caught by the
transitive closure when their parts are seen. Pairs that no regime tests are kept.

Experiments of a few dozen rows miss strong edges. But each confounder belongs to one action, so
that two actions which no known path joins are independent where both are left alone, once their
known ancestors are taken out; if they are not, one depends on the other, or both on a third in a
way that was missed. So such a pair is ``possible`` in each direction in which the experiments would
see half of that dependence with a probability below 99%. The dependence is tested in the largest
regime that leaves both alone (Pillai's trace of four cosines each), less what functions of each
known ancestor, covariate and action that the regime sets explain. It must be 3% of the variance, a
correlation of 0.17: what a sum of functions of the others leaves of their influence is weaker,
unless two of them interact, and so is what 1000 rows in an experiment miss. In 40 random systems of
three to five actions with 1000 rows per experiment, and 1000 or 20,000 observational ones, no pair
is possible.

Of 36 systems of 3 actions with 40 direct edges (12 each with 20,000 observational rows and 60 per
experiment, 2000 and 60, 100,000 and 40; laplace) 17 edges are seen, and all others are possible, in
both directions, with one pair that is none. 90% intervals of contrasts hold the truth at .90, .90
and .88 of the settings (without possible edges at .82, .90 and .81, given the true DAG at .93, .93
and .89), those of levels at .86, .88 and .88 (.80, .88, .83; .88, .90, .87). The error is .36, .38
and .42 sds of the truth (.41, .38, .46; .32, .36, .42).

A pair that is possible both ways is no contradiction, and chains of possible edges are not closed:
a bias depends on the parents of its action, and an edge shows a dependence of its own given all
other ancestors. Common ancestors that are only possible are not taken out, as they may as well be
common descendants, which would make their ancestors dependent: then a pair too many is kept.

The level of 1% is argued from the error of the joint effect, 40 systems of 3 actions (mean RMSE at
levels 0.01%, 0.1%, 1%, 5%, 20%): 0.0190, 0.0191, 0.0192, 0.0207, 0.0223 at 1000 rows per regime and
0.0072, 0.0072, 0.0072, 0.0074, 0.0087 at 10,000. Edges that 1% misses are too weak to matter there;
beyond it spurious ones cost precision. In 60 systems of 5 actions the level of 1% misses 10 of 195
direct edges at 10,000 rows per regime (47 at 1000) and keeps 17 (10) of 957 that are none.

With many actions a fixed level finds ever more edges that are none, and the closure multiplies
them: with 20 actions and 20 edges, five spurious ones of 360 made it 57. So beyond 20 pairs
(five actions) the level shrinks in proportion, and a spurious edge is expected in one data set of
five at most.

In a regime that sets several actions, such as a block, their settings may depend on one another:
then A_k may seem to follow one of them through another, or follow neither because the two cancel.
So what the other settings explain (four cosines of their ranks, or indicators) is taken out of both
sides of the regression first. Where that leaves nothing of A_j, because it is a copy of the others,
or takes more than half of the rows' degrees of freedom, the regime does not test the pair or tests
it without. That two actions of a block share a confounder does not matter here: where A_j is set it
depends on none, and it is no cause of actions outside the block. Where both are left alone it
makes them dependent; but the bias of a block depends on all of its actions anyway. If an action
outside depends on one of them and the edge was missed, it is possible from each of them.

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

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.independent_rows import independent_rows
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.dependence import (
    PairTest,
    dependence,
    functions_of,
    functions_of_others,
    orthonormal,
)

__all__ = ["Edge", "LearnedStructure", "Status", "learn_structure"]

LEVEL = 0.01
MOST_UNTESTED = 3  # of edges that no regime tells of; more are counted, not listed
FEW_PAIRS = 20
LEAST_SHARE = 0.03  # of the variance, for a dependence to be too strong to be left out
SURE = 0.99
MOST_ROWS = 2**13  # in which the dependence of a pair is tested

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
        the experiments are too small to exclude that it is for this edge, so it is kept.
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
        untested = [edge for edge in self.edges if edge.status == "untested"]
        counted = untested if len(untested) > MOST_UNTESTED else []
        shown = [e for e in self.edges if e.status != "absent" and e not in counted]
        texts = [str(edge) for edge in shown]
        if counted:
            every = "all" if len(counted) == len(self.edges) else "another"
            texts.append(f"{every} {len(counted)} that no experiment tests, which are kept")
        text = ", ".join(texts) or "none"
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
    tests = {pair: _test_pair(summary, *pair) for pair in pairs}
    p_values = {pair: _combine(found) for pair, found in tests.items()}
    bound = level * min(1.0, FEW_PAIRS / max(len(pairs), 1))
    seen = [pair for pair in pairs if p_values[pair] <= bound]
    graph = nx.DiGraph()
    graph.add_nodes_from(actions)
    graph.add_edges_from(seen)
    closure = nx.transitive_closure(graph, reflexive=False)
    possible = _find_possible(summary, tests, closure, bound)

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


def _test_pair(summary: Summary, parent: str, child: str) -> list[PairTest]:
    """Test a pair in each regime that sets the parent and leaves the child alone."""
    columns = [summary.actions.index(parent), summary.actions.index(child)]
    coded = parent in summary.levels, child in summary.levels
    found, grouping = [], summary.grouping
    for regime, part in summary.regimes.items():
        if parent in regime and child not in regime:
            rows = part.sample.rows
            if grouping is not None:
                rows = independent_rows(regime, part.sample, columns, grouping)
            given = _settings(summary, rows, [name for name in regime if name != parent])
            cause, effect = rows[:, columns].T
            found.append(PairTest.of(cause, effect, given, coded))
    return [test for test in found if test is not None]


def _combine(tests: Sequence[PairTest]) -> float:
    """Combine the p-values of all regimes that test a pair; NaN if there are none."""
    return min(1.0, len(tests) * min(t.p_value for t in tests)) if tests else np.nan


def _settings(summary: Summary, rows: Array, names: Sequence[str]) -> Array:
    """Return an orthonormal basis of functions of further actions, none if there are few rows."""
    blocks = [np.empty((len(rows), 0))]
    for name in names:
        values = rows[:, summary.actions.index(name)]
        if np.ptp(values) > 0:
            blocks.append(functions_of(values, name in summary.levels))
    basis = orthonormal(np.hstack(blocks))
    return basis if 2 * basis.shape[1] < len(rows) - 1 else basis[:, :0]


def _find_possible(
    summary: Summary,
    tests: Mapping[tuple[str, str], Sequence[PairTest]],
    closure: nx.DiGraph,
    level: float,
) -> set[tuple[str, str]]:
    """Return the pairs of dependent actions whose experiments are too small to tell why.

    Parameters
    ----------
    summary
        Its rows are tested.
    tests
        Those of every ordered pair in the experiments.
    closure
        The known ancestors: dependences that were seen, and their chains.
    level
        Of the tests of each pair.
    """

    def may_be_missed(pair: tuple[str, str], share: float) -> bool:
        if not tests[pair]:
            return False  # it is kept as one that is not tested
        each = level / len(tests[pair])
        return max(test.power(share / 2, each) for test in tests[pair]) < SURE

    possible: set[tuple[str, str]] = set()
    for one, two in combinations(summary.actions, 2):
        alone = [regime for regime in summary.regimes if not {one, two} & set(regime)]
        if not alone or closure.has_edge(one, two) or closure.has_edge(two, one):
            continue
        ways = [way for way in ((one, two), (two, one)) if may_be_missed(way, LEAST_SHARE)]
        if not ways:
            continue
        regime = max(alone, key=lambda regime: summary.regimes[regime].n)
        known = {*closure.predecessors(one), *closure.predecessors(two)} - {one, two}
        known |= {*regime, *summary.covariates}
        others = tuple(name for name in summary.variables if name in known)
        share, p_value = _dependence(summary, regime, (one, two), others)
        if p_value <= level and share >= LEAST_SHARE:
            possible |= {way for way in ways if may_be_missed(way, share)}
    return possible


def _dependence(
    summary: Summary, regime: Regime, pair: tuple[str, str], others: Sequence[str]
) -> tuple[float, float]:
    """Return how much a pair depends on one another in a regime without others, and the p-value."""
    places = [summary.variables.index(name) for name in pair]
    sample = summary.regimes[regime].sample.thin(MOST_ROWS)
    grouping = summary.grouping
    rows = sample.rows
    if grouping is not None:
        rows = independent_rows(regime, sample, places, grouping)
    columns = dict(zip(summary.variables, rows.T, strict=False))  # the outcome comes last
    given = functions_of_others(len(rows), [(columns[o], o in summary.levels) for o in others])
    one, two = pair
    coded = one in summary.levels, two in summary.levels
    return dependence(columns[one], columns[two], given, coded)

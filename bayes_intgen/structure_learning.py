"""Which action depends on which, read off the experiments (``structure="learned"``).

In a regime that sets A_j and leaves A_k alone, A_j is independent of everything but its
descendants. So if A_k depends on A_j there, A_j is an ancestor of A_k; and if it does not, it is no
ancestor (but for paths that cancel exactly). No adjustment is needed, and under the null hypothesis
the two are independent altogether, not just uncorrelated: A_k may be replaced by its normal scores
and A_j by functions of its ranks, so that neither heavy tails nor unequal spread disturb the test.

Per regime the normal scores of A_k, and their squares, are regressed on four cosines of the ranks
of A_j by F tests (mean and spread); the two p-values and those of all regimes that test the pair
are combined by Bonferroni. Paths that cancel are caught by the transitive closure when their parts
are seen. Pairs that no regime tests are kept.

If one of the two is categorical, both become blocks of columns: the indicators of the levels
(those with fewer than five rows as one), four cosines of the ranks of a numeric cause, or two of a
numeric effect (for mean and spread). Pillai's trace, the sum of the squared canonical correlations
of the two blocks, has its F test; its expectation is exact when rows are permuted. For two
categorical actions n times the trace is the chi-square of their table. At level 1%, independent
pairs are called dependent in 0.4 to 2.4% of data sets of 30 rows, and in 0.6 to 1.2% of those of
1000 rows (two to twenty levels, even and rare ones, 4000 data sets each).

The level of 1% is argued from the error of the joint effect, 40 systems of 3 actions (mean RMSE at
levels 0.01%, 0.1%, 1%, 5%, 20%): 0.0190, 0.0191, 0.0192, 0.0207, 0.0223 at 1000 rows per regime and
0.0072, 0.0072, 0.0072, 0.0074, 0.0087 at 10,000. Edges that 1% misses are too weak to matter there;
beyond it spurious ones cost precision. In 60 systems of 5 actions the level of 1% misses 10 of 195
direct edges at 10,000 rows per regime (47 at 1000) and keeps 17 (10) of 957 that are none.

In a regime that sets several actions their settings must be independent of one another. If they are
not, A_k may follow one of them through the other, and an edge is kept that need not be there. The
same happens where an experiment chooses a_j by a covariate z, as randomising within strata does:
A_k may follow a_j through z. In both cases the answer is a superset of the parents, which costs
precision and no bias. Covariates are not tested: every action may depend on each of them, and none
depends on an action. An effect of A_j on A_k whose sign varies with z is seen in the spread of A_k.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import networkx as nx
import numpy as np
import numpy.typing as npt
from scipy import stats

from bayes_intgen.errors import ModelError
from bayes_intgen.summary import Summary

__all__ = ["Edge", "LearnedStructure", "learn_structure"]

LEVEL = 0.01
COSINES = 4
EFFECT_COSINES = 2
FEW_ROWS = 5

type Array = npt.NDArray[np.float64]


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
        so it is kept. ``absent``: no dependence found.
    """

    parent: str
    child: str
    p_value: float
    status: Literal["seen", "implied", "untested", "absent"]

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
        Level of each pair's test.

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
    seen = [pair for pair in pairs if p_values[pair] <= level]
    graph = nx.DiGraph()
    graph.add_nodes_from(actions)
    graph.add_edges_from(seen)
    closure = nx.transitive_closure(graph, reflexive=False)

    def status(pair: tuple[str, str]) -> Literal["seen", "implied", "untested", "absent"]:
        if pair in seen:
            return "seen"
        if closure.has_edge(*pair):
            return "implied"
        return "untested" if np.isnan(p_values[pair]) else "absent"

    edges = tuple(Edge(*pair, p_values[pair], status(pair)) for pair in pairs)
    cycles = [sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]
    conflicts = tuple(
        f"the experiments show dependence in a circle among {names}; all its edges are kept"
        for names in cycles
    )
    return LearnedStructure(actions, edges, conflicts)


def _test_pair(summary: Summary, parent: str, child: str) -> float:
    """Combine the p-values of all regimes that set the parent and leave the child alone."""
    columns = [summary.actions.index(parent), summary.actions.index(child)]
    coded = [action in summary.levels for action in (parent, child)]
    found = [
        _test_blocks(*part.sample.rows[:, columns].T, *coded)
        if any(coded)
        else _test_independence(*part.sample.rows[:, columns].T)
        for regime, part in summary.regimes.items()
        if parent in regime and child not in regime
    ]
    tested = [p for p in found if not np.isnan(p)]
    return min(1.0, len(tested) * min(tested)) if tested else np.nan


def _test_independence(cause: Array, effect: Array) -> float:
    """Test mean and spread of ``effect`` given ``cause``; NaN if either does not vary."""
    n = len(cause)
    if np.ptp(cause) == 0 or np.ptp(effect) == 0:
        return np.nan
    waves = _cosines(cause, COSINES)
    scores = stats.norm.ppf((stats.rankdata(effect) - 0.5) / n)
    return min(1.0, 2 * min(_f_test(waves, scores), _f_test(waves, scores**2)))


def _test_blocks(cause: Array, effect: Array, cause_coded: bool, effect_coded: bool) -> float:
    """Test a pair of which at least one is categorical; NaN if either does not vary."""
    if np.ptp(cause) == 0 or np.ptp(effect) == 0:
        return np.nan
    x = _indicators(cause) if cause_coded else _cosines(cause, COSINES)
    y = _indicators(effect) if effect_coded else _cosines(effect, EFFECT_COSINES)
    return _pillai_test(x, y)


def _cosines(values: Array, most: int) -> Array:
    """Return cosines of the ranks, fewer if there are few rows or values."""
    n = len(values)
    uniform = (stats.rankdata(values) - 0.5) / n
    orders = np.arange(1, min(most, (n - 2) // 4, len(np.unique(values)) - 1) + 1)
    return np.asarray(np.cos(np.pi * np.multiply.outer(uniform, orders)))


def _indicators(codes: Array) -> Array:
    """Return the indicators of all levels but one.

    Levels with fewer than five rows are pooled into one, unless nothing else would be left.
    """
    levels, counts = np.unique(codes, return_counts=True)
    rare = counts < FEW_ROWS
    pooled = codes if rare.all() else np.where(np.isin(codes, levels[rare]), -1.0, codes)
    return np.asarray(np.equal.outer(pooled, np.unique(pooled)[1:]), dtype=float)


def _pillai_test(x: Array, y: Array) -> float:
    """P-value of the F test of Pillai's trace; one if a block has no column.

    With p and q columns, s = min(p, q) and trace V, the ratio V / (s - V) is that of a beta
    distribution with s max(p, q) and s (n - 1 - max(p, q)) degrees of freedom.
    """
    n, (u, v) = len(x), (_orthonormal(x), _orthonormal(y))
    least, most = sorted((u.shape[1], v.shape[1]))
    if least == 0:
        return 1.0
    trace = float(np.sum((u.T @ v) ** 2))
    return float(stats.beta.sf(trace / least, least * most / 2, least * (n - 1 - most) / 2))


def _orthonormal(x: Array) -> Array:
    """Return an orthonormal basis of the centred columns."""
    u, sizes, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    return np.asarray(u[:, sizes > 1e-9 * max(sizes.max(initial=0.0), 1e-300)])


def _f_test(regressors: Array, response: Array) -> float:
    """P-value of the F test that all slopes are zero; one if the response is constant."""
    if np.ptp(response) < 1e-9:  # as are the squared scores of a balanced binary action
        return 1.0
    n, p = regressors.shape
    x = regressors - regressors.mean(axis=0)
    y = response - response.mean()
    fitted = x @ np.linalg.lstsq(x, y, rcond=None)[0]
    explained, left = float(fitted @ fitted), float(np.sum((y - fitted) ** 2))
    if left <= 0:
        return 0.0
    return float(stats.f.sf(explained / p / (left / (n - p - 1)), p, n - p - 1))

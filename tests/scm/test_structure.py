"""The learned structure on the SCMs of the paper: true edges kept, few spurious ones."""

import networkx as nx
import pytest

from bayes_intgen import RegimeData
from bayes_intgen.design.structure_learning import learn_structure
from bayes_intgen.scm import sample_polynomial_scm


@pytest.fixture(scope="module")
def cases():
    """The truth and the learned structure of ten SCMs with 5000 rows per regime."""
    found = []
    for seed in range(10):
        scm = sample_polynomial_scm(5, random_seed=seed)
        frame = scm.sample_regimes(scm.single_regimes, n=5000, random_seed=seed)
        data = RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
        found.append((scm, learn_structure(data.summary)))
    return found


def edges(structure):
    return {(parent, child) for child, names in structure.parents.items() for parent in names}


def ancestry(scm):
    graph = nx.DiGraph(scm.edges)
    return set(nx.transitive_closure(graph).edges)


def test_the_true_edges_are_among_the_learned_parents(cases):
    true = [edge in edges(learned) for scm, learned in cases for edge in scm.edges]
    assert len(true) > 20
    assert sum(true) >= 0.9 * len(true)


def test_few_edges_are_spurious(cases):
    """Pairs without a causal path are tested at level 0.01; the closure adds a few more."""
    null = spurious = 0
    for scm, learned in cases:
        tested = {(edge.parent, edge.child) for edge in learned.edges}
        null += len(tested - ancestry(scm))
        spurious += len(edges(learned) - ancestry(scm))
    assert null > 120
    assert spurious <= 0.04 * null

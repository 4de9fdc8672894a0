"""How small an interaction the test sees, what is said of that, and evidence of dependent rows."""

from math import inf

import numpy as np
import pytest

from bayes_intgen.inference.verdicts.additivity_result import Additivity, InteractionTest
from bayes_intgen.inference.verdicts.interaction_scores import Scores

LEVEL = 0.01


def scores_of(score=0.0, freedom=inf):
    """Scores of four weights, with a covariance that is not the information."""
    mixing = np.random.default_rng(3).normal(size=(4, 4))
    information = mixing @ mixing.T * 50
    scale = np.array([1.0, 0.7, 0.5, 0.2])
    return Scores(np.zeros(4) + score, information, 1.3 * information, scale, freedom)


@pytest.mark.parametrize(("freedom", "draws", "error"), [(inf, 600, 0.05), (60.0, 80, 0.12)])
def test_an_interaction_of_that_size_is_seen_in_four_cases_of_five(freedom, draws, error):
    """Scores are drawn anew for such interactions, and judged by the test itself."""
    rng, own = np.random.default_rng(4), scores_of(freedom=freedom)
    spread = np.diag([2.0, 1.0, 1.0, 0.5])
    size = own.least_size(spread, LEVEL)
    root, found = np.linalg.cholesky(own.covariance), []
    for _ in range(draws):
        weights = rng.normal(size=4) * own.scale
        weights *= size / np.sqrt(weights @ spread @ weights)
        score = own.information @ weights + root @ rng.normal(size=4)
        parts = (own.information, own.covariance, own.scale, freedom)
        found.append(Scores(score, *parts).test[1] <= LEVEL)
    assert np.mean(found) == pytest.approx(0.8, abs=error)


def test_it_falls_with_the_rows_and_rises_with_the_number_of_tests():
    own, spread = scores_of(), np.eye(4)
    rows = Scores(own.score, 4 * own.information, 4 * own.covariance, own.scale)
    half = own.least_size(spread, LEVEL) / 2
    assert rows.least_size(spread, LEVEL) == pytest.approx(half, rel=1e-6)
    assert own.least_size(spread, LEVEL / 10) > 2 * half
    nothing = Scores(own.score, 0 * own.information, own.covariance, own.scale)
    assert nothing.least_size(spread, LEVEL) == inf


def test_the_critical_value_of_one_weight_is_that_of_a_normal():
    one = Scores(np.zeros(1), np.eye(1), np.eye(1), np.ones(1))
    assert one.critical_value(0.05) == pytest.approx(1.959964**2, rel=1e-5)


def test_copies_of_a_row_in_a_cluster_are_no_more_evidence_than_one():
    own = scores_of(np.array([90.0, -40.0, 20.0, 10.0]))
    once = Scores(own.score, own.information, own.information, own.scale)
    copied = Scores(2 * own.score, 2 * own.information, 4 * own.information, own.scale, 40.0)
    assert copied.log_evidence == pytest.approx(once.log_evidence)
    taken_as_rows = Scores(2 * own.score, 2 * own.information, 4 * own.information, own.scale)
    assert taken_as_rows.log_evidence > once.log_evidence + 1


def verdict(fitted, p_value, least=2.5):
    tests = (
        InteractionTest("interaction", ("a", "b"), p_value, 0.3, 2.0, least),
        InteractionTest("bias", ("a", "b"), 0.5, 0.1, 1.0),
    )
    return Additivity(fitted, tests, evidence={"none": 0.6, "pairwise": 0.3, "all": 0.1})


def test_none_would_do_only_if_no_interaction_is_open():
    """A synergy whose interval leaves out zero, and advice to leave it out, must not meet."""
    open_one = str(verdict("pairwise", 0.02))
    assert "would do" not in open_one
    assert "a x b (p 0.02, 0.3) is not ruled out: interactions='pairwise' counts it" in open_one
    assert "interactions='none' would do" in str(verdict("pairwise", 0.4))


def test_that_none_was_found_is_told_with_what_could_be_missed():
    text = str(verdict("learned", 0.4))
    assert "no interaction found" in text
    assert "below 2.5 in the outcome could be missed: interactions='pairwise'" in text
    assert "small ones could be missed" in str(verdict("learned", 0.4, None))
    assert "these rows could not show one" in str(verdict("learned", 0.4, inf))

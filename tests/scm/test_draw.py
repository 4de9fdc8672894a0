"""Random SCMs have the form and the frequencies of the paper's Appendix E."""

import numpy as np
import pytest
from scipy import stats

from bayes_intgen.base.errors import ModelError
from bayes_intgen.scm import sample_polynomial_scm
from bayes_intgen.scm.noise import KINDS
from bayes_intgen.scm.polynomial_draw import draw_polynomial

ROWS = 100_000


@pytest.mark.parametrize(("inputs", "terms"), [(1, 3), (2, 6), (4, 15), (7, 36)])
def test_random_polynomial_has_every_term_once_and_normalised_coefficients(inputs, terms):
    polynomial = draw_polynomial(inputs, np.random.default_rng(inputs))
    assert len(polynomial.powers) == len(set(polynomial.powers)) == terms
    assert max(sum(term) for term in polynomial.powers) == 2
    assert sum(map(abs, polynomial.coefficients)) == pytest.approx(1)
    assert len(set(polynomial.coefficients)) == terms


def test_random_coefficients_have_the_distribution_of_the_paper():
    rng = np.random.default_rng(5)
    found = [draw_polynomial(2, rng).coefficients for _ in range(2000)]
    raw = np.random.default_rng(6).normal(0, 0.1, (2000, 6))
    expected = raw / np.abs(raw).sum(axis=1, keepdims=True)
    assert stats.ks_2samp(np.ravel(found), np.ravel(expected)).pvalue > 1e-3


def test_drawn_scm_has_the_form_of_appendix_e(scm):
    assert scm.actions == ("a1", "a2", "a3", "a4")
    assert scm.outcome == "y"
    assert scm.single_regimes == ("obs", "a1", "a2", "a3", "a4")
    assert scm.parents == {
        "a1": (),
        "a2": ("a1",),
        "a3": ("a1", "a2"),
        "a4": ("a1", "a2", "a3"),
    }
    assert [f.inputs for f in scm.effects] == [2, 2, 2, 2]
    assert [g.inputs for g in scm.mechanisms] == [2, 3, 4, 5]
    for polynomial in (*scm.effects, *scm.mechanisms):
        assert sum(map(abs, polynomial.coefficients)) == pytest.approx(1)
        assert max(map(sum, polynomial.powers)) == 2
    assert {noise.sd for noise in scm.confounder_noises} == {0.5}
    assert {noise.sd for noise in scm.action_noises} == {0.1}
    assert scm.outcome_noise.sd == 0.1


def test_noise_kinds_and_edges_have_their_frequencies():
    scms = [sample_polynomial_scm(8, random_seed=seed) for seed in range(10)]
    noises = [noise.kind for scm in scms for noise in scm.confounder_noises + scm.action_noises]
    counts = [noises.count(kind) for kind in KINDS]
    assert stats.chisquare(counts).pvalue > 1e-3
    edges = sum(len(scm.edges) for scm in scms)
    assert stats.binomtest(edges, 10 * 28, 0.3).pvalue > 1e-3
    assert sample_polynomial_scm(8, random_seed=1, edge_probability=0.0).edges == ()


def test_interventions_are_normal_with_the_observational_mean_and_sd():
    scm = sample_polynomial_scm(6, random_seed=11)
    observed = scm.sample(ROWS, random_seed=1)
    for action, mean, sd in zip(
        scm.actions, scm.intervention_means, scm.intervention_sds, strict=True
    ):
        # The SCM estimates both from 200,000 rows of its own.
        error = sd * np.sqrt(1 / ROWS + 1 / 200_000)
        assert abs(observed[action].mean() - mean) < 4 * error
        assert observed[action].std() == pytest.approx(sd, rel=0.05)  # long tails
        intervened = scm.sample(20_000, do=action, random_seed=1)[action]
        assert stats.kstest(intervened, stats.norm(mean, sd).cdf).pvalue > 1e-3


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_edge_probability_must_be_a_probability(probability):
    with pytest.raises(ModelError, match="edge_probability must be"):
        sample_polynomial_scm(2, random_seed=1, edge_probability=probability)

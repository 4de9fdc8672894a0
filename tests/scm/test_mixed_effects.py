"""Mixed effects E[Y | do(a_S), a_rest] of every family, against simulation and linear algebra."""

from dataclasses import replace
from itertools import chain, combinations

import numpy as np
import pytest

from bayes_intgen.base.errors import QueryError
from bayes_intgen.scm import (
    Noise,
    Polynomial,
    sample_common_support_scm,
    sample_linear_scm,
    sample_polynomial_scm,
)

ROWS = 10_000


def assert_is_the_regression(scm, regime):
    """Y - E[Y | ...] has mean zero against smooth functions, products and bins of the actions."""
    rows = scm.sample(ROWS, do=regime, random_seed=5)
    truth = scm.expected_outcome(rows, do=regime)
    assert truth.attrs["error"] < 1e-6
    actions = rows[list(scm.actions)].to_numpy()
    columns = [np.ones(ROWS), *actions.T, *(actions.T**2)]
    columns += [a * b for a, b in combinations(actions.T, 2)]
    columns += [a > np.quantile(a, q) for a in actions.T for q in (0.05, 0.3, 0.7, 0.95)]
    products = (rows["y"] - truth.to_numpy()).to_numpy()[:, None] * np.column_stack(columns)
    errors = np.abs(products.mean(axis=0)) / (products.std(axis=0) / np.sqrt(ROWS))
    assert errors.max() < 4.5
    return truth.to_numpy(), scm.expected_outcome(rows).to_numpy()


@pytest.fixture(scope="module")
def entangled():
    """Three actions in a chain; a confounder modifies another action, and two of them multiply."""
    scm = sample_polynomial_scm(3, random_seed=8, edge_probability=1.0)
    #        a1 a2 a3 c1 c2 c3
    powers = ((1, 1, 0, 0, 0, 0), (0, 0, 1, 1, 0, 0), (0, 0, 0, 1, 1, 0), (0, 1, 0, 0, 0, 2))
    return replace(scm, extra=(Polynomial(powers, (0.5, 0.8, 1.0, -0.7)),))


@pytest.mark.parametrize("regime", ["obs", "a1", "a3", "a1+a2"])
@pytest.mark.parametrize(
    "make", [sample_polynomial_scm, sample_common_support_scm, sample_linear_scm]
)
def test_truth_is_the_regression_function_of_the_regime(make, regime):
    mixed, joint = assert_is_the_regression(make(3, 4, edge_probability=0.7), regime)
    assert np.abs(mixed - joint).max() > 0.1  # there is confounding to be averaged over


@pytest.mark.parametrize("regime", ["obs", "a2", "a1+a3", "a1+a2+a3"])
def test_extra_terms_are_averaged_over_their_confounders(entangled, regime):
    assert_is_the_regression(entangled, regime)


def test_joint_effect_with_extra_terms_by_hand(entangled):
    plain = replace(entangled, extra=())
    at = {"a1": [0.3, -1.0], "a2": [2.0, 0.5], "a3": [1.0, 1.0]}
    added = entangled.expected_outcome(at) - plain.expected_outcome(at)
    # E[c1] = 0 and E[c1 c2] = 0, so that two of the four terms vanish; E[c3^2] = 0.25
    expected = 0.5 * np.array([0.6, -0.5]) - 0.7 * 0.25 * np.array([2.0, 0.5])
    np.testing.assert_allclose(added, expected, atol=1e-12)


def test_the_sum_rule_allows_for_everything_but_products_of_confounders(entangled):
    """sum_j m_j - (K - 1) m_obs is the joint effect if Y = g(A) + sum_k h_k(A, C_k) + U."""

    def gap(scm):
        at = scm.sample(200, do="a1+a2+a3", random_seed=1)
        rule = sum(scm.expected_outcome(at, do=[name]) for name in scm.actions)
        rule = rule - 2 * scm.expected_outcome(at, do=[])
        return np.abs(rule - scm.expected_outcome(at)).max().item()

    extra = entangled.extra[0]
    for keep, holds in (((0, 1, 3), True), ((2,), False)):
        chosen = Polynomial(
            tuple(extra.powers[i] for i in keep), tuple(extra.coefficients[i] for i in keep)
        )
        scm = replace(entangled, extra=(chosen,), confounder_noises=(Noise("gaussian", 0.5),) * 3)
        scm = replace(scm, action_noises=(Noise("gaussian", 0.3),) * 3)
        assert (gap(scm) < 1e-6) == holds


@pytest.mark.parametrize("seed", [1, 2])
def test_every_effect_of_a_linear_system_by_conditioning_all_variables_at_once(seed):
    scm = sample_linear_scm(4, seed, edge_probability=0.6)
    k = 4
    at = scm.sample(50, random_seed=1)
    for regime in chain.from_iterable(combinations(scm.actions, size) for size in range(k + 1)):
        # Everything as an affine function of (C, V, Z): Z are the values of actions that are set.
        loading, centre = np.zeros((k + 1, 3 * k)), np.zeros(k + 1)
        for i, name in enumerate(scm.actions):
            if name in regime:
                loading[i, 2 * k + i] = scm.intervention_sds[i]
                centre[i] = scm.intervention_means[i]
                continue
            parents = [scm.actions.index(parent) for parent in scm.parents[name]]
            inputs = np.eye(len(parents) + 2)
            constant = scm.mechanisms[i](np.zeros((1, len(inputs)))).item()
            *slopes, by_c, by_v = scm.mechanisms[i](inputs) - constant
            loading[i, i], loading[i, k + i] = by_c * 0.5, by_v * 0.3
            loading[i] += np.array(slopes) @ loading[parents]
            centre[i] = constant + np.array(slopes) @ centre[parents]
        for i, effect in enumerate(scm.effects):
            by_a, by_c = effect(np.eye(2))
            loading[k] += by_a * loading[i]
            loading[k, i] += by_c * 0.5
            centre[k] += by_a * centre[i]
        covariance = loading @ loading.T
        slope = np.linalg.solve(covariance[:k, :k], covariance[:k, k])
        expected = centre[k] + (at[list(scm.actions)].to_numpy() - centre[:k]) @ slope
        found = scm.expected_outcome(at, do=regime)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
        assert found.attrs == {"do": "+".join(regime) or "obs", "error": 0.0}


def test_interventions_of_a_linear_system_have_the_observational_mean_and_sd():
    scm = sample_linear_scm(4, 3, edge_probability=0.8)
    rows = scm.sample(100_000, random_seed=1)[list(scm.actions)]
    off = (rows.mean() - list(scm.intervention_means)) / list(scm.intervention_sds)
    assert off.abs().max() < 4.5 / np.sqrt(100_000)
    np.testing.assert_allclose(rows.std(), scm.intervention_sds, rtol=4.5 / np.sqrt(200_000))


def test_values_that_an_action_cannot_have_are_refused():
    linear = sample_linear_scm(2, 1, edge_probability=1.0)
    bounded = replace(
        linear,
        confounder_noises=(Noise("uniform", 0.5),) * 2,
        action_noises=(Noise("uniform", 0.3),) * 2,
    )
    at = {"a1": [0.0, 50.0, 0.0], "a2": 0.0}
    with pytest.raises(QueryError, match=r"action 'a1' is not set, .* first at \[1\]"):
        bounded.expected_outcome(at, do=["a2"])
    assert np.isfinite(linear.expected_outcome(at, do=["a2"])).all()
    assert np.isfinite(bounded.expected_outcome(at)).all()
    squashed = sample_common_support_scm(2, 1)
    with pytest.raises(QueryError, match="can never have the values"):
        squashed.expected_outcome({"a1": 0.0, "a2": 1.0}, do=["a1"])
    with pytest.raises(QueryError, match=r"do: .*'a9'.* None sets all actions"):
        squashed.expected_outcome({"a1": 0.0, "a2": 0.0}, do="a9")

"""Polynomial features: orthonormality by quadrature, span and number, scopes, round trip."""

import json
from collections import Counter
from itertools import product
from math import comb, factorial, sqrt

import numpy as np
import pytest
from numpy.polynomial import hermite_e

from bayes_intgen import ModelError, Polynomial
from bayes_intgen.base.types import Scale
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.polynomial import PolynomialBasis

SCALES = {"a1": Scale(3.0, 0.5), "a2": Scale(-40.0, 12.0), "a3": Scale(1e6, 1e3), "a4": Scale(0, 1)}


def bases(n_actions, degree):
    return {name: PolynomialBasis(SCALES[name], degree) for name in list(SCALES)[:n_actions]}


def full_map(n_actions, degree):
    chosen = bases(n_actions, degree)
    return FeatureMap.within(chosen, [chosen])


def powers(n_actions, degree):
    """Return the exponents of all monomials up to a total degree."""
    every = product(range(degree + 1), repeat=n_actions)
    return [exponents for exponents in every if sum(exponents) <= degree]


def written(exponents):
    parts = [
        name if power == 1 else f"{name}^{power}"
        for name, power in zip(SCALES, exponents, strict=False)
        if power
    ]
    return " ".join(parts) or "1"


def draw(n_actions, n=300):
    scales = list(SCALES.values())[:n_actions]
    z = np.random.default_rng(1).normal(size=(n, n_actions))
    return z * [scale.spread for scale in scales] + [scale.centre for scale in scales]


# The polynomials


@pytest.mark.parametrize("action", SCALES)
def test_polynomials_are_normalised_hermite_polynomials(action):
    scale = SCALES[action]
    z = np.linspace(-4, 4, 33)
    found = PolynomialBasis(scale, 8).evaluate(scale.centre + scale.spread * z)
    for degree in range(1, 9):
        expected = hermite_e.hermeval(z, [0] * degree + [1]) / sqrt(factorial(degree))
        np.testing.assert_allclose(found[:, degree - 1], expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("n_actions", [1, 2, 3])
def test_features_are_orthonormal_under_a_normal_distribution(n_actions):
    nodes, weights = hermite_e.hermegauss(6)
    weights = weights / weights.sum()
    z = np.array(list(product(nodes, repeat=n_actions)))
    scales = list(SCALES.values())[:n_actions]
    values = z * [scale.spread for scale in scales] + [scale.centre for scale in scales]
    phi = full_map(n_actions, 4).evaluate(values)
    probability = np.prod(list(product(weights, repeat=n_actions)), axis=1)
    np.testing.assert_allclose((phi.T * probability) @ phi, np.eye(phi.shape[1]), atol=1e-9)


@pytest.mark.parametrize(("n_actions", "degree"), [(1, 5), (2, 3), (3, 3), (4, 2)])
def test_features_span_the_monomials_of_the_same_total_degree(n_actions, degree):
    values = draw(n_actions)
    phi = full_map(n_actions, degree).evaluate(values)
    z = (values - values.mean(axis=0)) / values.std(axis=0)
    raw = np.array([np.prod(z**exponents, axis=1) for exponents in powers(n_actions, degree)]).T
    for target, features in ((raw, phi), (phi, raw)):
        weights = np.linalg.lstsq(features, target, rcond=None)[0]
        np.testing.assert_allclose(features @ weights, target, atol=1e-8)


# The features


@pytest.mark.parametrize("n_actions", [1, 2, 3, 4])
@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_the_full_scope_has_every_feature_once(n_actions, degree):
    names = full_map(n_actions, degree).names
    assert len(names) == comb(n_actions + degree, degree)
    assert names[0] == "1"
    assert set(names) == {written(exponents) for exponents in powers(n_actions, degree)}


@pytest.mark.parametrize(
    "scopes",
    [
        [],
        [{"a1"}, {"a3"}],
        [{"a1", "a2"}, {"a3"}],
        [{"a1", "a2"}, {"a2", "a3"}, {"a4"}],
        [{"a1", "a2", "a3"}, {"a2", "a3", "a4"}],
    ],
)
def test_features_stay_within_a_scope(scopes):
    touched = {
        written(exponents): {name for name, power in zip(SCALES, exponents, strict=True) if power}
        for exponents in powers(4, 3)
    }
    expected = {name for name, used in touched.items() if any(used <= scope for scope in scopes)}
    found = FeatureMap.within(bases(4, 3), scopes)
    assert Counter(found.names) == Counter(expected | {"1"})
    assert {feature.name: feature.actions for feature in found.features}.items() <= touched.items()


def test_features_are_products_of_the_functions_of_single_actions():
    chosen = bases(3, 3)
    values = draw(3)
    phi = dict(zip(full_map(3, 3).names, full_map(3, 3).evaluate(values).T, strict=True))
    h1, h2, h3 = (chosen[name].evaluate(values[:, k]) for k, name in enumerate(chosen))
    np.testing.assert_allclose(phi["1"], 1)
    np.testing.assert_allclose(phi["a2^3"], h2[:, 2])
    np.testing.assert_allclose(phi["a1^2 a3"], h1[:, 1] * h3[:, 0])
    np.testing.assert_allclose(phi["a1 a2 a3"], h1[:, 0] * h2[:, 0] * h3[:, 0])


def test_features_know_their_prior_group():
    groups = {feature.name: feature.group for feature in full_map(3, 3).features}
    assert groups["1"] == "constant"
    assert (groups["a1"], groups["a1^2"], groups["a1^3"]) == ("a1:linear", "a1:wiggly", "a1:wiggly")
    assert groups["a1 a3"] == groups["a1^2 a3"] == groups["a1 a3^2"] == "a1*a3"
    assert groups["a1 a2 a3"] == "higher"


def test_positions_are_those_of_the_features_within_a_scope():
    features = full_map(3, 3)
    found = [features.names[i] for i in features.positions({"a3", "a1"})]
    assert found == [name for name in features.names if "a2" not in name]
    assert features.positions([]).tolist() == [0]


# Freezing and keeping


def test_freezing_takes_centre_and_spread_from_the_summary(data):
    summary = data.summary
    for action in data.actions:
        basis = Polynomial(degree=np.int64(2)).freeze(action, summary)
        assert basis == PolynomialBasis(summary.scales[action], 2)


def test_a_feature_map_survives_json():
    features = FeatureMap.within(bases(4, 3), [{"a1", "a2"}, {"a2", "a3", "a4"}])
    state = json.loads(json.dumps(features.to_dict()))
    again = FeatureMap.from_dict(state)
    assert again == features
    assert again.names == features.names
    values = draw(4)
    np.testing.assert_array_equal(again.evaluate(values), features.evaluate(values))


@pytest.mark.parametrize("degree", [0, -1, 9, 2.0, True, "3", None])
def test_degrees_must_be_whole_numbers_from_one_to_eight(degree):
    with pytest.raises(ModelError, match=r"^degree must be a whole number from 1 to 8, got"):
        Polynomial(degree=degree)

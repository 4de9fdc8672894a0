"""The structured design: sums of components against loops written out."""

import json
from math import comb

import numpy as np
import pytest

from bayes_intgen import Polynomial
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.design import CAUSAL, Design, bias_name

PARENTS = {"a1": (), "a2": ("a1",), "a3": ("a1", "a2")}
REGIMES = [(), ("a1",), ("a3",), ("a1", "a2"), ("a1", "a2", "a3")]


@pytest.fixture
def design(data):
    bases = freeze_bases(Polynomial(degree=3), data.actions, data.summary)
    return Design.build(bases, PARENTS)


def pieces(design, weights):
    """Return the coefficients of each component by feature name."""
    found = {}
    for weight, value in zip(design.weights, weights, strict=True):
        component, feature = weight.name.split("|")
        found.setdefault(component, {})[feature] = value
    return found


@pytest.mark.parametrize("regime", REGIMES)
def test_theta_is_beta_plus_the_biases_of_the_actions_that_are_not_set(design, regime):
    weights = np.random.default_rng(1).normal(size=len(design.weights))
    components = pieces(design, weights)
    expected = []
    for feature in design.features.names:
        total = components["causal"].get(feature, 0.0)
        for action in PARENTS:
            if action not in regime:
                total += components[f"bias:{action}"].get(feature, 0.0)
        expected.append(total)
    np.testing.assert_allclose(design.collect(weights, design.active(regime)), expected, rtol=1e-14)


def test_draws_keep_their_dimensions(design):
    weights = np.random.default_rng(3).normal(size=(2, 5, len(design.weights)))
    chosen = design.active(("a2",))
    theta = design.collect(weights, chosen)
    assert theta.shape == (2, 5, len(design.features.features))
    np.testing.assert_allclose(theta[1, 3], design.collect(weights[1, 3], chosen))


def test_an_intervention_switches_off_the_bias_of_its_action_only(design):
    everything = design.active(())
    assert everything.all()
    for action in PARENTS:
        np.testing.assert_array_equal(~design.active((action,)), design.component(f"bias:{action}"))
    np.testing.assert_array_equal(design.active(PARENTS), design.component(CAUSAL))


def test_components_partition_the_weights(design):
    names = [CAUSAL, *map(bias_name, PARENTS)]
    np.testing.assert_array_equal(sum(design.component(name).astype(int) for name in names), 1)
    assert not design.component("other").any()


def test_every_component_has_the_features_it_may_use(design):
    counts = {name: len(features) for name, features in pieces(design, design.positions).items()}
    assert counts == {
        "causal": 1 + 3 * 3,
        "bias:a1": comb(1 + 3, 3),
        "bias:a2": comb(2 + 3, 3),
        "bias:a3": comb(3 + 3, 3),
    }
    for weight in design.weights:
        assert weight.feature is design.features.features[weight.position]
        if weight.component == CAUSAL:
            assert len(weight.feature.actions) <= 1
        else:
            action = weight.component.removeprefix("bias:")
            assert weight.feature.actions <= {action, *PARENTS[action]}
    assert len({weight.name for weight in design.weights}) == len(design.weights)


def test_prior_groups(design):
    single = [f"{action}:{shape}" for action in PARENTS for shape in ("linear", "wiggly")]
    assert set(design.groups) == {
        "bias|constant",
        *(f"causal|{group}" for group in single),
        *(f"bias:a1|{group}" for group in single[:2]),
        *(f"bias:a2|{group}" for group in [*single[:4], "a1*a2"]),
        *(f"bias:a3|{group}" for group in [*single, "a1*a2", "a1*a3", "a2*a3", "higher"]),
    }
    assert len(set(design.groups)) == len(design.groups)
    for weight, index in zip(design.weights, design.group_index, strict=True):
        if weight.feature.name == "1" and weight.component != CAUSAL:
            assert weight.group == design.groups[index] == "bias|constant"
        elif weight.feature.name == "1":
            assert weight.group is None
            assert index == len(design.groups)
        else:
            assert design.groups[index] == weight.group


def test_without_parents_every_bias_has_its_own_action_only(data):
    parents = dict.fromkeys(PARENTS, ())
    bases = freeze_bases(Polynomial(degree=2), data.actions, data.summary)
    design = Design.build(bases, parents)
    assert len(design.features.features) == 1 + 3 * 2
    assert len(design.weights) == 7 + 3 * 3


def test_a_design_survives_json(design):
    again = Design.from_dict(json.loads(json.dumps(design.to_dict())))
    assert again == design
    assert again.weights == design.weights
    assert again.groups == design.groups

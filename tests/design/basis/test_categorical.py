"""Indicators of levels: products with other bases, prior groups, and the choice of a basis."""

import json
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import bayes_intgen as ig
from bayes_intgen.base.types import Scale
from bayes_intgen.design.basis.categorical import CategoricalBasis
from bayes_intgen.design.basis.choice import freeze_bases, match_bases
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.hsgp import HSGPBasis
from bayes_intgen.design.basis.polynomial import PolynomialBasis
from bayes_intgen.design.design import Design
from bayes_intgen.model.distributions import LogNormal
from bayes_intgen.model.priors import Priors

LEVELS = ("mail", "shop", "web")
UNIT = Scale(0.0, 1.0)


def features(**bases):
    return FeatureMap.within(bases, [set(bases)])


def categorical(order=2, levels=LEVELS):
    return CategoricalBasis(levels, order)


# Functions and products


def test_every_level_has_an_indicator():
    codes = np.array([2.0, 0.0, 1.0, 2.0])
    assert_array_equal(categorical().evaluate(codes), np.eye(3)[codes.astype(int)])
    assert features(c=categorical()).names == ("1", "c[mail]", "c[shop]", "c[web]")
    assert categorical().limits is None


@pytest.mark.parametrize("order", [1, 2, 3, 8])
def test_products_with_eigenfunctions(order):
    """Each level takes part with each eigenfunction that enters pairs, as two of those do."""
    found = features(a=HSGPBasis(UNIT, UNIT, 6, 4, 1.5), c=categorical(order)).names
    pairs = {f"a~{j} c[{level}]" for j in range(1, 5) for level in LEVELS}
    assert set(found) >= (pairs if order > 1 else set())
    waves = {name for name in found if "c[" in name and "~" in name}
    assert waves == (pairs if order > 1 else set())


@pytest.mark.parametrize(
    ("order", "degree", "powers"),
    [
        (2, 3, ["", "^2"]),
        (3, 3, ["", "^2"]),
        (2, 2, [""]),
        (2, 1, []),
        (1, 3, []),
        (4, 4, ["", "^2", "^3"]),
    ],
)
def test_products_with_polynomials(order, degree, powers):
    """A level counts one degree of three: together they stay within the total degree."""
    found = features(a=PolynomialBasis(UNIT, degree), c=categorical(order)).names
    pairs = {f"a{power} c[{level}]" for power in powers for level in LEVELS}
    assert {name for name in found if name.startswith("a") and "c[" in name} == pairs


@pytest.mark.parametrize("order", [1, 2, 3])
def test_products_of_levels_are_those_of_the_order(order):
    """As many factors as the order allows, and every combination of levels of each."""
    bases = {name: categorical(order, ("x", "y")) for name in "bcd"}
    found = features(**bases)
    counts = np.bincount([len(f.factors) for f in found.features], minlength=4)
    assert counts.tolist() == [1, 6, 12 if order > 1 else 0, 8 if order > 2 else 0]
    codes = np.array(list(product([0.0, 1.0], repeat=3)))
    phi = dict(zip(found.names, found.evaluate(codes).T, strict=True))
    if order == 3:
        assert_array_equal(phi["b[y] c[x] d[y]"], (codes == [1, 0, 1]).all(axis=1))


def test_order_counts_actions_of_every_kind():
    bases = {"a": PolynomialBasis(UNIT, 3), "b": PolynomialBasis(UNIT, 3)}
    assert "a b c[web]" not in features(**bases, c=categorical(2)).names
    assert "a b c[web]" in features(**bases, c=categorical(3)).names


def test_products_are_products():
    found = features(a=PolynomialBasis(UNIT, 3), c=categorical())
    values = np.column_stack([np.linspace(-2, 2, 9), np.arange(9) % 3])
    phi = dict(zip(found.names, found.evaluate(values).T, strict=True))
    assert_allclose(phi["a^2 c[shop]"], phi["a^2"] * (values[:, 1] == 1))
    assert_array_equal(sum(phi[f"c[{level}]"] for level in LEVELS), 1)


def test_prior_groups():
    """One scale per component for the levels, one for each pair."""
    bases = {"a": PolynomialBasis(UNIT, 3), "c": categorical(), "d": categorical()}
    design = Design.build(bases, {"a": (), "c": ("a",), "d": ("c",)})
    kinds = dict(zip(design.groups, design.group_kinds(), strict=True))
    for group in ("causal|c:level", "bias:c|c:level", "bias:d|c:level", "bias:d|d:level"):
        assert kinds[group] == "level"
    assert kinds["bias:c|a*c"] == kinds["bias:d|c*d"] == "pair"
    members = [w.feature.name for w in design.weights if w.group == "causal|c:level"]
    assert members == ["c[mail]", "c[shop]", "c[web]"]


def test_levels_have_a_prior_of_their_own():
    own = LogNormal(7.0, 0.5)
    found = Priors(level=own).of_each(1, ["linear", "level", "pair"], [])
    assert [prior is own for prior in found] == [False, False, True, False]


def test_a_feature_map_with_levels_survives_json():
    found = features(a=HSGPBasis(UNIT, UNIT, 3, 2, 1.5), c=categorical(3))
    again = FeatureMap.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again == found


@pytest.mark.parametrize("smoothest", [0, 1, 2, 20])
@pytest.mark.parametrize("actions", [None, ["p", "c", "h"]])
def test_pairs_are_the_products_of_two_among_all_features(smoothest, actions):
    bases = {
        "h": HSGPBasis(UNIT, UNIT, 4, 3, 1.5),
        "c": categorical(),
        "p": PolynomialBasis(UNIT, 3),
        "d": categorical(order=1),
        "q": HSGPBasis(UNIT, UNIT, 5, 2, 1.5),
    }
    names = [name for name in bases if actions is None or name in actions]
    pairs = list(combinations(names, 2))
    found = FeatureMap.pairs(bases, smoothest, actions).features
    every = FeatureMap.within(bases, pairs)
    few = [every.features[i] for i in every.smooth_columns(smoothest)]
    wanted = [feature for feature in few if len(feature.factors) == 2]
    assert set(wanted) <= set(found)
    assert all(f.factors == ((a, 0), (b, 0)) for f, (a, b) in zip(found, pairs, strict=False))
    assert list(found[len(pairs) :]) == [f for f in wanted if f not in found[: len(pairs)]]
    assert len(set(found)) == len(found)


def test_names_that_look_the_same_are_refused():
    twins = {"c": categorical(2, ("x", "x] d[y")), "d": categorical(2, ("y", "z"))}
    with pytest.raises(ig.ModelError, match=r"look the same .* rename a column or a level"):
        features(**twins)


def test_products_without_end_are_refused():
    many = CategoricalBasis(tuple(map(str, range(50))), 3)
    with pytest.raises(ig.ModelError, match=r"^basis: the products of functions of 3 actions are"):
        features(b=many, c=many, d=many)


@pytest.mark.parametrize("order", [0, 9, 2.0, True, "2", None])
def test_orders_must_be_whole_numbers_from_one_to_eight(order):
    with pytest.raises(ig.ModelError, match=r"^order must be a whole number from 1 to 8, got"):
        ig.Categorical(order)


# The choice of a basis


@pytest.fixture(scope="module")
def summary():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(60, 3)), columns=["a", "b", "y"])
    frame["c"] = np.array(LEVELS)[rng.integers(3, size=60)]
    frame["regime"] = np.repeat(["obs", "c"], 30)
    data = ig.RegimeData.from_frame(frame, "y", ["a", "b", "c"], categorical=["c"])
    return data.summary


def kinds(choice, summary):
    frozen = freeze_bases(choice, summary.actions, summary)
    assert list(frozen) == ["a", "b", "c"]
    assert match_bases(choice, frozen) == frozen
    return [basis.to_dict()["kind"] for basis in frozen.values()]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ig.HSGP(), ["hsgp", "hsgp", "categorical"]),
        (ig.Polynomial(2), ["polynomial", "polynomial", "categorical"]),
        ({"a": ig.HSGP(), "b": ig.Polynomial()}, ["hsgp", "polynomial", "categorical"]),
        (
            {"c": ig.Categorical(3), "b": ig.HSGP(), "a": ig.HSGP()},
            ["hsgp", "hsgp", "categorical"],
        ),
    ],
)
def test_a_categorical_action_takes_indicators_by_itself(summary, choice, expected):
    assert kinds(choice, summary) == expected


def test_frozen_levels_are_those_of_the_data(summary):
    choice = {"a": ig.HSGP(), "b": ig.HSGP(), "c": ig.Categorical(np.int64(4))}
    assert freeze_bases(choice, summary.actions, summary)["c"] == CategoricalBasis(LEVELS, 4)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (ig.Categorical(), r"Categorical\(order=2\) needs levels, but column 'a' is numeric. List"),
        (
            {"a": ig.HSGP(), "b": ig.HSGP(), "c": ig.HSGP()},
            r"column 'c' is categorical and can only have Categorical\(\), got HSGP\(",
        ),
        (
            {"a": ig.HSGP(), "b": ig.HSGP(), "c": ig.Polynomial(1)},
            r"column 'c' is categorical .* got Polynomial\(degree=1\)",
        ),
        (
            {"a": ig.Categorical(), "b": ig.HSGP()},
            r"needs levels, but column 'a' is numeric. List it in categorical of RegimeData",
        ),
        ({"a": ig.HSGP()}, r"must name every action once, \['a', 'b', 'c'\] \(only the categ"),
        ({"a": ig.HSGP(), "b": ig.HSGP(), "d": ig.HSGP()}, r"must name every action once"),
    ],
)
def test_choices_that_do_not_fit(summary, choice, message):
    with pytest.raises(ig.ModelError, match=rf"^basis:? ?.*{message}"):
        freeze_bases(choice, summary.actions, summary)


def test_moments_of_another_order_are_refused(summary):
    frozen = freeze_bases(ig.HSGP(), summary.actions, summary)
    choice = {"a": ig.HSGP(), "b": ig.HSGP(), "c": ig.Categorical(3)}
    with pytest.raises(ig.ModelError, match=r"asks for Categorical\(order=3\) for action 'c'"):
        match_bases(choice, frozen)
    numeric = {name: PolynomialBasis(UNIT, 3) for name in "abc"}
    with pytest.raises(ig.ModelError, match="'c' is numeric"):
        match_bases({"a": ig.HSGP(), "b": ig.HSGP(), "c": ig.Categorical()}, numeric)

"""Discrete systems: exact enumeration against loops, draws and the paper's statements."""

import pickle
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.base.errors import ModelError, QueryError, RegimeError
from bayes_intgen.scm import (
    DiscreteMechanism,
    DiscreteNoise,
    DiscreteSCM,
    indistinguishable_scms,
    sample_discrete_scm,
)

P = Fraction(3, 10)


def table(scm, do, columns):
    """Return {values of some columns: probability}, without what is impossible."""
    frame = scm.distribution(do)
    return frame.groupby(columns)["probability"].sum().to_dict()


def regimes_of(scm):
    sizes = range(len(scm.actions) + 1)
    return [regime for size in sizes for regime in combinations(scm.actions, size)]


def every_point(scm):
    return pd.DataFrame(list(product(*scm.values.values())), columns=list(scm.actions))


# The paper's Example 1

# (setting, what is left, {values: probability}). Those marked with a star differ from the printed
# tables, which do not follow from the mechanisms there; see the module of the two systems.
TABLES = [
    (  # Table 1
        {},
        ["a1", "a2", "y"],
        {(0, 0, 0): 1 - P, (1, 0, 0): P * (1 - P), (1, 1, 0): P**2 * (1 - P), (1, 1, 1): P**3},
    ),
    ({"a1": 0}, ["a2", "y"], {(0, 0): 1}),  # Table 2
    ({"a1": 1}, ["a2", "y"], {(0, 0): 1 - P**2, (1, 0): P**2 * (1 - P), (1, 1): P**3}),  # *
    ({"a2": 0}, ["a1", "y"], {(0, 0): 1 - P, (1, 0): P}),  # Table 3 *
    ({"a2": 1}, ["a1", "y"], {(0, 0): 1 - P, (1, 0): P * (1 - P), (1, 1): P**2}),
]


@pytest.mark.parametrize(("do", "columns", "expected"), TABLES)
@pytest.mark.parametrize("which", [0, 1])
def test_tables_of_example_one(do, columns, expected, which):
    scm = indistinguishable_scms(float(P))[which]
    exact = {key: float(probability) for key, probability in expected.items()}
    assert table(scm, do, columns) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize(("do", "columns", "expected"), TABLES)
@pytest.mark.parametrize("which", [0, 1])
def test_tables_by_listing_the_noises_in_fractions(do, columns, expected, which):
    found = {}
    for u, v2, w in product((0, 1), repeat=3):
        a1 = do.get("a1", w)
        a2 = do.get("a2", a1 & w & v2)
        y = (a1 & a2 & w & u, a2 & w & u)[which]
        key = tuple({"a1": a1, "a2": a2, "y": y}[name] for name in columns)
        weight = np.prod([P if noise else 1 - P for noise in (u, v2, w)])
        found[key] = found.get(key, 0) + weight
    assert found == expected


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.8])
def test_observation_and_single_interventions_do_not_tell_the_two_systems_apart(probability):
    first, second = indistinguishable_scms(probability)
    for do in [*first.single_regimes, {"a1": 0}, {"a1": 1}, {"a2": 0}, {"a2": 1}]:
        pd.testing.assert_frame_equal(first.distribution(do), second.distribution(do), atol=1e-15)
    for do in ("obs", "a1", "a2"):
        rows = [scm.sample(200, do, random_seed=1) for scm in (first, second)]
        pd.testing.assert_frame_equal(*rows)
    # but the joint intervention does, at one point
    effects = [scm.expected_outcome(every_point(first)).to_numpy() for scm in (first, second)]
    squared = probability**2
    np.testing.assert_allclose(effects[0], [0, 0, 0, squared], atol=1e-15)
    np.testing.assert_allclose(effects[1], [0, squared, 0, squared], atol=1e-15)
    joint = {"a1": 0, "a2": 1}
    assert table(first, joint, ["y"]) == pytest.approx({0: 1.0}, abs=1e-12)
    assert table(second, joint, ["y"]) == pytest.approx({0: 1 - squared, 1: squared}, abs=1e-12)


def test_any_estimator_errs_on_one_of_the_two_systems():
    first, second = indistinguishable_scms(0.5)
    at, answers = every_point(first), []
    for scm in (first, second):
        frame = scm.sample_regimes(scm.single_regimes, n=500, random_seed=1)
        data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        answers.append(ig.RidgeEstimator(degree=1).fit(data).expected_outcome(at))
    assert answers[0].equals(answers[1])
    errors = [
        np.abs(answer - scm.expected_outcome(at)).max().item()
        for answer, scm in zip(answers, (first, second), strict=True)
    ]
    assert max(errors) >= 0.25 / 2


def test_events_that_cannot_happen_are_refused():
    scm, _ = indistinguishable_scms()
    with pytest.raises(QueryError, match=r"in regime 'obs' .* never .* 1 points, .* \[1\]"):
        scm.expected_outcome({"a1": [0, 0, 1], "a2": [0, 1, 1]}, do=[])
    assert scm.expected_outcome({"a1": 0, "a2": 1}, do=["a2"]).item() == 0


@pytest.mark.parametrize("probability", [0, 1, -0.1, float("nan")])
def test_certain_noises_are_refused(probability):
    with pytest.raises(ModelError, match="strictly between 0 and 1"):
        indistinguishable_scms(probability)


# Random systems


def looked_up(scm):
    """Return a function that solves the system for one choice of noises and settings."""
    values = {v.name: v.values for v in (*scm.noises, *scm.mechanisms)}

    def solve(world):
        world = dict(world)
        for mechanism in scm.mechanisms:
            if mechanism.name not in world:
                points = product(*(values[parent] for parent in mechanism.parents))
                tabulated = dict(zip(points, mechanism.table, strict=True))
                point = tuple(world[parent] for parent in mechanism.parents)
                world[mechanism.name] = tabulated[point]
        return world

    return solve


@pytest.mark.parametrize("do", ["obs", "a1", "a2", "a1+a2"])
def test_enumeration_is_what_a_loop_over_all_noises_gives(do):
    scm = sample_discrete_scm(2, random_seed=3, product_of_confounders=0.7)
    regime = [] if do == "obs" else do.split("+")
    solve, found = looked_up(scm), {}
    for setting in product((0.0, 1.0), repeat=len(regime)):
        for choice in product(*(range(len(noise.values)) for noise in scm.noises)):
            pairs = list(zip(scm.noises, choice, strict=True))
            weight = np.prod([noise.probabilities[i] for noise, i in pairs]) / 2 ** len(regime)
            world = {noise.name: noise.values[i] for noise, i in pairs}
            world = solve(world | dict(zip(regime, setting, strict=True)))
            key = (world["a1"], world["a2"], world["y"])
            found[key] = found.get(key, 0) + weight
    assert table(scm, do, ["a1", "a2", "y"]) == pytest.approx(found, abs=1e-14)
    at = every_point(scm)
    for a, mean in zip(at.to_numpy(), scm.expected_outcome(at, do=do).to_numpy(), strict=True):
        given = {y: weight for (*b, y), weight in found.items() if b == list(a)}
        expected = sum(y * weight for y, weight in given.items()) / sum(given.values())
        assert mean == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("do", ["obs", "a2", "a1+a3"])
def test_rows_have_the_exact_distribution(do):
    scm = sample_discrete_scm(3, random_seed=4)
    rows = scm.sample(50_000, do, random_seed=5)
    exact = scm.distribution(do)
    assert exact["probability"].sum() == pytest.approx(1, abs=1e-12)
    columns = list(scm.actions)
    expected = exact.groupby(columns)["probability"].sum()
    counts = rows.groupby(columns).size().reindex(expected.index, fill_value=0)
    assert stats.chisquare(counts, expected * len(rows)).pvalue > 1e-4
    means = rows.groupby(columns)["y"].agg(["mean", "std", "size"]).reset_index()
    truth = scm.expected_outcome(means, do=do).to_numpy()
    assert (np.abs(means["mean"] - truth) < 4.5 * means["std"] / np.sqrt(means["size"])).all()


@pytest.fixture(scope="module", params=range(12))
def exact(request):
    """Return the seed of a system of three actions, and the exact means of all its regimes."""
    scm = sample_discrete_scm(3, random_seed=request.param)
    at = every_point(scm)
    means = {r: scm.expected_outcome(at, do=r).to_numpy() for r in regimes_of(scm)}
    return request.param, means


def test_the_sum_rule_is_exact_however_the_actions_interact(exact):
    _, mean = exact
    joint = mean["a1", "a2", "a3"]
    rule = mean["a1",] + mean["a2",] + mean["a3",] - 2 * mean[()]
    np.testing.assert_allclose(rule, joint, atol=1e-12)
    # There is something to be got right: confounding, and an interaction of all three
    assert np.abs(mean[()] - joint).max() > 0.1
    assert abs(np.array([-1, 1, 1, -1, 1, -1, -1, 1]) @ joint) / 8 > 0.01


def test_the_sum_rule_misses_what_a_product_of_confounders_brings(exact):
    seed, _ = exact
    scm = sample_discrete_scm(3, seed, product_of_confounders=2.0)
    at = every_point(scm)
    rule = sum(scm.expected_outcome(at, do=[name]) for name in scm.actions)
    rule = rule - 2 * scm.expected_outcome(at, do=[])
    gap = (rule - scm.expected_outcome(at)).to_numpy()
    # Both confounders given the actions, by systems that have them as their outcome
    shift = 1.0
    for noise in scm.noises[:2]:
        shown = DiscreteMechanism("y", (noise.name,), noise.values)
        showing = replace(scm, mechanisms=(*scm.mechanisms[:-1], shown))
        prior = np.dot(noise.values, noise.probabilities)
        shift = shift * (showing.expected_outcome(at, do=[]).to_numpy() - prior)
    np.testing.assert_allclose(gap, -2.0 * shift, atol=1e-12)
    assert np.abs(gap).max() > 1e-3


def test_weights_of_identify_give_the_exact_target(exact):
    seed, mean = exact
    rng = np.random.default_rng(seed)
    regimes, identified = list(mean), 0
    for _ in range(50):
        chosen = rng.choice(len(regimes), rng.integers(2, 7), replace=False)
        target = regimes[rng.integers(len(regimes))]
        answer = ig.identify([regimes[i] for i in chosen], target)
        if answer.identified:
            found = sum(weight * mean[regime] for regime, weight in answer.weights.items())
            np.testing.assert_allclose(found, mean[target], atol=1e-12)
            identified += target not in answer.weights
    assert identified >= 3


def test_the_product_of_confounders_is_all_that_is_added():
    plain = sample_discrete_scm(3, random_seed=1)
    broken = sample_discrete_scm(3, random_seed=1, product_of_confounders=1.5)
    assert broken.noises == plain.noises
    assert broken.mechanisms[:-1] == plain.mechanisms[:-1]
    values = {v.name: v.values for v in (*plain.noises, *plain.mechanisms)}
    parents = plain.mechanisms[-1].parents
    points = np.array(list(product(*(values[parent] for parent in parents))))
    added = 1.5 * points[:, parents.index("c1")] * points[:, parents.index("c2")]
    difference = np.subtract(broken.mechanisms[-1].table, plain.mechanisms[-1].table)
    np.testing.assert_allclose(difference, added, atol=1e-13)


def test_four_actions_and_sampling_are_reproducible():
    scm = sample_discrete_scm(4, random_seed=2)
    assert scm == sample_discrete_scm(4, random_seed=2)
    assert scm != sample_discrete_scm(4, random_seed=3)
    assert hash(scm) == hash(pickle.loads(pickle.dumps(scm)))
    frame = scm.sample_regimes(["obs", "a2+a1"], {"obs": 5, "a1+a2": 3}, random_seed=1)
    assert frame["regime"].tolist() == ["obs"] * 5 + ["a1+a2"] * 3
    alone = scm.sample(5, random_seed=1)
    pd.testing.assert_frame_equal(frame.drop(columns="regime").head(5), alone)
    at = every_point(scm)
    rule = sum(scm.expected_outcome(at, do=[name]) for name in scm.actions)
    rule = rule - 3 * scm.expected_outcome(at, do=[])
    np.testing.assert_allclose(rule, scm.expected_outcome(at), atol=1e-12)


# What is refused

U = DiscreteNoise.bernoulli("u", 0.5)
A = DiscreteMechanism("a", ("u",), (0.0, 1.0))
Y = DiscreteMechanism("y", ("a", "u"), (0.0, 1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DiscreteNoise("u", (1.0, 0.0), (0.5, 0.5)), "must be finite and increase"),
        (lambda: DiscreteNoise("u", (), ()), "must be finite and increase"),
        (lambda: DiscreteNoise("u", (0.0, 1.0), (0.5, 0.4)), "sum one"),
        (lambda: DiscreteNoise("u", (0.0, 1.0), (1.5, -0.5)), "non-negative"),
        (lambda: DiscreteNoise("u", (0.0, 1.0), (1.0,)), "one for each of its 2"),
        (lambda: DiscreteNoise.bernoulli("u", float("nan")), "sum one"),
        (lambda: DiscreteMechanism("a", (), ()), "at least one"),
        (lambda: DiscreteMechanism("a", ("u",), (0.0, float("inf"))), "finite"),
        (lambda: DiscreteSCM((U,), (Y, A), ("a",)), "'y' depends on"),
        (lambda: DiscreteSCM((U,), (A, replace(Y, table=(0.0,))), ("a",)), "must have 4 entries"),
        (lambda: DiscreteSCM((U, U), (A, Y), ("a",)), "distinct names"),
        (lambda: DiscreteSCM((U,), (A,), ("a",)), "'y' the name of another"),
        (lambda: DiscreteSCM((U,), (A, Y), ("b",)), r"got actions \('b',\)"),
        (lambda: DiscreteSCM((U,), (A, Y), ("a", "y")), "the name of another"),
        (lambda: sample_discrete_scm(0, 1), "n_actions must be"),
        (lambda: sample_discrete_scm(1, 1, product_of_confounders=1.0), "zero if there is one"),
        (lambda: sample_discrete_scm(2, 1, product_of_confounders=float("nan")), "finite"),
    ],
)
def test_parts_that_do_not_fit_are_refused(make, message):
    with pytest.raises(ModelError, match=message):
        make()


def test_questions_that_do_not_fit_are_refused():
    scm = DiscreteSCM((U,), (A, Y), ("a",))
    with pytest.raises(QueryError, match=r"'a' can only be one of \(0.0, 1.0\), got \[0.5\]"):
        scm.expected_outcome({"a": [0.0, 0.5]})
    with pytest.raises(QueryError, match="'a' can only be one of"):
        scm.distribution({"a": 2})
    with pytest.raises(QueryError, match="None sets all actions"):
        scm.expected_outcome({"a": 0.0}, do="b")
    with pytest.raises(RegimeError, match="b"):
        scm.distribution({"b": 1})
    with pytest.raises(RegimeError, match="b"):
        scm.sample(5, "b", random_seed=1)
    with pytest.raises(ModelError, match="n must be"):
        scm.sample(0, random_seed=1)
    many = tuple(DiscreteNoise.bernoulli(f"n{i}", 0.5) for i in range(24))
    with pytest.raises(ModelError, match="67108864 worlds"):
        replace(scm, noises=(U, *many)).expected_outcome({"a": 0.0})

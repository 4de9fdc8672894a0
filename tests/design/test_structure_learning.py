"""The learned structure: what is found, what is not, and how evidence is combined."""

import json
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayes_intgen as ig
from bayes_intgen import ModelError, RegimeData
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.structure_learning import LearnedStructure, learn_structure
from models import linear, partition


def learn(regimes):
    """Learn from a mapping of regime labels to columns of actions."""
    frames = [pd.DataFrame(columns).assign(regime=label) for label, columns in regimes.items()]
    frame = pd.concat(frames, ignore_index=True)
    actions = [name for name in frame if name != "regime"]
    frame["y"] = np.arange(len(frame))  # the outcome is not looked at
    return learn_structure(RegimeData.from_frame(frame, "y", actions).summary)


def status(structure):
    return {(edge.parent, edge.child): edge.status for edge in structure.edges}


def p_values(structure):
    return {(edge.parent, edge.child): edge.p_value for edge in structure.edges}


def independent(labels, n, draw, n_actions=None):
    """Draw every action anew in every regime; as many actions as regimes unless told."""
    names = [f"a{k + 1}" for k in range(n_actions or len(labels))]
    return {label: {name: draw(n) for name in names} for label in labels}


def heavy(rng):
    return lambda n: rng.standard_cauchy(n) * np.exp(rng.normal(size=n))


SHAPES = {
    "linear": lambda a, e, strength: strength * a + e,
    "U-shaped": lambda a, e, strength: strength * a**2 + e,
    "spread only": lambda a, e, strength: np.exp(strength * a) * e,
    "spread, U-shaped": lambda a, e, strength: np.exp(strength * a**2) * e,
}
# Strong enough at 2000 rows that no seed out of sixty gave a p-value above 1e-3
STRENGTHS = {"normal": 0.2, "laplace": 0.3, "standard_cauchy": 0.5}


# What is found


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("noise", STRENGTHS)
def test_dependence_is_found_in_its_direction(shape, noise):
    rng = np.random.default_rng(1)
    a1, e = rng.normal(size=2000), getattr(rng, noise)(size=2000)
    experiments = {
        "a1": {"a1": a1, "a2": SHAPES[shape](a1, e, STRENGTHS[noise])},
        "a2": {"a1": rng.normal(size=2000), "a2": rng.normal(size=2000)},
    }
    found = learn(experiments)
    assert status(found) == {("a1", "a2"): "seen", ("a2", "a1"): "absent"}
    assert found.parents == {"a1": (), "a2": ("a1",)}
    assert found.conflicts == ()


@pytest.mark.parametrize("effect_is_binary", [True, False])
def test_binary_actions(effect_is_binary):
    rng = np.random.default_rng(2)
    n = 2000
    a1, a2 = rng.integers(2, size=n), rng.normal(size=n)
    caused = a1 + 3 * rng.normal(size=n)
    caused = (caused > 0).astype(float) if effect_is_binary else caused
    alone = rng.integers(2, size=n), rng.permutation(caused)
    found = learn(
        {
            "a1": {"a1": a1, "a2": caused, "a3": rng.permutation(caused)},
            "a2": {"a1": alone[0], "a2": a2, "a3": alone[1]},
        }
    )
    tested = {pair: kind for pair, kind in status(found).items() if pair[0] != "a3"}
    assert tested.pop(("a1", "a2")) == "seen"
    assert set(tested.values()) == {"absent"}


@pytest.mark.parametrize("n", [8, 30, 100, 1000])
def test_a_balanced_binary_action_does_not_depend_on_everything(n):
    """Its squared normal scores are constant: no spread to test, and no proof of dependence."""
    rng = np.random.default_rng(3)
    found = [
        p_values(learn({"a1": {"a1": rng.normal(size=n), "a2": rng.permutation(n) % 2}}))
        for _ in range(20)
    ]
    assert min(values["a1", "a2"] for values in found) > 0.001


def test_p_value_of_a_binary_cause_is_that_of_two_t_tests():
    """One slope: the F test is the t test of the normal scores, or their squares, of two groups."""
    rng = np.random.default_rng(14)
    a1 = np.repeat([0.0, 5.0], [12, 18])
    a2 = rng.standard_cauchy(30) * (1 + a1)
    scores = stats.norm.ppf((np.argsort(np.argsort(a2)) + 0.5) / 30)
    both = [stats.ttest_ind(s[:12], s[12:]).pvalue for s in (scores, scores**2)]
    found = p_values(learn({"a1": {"a1": a1, "a2": a2}}))["a1", "a2"]
    assert found < 1
    assert found == pytest.approx(2 * min(both), rel=1e-9)


# What is not found


def test_the_level_is_held_by_heavy_tails_in_small_samples():
    """420 pairs of 30 rows: 4.2 are expected, and more than 10 have probability 0.5%."""
    rng = np.random.default_rng(4)
    labels = [f"a{k + 1}" for k in range(21)]
    found = learn(independent(labels, 30, heavy(rng)))
    assert len(found.edges) == 420
    assert np.mean([kind == "seen" for kind in status(found).values()]) <= 0.025


@pytest.mark.parametrize("kind", ["cauchy", "log-normal", "normal"])
def test_p_values_of_independent_actions_are_not_too_small(kind):
    """Bonferroni over mean and spread only makes the test more careful: P(p <= u) <= u."""
    rng = np.random.default_rng(5)
    draw = {
        "cauchy": heavy(rng),
        "log-normal": lambda n: rng.lognormal(sigma=2, size=n),
        "normal": lambda n: rng.normal(size=n),
    }[kind]
    found = learn(independent([f"a{k + 1}" for k in range(21)], 200, draw))
    sorted_p = np.sort(list(p_values(found).values()))
    for u in (0.05, 0.2, 0.5):
        assert np.mean(sorted_p <= u) < u + 3 * np.sqrt(u * (1 - u) / len(sorted_p))
    assert np.mean(sorted_p <= 0.2) > 0.1  # and it is a test, not a constant


def test_monotone_transformations_change_nothing():
    rng = np.random.default_rng(6)
    regimes = independent(["obs", "a1", "a2", "a1+a3"], 60, lambda n: rng.normal(size=n), 3)
    regimes["a1"]["a2"] += 0.5 * regimes["a1"]["a1"]

    def transform(columns):
        a1, a2, a3 = columns.values()
        return {"a1": np.exp(3 * a1), "a2": 1e3 * a2 - 5e4, "a3": a3**3}

    moved = learn({label: transform(columns) for label, columns in regimes.items()})
    expected = p_values(learn(regimes))
    assert 0 < expected["a1", "a2"] < 0.05
    assert_allclose(list(p_values(moved).values()), list(expected.values()), rtol=1e-9)


# How the evidence is combined


def test_paths_that_cancel_are_implied_by_their_parts():
    """A2 = A1 + V2 and A3 = A2 - A1: setting A1 leaves A3 = V2 unmoved, yet it is a parent."""
    rng = np.random.default_rng(7)
    a1, a2, a3, v = rng.normal(size=(4, 2000))
    found = learn(
        {
            "a1": {"a1": a1, "a2": a1 + v, "a3": (a1 + v) - a1},
            "a2": {"a1": a1, "a2": a2, "a3": a2 - a1},
            "a3": {"a1": a1, "a2": a1 + v, "a3": a3},
        }
    )
    assert p_values(found)["a1", "a3"] > 0.01
    expected = dict.fromkeys(permutations(["a1", "a2", "a3"], 2), "absent")
    expected |= {("a1", "a2"): "seen", ("a2", "a3"): "seen", ("a1", "a3"): "implied"}
    assert status(found) == expected
    assert found.parents == {"a1": (), "a2": ("a1",), "a3": ("a1", "a2")}


def test_pairs_that_no_regime_tests_are_kept():
    """Neither the observational rows nor a joint experiment tell a3's or a2's effects apart."""
    rng = np.random.default_rng(8)
    found = learn(independent(["obs", "a1", "a2+a3"], 200, lambda n: rng.normal(size=n)))
    untested = {("a2", "a3"), ("a3", "a2")}
    assert {pair for pair, kind in status(found).items() if kind == "untested"} == untested
    assert all(np.isnan(p) == (pair in untested) for pair, p in p_values(found).items())
    assert found.parents == {"a1": (), "a2": ("a3",), "a3": ("a2",)}


@pytest.mark.parametrize(
    ("regimes", "said"),
    [
        (["obs", "a1+a2+a3"], "all 6 that no experiment tests, which are kept"),
        (["obs", "a1", "a2+a3"], "a3>a2 (untested), a2>a3 (untested)"),
    ],
)
def test_many_untested_pairs_are_counted_and_few_are_listed(regimes, said):
    rng = np.random.default_rng(8)
    found = learn(independent(regimes, 200, lambda n: rng.normal(size=n), 3))
    assert str(found) == f"dependences between actions, learned: {said}"


def test_a_constant_action_tests_nothing():
    rng = np.random.default_rng(9)
    a1, a2 = rng.normal(size=(2, 100))
    set_to_one_value = {"a1": {"a1": np.ones(100), "a2": a2}, "a2": {"a1": a1, "a2": a2}}
    found = learn(set_to_one_value)
    assert np.isnan(p_values(found)["a1", "a2"])
    assert status(found)["a1", "a2"] == "untested"
    insensitive = {"a1": {"a1": a1, "a2": np.ones(100)}, "a2": {"a1": a1, "a2": a2}}
    assert status(learn(insensitive))["a1", "a2"] == "untested"


def test_regimes_that_contradict_one_another_are_reported_and_both_edges_kept():
    rng = np.random.default_rng(10)
    a1, a2, a3 = rng.normal(size=(3, 500))
    found = learn(
        {
            "a1": {"a1": a1, "a2": a1 + a2, "a3": a3},
            "a2": {"a1": a1 + a2, "a2": a2, "a3": a3},
            "a3": {"a1": a1, "a2": a2, "a3": a3},
        }
    )
    assert found.parents == {"a1": ("a2",), "a2": ("a1",), "a3": ()}
    assert len(found.conflicts) == 1
    assert "['a1', 'a2']" in found.conflicts[0]


def test_several_regimes_are_combined_by_bonferroni():
    rng = np.random.default_rng(11)
    regimes = independent(["a1", "a1+a3", "a1+a4"], 50, lambda n: rng.normal(size=n), 4)
    regimes["a1+a3"]["a2"] += 0.6 * regimes["a1+a3"]["a1"]
    regimes["a1+a4"]["a1"][:] = 2.0  # tests nothing, so it does not count
    pair = "a1", "a2"
    alone = [p_values(learn({label: regimes[label]}))[pair] for label in ("a1", "a1+a3")]
    assert 0 < min(alone) < 0.05
    assert p_values(learn(regimes))[pair] == pytest.approx(2 * min(alone), rel=1e-9)


def test_other_regimes_do_not_count():
    """Dependence where the parent is not set, or the child is, says nothing about the pair."""
    rng = np.random.default_rng(12)
    a = rng.normal(size=500)
    copied = {"a1": a, "a2": a + 0.1 * rng.normal(size=500)}
    free = {"a1": a, "a2": rng.normal(size=500)}
    found = learn({"obs": copied, "a1": free, "a2": free, "a1+a2": copied})
    assert set(status(found).values()) == {"absent"}


def test_a_single_action_has_no_parents():
    found = learn({"obs": {"a1": np.arange(20.0)}, "a1": {"a1": np.arange(20.0)}})
    assert found.parents == {"a1": ()}
    assert found.edges == ()


def test_the_structure_survives_json():
    rng = np.random.default_rng(13)
    found = learn(independent(["a1"], 50, lambda n: rng.normal(size=n), 3))
    again = LearnedStructure.from_dict(json.loads(json.dumps(found.to_dict())))
    assert (again.parents, status(again)) == (found.parents, status(found))
    np.testing.assert_array_equal(list(p_values(again).values()), list(p_values(found).values()))


def test_a_summary_without_rows_cannot_be_learned_from():
    summary = RegimeData.from_frame(linear.make_data(50, 1), "y", ["a1", "a2"]).summary
    with pytest.raises(ModelError, match="needs rows"):
        learn_structure(Summary.from_dict(summary.to_dict()))


# Experiments that set several actions, whose settings may depend on one another


def correlated(n, rng, rho=0.95):
    a1 = rng.normal(size=n)
    return a1, rho * a1 + np.sqrt(1 - rho**2) * rng.normal(size=n)


def test_dependences_that_cancel_because_settings_are_correlated_are_seen():
    rng = np.random.default_rng(15)
    a1, a2 = correlated(300, rng)
    effects = {"a3": a1 - a2 + rng.normal(size=300), "a4": a1 + a2 + rng.normal(size=300)}
    found = status(learn({"a1+a2": {"a1": a1, "a2": a2, **effects}}))
    for child in effects:
        assert (found["a1", child], found["a2", child]) == ("seen", "seen")


def test_an_action_is_not_followed_through_a_correlated_setting():
    rng = np.random.default_rng(16)
    p_found = []
    for _ in range(40):
        a1, a2 = correlated(500, rng)
        found = learn({"a1+a2": {"a1": a1, "a2": a2, "a3": a1 + rng.normal(size=500)}})
        assert status(found)["a1", "a3"] == "seen"
        p_found.append(p_values(found)["a2", "a3"])
    assert np.mean(np.array(p_found) <= 0.01) <= 0.1  # 0.4 of 40 are expected, 5 have odds 1e-4
    assert np.mean(np.array(p_found) <= 0.5) > 0.15


def test_settings_that_are_copies_test_nothing_and_are_kept():
    rng = np.random.default_rng(17)
    a1 = rng.normal(size=400)
    found = learn({"a1+a2": {"a1": a1, "a2": np.exp(a1), "a3": a1 + rng.normal(size=400)}})
    assert found.parents["a3"] == ("a1", "a2")
    assert status(found)["a1", "a3"] == "untested"


def test_categorical_settings_are_taken_out_as_well():
    rng = np.random.default_rng(18)
    n = 600
    a1 = rng.integers(3, size=n)
    a2 = np.where(rng.uniform(size=n) < 0.8, a1, rng.integers(3, size=n))
    a3 = np.array([0.0, 1.5, -1.0])[a1] + rng.normal(size=n)
    frame = pd.DataFrame({"a1": a1.astype(str), "a2": a2.astype(str), "a3": a3})
    frame = frame.assign(regime="a1+a2", y=np.arange(n))
    data = RegimeData.from_frame(frame, "y", ["a1", "a2", "a3"], categorical=["a1", "a2"])
    found = learn_structure(data.summary)
    assert status(found)["a1", "a3"] == "seen"
    assert p_values(found)["a2", "a3"] > 0.01


def test_a_confounder_shared_within_a_block_does_not_lead_out_of_it():
    """No action of these systems causes another: across blocks the level is held."""
    seen = []
    for seed in range(10):
        scm = ig.scm.sample_partition_scm(["a1+a2", "a3+a4"], seed, edge_probability=0.0)
        regimes = ["obs", "a1", "a1+a2", "a3+a4", "a2+a3"]
        frame = scm.sample_regimes(regimes, 1000, random_seed=seed)
        found = learn_structure(RegimeData.from_frame(frame, "y", scm.actions).summary)
        assert status(found)["a4", "a3"] == "untested"
        blocks = {name: block for block in scm.blocks for name in block}
        seen += [e.status == "seen" for e in found.edges if blocks[e.parent] != blocks[e.child]]
    assert len(seen) == 80
    assert sum(seen) <= 5  # 0.8 are expected, 6 have odds 3e-4


def test_only_the_parent_within_a_block_is_seen():
    frame = partition.make_data(2000, random_seed=1)
    found = learn_structure(RegimeData.from_frame(frame, "y", ["a1", "a2", "a3"]).summary)
    assert found.parents == {"a1": ("a2",), "a2": ("a1",), "a3": ("a2",)}
    assert status(found)["a1", "a2"] == "untested"


def test_of_many_actions_as_few_edges_are_spurious_as_of_five():
    """Twenty independent actions, 380 pairs: at 1% each, 3.8 would be seen in every data set."""
    labels = ["obs", *(f"a{k + 1}" for k in range(20))]
    spurious = []
    for seed in range(8):
        draw = np.random.default_rng([19, seed]).normal
        found = learn(independent(labels, 200, lambda n, draw=draw: draw(size=n), 20))
        spurious.append(sum(value == "seen" for value in status(found).values()))
    assert sum(spurious) <= 6  # 1.6 are expected, 7 have odds 1e-3

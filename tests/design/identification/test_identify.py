"""Identification: the paper's results as cases, and exact enumeration of discrete SCMs."""

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pytest

from bayes_intgen import NotIdentifiedError, RegimeError, identify
from bayes_intgen.design.identification.identify import require_identified

NAMES = ("a", "b", "c", "d")


def regimes_of(actions):
    return [regime for size in range(len(actions) + 1) for regime in combinations(actions, size)]


# Cases with a known answer


@pytest.mark.parametrize("n_actions", [1, 2, 3, 5, 8])
def test_theorem_1(n_actions):
    actions = [f"a{k}" for k in range(n_actions)]
    answer = identify(["obs", *actions], "+".join(actions))
    assert answer.identified
    assert answer.missing == ()
    expected = {(): 1.0 - n_actions, **{(action,): 1.0 for action in actions}}
    assert answer.weights == pytest.approx(expected, abs=1e-12)


def test_proposition_1_mixed_effects():
    answer = identify(["obs", "a", "b", "c"], ["a", "c"])
    expected = {(): -1.0, ("a",): 1.0, ("b",): 0.0, ("c",): 1.0}
    assert answer.weights == pytest.approx(expected, abs=1e-12)


def test_corollary_1_interventions_on_blocks():
    answer = identify(["obs", "b+a", ("d", "c")], "a+b+c+d")
    expected = {(): -1.0, ("a", "b"): 1.0, ("c", "d"): 1.0}
    assert answer.weights == pytest.approx(expected, abs=1e-12)


def test_overlapping_pairs():
    answer = identify(["obs", "a+b", "a+c", "b+c"], "a+b+c")
    expected = {(): -0.5, ("a", "b"): 0.5, ("a", "c"): 0.5, ("b", "c"): 0.5}
    assert answer.weights == pytest.approx(expected, abs=1e-12)


def test_no_observational_rows_are_needed_where_the_experiments_make_up_for_them():
    answer = identify(["a", "b", "a+b"], "obs")
    assert answer.weights == pytest.approx({("a",): 1.0, ("b",): 1.0, ("a", "b"): -1.0})


def test_weights_have_minimum_norm_and_a_key_for_every_experiment():
    experiments = ["obs", "a", "b", "a+b", "c"]
    rows = [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 0], [1, 0, 0, 1]]
    expected = np.linalg.pinv(np.array(rows).T) @ [1, 1, 1, 1]
    weights = identify(experiments, "a+b+c").weights
    assert list(weights) == [(), ("a",), ("b",), ("a", "b"), ("c",)]
    np.testing.assert_allclose(list(weights.values()), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("experiments", "target", "missing"),
    [
        (["obs", "a"], "a+b", [("b",)]),
        (["a", "b"], "a+b", [()]),
        (["obs"], "a+b", [("a",), ("b",)]),
        (["obs", "a+b"], "a+b+c", [("c",)]),
        (["a"], "obs", [()]),
    ],
)
def test_missing_experiments_are_named(experiments, target, missing):
    answer = identify(experiments, target)
    assert not answer.identified
    assert answer.weights == {}
    assert sorted(answer.missing) == missing


def test_the_error_names_the_missing_experiments():
    with pytest.raises(NotIdentifiedError) as caught:
        require_identified([("a",), ("b",)], ("a", "b", "c"))
    message = str(caught.value)
    assert message.startswith("E[Y | do(a, b, c)] is not identified from the regimes ['a', 'b']")
    assert "observational rows (regime 'obs') and an experiment that sets 'c'" in message
    assert isinstance(caught.value, ValueError)
    require_identified([(), ("a",), ("b",)], ("a", "b"))


@pytest.mark.parametrize(
    ("experiments", "target", "message"),
    [
        ([], "a", "experiments must hold at least one regime"),
        ("obs", "a", "experiments must be several, got 'obs'"),
        (["obs", ""], "a", "labels must not be empty"),
        (["obs", "a+"], "a", r"'a\+' names \[''\]"),
        (["obs", "a+a"], "a", "names an action twice"),
        (["obs"], " ", "labels must not be empty"),
    ],
)
def test_what_cannot_be_read_is_refused(experiments, target, message):
    with pytest.raises(RegimeError, match=message):
        identify(experiments, target)


# Exact enumeration


@dataclass
class DiscreteSCM:
    """Binary actions, each with a confounder of three levels of its own; additive outcome.

    Each action depends on all before it and on its confounder.
    """

    confounders: np.ndarray  # p(C_k = c), shape (K, 3)
    actions: list[np.ndarray]  # p(A_k = 1 | A_1..A_k-1, C_k), shape (2,) * (k - 1) + (3,)
    effects: np.ndarray  # f_k(a_k, c_k), shape (K, 2, 3)

    @classmethod
    def draw(cls, n_actions, rng):
        return cls(
            rng.dirichlet(np.ones(3), n_actions),
            [rng.uniform(0.05, 0.95, (2,) * k + (3,)) for k in range(n_actions)],
            rng.normal(size=(n_actions, 2, 3)),
        )

    def means(self, regime):
        """Return E[Y | do(a_S), a_rest] at every a, by summing over all confounders."""
        points = list(product((0, 1), repeat=len(self.actions)))
        return np.array([self.mean(a, regime) for a in points])

    def mean(self, a, regime):
        total = probability = 0.0
        for c in product(range(3), repeat=len(a)):
            p = np.prod([self.confounders[k, c[k]] for k in range(len(a))])
            for k, name in enumerate(NAMES[: len(a)]):
                if name not in regime:
                    one = self.actions[k][(*a[:k], c[k])]
                    p *= one if a[k] else 1 - one
            total += p * sum(self.effects[k, a[k], c[k]] for k in range(len(a)))
            probability += p
        return total / probability


@pytest.fixture(scope="module")
def exact():
    """The exact means of every regime of three actions in four SCMs, at every point."""
    rng = np.random.default_rng(1)
    scms = [DiscreteSCM.draw(3, rng) for _ in range(4)]
    return {r: np.concatenate([scm.means(r) for scm in scms]) for r in regimes_of(NAMES[:3])}


def designs(regimes):
    """Return every set of at least one experiment."""
    return [list(chosen) for n in range(len(regimes)) for chosen in combinations(regimes, n + 1)]


def test_identified_means_are_the_weighted_sums_of_exact_means(exact):
    identified = 0
    for experiments in designs(list(exact)):
        for target in exact:
            answer = identify(experiments, target)
            if answer.identified:
                found = sum(w * exact[regime] for regime, w in answer.weights.items())
                np.testing.assert_allclose(found, exact[target], atol=1e-12)
                identified += target not in experiments
    assert identified > 300


def test_no_combination_of_the_experiments_gives_a_mean_that_is_not_identified(exact):
    for experiments in designs(list(exact)):
        means = np.array([exact[regime] for regime in experiments]).T
        for target in exact:
            if not identify(experiments, target).identified:
                weights = np.linalg.lstsq(means, exact[target], rcond=None)[0]
                assert np.abs(means @ weights - exact[target]).max() > 1e-3


def test_missing_experiments_suffice_and_none_can_be_left_out(exact):
    for experiments in designs(list(exact)):
        for target in exact:
            missing = identify(experiments, target).missing
            assert identify([*experiments, *missing], target).identified
            for regime in missing:
                fewer = [other for other in missing if other != regime]
                assert not identify([*experiments, *fewer], target).identified


def test_four_actions_and_random_experiments():
    rng = np.random.default_rng(2)
    scm = DiscreteSCM.draw(4, rng)
    regimes = regimes_of(NAMES)
    means = {regime: scm.means(regime) for regime in regimes}
    for _ in range(100):
        experiments = [regimes[i] for i in rng.choice(16, rng.integers(3, 9), replace=False)]
        target = regimes[rng.integers(16)]
        answer = identify(experiments, target)
        if answer.identified:
            found = sum(weight * means[regime] for regime, weight in answer.weights.items())
            np.testing.assert_allclose(found, means[target], atol=1e-12)

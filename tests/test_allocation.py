"""The best split of rows over experiments: closed form, numerical optimum, repeated sampling."""

import numpy as np
import pytest
from scipy.optimize import minimize

from bayes_intgen import ModelError, NotIdentifiedError, RegimeError, identify
from bayes_intgen.allocation import allocate

CASES = [
    (["obs", "a", "b", "c"], "a+b+c", 1.0),
    (["obs", "a", "b", "c"], "a+b+c", {"obs": 2.0, "a": 0.5, "b": 1.0, "c": 3.0}),
    (["obs", "a", "b", "c"], ["a", "b"], 0.3),
    (["obs", "a+b", "a+c", "b+c"], "a+b+c", {"obs": 1.0, "b+a": 0.2, "a+c": 1.0, "c+b": 4.0}),
]


def variance(shares, weights, sd):
    """N times the variance of the weighted sum of means."""
    used = weights != 0
    return float(np.sum((weights[used] * sd[used]) ** 2 / shares[used]))


@pytest.mark.parametrize("n_actions", [2, 3, 5, 10])
def test_theorem_1_with_equal_variances(n_actions):
    actions = [f"a{k}" for k in range(n_actions)]
    best = allocate(["obs", *actions], actions)
    for action in actions:
        assert best.shares[(action,)] / best.shares[()] == pytest.approx(1 / (n_actions - 1))
    assert sum(best.shares.values()) == pytest.approx(1)
    assert best.variance == pytest.approx((2 * n_actions - 1) ** 2)
    equal = (n_actions + 1) * (n_actions + (n_actions - 1) ** 2)
    assert best.equal_variance == pytest.approx(equal)


@pytest.mark.parametrize(("experiments", "target", "sd"), CASES)
def test_no_other_split_is_better(experiments, target, sd):
    """A numerical minimiser over all splits finds the same shares and the same variance."""
    best = allocate(experiments, target, sd)
    weights = np.array(list(identify(experiments, target).weights.values()))
    weights[np.abs(weights) < 1e-12] = 0.0
    each = np.array(list(sd.values())) if isinstance(sd, dict) else np.full(len(weights), sd)

    def split(x):
        return np.exp(x) / np.exp(x).sum()

    found = minimize(
        lambda x: np.log(variance(split(x), weights, each)), np.zeros(len(weights)), tol=1e-12
    )
    shares = np.array(list(best.shares.values()))
    assert variance(shares, weights, each) == pytest.approx(best.variance)
    assert np.exp(found.fun) == pytest.approx(best.variance, rel=1e-6)
    assert np.exp(found.fun) >= best.variance * (1 - 1e-12)
    assert split(found.x) == pytest.approx(shares, abs=1e-3)


def test_the_variance_is_that_of_repeated_experiments():
    """Means of noisy rows, combined by Theorem 1, over many repetitions."""
    sd = {"obs": 1.5, "a": 0.5, "b": 1.0, "c": 2.0}
    best = allocate(sd, "a+b+c", sd)
    weights = np.array(list(identify(sd, "a+b+c").weights.values()))
    total, repetitions = 4000, 20_000
    rows = np.array(list(best.shares.values())) * total
    rng = np.random.default_rng(1)
    means = rng.normal(size=(repetitions, 4)) * np.array(list(sd.values())) / np.sqrt(rows.round())
    found = total * (means @ weights).var()
    assert found == pytest.approx(best.variance, rel=4 * np.sqrt(2 / repetitions))
    assert found < 0.9 * best.equal_variance


def test_experiments_without_weight_get_no_rows():
    best = allocate(["obs", "a", "b", "c"], ["a", "b"])
    assert best.shares[("c",)] == 0
    assert best.equal_variance == pytest.approx(9)  # three regimes of weight one: 3 times 3


def test_what_is_refused():
    with pytest.raises(NotIdentifiedError, match=r"missing an experiment that sets 'a\+b'"):
        allocate(["obs", "a", "b"], "a+b", blocks=["a+b"])
    assert allocate(["obs", "a+b", "c"], "a+b+c", blocks=["a+b"]).shares[()] == pytest.approx(1 / 3)
    with pytest.raises(NotIdentifiedError, match="missing an experiment that sets 'b'"):
        allocate(["obs", "a"], "a+b")
    for sd in (0.0, -1.0, np.inf, np.nan, "1", {"obs": 1.0, "a": 1.0}):
        with pytest.raises(ModelError, match=r"^sd must give a positive finite number for regime"):
            allocate(["obs", "a", "b"], "a+b", sd)
    with pytest.raises(RegimeError):
        allocate("obs", "a")

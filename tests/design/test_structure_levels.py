"""The learned structure with categorical actions: closed forms, the level held, what is found."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from bayes_intgen import RegimeData
from bayes_intgen.design.structure_learning import learn_structure


def learn(columns, categorical):
    """Learn from one experiment, on a; return the edges from a to the others."""
    frame = pd.DataFrame(columns).assign(regime="a")
    frame["y"] = np.arange(len(frame))
    data = RegimeData.from_frame(frame, "y", list(columns), categorical=categorical)
    return [e for e in learn_structure(data.summary).edges if e.parent == "a"]


def p_value(a, b, categorical):
    [edge] = learn({"a": a, "b": b}, categorical)
    return edge.p_value


SHARES = {
    "two even": [0.5, 0.5],
    "two uneven": [0.9, 0.1],
    "three": [0.5, 0.3, 0.2],
    "ten": [0.1] * 10,
}


def levels(rng, name, n):
    """Draw levels; the first two are there for sure."""
    shares = SHARES[name]
    codes = rng.choice(len(shares), n, p=shares)
    codes[:2] = [0, 1]
    return np.array([f"l{k}" for k in range(len(shares))])[rng.permutation(codes)]


# Closed forms


def test_two_categorical_actions_are_tested_by_their_table():
    """Pillai's trace is chi-square over n; its F test has the degrees of freedom of the table."""
    rng = np.random.default_rng(1)
    n = 200
    a = rng.choice(["x", "y", "z"], n)
    b = np.where(rng.random(n) < 0.2, a, rng.choice(["x", "y", "z"], n))
    table = pd.crosstab(a, b)
    chi2, asymptotic, degrees, _ = stats.chi2_contingency(table, correction=False)
    share = chi2 / n / 2  # of the largest trace, that of 2 x 2 columns
    expected = stats.f.sf(share / (1 - share) * (2 * (n - 3)) / degrees, degrees, 2 * (n - 3))
    assert p_value(a, b, ["a", "b"]) == pytest.approx(expected, rel=1e-9)
    assert expected == pytest.approx(asymptotic, rel=0.2)
    assert p_value(b, a, ["a", "b"]) == pytest.approx(expected, rel=1e-9)


def test_a_binary_effect_is_tested_by_a_regression_on_cosines():
    """One indicator: the F test of its least-squares regression on four cosines of the ranks."""
    rng = np.random.default_rng(2)
    a = rng.standard_cauchy(50)
    b = a + 3 * rng.normal(size=50) > 0
    ranks = (stats.rankdata(a) - 0.5) / 50
    x = np.column_stack([np.ones(50), *(np.cos(np.pi * k * ranks) for k in range(1, 5))])
    left = b - x @ np.linalg.lstsq(x, b.astype(float), rcond=None)[0]
    total = np.sum((b - b.mean()) ** 2)
    f = (total - left @ left) / 4 / (left @ left / 45)
    assert p_value(a, b, ["b"]) == pytest.approx(stats.f.sf(f, 4, 45), rel=1e-9)


def test_a_numeric_effect_is_tested_by_two_cosines():
    """Wilks' and Pillai's tests agree for two groups: Hotelling's T-squared of both cosines."""
    rng = np.random.default_rng(3)
    a = np.repeat(["u", "v"], [20, 30])
    b = rng.normal(size=50) * np.where(a == "u", 1, 2) + (a == "u")
    ranks = (stats.rankdata(b) - 0.5) / 50
    y = np.column_stack([np.cos(np.pi * ranks), np.cos(2 * np.pi * ranks)])
    one, two = y[a == "u"], y[a == "v"]
    pooled = (19 * np.cov(one.T) + 29 * np.cov(two.T)) / 48
    step = one.mean(axis=0) - two.mean(axis=0)
    t2 = 20 * 30 / 50 * step @ np.linalg.solve(pooled, step)
    expected = stats.f.sf(t2 * 47 / (2 * 48), 2, 47)
    assert p_value(a, b, ["a"]) == pytest.approx(expected, rel=1e-9)


def test_names_and_order_of_levels_do_not_matter():
    rng = np.random.default_rng(4)
    a, b = levels(rng, "three", 40), levels(rng, "ten", 40)
    x = rng.normal(size=40)
    renamed = {"l0": "zz", "l1": "10", "l2": "l1"}
    other = np.array([renamed.get(name, f"{name}?") for name in a])
    for effect, names in ((b, ["a", "b"]), (x, ["a"])):
        assert_allclose(p_value(a, effect, names), p_value(other, effect, names), rtol=1e-9)


def test_perfect_dependence_has_p_value_zero():
    a = np.repeat(["u", "v", "w"], 10)
    assert p_value(a, np.char.add(a, "!"), ["a", "b"]) == 0
    assert p_value(a, np.repeat([1.0, 5.0, 2.0], 10), ["a"]) == 0


def test_levels_that_do_not_vary_test_nothing():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"a": rng.normal(size=40), "b": ["x"] * 20 + ["x", "y"] * 10})
    frame = frame.assign(y=rng.normal(size=40), regime=["a"] * 20 + ["obs"] * 20)
    data = RegimeData.from_frame(frame, "y", ["a", "b"], categorical=["b"])
    edges = learn_structure(data.summary).edges
    assert [edge.status for edge in edges] == ["untested", "untested"]


# What is not found


KINDS = {
    "numeric to categorical": (False, True),
    "categorical to numeric": (True, False),
    "two categorical": (True, True),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [30, 1000])
def test_the_level_is_held(kind, n):
    """800 independent pairs, heavy tails, rare levels: 8 are expected below 1%, at most 20 seen."""
    rng = np.random.default_rng(6)
    below = 0
    for turn in range(40):
        names = ["a", *(f"b{k}" for k in range(20))]
        coded = [name for name in names if KINDS[kind][name != "a"]]
        shares = list(SHARES)[turn % len(SHARES)]
        columns = {
            name: levels(rng, shares, n) if name in coded else rng.standard_cauchy(n)
            for name in names
        }
        below += sum(edge.status == "seen" for edge in learn(columns, coded))
    assert below <= 20


# What is found


def found(make, n, turns=40):
    """Return the share of data sets in which the edge is seen."""
    rng = np.random.default_rng(7)
    return np.mean([learn(*make(rng, n))[0].status == "seen" for _ in range(turns)])


def channels(rng, n):
    return rng.integers(3, size=n)


def shift(rng, n):
    a = channels(rng, n)
    return {"a": a, "b": 0.4 * (a == 2) + rng.standard_t(3, size=n)}, ["a"]


def spread(rng, n):
    a = channels(rng, n)
    return {"a": a, "b": np.exp(0.35 * (a == 1)) * rng.standard_t(3, size=n)}, ["a"]


def threshold(rng, n):
    a = rng.normal(size=n)
    return {"a": a, "b": np.digitize(0.25 * a + rng.normal(size=n), [-0.5, 0.5])}, ["b"]


def middle(rng, n):
    """A numeric cause of which both ends have the same effect."""
    a = rng.normal(size=n)
    return {"a": a, "b": rng.random(n) < 0.4 + 0.2 * (np.abs(a) > 1)}, ["b"]


def table(rng, n):
    a = channels(rng, n)
    return {"a": a, "b": np.where(rng.random(n) < 0.15, a, channels(rng, n))}, ["a", "b"]


@pytest.mark.parametrize("make", [shift, spread, threshold, middle, table])
def test_dependence_is_found(make):
    """At 1000 rows in nearly all data sets, at 30 rows in few: these are weak dependences."""
    assert found(make, 1000) >= 0.9
    assert found(make, 30) <= 0.5

"""Jumps of the outcome are found where they are, and only there."""

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.basis.hsgp import HSGPBasis
from bayes_intgen.design.basis.jumps import Remainder, SmoothPart, find_jumps


def read(curve, seed=1, n=1500, noise=0.5, heavy=False):
    """Two confounded actions, of which the first acts by a curve; observed and set."""
    rng = np.random.default_rng(seed)
    tables = []
    for regime in ("obs", "a", "b"):
        c = rng.normal(size=(n, 2))
        natural = 0.7 * c + 0.7 * rng.normal(size=(n, 2))
        free = rng.normal(size=(n, 2))
        a, b = (free if name == regime else natural for name in ("a", "b"))
        e = rng.standard_t(2, n) if heavy else rng.normal(size=n)
        y = curve(a[:, 0]) * (1 + 0.3 * c[:, 0]) + np.tanh(b[:, 1]) + c.sum(1) / 2 + noise * e
        tables.append(pd.DataFrame({"a": a[:, 0], "b": b[:, 1], "y": y, "regime": regime}))
    return ig.RegimeData.from_frame(pd.concat(tables), "y", ["a", "b"])


def step_at(place, height=1.0):
    return lambda a: height * (a > place)


@pytest.mark.parametrize("place", [-0.8, 0.0, 0.41])
def test_a_jump_is_found_between_the_rows_beside_it(place):
    data = read(step_at(place))
    jumps = find_jumps(data.summary, ["a", "b"])
    assert jumps["b"] == ()
    (found,) = jumps["a"]
    values = np.sort(np.concatenate([data.rows(label)[:, 0] for label in data.labels]))
    rank, wanted = np.searchsorted(values, [found, place])
    assert abs(rank - wanted) <= 20  # of 4500 rows


def test_two_jumps_of_one_action_are_found():
    data = read(lambda a: 1.0 * (a > -0.6) - 1.2 * (a > 0.7))
    np.testing.assert_allclose(find_jumps(data.summary, ["a"])["a"], [-0.6, 0.7], atol=0.03)


CURVES = {
    "line": lambda a: a,
    "rise": lambda a: np.tanh(2 * a),
    "steep": lambda a: 1 / (1 + np.exp(-8 * a)),
    "kink": lambda a: np.maximum(a - 0.2, 0),
    "cubic": lambda a: 0.3 * a**3 - a,
    "wave": lambda a: 0.6 * np.sin(3 * a),
}


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
def test_curves_without_a_jump_have_none(curve):
    found = [find_jumps(read(curve, seed).summary, ["a", "b"]) for seed in range(20)]
    assert sum(len(places) for jumps in found for places in jumps.values()) <= 2


def test_gross_errors_are_no_jumps():
    found = [find_jumps(read(np.tanh, seed, heavy=True).summary, ["a", "b"]) for seed in range(20)]
    assert sum(len(places) for jumps in found for places in jumps.values()) <= 2


def test_the_unit_of_the_action_and_of_the_outcome_do_not_matter():
    data = read(step_at(0.3))
    frame = pd.concat(
        pd.DataFrame(data.rows(label), columns=["a", "b", "y"]).assign(regime=label)
        for label in data.labels
    )
    frame["a"], frame["y"] = np.exp(frame["a"]), 1e4 * frame["y"] - 7
    other = ig.RegimeData.from_frame(frame, "y", ["a", "b"])
    (one,) = find_jumps(data.summary, ["a"])["a"]
    (two,) = find_jumps(other.summary, ["a"])["a"]
    assert np.log(two) == pytest.approx(one, abs=2e-3)


def test_few_values_have_levels_and_no_jumps():
    assert find_jumps(read(lambda a: 1.0 * (np.round(a) > 0)).summary, ["a"])["a"] != ()
    data = read(step_at(0.3))
    rows = {label: data.rows(label) for label in data.labels}
    frame = pd.concat(
        pd.DataFrame(np.round(own), columns=["a", "b", "y"]).assign(regime=label)
        for label, own in rows.items()
    )
    assert find_jumps(ig.RegimeData.from_frame(frame, "y", ["a", "b"]).summary, ["a"]) == {"a": ()}


def test_sums_over_sorted_rows_are_those_of_steps():
    """(1) written out with a projection of each step."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(80, 3))
    smooth = [rows[:, :1], rows[:, :1] ** 2, np.tanh(rows[:, 1:2])]
    one = Remainder.of(SmoothPart.of(rows[:, :-1], smooth), rows[:, -1])
    places = np.array([-3.0, -0.5, 0.0, 0.7, 5.0])
    sums, free = one.sums(0, places)
    for place, total, square in zip(places, sums, free, strict=True):
        step = (rows[:, 0] > place).astype(float)
        assert total == pytest.approx(step @ one.left, abs=1e-12)
        step -= one.given @ (one.given.T @ step)
        assert square == pytest.approx(step @ step, abs=1e-12)


def test_a_step_is_a_function_of_the_basis_and_is_kept():
    data = read(step_at(0.3))
    bases = freeze_bases(ig.HSGP(), data.actions, data.summary)
    basis = bases["a"]
    (place,) = basis.jumps
    assert [f.shape for f in basis.functions].count("step") == 1
    assert basis.functions[-1].shape == "step"
    values = basis.evaluate(place + np.array([-1.0, -1e-9, 1e-9, 1.0]))[:, -1]
    assert values.tolist() == [-0.5, -0.5, 0.5, 0.5]
    assert f"jumps at {place:.4g}" in basis.description
    assert HSGPBasis.from_dict(basis.to_dict()) == basis
    assert bases["b"].jumps == ()
    assert freeze_bases(ig.HSGP(warp=0), data.actions, data.summary)["a"].jumps == ()


def test_a_jump_is_part_of_the_effect_and_of_the_own_bias_and_is_recovered():
    data = read(step_at(0.3, 1.5))
    posterior = ig.InterventionModel().fit(data, method="laplace", random_seed=1)
    kinds = {w.component for w in posterior.design.weights if w.feature.kind == "step"}
    assert kinds == {"causal", "bias:a"}
    low, high = ({"a": 0.3 + shift, "b": 0.0} for shift in (-0.05, 0.05))
    rise = posterior.contrast(high, baseline=low)
    assert float(rise.mean()) == pytest.approx(1.5, abs=0.2)
    assert abs(float(rise.mean()) - 1.5) < 3 * float(rise.std())

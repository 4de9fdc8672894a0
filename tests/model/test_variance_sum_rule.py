"""The sum rule of variances: exact where it can be, and what is fitted by it converges."""

from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.design import Design
from bayes_intgen.inference.variance_functions import variance_design
from bayes_intgen.model.variance_sum_rule import combine_regimes, variance_at
from models import polynomial
from tests.cases.true_variance import true_variance


def cells(scm, do):
    """Mean and variance of the outcome at every combination of actions, by enumeration."""
    table = scm.distribution(do)
    p, actions = table["probability"], list(scm.actions)
    sums = table.assign(one=p, y=p * table["y"], square=p * table["y"] ** 2).groupby(actions)
    total = sums[["one", "y", "square"]].sum()
    mean = total["y"] / total["one"]
    return total["square"] / total["one"] - mean**2


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_actions", [2, 3])
def test_variances_of_discrete_systems_add_up(seed, n_actions):
    scm = ig.scm.sample_discrete_scm(n_actions, random_seed=seed)
    obs, single = cells(scm, ()), {name: cells(scm, [name]) for name in scm.actions}
    assert obs.max() > 0.01
    for size in range(2, n_actions + 1):
        for do in combinations(scm.actions, size):
            ours = sum(single[name] for name in do) - (size - 1) * obs
            assert_allclose(ours, cells(scm, do), atol=1e-12)


def test_a_product_of_confounders_breaks_the_rule():
    scm = ig.scm.sample_discrete_scm(2, random_seed=1, product_of_confounders=1.0)
    ours = cells(scm, ["a1"]) + cells(scm, ["a2"]) - cells(scm, ())
    assert np.abs(ours - cells(scm, scm.actions)).max() > 0.01


@pytest.mark.parametrize("do", [(), ("a2",), ("a1", "a3"), ("a1", "a2", "a3")])
def test_the_oracle_of_these_tests_is_right(do):
    """Against rows in a narrow bin of all actions."""
    scm = ig.scm.sample_linear_scm(3, random_seed=4)
    rows = scm.sample(400_000, do=do, random_seed=5)
    centre = rows[list(scm.actions)].mean().to_numpy()
    near = (np.abs(rows[list(scm.actions)] - centre) < 0.15).all(axis=1)
    residual = rows["y"] - scm.expected_outcome(rows, do=list(do)).to_numpy()
    found, expected = residual[near].var(), true_variance(scm, centre[None], do)[0]
    assert abs(found / expected - 1) < 5 * np.sqrt(2 / near.sum())


@pytest.fixture(scope="module")
def bases():
    frame = polynomial.make_data(50, random_seed=1)
    frame["a3"] = np.random.default_rng(2).normal(size=len(frame))
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2", "a3"])
    return freeze_bases(ig.HSGP(), data.actions, data.summary)


PARENTS = {"a1": (), "a2": ("a1",), "a3": ()}


@pytest.mark.parametrize("interactions", ["none", "pairwise", "all"])
def test_masks_of_the_variance(bases, interactions):
    design = variance_design(Design.build(bases, PARENTS, interactions))
    found = {}
    for weight in design.weights:
        found.setdefault(weight.component, set()).add(weight.feature.actions)
    pairs = {frozenset(pair) for pair in combinations(bases, 2)}
    single = {frozenset(), *(frozenset([name]) for name in bases)}
    if interactions == "all":
        assert set(map(frozenset, found.values())) == {frozenset(single | pairs)}
    else:  # a function of the actions alone has no variance
        of_two = {frozenset(), frozenset(["a1"]), frozenset(["a2"]), frozenset(["a1", "a2"])}
        assert found["causal"] == single
        assert found["bias:a2"] == of_two
        assert found["bias:a3"] == {frozenset(), frozenset(["a3"])}


@pytest.mark.parametrize("interactions", ["none", "all"])
def test_any_weights_obey_the_rule(bases, interactions):
    design = variance_design(Design.build(bases, PARENTS, interactions))
    rng = np.random.default_rng(3)
    weights, values = rng.normal(size=(2, len(design.weights))), rng.normal(size=(7, 3))
    obs = variance_at(design, weights, values, ())
    single = [variance_at(design, weights, values, (name,)) for name in bases]
    joint = variance_at(design, weights, values, ("a1", "a2", "a3"))
    assert joint.shape == (2, 7)
    assert_allclose(sum(single) - 2 * obs, joint, atol=1e-12)
    assert not np.allclose(obs, joint)


def test_shares_of_the_regimes(bases):
    design = Design.build(bases, PARENTS)
    regimes = [(), ("a1",), ("a2",), ("a3",)]
    assert_allclose(combine_regimes(design, regimes, ("a1", "a2", "a3")), [-2, 1, 1, 1], atol=1e-9)
    assert_allclose(combine_regimes(design, regimes, ("a1", "a3")), [-1, 1, 0, 1], atol=1e-9)
    assert_allclose(combine_regimes(design, regimes, ("a2",)), [0, 0, 1, 0])
    pairs = [(), ("a1", "a2"), ("a1", "a3"), ("a2", "a3")]
    shares = combine_regimes(design, pairs, ("a1", "a2", "a3"))
    assert_allclose(shares, [-0.5, 0.5, 0.5, 0.5], atol=1e-9)
    assert combine_regimes(design, [(), ("a1",)], ("a1", "a2")) is None


def relative_error(n, seed):
    """Of the mean variance function of the joint effect, at settings within the data."""
    frame = polynomial.make_data(n, seed)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    model = ig.InterventionModel(structure=["a1", "a2"], interactions="none")
    posterior = model.fit(data, method="laplace", draws=200)
    a1, a2 = (part.ravel() for part in np.meshgrid([-1.5, -1, 0, 0.5, 1, 1.5], [-1.2, 0, 1.2]))
    weights = posterior.idata["variance"].dataset["weight"].mean(("chain", "draw")).to_numpy()
    design, values = variance_design(posterior.design), np.column_stack([a1, a2])
    found = variance_at(design, weights, values, ("a1", "a2"))
    truth = (2 * a1 + 1) ** 2 + a2**2 + 0.25
    return np.mean((found / truth - 1) ** 2)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")
def test_the_variance_function_converges_to_the_truth():
    """Without a joint row; sixteen times the rows divide its error by about four."""
    few, many = (
        np.sqrt(np.mean([relative_error(n, seed) for seed in range(4)])) for n in (1000, 16_000)
    )
    print(few, many)
    assert many < 0.06
    assert 2.5 < few / many < 6

"""What no experiment on single actions can show: Example 1 of the paper, and its kin.

Everything is identified relative to assumptions on the confounders. Here they do not hold, nothing
in the data says so, and the answer is wrong; experiments on the actions together, as a block, are
the way out.
"""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig

ACTIONS = ["a1", "a2"]
AT = {"a1": np.array([-1.0, 0.0, 1.0, 1.0]), "a2": np.array([-1.0, 1.0, -1.0, 1.0])}


def read(frame, categorical=()):
    return ig.RegimeData.from_frame(frame, "y", ACTIONS, categorical=categorical)


def fit(frame, interactions="none", blocks=None, categorical=()):
    basis = ig.Categorical() if categorical else ig.Polynomial(2)
    model = ig.InterventionModel(basis, "full", interactions, blocks, variance="constant")
    return model.fit(read(frame, categorical), method="laplace", random_seed=1)


def moments(draws):
    """Return mean and standard deviation over the draws."""
    values = draws.to_numpy()
    return values.mean(axis=(0, 1)), values.std(axis=(0, 1))


# Example 1


@pytest.fixture(scope="module")
def example():
    """Rows of both systems, in the regimes of Theorem 1 and with both actions set."""
    systems = ig.scm.indistinguishable_scms(0.5)
    regimes = ["obs", "a1", "a2", "a1+a2"]
    return systems, [scm.sample_regimes(regimes, 4000, random_seed=5 + i) for i, scm in
                     enumerate(systems)]  # fmt: skip


@pytest.mark.parametrize("interactions", ["none", "pairwise", "all"])
def test_both_systems_of_example_1_give_the_same_answer(example, interactions):
    systems, frames = example
    at = {"a1": [0], "a2": [1]}
    truths = [scm.expected_outcome(at).item() for scm in systems]
    assert truths == [0.0, 0.25]
    singles = [frame[frame["regime"] != "a1+a2"] for frame in frames]
    fits = [fit(frame, interactions, categorical=ACTIONS) for frame in singles]
    (first, sd1), (second, sd2) = (moments(one.expected_outcome(at)) for one in fits)
    assert abs(first - second) < 4 * np.hypot(sd1, sd2)
    assert fits[0].additivity.needed_interactions == fits[1].additivity.needed_interactions
    if interactions == "none":  # higher designs are not sure of a cell without observational rows
        assert abs(truths[1] - truths[0]) > 4 * np.hypot(sd1, sd2)
        assert max(abs(first - truths[0]) / sd1, abs(second - truths[1]) / sd2) > 4


def test_joint_rows_tell_the_systems_of_example_1_apart(example):
    """With both actions in one block, single experiments do not count and joint ones decide."""
    systems, frames = example
    at = {"a1": [0, 1], "a2": [1, 1]}
    assert ig.identify(["obs", *ACTIONS], "a1+a2").identified
    assert ig.identify(["obs", *ACTIONS], "a1+a2", ["a1+a2"]).missing == (("a1", "a2"),)
    for scm, frame in zip(systems, frames, strict=True):
        with pytest.raises(ig.NotIdentifiedError, match=r"an experiment that sets 'a1\+a2'"):
            fit(frame[frame["regime"] != "a1+a2"], blocks=["a1+a2"], categorical=ACTIONS)
        mean, sd = moments(fit(frame, blocks=["a1+a2"], categorical=ACTIONS).expected_outcome(at))
        assert (np.abs(mean - scm.expected_outcome(at).to_numpy()) < 4 * sd).all()
        assert (sd < 0.03).all()


# A confounder that two actions share


def share_confounder(n, random_seed, regimes=("obs", "a1", "a2", "a1+a2")):
    """Draw A_k = C + V_k and Y = A_1 + A_2 + 2 C + U, all standard normal but U."""
    rng = np.random.default_rng(random_seed)
    tables = []
    for regime in regimes:
        c, v1, v2, set1, set2, u = rng.normal(size=(6, n))
        a1 = set1 if "a1" in regime else c + v1
        a2 = set2 if "a2" in regime else c + v2
        y = a1 + a2 + 2 * c + 0.5 * u
        tables.append(pd.DataFrame({"a1": a1, "a2": a2, "y": y, "regime": regime}))
    return pd.concat(tables, ignore_index=True)


def test_a_shared_confounder_is_not_noticed():
    """E[C | a_1, a_2] = (a_1 + a_2) / 3 and E[C | do(a_1), a_2] = a_2 / 2.

    So m_1 + m_2 - m_obs = (a_1 + a_2) (1 + 2 (1/2 - 1/3)), a sum of curves that no check objects
    to, while the truth is a_1 + a_2.
    """
    frame = share_confounder(5000, 1, ["obs", "a1", "a2"])
    wrong = fit(frame)
    mean, sd = moments(wrong.expected_outcome(AT))
    total = AT["a1"] + AT["a2"]
    assert_allclose(mean, 4 / 3 * total, atol=4 * sd.max())
    assert np.abs(mean - total).max() > 6 * sd.max()
    assert wrong.additivity.ok, wrong.additivity
    assert wrong.additivity.needed_interactions == "none"


@pytest.mark.parametrize("regimes", [["obs", "a1+a2"], ["obs", "a1", "a2", "a1+a2"], ["a1+a2"]])
def test_a_block_answers_rightly_whatever_its_actions_share(regimes):
    answer = fit(share_confounder(5000, 2, regimes), blocks=["a1+a2"]).expected_outcome(AT)
    mean, sd = moments(answer)
    assert (np.abs(mean - AT["a1"] - AT["a2"]) < 4 * sd).all()
    assert (sd < 0.1).all()
    with pytest.raises(ig.NotIdentifiedError, match="an experiment that sets"):
        fit(share_confounder(50, 2, ["obs", "a1", "a2"]), blocks=["a1+a2"])


# A product of two confounders


def multiply_confounders(n, random_seed, regimes=("obs", "a1", "a2", "a1+a2")):
    """Draw A_k = C_k + V_k and Y = A_1 + A_2 + 2 C_1 C_2 + U, all standard normal but U."""
    rng = np.random.default_rng(random_seed)
    tables = []
    for regime in regimes:
        c1, c2, v1, v2, set1, set2, u = rng.normal(size=(7, n))
        a1 = set1 if "a1" in regime else c1 + v1
        a2 = set2 if "a2" in regime else c2 + v2
        y = a1 + a2 + 2 * c1 * c2 + 0.5 * u
        tables.append(pd.DataFrame({"a1": a1, "a2": a2, "y": y, "regime": regime}))
    return pd.concat(tables, ignore_index=True)


def test_a_product_of_confounders_passes_for_an_interaction_of_the_actions():
    """E[C_1 C_2 | a] = a_1 a_2 / 4, and nothing of it once one of them is set.

    So m_1 + m_2 - m_obs = a_1 + a_2 - a_1 a_2 / 2: the check sees that this is no sum of curves and
    asks for the next interactions, where all is well and the answer is wrong.
    """
    frame = multiply_confounders(5000, 3, ["obs", "a1", "a2"])
    assert fit(frame).additivity.needed_interactions != "none"
    wrong = fit(frame, "all")
    mean, sd = moments(wrong.expected_outcome(AT))
    product = AT["a1"] * AT["a2"]
    assert_allclose(mean, AT["a1"] + AT["a2"] - product / 2, atol=4 * sd.max())
    assert np.abs(mean - AT["a1"] - AT["a2"]).max() > 4 * sd.max()
    assert wrong.additivity.ok


def test_a_block_answers_rightly_whatever_its_confounders_do():
    mean, sd = moments(fit(multiply_confounders(5000, 4), blocks=["a1+a2"]).expected_outcome(AT))
    assert (np.abs(mean - AT["a1"] - AT["a2"]) < 4 * sd).all()
    assert (sd < 0.15).all()


def test_exact_means_of_a_product_of_confounders_break_the_sum_rule():
    """Free of sampling error: the same weights, right without the product and wrong with it."""
    at = {name: values.ravel() for name, values in
          zip(("a1", "a2", "a3"), np.meshgrid([0, 1], [0, 1], [0, 1]), strict=True)}  # fmt: skip
    weights = ig.identify(["obs", "a1", "a2", "a3"], "a1+a2+a3").weights
    joint = ig.identify(["obs", "a1+a2", "a3"], "a1+a2+a3", ["a1+a2"]).weights
    for size, found_wrong in ((0.0, False), (2.0, True)):
        scm = ig.scm.sample_discrete_scm(3, 1, product_of_confounders=size)

        def error(rule, scm=scm):
            means = {regime: scm.expected_outcome(at, do=regime) for regime in rule}
            total = sum(weight * means[regime] for regime, weight in rule.items())
            return float(np.abs(total - scm.expected_outcome(at)).max())

        assert (error(weights) > 0.01) == found_wrong
        assert error(joint) < 1e-12  # the block of those whose confounders multiply

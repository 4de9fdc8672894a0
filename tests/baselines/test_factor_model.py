"""The factor model: exact on distributions that factorise, Theorem 1 for normal factors."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from scipy.special import expit, log_softmax

import bayes_intgen as ig
from bayes_intgen.baselines.multinomial import PENALTY, fit_multinomial

ACTIONS = ["a1", "a2"]
WORLDS = np.array(list(product([0.0, 1.0], repeat=2)))


def factorised(n_values, seed):
    """Return log p(y | a) of each regime, built from random factors, and that of the joint one."""
    rng = np.random.default_rng(seed)
    common, left, done = rng.normal(size=(3, 2, 4, n_values))
    logs = {}
    for regime in ("obs", "a1", "a2", "a1+a2"):
        factors = [(done if name in regime else left)[k] for k, name in enumerate(ACTIONS)]
        logs[regime] = common[0] + sum(factors)
    return {regime: log_softmax(table, axis=1) for regime, table in logs.items()}


@pytest.mark.parametrize("n_values", [2, 3])
def test_a_distribution_that_factorises_is_recovered_from_its_regimes(n_values):
    """Rows in exact proportion to the probabilities: what is left is the rounding of counts."""
    logs = factorised(n_values, 1)
    parts = []
    for regime in ("obs", "a1", "a2"):
        counts = np.rint(4000 * np.exp(logs[regime])).astype(int)
        rows = [
            [*WORLDS[w], y] for w in range(4) for y in range(n_values) for _ in range(counts[w, y])
        ]
        parts.append(pd.DataFrame(rows, columns=[*ACTIONS, "y"]).assign(regime=regime))
    data = ig.RegimeData.from_frame(pd.concat(parts), "y", ACTIONS)
    fit = ig.FactorModel(degree=2).fit(data)
    assert fit.values == tuple(range(n_values))
    at = pd.DataFrame(WORLDS, columns=ACTIONS)
    for do, label in ((None, "a1+a2"), ([], "obs"), ("a2", "a2")):
        expected = np.exp(logs[label]) @ np.arange(n_values)
        np.testing.assert_allclose(fit.expected_outcome(at, do), expected, atol=2e-3)


def test_the_regression_is_the_maximum_of_its_likelihood():
    rng = np.random.default_rng(1)
    phi = np.column_stack([np.ones(200), rng.normal(size=(200, 2))])
    position = rng.integers(0, 3, 200)

    def loss(w):
        weights = w.reshape(3, 2)
        scores = np.column_stack([np.zeros(200), phi @ weights])
        fitted = log_softmax(scores, axis=1)[np.arange(200), position].sum()
        return PENALTY / 2 * np.sum(w**2) - fitted

    best = optimize.minimize(loss, np.zeros(6), method="BFGS", options={"gtol": 1e-8})
    found = fit_multinomial(phi, position, 3)
    np.testing.assert_allclose(found, best.x.reshape(3, 2), atol=1e-5)
    apart = fit_multinomial(np.column_stack([np.ones(20), np.arange(20.0)]), np.arange(20) // 10, 2)
    assert np.isfinite(apart).all()
    assert expit(apart[0, 0] + apart[1, 0] * 19) > 0.999


def test_other_outcomes_have_normal_factors_which_is_theorem_1():
    """Least squares by regime, added up; also from moments, with blocks, and with levels."""
    scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    frame = scm.sample_regimes(scm.single_regimes, 300, random_seed=2)
    data = ig.RegimeData.from_frame(frame, "y", ACTIONS)
    at = scm.sample(20, ACTIONS, random_seed=3)[ACTIONS]
    design = lambda a: np.column_stack([np.ones(len(a)), a, a**2, a.prod(axis=1)])  # noqa: E731
    means = {}
    for label, rows in frame.groupby("regime"):
        fitted = np.linalg.lstsq(design(rows[ACTIONS].to_numpy()), rows["y"].to_numpy())[0]
        means[label] = design(at.to_numpy()) @ fitted
    expected = means["a1"] + means["a2"] - means["obs"]
    moments = ig.Moments.from_data(data, basis=ig.Polynomial(3))
    for given in (data, moments):
        found = ig.FactorModel(degree=2).fit(given).expected_outcome(at)
        np.testing.assert_allclose(found, expected, atol=1e-8)
    joint = scm.sample_regimes(["a1+a2"], 300, random_seed=2)
    together = ig.RegimeData.from_frame(pd.concat([frame, joint]), "y", ACTIONS)
    block = ig.FactorModel(degree=2, blocks=["a1+a2"]).fit(together)
    fitted = np.linalg.lstsq(design(joint[ACTIONS].to_numpy()), joint["y"].to_numpy())[0]
    np.testing.assert_allclose(
        block.expected_outcome(at), design(at.to_numpy()) @ fitted, atol=1e-8
    )


def test_what_cannot_be_fitted_is_refused():
    scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    frame = scm.sample_regimes(scm.single_regimes, 50, random_seed=2)
    data = ig.RegimeData.from_frame(frame, "y", ACTIONS)
    with pytest.raises(ig.NotIdentifiedError, match="missing an experiment that sets 'a2'"):
        ig.FactorModel().fit(data.drop("a2"))
    binary = ig.RegimeData.from_frame(frame.assign(y=(frame["y"] > 0) * 1), "y", ACTIONS)
    with pytest.raises(ig.ModelError, match="logits"):
        ig.FactorModel().fit(ig.Moments.from_data(binary, basis=ig.Polynomial(3)))

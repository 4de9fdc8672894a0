"""Correlated additive noise: the likelihood of rows, the truth in the limit, what is refused."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import bayes_intgen as ig


def read(scm, n, regimes=None, seed=1):
    frame = scm.sample_regimes(regimes or scm.single_regimes, n, random_seed=seed)
    return ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)


SCM = ig.scm.sample_correlated_noise_scm(2, 3, edge_probability=1.0)


def negative_log_likelihood(parameters, data):
    """Of two linear equations and the outcome's, by SciPy's normal density of the rows."""
    (b0, b1, b2, c0, c1, c2), lower = parameters[:6], parameters[6:]
    factor = np.zeros((3, 3))
    factor[np.tril_indices(3)] = lower
    sigma = factor @ factor.T
    total = 0.0
    for regime in data.regimes:
        a1, a2, y = data.rows(regime).T
        errors = np.column_stack([a1 - b0, a2 - b1 - b2 * a1, y - c0 - c1 * a1 - c2 * a2])
        left = [k for k, name in enumerate(("a1", "a2")) if name not in regime] + [2]
        block = sigma[np.ix_(left, left)]
        total -= stats.multivariate_normal(cov=block).logpdf(errors[:, left]).sum()
    return total


def test_the_fit_maximises_the_likelihood_of_the_rows():
    data = read(SCM, 300)
    fit = ig.AdditiveNoise(degree=1, structure=["a1", "a2"]).fit(data)
    start = np.array([0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1.0])
    best = optimize.minimize(negative_log_likelihood, start, args=(data,), method="BFGS")
    factor = np.zeros((3, 3))
    factor[np.tril_indices(3)] = best.x[6:]
    np.testing.assert_allclose(fit.noise.to_numpy(), factor @ factor.T, atol=2e-4)
    at = pd.DataFrame({"a1": [0.0, 1.0, 0.0], "a2": [0.0, 0.0, 1.0]})
    expected = best.x[3] + at.to_numpy() @ best.x[4:6]
    np.testing.assert_allclose(fit.expected_outcome(at), expected, atol=2e-4)


@pytest.mark.parametrize("products", [False, True])
@pytest.mark.parametrize("do", [None, [], "a1", "a2+a3"])
def test_every_effect_is_found_in_the_limit(products, do):
    scm = ig.scm.sample_correlated_noise_scm(3, 5, products=products)
    fit = ig.AdditiveNoise().fit(read(scm, 50_000))
    at = scm.sample(500, scm.actions, random_seed=2)
    truth = scm.expected_outcome(at, do)
    error = fit.expected_outcome(at, do) - truth
    assert float(np.sqrt((error**2).mean())) < 0.03 * float(truth.std())


def test_moments_and_any_experiments_give_the_same():
    scm = ig.scm.sample_correlated_noise_scm(3, 5, products=True)
    data = read(scm, 4000, ["a1+a2", "a3", "a2"])
    fit = ig.AdditiveNoise(structure=["a1", "a2", "a3"]).fit(data)
    moments = ig.Moments.from_data(data, basis=ig.Polynomial(3))
    again = ig.AdditiveNoise(structure=["a1", "a2", "a3"]).fit(moments)
    at = scm.sample(200, scm.actions, random_seed=2)
    np.testing.assert_allclose(again.expected_outcome(at), fit.expected_outcome(at), atol=1e-8)
    error = fit.expected_outcome(at) - scm.expected_outcome(at)
    assert float(np.abs(error).max()) < 0.6
    with pytest.raises(ig.NotIdentifiedError, match=r"\['a2', 'a3'\] alone"):
        fit.expected_outcome(at, do=[])


def test_learned_edges_that_close_a_circle_are_left_out():
    rng = np.random.default_rng(1)
    a1, a2 = rng.normal(size=(2, 600))
    regime = np.repeat(["obs", "a1", "a2"], 200)
    a2 = np.where(regime == "a1", a2 + 2 * a1, a2)
    a1 = np.where(regime == "a2", a1 + 0.7 * a2, a1)
    frame = pd.DataFrame({"a1": a1, "a2": a2, "y": a1 + a2 + rng.normal(size=600)})
    data = ig.RegimeData.from_frame(frame.assign(regime=regime), "y", ["a1", "a2"])
    assert ig.AdditiveNoise().fit(data).parents == {"a1": (), "a2": ("a1",)}


@pytest.mark.parametrize(
    ("structure", "says"),
    [
        ("full", "without circles"),
        (["a1"], "every action once"),
        (nx.DiGraph([("a1", "a2"), ("a2", "a1")]), "cycle"),
    ],
)
def test_structures_with_circles_are_refused(structure, says):
    with pytest.raises(ig.ModelError, match=says):
        ig.AdditiveNoise(structure=structure).fit(read(SCM, 50))


def test_what_the_theory_does_not_cover_is_refused():
    with pytest.raises(ig.NotIdentifiedError, match="missing an experiment that sets 'a2'"):
        ig.AdditiveNoise().fit(read(SCM, 50, ["obs", "a1"]))
    frame = SCM.sample_regimes(SCM.single_regimes, 50, random_seed=1)
    coded = frame.assign(a1=(frame["a1"] > 0).map({True: "on", False: "off"}))
    data = ig.RegimeData.from_frame(coded, "y", ["a1", "a2"], categorical=["a1"])
    with pytest.raises(ig.ModelError, match="categorical"):
        ig.AdditiveNoise().fit(data)
    data = ig.RegimeData.from_frame(
        frame.assign(z=np.arange(150.0)), "y", ["a1", "a2"], covariates=["z"]
    )
    for estimator in (ig.AdditiveNoise(), ig.CausalAggregation(), ig.FactorModel()):
        with pytest.raises(ig.ModelError, match="no covariates"):
            estimator.fit(data)
    with pytest.raises(ig.ModelError, match="RegimeData or Moments"):
        ig.AdditiveNoise().fit(frame)

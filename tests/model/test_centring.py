"""Biases centred given the parents, against plain regressions over rows."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.model.centring import Centring

DAG = [("a1", "a2"), ("a1", "a3")]


def make_frame(n=4000, random_seed=1, together=False):
    """Three actions, the second and the third follow the first; additive confounders."""
    rng = np.random.default_rng(random_seed)
    tables = []
    for regime in ("obs", "a1", "a2+a3") if together else ("obs", "a1", "a2", "a3"):
        c, v = rng.normal(size=(2, 3, n))
        a1 = v[0] if regime == "a1" else 0.8 * c[0] + 0.6 * v[0] ** 2
        a2 = v[1] if "a2" in regime else np.sin(a1) + c[1] + 0.5 * v[1]
        a3 = v[2] if "a3" in regime else 0.5 * a1**2 + c[2] + 0.5 * v[2]
        y = np.tanh(a1) + a2 - a3 + c.sum(axis=0) + 0.3 * rng.normal(size=n)
        tables.append(pd.DataFrame({"a1": a1, "a2": a2, "a3": a3, "y": y, "regime": regime}))
    return pd.concat(tables, ignore_index=True)


def pose(frame, basis=None, structure=DAG, **options):
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2", "a3"])
    model = ig.InterventionModel(basis or ig.Polynomial(3), structure, **options)
    return model._prepare(data, weighted=False).problem


@pytest.fixture(scope="module", params=[ig.Polynomial(3), ig.HSGP(m=6, m_pair=3, warp=8)], ids=repr)
def problem(request):
    return pose(make_frame(), request.param)


def features_of(problem, frame, component):
    """Features of the weights of a component at all rows, and which touch the own action."""
    design = problem.design
    chosen = np.flatnonzero(design.component(component))
    phi = design.features.evaluate(frame[["a1", "a2", "a3"]].to_numpy())
    own = np.array([component[5:] in design.weights[i].feature.actions for i in chosen])
    return phi[:, design.positions[chosen]], own, chosen


@pytest.mark.parametrize("action", ["a1", "a2", "a3"])
def test_centred_features_are_what_functions_of_the_parents_leave(problem, action):
    frame = make_frame()
    phi, own, chosen = features_of(problem, frame, f"bias:{action}")
    alone = (frame["regime"] != action).to_numpy()
    rows = np.zeros((len(frame), len(problem.design.weights)))
    rows[:, chosen] = phi
    found = problem.likelihood.centring.to_centred_rows(rows)[:, chosen]
    assert_allclose(found[:, ~own], phi[:, ~own])
    # as data with rows of their own, a penalty is ordinary least squares
    n, given = alone.sum(), phi[alone][:, ~own]
    penalty = np.sqrt(1e-3 * n) * np.eye(given.shape[1])[1:]
    stacked = np.vstack([given, penalty])
    wanted = np.vstack([phi[alone][:, own], np.zeros((len(penalty), own.sum()))])
    slopes, *_ = np.linalg.lstsq(stacked, wanted)
    assert_allclose(found[:, own], phi[:, own] - phi[:, ~own] @ slopes, atol=1e-7)
    assert np.abs(found[alone][:, own].mean(axis=0)).max() < 1e-9
    assert found[alone][:, own].std(axis=0).min() > 0.01


def test_all_maps_are_those_of_one_matrix(problem):
    centring, rng = problem.likelihood.centring, np.random.default_rng(2)
    size = len(problem.design.weights)
    mixing = centring.to_weights(np.eye(size)).T  # weights = mixing @ centred
    weights, rows = rng.normal(size=(2, 3, size))
    assert_allclose(centring.to_weights(weights), weights @ mixing.T, atol=1e-12)
    assert_allclose(centring.to_centred(centring.to_weights(weights)), weights, atol=1e-9)
    assert_allclose(centring.to_centred_rows(rows), rows @ mixing, atol=1e-10)
    gram = rows.T @ rows
    assert_allclose(centring.to_centred_gram(gram), mixing.T @ gram @ mixing, atol=1e-9)
    assert_allclose(np.linalg.det(mixing), 1.0)


def test_moments_of_weights_are_those_of_their_draws(problem):
    x = problem.hyperpriors.mean
    given = problem.conditional(x)
    draws = given.draw(20_000, np.random.default_rng(3))
    sd = np.sqrt(np.diag(given.covariance))
    assert np.abs((draws.mean(axis=0) - given.mean) / sd).max() < 4.5 / np.sqrt(20_000)
    assert np.abs(draws.std(axis=0) / sd - 1).max() < 0.03
    rows = np.random.default_rng(4).normal(size=(5, len(sd)))
    half = given.root_of(rows)
    assert_allclose(half.T @ half, rows @ given.covariance @ rows.T, rtol=1e-7)
    assert_allclose(given.variance_of(rows), np.diag(half.T @ half), rtol=1e-9)


def prior_covariance(problem, x):
    _, log_scale, log_length = problem.split(x)
    sd = np.exp(problem.scales.log_sd(log_scale, log_length))
    mixing = problem.likelihood.centring.to_weights(np.eye(len(sd))).T
    return mixing @ np.diag(sd**2) @ mixing.T


def test_the_prior_part_rests_on_the_inverse_of_the_prior_covariance():
    problem = pose(make_frame(300), ig.Polynomial(1))
    x = problem.hyperpriors.mean
    given, rows = problem.conditional(x), np.random.default_rng(6).normal(size=(3, 13))
    lever = rows[:, : len(given.mean)] @ given.covariance
    expected = lever @ np.linalg.inv(prior_covariance(problem, x)) @ lever.T
    assert_allclose(given.prior_part(rows[:, : len(given.mean)]), expected, rtol=1e-8)


def test_effective_parameters_are_traces_over_rows():
    frame = make_frame(300)
    problem = pose(frame, ig.Polynomial(2))
    x, design = problem.hyperpriors.mean, problem.design
    covariance = problem.conditional(x).covariance
    for r, regime in enumerate(problem.moments.regimes):
        rows = frame[frame["regime"] == ("+".join(regime) or "obs")][["a1", "a2", "a3"]]
        phi = design.features.evaluate(rows.to_numpy())[:, design.positions] * design.active(regime)
        expected = np.einsum("ij,jk,ik->", phi, covariance, phi) * np.exp(-2 * x[r])
        assert_allclose(problem.effective_parameters(x)[r], expected, rtol=1e-6)


def test_an_action_that_may_follow_is_no_parent_to_centre_by(problem):
    """With every structure possible nothing but means can be relied on."""
    full = pose(make_frame(500), ig.Polynomial(2), "full")
    for bias in full.likelihood.centring.biases:
        assert [full.design.weights[i].feature.kind for i in bias.given] == ["constant"]
    [second] = [
        {full_weight.feature.name for full_weight in (problem.design.weights[i] for i in b.given)}
        for b in problem.likelihood.centring.biases
        if problem.design.weights[b.given[0]].component == "bias:a2"
    ]
    assert {"1", "a1"} < second
    assert not any("a2" in name or "a3" in name for name in second)


def test_of_a_block_that_is_cut_the_part_that_is_set_counts_as_a_parent():
    frame = make_frame(500, together=True)
    alone = make_frame(500, random_seed=2)
    frame = pd.concat([frame, alone[alone["regime"] == "a2"]], ignore_index=True)
    problem = pose(frame, ig.Polynomial(2), DAG, blocks=["a2+a3"])
    design = problem.design
    given = {
        design.weights[bias.given[0]].component: {
            name for i in bias.given for name in design.weights[i].feature.actions
        }
        for bias in problem.likelihood.centring.biases
    }
    assert given == {"bias:a1": set(), "bias:a2+a3": {"a1"}, "bias:a2+a3|a2": {"a1", "a2"}}


def test_without_rows_that_leave_an_action_alone_nothing_is_centred():
    problem = pose(make_frame(400), ig.Polynomial(1))
    empty = Centring.of(problem.design, {})
    assert empty.biases == ()
    assert_allclose(empty.to_weights(np.arange(3.0)), np.arange(3.0))


def test_by_prior_the_mean_of_a_bias_is_its_constant(problem):
    """Over the rows that leave the action alone; without centring waves would add to it."""
    frame = make_frame()
    phi, _, chosen = features_of(problem, frame, "bias:a1")
    mean = np.zeros(len(problem.design.weights))
    mean[chosen] = phi[(frame["regime"] != "a1").to_numpy()].mean(axis=0)
    variance = mean @ prior_covariance(problem, problem.hyperpriors.mean) @ mean
    assert_allclose(variance, problem.priors.offset.median**2, rtol=1e-4)

"""The test of additivity: against its rows, under the null, and where actions do interact."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.base.regimes import parse_regime
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.verdicts.additivity_result import Additivity
from bayes_intgen.inference.verdicts.interaction_scores import Scores
from bayes_intgen.inference.verdicts.probes import find_probes
from bayes_intgen.model.log_variance import fit_log_variances
from models import hsgp

ACTIONS = ["a1", "a2"]


def read(frame):
    return ig.RegimeData.from_frame(frame, outcome="y", actions=ACTIONS)


def interacting(n, seed, strength, confounder=0.0):
    """The system of models/hsgp.py plus a_1 a_2 terms, with and without a confounder in them."""
    rng = np.random.default_rng([seed, 1])
    frame = hsgp.make_data(n, seed)
    products = frame["a1"] * frame["a2"]
    if confounder:  # a fresh confounder of A_1 that modifies the effect of A_2
        c = rng.normal(size=len(frame))
        moved = frame["regime"] != "a1"
        frame["y"] += confounder * c * frame["a2"]
        frame.loc[moved, "a1"] += 0.7 * c[moved]
    frame["y"] += strength * products
    return frame


@pytest.fixture(scope="module")
def prepared():
    return ig.InterventionModel(structure=[("a1", "a2")])._prepare(read(interacting(150, 1, 0.2)))


def test_scores_and_their_covariance_are_those_of_the_rows(prepared):
    """Everything written out over rows, with the residuals of the first fit."""
    data = read(interacting(150, 1, 0.2))
    null, moments = prepared.problem, prepared.moments
    mode = find_mode(null)
    probes = find_probes(null.design, moments.features)
    scores = Scores.of(null, mode.mode, moments, probes)
    score, information, covariance = scores.score, scores.information, scores.covariance

    first = find_mode(
        ig.InterventionModel(structure=[("a1", "a2")])._prepare(data, weighted=False).problem
    )
    plain = ig.InterventionModel(structure=[("a1", "a2")])._prepare(data, weighted=False).problem
    start = plain.conditional(first.mode).mean
    design, given = null.design, null.conditional(mode.mode)
    log_sigma, log_scale, log_length = null.split(mode.mode)
    x_rows, z_rows, y_rows, w_rows, e_rows, counted = [], [], [], [], [], []
    for r, label in enumerate(data.labels):
        regime = parse_regime(label, data.actions)
        values = data.rows(label)
        phi = moments.features.evaluate(values[:, :-1])
        active = design.active(regime)
        order = [moments.features.features.index(w.feature) for w in design.weights]
        x = phi[:, order] * active
        z = np.hstack([phi[:, p.columns] * p.active(regime) for p in probes])
        y = moments.outcome_scale.standardise(values[:, -1])
        sums = moments.regression(regime)
        omega = omega_of(data, plain, first.mode, regime, values)
        assert_allclose(sums.gram, phi.T @ (omega[:, None] * phi), rtol=1e-8, atol=1e-6)
        w = omega * np.exp(-2 * log_sigma[r])
        edf = np.sum(w * np.einsum("ij,jk,ik->i", x, given.covariance, x))
        x_rows.append(x)
        z_rows.append(z)
        y_rows.append(y)
        w_rows.append(w)
        e_rows.append(y - x @ start)
        counted.append(np.full(len(y), len(y) / (len(y) - edf)))
    x, z = np.vstack(x_rows), np.vstack(z_rows)
    y, w, e, up = (np.concatenate(part) for part in (y_rows, w_rows, e_rows, counted))
    # row i: the centred weights of a weight i of one
    unit = null.likelihood.centring.to_centred(np.eye(len(design.weights)))
    precision = (unit * np.exp(-2 * null.scales.log_sd(log_scale, log_length))) @ unit.T
    inverse = np.linalg.inv(x.T @ (w[:, None] * x) + precision)
    m = inverse @ x.T @ (w * y)
    shift = inverse @ x.T @ (w[:, None] * z)
    left = z - x @ shift
    expected = left.T @ ((w**2 * e**2 * up)[:, None] * left)
    expected += shift.T @ precision @ shift
    scale = np.sqrt(np.diag(expected))
    assert_allclose(score / scale, z.T @ (w * (y - x @ m)) / scale, atol=1e-5)
    assert_allclose(
        covariance / np.outer(scale, scale), expected / np.outer(scale, scale), atol=1e-6
    )
    assert_allclose(information, z.T @ (w[:, None] * left), rtol=1e-5, atol=1e-4)


def omega_of(data, plain, mode, regime, values):
    """Weights of the rows of a regime, from the variance functions of the first fit."""
    design, scale = plain.design, plain.moments.outcome_scale
    weights = plain.conditional(mode).mean
    theta = {r: design.collect(weights, design.active(r)) for r in plain.moments.regimes}
    sigma = np.exp(plain.split(mode)[0])
    spreads = dict(zip(plain.moments.regimes, sigma, strict=True))
    found = fit_log_variances(data, design.features, scale, theta, spreads)
    return np.exp(found[regime].log_weights(design.features.evaluate(values[:, :-1])))


@pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")
@pytest.mark.slow
def test_p_values_are_uniform_where_nothing_interacts():
    """Strongly heteroscedastic data: a test that trusted one sigma would reject most of them."""
    found = {"interaction": [], "bias": []}
    for seed in range(60):
        model = ig.InterventionModel(structure=[("a1", "a2")], interactions="none")
        fit = model.fit(read(hsgp.make_data(300, seed)), method="laplace", draws=10)
        for departure in fit.additivity.tests:
            found[departure.kind].append(departure.p_value)
        assert fit.additivity.ok or fit.additivity.found[0].p_value < 0.005
    for kind, p_values in found.items():
        assert len(p_values) == 60, kind  # one pair; the bias of a1 on a2
        assert stats.kstest(p_values, "uniform").pvalue > 0.01, kind
        assert np.mean(np.array(p_values) < 0.01) < 0.08, kind


@pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")
def test_interacting_actions_need_pairwise_interactions_and_get_them():
    data = read(interacting(4000, 3, 0.5))
    alone = ig.InterventionModel(interactions="none").fit(data, method="laplace")
    assert alone.additivity.needed_interactions == "pairwise"
    assert not alone.additivity.ok
    assert "ADDITIVITY FAILS" in str(alone)
    assert "a1 x a2" in str(alone)
    clearest = alone.additivity.found[0]
    assert clearest.actions == ("a1", "a2")
    # the spread of 0.5 a1 a2 over the regimes, most of it not additive
    assert 0.2 < clearest.effect < 1.2
    wider = ig.InterventionModel(interactions="pairwise").fit(data, method="laplace")
    assert wider.additivity.needed_interactions == "pairwise"
    assert wider.additivity.ok
    grid = np.linspace(-1.2, 1.2, 7)
    at = {"a1": np.repeat(grid, 7), "a2": np.tile(grid, 7)}
    truth = hsgp.truth(at["a1"], at["a2"]) + 0.5 * at["a1"] * at["a2"]
    errors = [np.sqrt(np.mean((fit.table(at)["mean"] - truth) ** 2)) for fit in (alone, wider)]
    assert errors[1] < 0.5 * errors[0]


@pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")
def test_a_confounder_that_modifies_another_action_needs_all_interactions():
    data = read(interacting(3000, 4, 0.0, confounder=1.5))
    model = ig.InterventionModel(structure=[("a1", "a2")], interactions="none")
    fit = model.fit(data, method="laplace")
    assert fit.additivity.needed_interactions == "all"
    assert ("bias", ("a1", "a2")) in [(d.kind, d.actions) for d in fit.additivity.found]


def test_the_verdict_survives_its_file(tmp_path):
    model = ig.InterventionModel(interactions="none")
    fit = model.fit(read(interacting(300, 5, 0.5)), method="laplace")
    fit.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    assert again.additivity == fit.additivity
    assert str(again) == str(fit)
    table = again.additivity.table
    assert list(table.columns) == ["kind", "actions", "p_value", "effect", "found"]
    assert len(table) == len(fit.additivity.tests)


def test_moments_alone_cannot_tell():
    moments = ig.Moments.from_data(read(interacting(300, 5, 0.5)))
    fit = ig.InterventionModel(structure=["a1", "a2"]).fit(moments, method="laplace")
    assert fit.additivity is None
    assert "not checked" in str(fit)


def test_one_action_has_nothing_to_check():
    assert str(Additivity("none", ())) == "additivity: one action or block, nothing to check"
    assert Additivity("none", ()).needed_interactions == "none"

"""Sensitivity: predicted errors against those of fits to systems that break the assumptions."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.base.errors import ModelError, QueryError
from bayes_intgen.checks.sensitivity.analysis import _contrasts, _innovations, _shift
from bayes_intgen.checks.sensitivity.innovations import pairs_of
from bayes_intgen.checks.sensitivity.response import respond
from bayes_intgen.checks.sensitivity.strength import (
    loading_needed,
    product_strength,
    shared_strength,
)
from bayes_intgen.checks.sensitivity.violations import product_shift, shared_shift, terms_of
from bayes_intgen.posterior.query import mean_functionals
from bayes_intgen.scm import Polynomial

mpl.use("Agg")
AT = {"a1": np.array([1.0, 1.0, 0.0, -1.0]), "a2": np.array([1.0, -1.0, 1.0, 0.0])}
ORIGIN = {"a1": 0.0, "a2": 0.0}


def read(frame):
    return ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])


def propagate(posterior, data, at=AT, baseline=ORIGIN):
    """Return the change of contrasts by each of the five terms of the only pair, and responses."""
    do = posterior.actions
    after, before, _, _ = _contrasts(posterior, at, baseline, do, False)
    innovations = _innovations(data, posterior, pairs_of(posterior.design, ()))
    found = respond(data, posterior, terms_of(("a1", "a2"), innovations["a1", "a2"]))
    steps = mean_functionals(posterior.design, after.values, do)
    steps = steps - mean_functionals(posterior.design, before.values, do)
    return np.array([_shift(r, posterior, after, before, do, steps) for r in found]), found


def share(n, seed, edge, loadings, outcome):
    """Rows in which one hidden W moves both actions and the outcome; u_1 = a1, u_2 = -a2 / 2."""
    rng = np.random.default_rng(seed)
    parts = []
    for regime in ("obs", "a1", "a2"):
        w, v1, v2, u = rng.normal(size=(4, n))
        a1, a2 = (r * w + np.sqrt(1 - r**2) * v for r, v in zip(loadings, (v1, v2), strict=True))
        a1 = a1 if regime != "a1" else rng.normal(size=n)
        a2 = edge * a1 + a2 if regime != "a2" else np.sqrt(1 + edge**2) * rng.normal(size=n)
        y = a1 - 0.5 * a2 + outcome * w + 0.5 * u
        parts.append(pd.DataFrame({"a1": a1, "a2": a2, "y": y, "regime": regime}))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("edge", [0.0, 0.7])
@pytest.mark.parametrize("loadings", [(0.5, 0.5), (0.8, -0.4)])
@pytest.mark.parametrize("interactions", ["none", "all"])
def test_the_error_by_a_shared_confounder_is_as_predicted(edge, loadings, interactions):
    data = read(share(40_000, 3, edge, loadings, 1.5))
    structure = [("a1", "a2")] if edge else []
    model = ig.InterventionModel(ig.Polynomial(2), structure, interactions)
    posterior = model.fit(data, method="laplace", draws=200)
    estimate = posterior.contrast(AT, ORIGIN).mean(("chain", "draw")).to_numpy()
    error = AT["a1"] - 0.5 * AT["a2"] - estimate
    shifts, _ = propagate(posterior, data)
    predicted = shared_shift(shifts, 1.5, *loadings)
    assert np.allclose(predicted, error, atol=0.05)
    if interactions == "all":
        assert (
            np.abs(error).max() > 0.15
        )  # three times the tolerance: there is something to predict


@pytest.mark.parametrize("edge", [0.0, 1.0])
@pytest.mark.parametrize("interactions", ["none", "all"])
def test_the_error_by_a_product_is_as_predicted(edge, interactions):
    scm = ig.scm.sample_linear_scm(2, 1, edge_probability=edge)
    bad = replace(scm, extra=(Polynomial(((0, 0, 1, 1),), (4.0,)),))
    data = read(bad.sample_regimes(bad.single_regimes, 40_000, random_seed=5))
    mean, sd = np.array(scm.intervention_means), np.array(scm.intervention_sds)
    at = {name: mean[k] + sd[k] * AT[name] for k, name in enumerate(scm.actions)}
    origin = dict(zip(scm.actions, mean.tolist(), strict=True))
    structure = [("a1", "a2")] if edge else []
    posterior = ig.InterventionModel(ig.Polynomial(2), structure, interactions).fit(
        data, method="laplace", draws=200
    )
    truth = bad.expected_outcome(at).to_numpy() - bad.expected_outcome(origin).item()
    error = truth - posterior.contrast(at, origin).mean(("chain", "draw")).to_numpy()
    loading = np.array([g.coefficients[-3] for g in scm.mechanisms])  # of C_k, whose sd is a half
    rho = 0.5 * loading / np.sqrt(0.25 * loading**2 + 0.09)
    kappa = 4.0 * 0.25 * rho.prod()
    shifts, found = propagate(posterior, data, at, origin)
    assert np.allclose(product_shift(shifts, kappa), error, atol=0.06)
    result = ig.sensitivity(posterior, data, at, origin).table.set_index("violation")
    if interactions == "none":  # its size is in the data, which leave room for the truth
        assert found[0].size == pytest.approx(kappa, abs=4 * found[0].error + 0.03)
        room = result.loc["product", "room"]
        assert abs(kappa) * 0.95 < room < abs(kappa) * 1.1
    else:
        assert np.abs(error).max() > 0.5
        assert result.loc["product", "room"] == np.inf  # there is room for any


def test_theorem_1_errs_by_a_shared_confounder_as_the_closed_form_says():
    """With saturated interactions of two actions: -lambda s^3 (z_1 + z_2) / (1 + s^2)."""
    s, loading = 0.4, 2.0
    data = read(share(40_000, 6, 0.0, (0.0, 0.0), 0.0))  # sound: z_k is a_k
    model = ig.InterventionModel(ig.Polynomial(1), [], "all", priors=ig.Priors(linear=5.0))
    posterior = model.fit(data, method="laplace", draws=50)
    shifts, _ = propagate(posterior, data)
    expected = -loading * s**3 * (AT["a1"] + AT["a2"]) / (1 + s**2)
    assert np.allclose(shared_shift(shifts, loading, s, s), expected, atol=0.01)


def test_strengths_are_where_the_gap_is_closed():
    rng = np.random.default_rng(1)
    shifts, gap, spread = rng.normal(size=(5, 6)), rng.uniform(0, 1.5, size=6), 2.0
    kappa, strength = product_strength(gap, shifts, spread)
    assert np.allclose(np.abs(product_shift(shifts, kappa).diagonal()), gap)
    known = np.isfinite(strength)
    assert np.allclose(strength[known] ** 3 * spread, kappa[known])
    assert (kappa[~known] > spread).all()
    found = shared_strength(gap, shifts, spread)
    for i, s in enumerate(found):
        reach = [
            abs(shared_shift(shifts, spread * t, t, sign * t)[i])
            for t in (np.linspace(0, s, 50) if np.isfinite(s) else np.linspace(0, 0.99, 50))
            for sign in (1, -1)
        ]
        assert max(reach) == pytest.approx(gap[i], rel=0.02) or (s == np.inf > gap[i] > max(reach))
    for r in (0.05, 0.3):
        needed = loading_needed(gap, shifts, spread, r)
        equal = np.abs(shared_shift(shifts, needed * spread, *[np.full(6, np.sqrt(r))] * 2))
        assert (equal.diagonal() <= gap * 1.001).all()  # the split that harms most needs the least
    assert (loading_needed(gap, shifts, spread, 0.0) == np.inf).all()
    assert product_strength(np.zeros(6), shifts, spread)[1].max() == 0


@pytest.fixture(scope="module")
def sound():
    scm = ig.scm.sample_common_support_scm(3, random_seed=4)
    frame = scm.sample_regimes(scm.single_regimes, 3000, random_seed=2)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    return scm, data, ig.InterventionModel().fit(data, method="laplace", draws=200)


def test_of_a_sound_system_all_pairs_are_asked(sound):
    _, data, posterior = sound
    low, high = dict.fromkeys(posterior.actions, -0.4), dict.fromkeys(posterior.actions, 0.4)
    found = ig.sensitivity(posterior, data, high, baseline=low)
    assert found.table["actions"].tolist() == [
        pair for pair in ("a1, a2", "a1, a3", "a2, a3") for _ in range(2)
    ]
    assert "the sign of 1 contrast" in str(found)
    assert "Example 1" in str(found)
    assert "<table" in found._repr_html_()
    axes = found.plot()
    assert len(axes.get_yticklabels()) == 6
    assert found.robustness == found.table["strength_interval"].min()
    shared = found.table[found.table["violation"] == "shared"]
    # Of sound rows the innovations are uncorrelated, within what 3000 of them tell
    assert (shared["room"] < 4.5 / np.sqrt(3000)).all()


def test_biases_that_are_seen_are_those_of_the_fit(sound):
    _, data, posterior = sound
    found = ig.sensitivity(posterior, data, {"a1": 0.3, "a2": 0, "a3": 0}, dict.fromkeys(
        posterior.actions, 0.0
    ))  # fmt: skip
    rows = np.concatenate([data.rows(r) for r in data.labels if r != "a1"])
    at = dict(zip(posterior.actions, rows[:, :-1].T, strict=True))
    bias = posterior.component("a1", at, "bias", beyond="clamp").mean(("chain", "draw"))
    assert found.seen["a1"] == pytest.approx(float(bias.std()), rel=1e-6)


def test_the_best_candidate_is_compared_with_every_other(sound):
    _, data, posterior = sound
    at = pd.DataFrame({"a1": [0.0, 0.4, -0.4], "a2": 0.1, "a3": 0.0}, index=["x", "y", "z"])
    means = posterior.expected_outcome(at).mean(("chain", "draw")).to_pandas()
    for minimize, best in ((False, means.idxmax()), (True, means.idxmin())):
        found = ig.sensitivity(posterior, data, at, minimize=minimize)
        names = {f"{best} against {other}" for other in at.index if other != best}
        assert set(found.rows["contrast"]) == names
        assert f"point {best} has the {'smallest' if minimize else 'largest'}" in str(found)
        assert ((found.rows["estimate"] < 0) == minimize).all()


def test_a_contrast_that_is_not_known_needs_no_violation(sound):
    _, data, posterior = sound
    at = dict.fromkeys(posterior.actions, 0.1)
    found = ig.sensitivity(posterior, data, at, baseline=at)
    assert set(found.table["verdict"]) == {"undecided"}
    assert found.robustness == 0


def test_what_cannot_be_asked_is_refused(sound):
    _, data, posterior = sound
    at = dict.fromkeys(posterior.actions, 0.1)
    with pytest.raises(QueryError, match="one candidate"):
        ig.sensitivity(posterior, data, at)
    with pytest.raises(ModelError, match="fitted to other rows"):
        ig.sensitivity(posterior, data.drop("a1"), at, baseline=at)


def test_rows_beyond_the_values_that_were_set_do_not_run_off():
    """What room there is for a product is at least what the noise of the outcome leaves."""
    rng = np.random.default_rng(10)
    frame = share(800, 10, 0.7, (0.0, 0.0), 0.0)
    inner = frame["regime"] == "a1"
    moved = rng.uniform(-1, 1, size=inner.sum()) - frame.loc[inner, "a1"]
    for name, slope in (("a1", 1.0), ("a2", 0.7), ("y", 0.65)):
        frame.loc[inner, name] += slope * moved
    data = read(frame)
    posterior = ig.InterventionModel(structure=["a1", "a2"]).fit(data, method="laplace", draws=100)
    first, second = _innovations(data, posterior, [("a1", "a2")])["a1", "a2"]
    rows = data.rows("obs")
    phi = posterior.design.features.evaluate(rows[:, :-1])
    assert np.abs(rows[:, 0]).max() > 2.5  # beyond 1, where a1 was set
    assert np.std(first(phi, rows)) == pytest.approx(1.0, abs=0.1)
    assert np.std(second(phi, rows)) == pytest.approx(1.0, abs=0.3)
    found = ig.sensitivity(posterior, data, {"a1": 1.0, "a2": 0.0}, ORIGIN).table
    room = found.loc[found["violation"] == "product", "room"].item()
    assert 2 * 0.5 / np.sqrt(800) < room < 1.0


def test_correlations_are_estimated_as_scipy_does():
    frame = share(2000, 8, 0.0, (0.6, 0.5), 1.0)
    data = read(frame)
    posterior = ig.InterventionModel(ig.Polynomial(1), []).fit(data, method="laplace", draws=50)
    found = ig.sensitivity(posterior, data, {"a1": 1.0, "a2": 0.0}, baseline=ORIGIN).table
    seen = frame[frame["regime"] == "obs"]
    r = stats.pearsonr(seen["a1"], seen["a2"]).statistic
    room = found.loc[found["violation"] == "shared", "room"].item()
    assert room == pytest.approx(abs(r) + 2 * (1 - r**2) / np.sqrt(2000), rel=1e-6)


def test_levels_blocks_and_covariates_have_no_pairs_of_their_own():
    rng = np.random.default_rng(9)
    parts = []
    for regime in ("obs", "a1+a2", "a3", "shop"):
        a1, a2, a3, z = rng.normal(size=(4, 150))
        shop = rng.choice(["x", "y"], size=150)
        y = a1 + a2 + a3 + z + (shop == "x") + rng.normal(size=150)
        parts.append(
            pd.DataFrame({"a1": a1, "a2": a2, "a3": a3, "shop": shop, "z": z, "y": y})
            .assign(regime=regime)
        )  # fmt: skip
    frame = pd.concat(parts, ignore_index=True)
    options = {"outcome": "y", "categorical": ["shop"], "covariates": ["z"]}
    data = ig.RegimeData.from_frame(frame, actions=["a1", "a2", "a3", "shop"], **options)
    model = ig.InterventionModel(ig.Polynomial(1), [], blocks=["a1+a2"], variance="constant")
    posterior = model.fit(data, method="laplace", draws=100)
    low = {"a1": 0.0, "a2": 0.0, "a3": 0.0, "shop": "x", "z": 0.0}
    found = ig.sensitivity(posterior, data, {**low, "a3": 1.0}, low)
    assert found.table["actions"].unique().tolist() == ["a1, a3", "a2, a3"]
    assert set(found.seen) == {"a1+a2", "a3", "shop"}
    assert "Not asked of actions with levels: shop." in str(found)

    one = frame[frame["regime"].isin(["obs", "a3"])]
    data = ig.RegimeData.from_frame(one, actions=["a3"], **options | {"categorical": []})
    posterior = ig.InterventionModel(ig.Polynomial(1), []).fit(data, method="laplace", draws=100)
    alone = ig.sensitivity(posterior, data, {"a3": 1.0, "z": 0.0}, {"a3": 0.0, "z": 0.0})
    assert "no pair of numeric actions" in str(alone)
    assert alone.robustness == np.inf
    with pytest.raises(QueryError, match="no pair"):
        alone.plot()

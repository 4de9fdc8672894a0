"""Estimands: arithmetic on the draws of expected outcomes, checked against it draw by draw."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.base.metrics import coverage, rmse
from bayes_intgen.data.reference import reference_values
from tests.cases.synergy_study import known_product, study

ACTIONS = ("a1", "a2", "a3")


def fitted(interactions, **options):
    scm = ig.scm.sample_polynomial_scm(3, random_seed=3, interactions=1.0, edge_probability=1.0)
    frame = scm.sample_regimes(scm.single_regimes, 400, random_seed=3)
    frame["y"] += 5.0  # an outcome away from zero, of actions about it
    for name in ACTIONS:
        frame[name] = (frame[name] - frame[name].mean()) / frame[name].std()
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    model = ig.InterventionModel(ig.Polynomial(3), interactions=interactions, **options)
    return model.fit(data, method="laplace", draws=60), frame


@pytest.fixture(scope="module")
def fit():
    return fitted("none")


@pytest.fixture(scope="module", params=["none", "pairwise", "all"])
def each_model(request, fit):
    return fit[0] if request.param == "none" else fitted(request.param)[0]


@pytest.fixture(scope="module")
def pairwise():
    return fitted("pairwise")[0]


@pytest.fixture(scope="module")
def shop():
    """A fit with a categorical action, whose level tv gives 2 more than web."""
    rng = np.random.default_rng(1)
    parts = []
    for regime in ("obs", "channel", "price"):
        channel = rng.choice(["web", "tv", "shop"], 300)
        price = rng.normal(size=300) + (channel == "tv") * (regime != "price")
        y = 10.0 + price + 2.0 * (channel == "tv") + 0.3 * rng.normal(size=300)
        parts.append(pd.DataFrame({"channel": channel, "price": price, "y": y, "regime": regime}))
    data = ig.RegimeData.from_frame(
        pd.concat(parts), outcome="y", actions=["channel", "price"], categorical=["channel"]
    )
    return ig.InterventionModel(structure="full").fit(data, method="laplace", draws=80)


def points(frame, n=6):
    return frame[frame["regime"] == "obs"].iloc[:n][list(ACTIONS)]


@pytest.mark.parametrize("do", [None, [], "a1", ("a1", "a3")])
def test_contrasts_are_differences_and_ratios_of_expected_outcomes(fit, do):
    posterior, frame = fit
    at, base = points(frame), points(frame).iloc[::-1].set_index(points(frame).index)
    one = {"a1": 0.1, "a2": -0.1, "a3": 0.0}
    m = posterior.expected_outcome(at, do)
    for baseline in (base, one):
        start = posterior.expected_outcome(baseline, do)
        start = start.to_numpy() if baseline is base else start.to_numpy()[..., :1]
        for scale, expected in (
            ("difference", m - start),
            ("ratio", m / start),
            ("lift", m / start - 1),
        ):
            found = posterior.contrast(at, baseline, do, scale=scale)
            assert found.dims == ("chain", "draw", "point")
            assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
            assert found.attrs["scale"] == scale
            assert found.attrs["do"] == m.attrs["do"]
            assert found["point"].equals(m["point"])


def test_a_contrast_is_as_well_supported_as_its_worse_end(fit):
    posterior, _ = fit
    inside = {"a1": 0.0, "a2": 0.0, "a3": 0.0}
    far = {"a1": [0.0, 30.0], "a2": 0.0, "a3": 0.0}
    for at, baseline in ((far, inside), (far, far)):
        flags = posterior.contrast(at, baseline)["support"].to_numpy().tolist()
        assert flags == ["supported", "outside"]
    assert posterior.contrast(inside, {**inside, "a1": 30.0})["support"].item() == "outside"


def test_a_contrast_does_not_lose_digits_to_the_level(fit):
    """With the outcome shifted by 10^9 a contrast keeps nine digits."""
    posterior, _ = fit
    frame = fit[1].assign(y=fit[1]["y"] + 1e9)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=ACTIONS)
    model = ig.InterventionModel(ig.Polynomial(3), interactions="none")
    moved = model.fit(data, method="laplace", draws=60)
    at, base = {"a1": 0.1, "a2": 0.0, "a3": 0.0}, {"a1": 0.0, "a2": 0.0, "a3": 0.0}
    again, found = moved.contrast(at, base), posterior.contrast(at, base)
    assert_allclose(again, found, rtol=1e-4, atol=1e-4 * float(found.std()))
    level = moved.expected_outcome(at)
    assert (np.abs(again - (level - moved.expected_outcome(base))) < 1e-6).all()


def test_ratios_to_a_baseline_that_may_be_zero_are_refused(fit):
    posterior, frame = fit
    zero = {"a1": 0.0, "a2": 0.0, "a3": 0.0}
    at = {**zero, "a1": [0.0, 0.1, 0.2]}
    level = float(posterior.expected_outcome(zero).mean())
    data = ig.RegimeData.from_frame(
        frame.assign(y=frame["y"] - level), outcome="y", actions=ACTIONS
    )
    about_zero = ig.InterventionModel(ig.Polynomial(3)).fit(data, method="laplace", draws=60)
    assert (about_zero.expected_outcome(zero) > 0).any()
    for scale in ("ratio", "lift"):
        with pytest.raises(ig.QueryError, match=rf"a {scale} divides .* scale='difference'"):
            about_zero.contrast(at, zero, scale=scale)
    assert about_zero.contrast(at, zero).shape == (1, 60, 3)
    with pytest.raises(ig.QueryError, match=r"scale must be one of .*'lift'.*got 'percent'"):
        posterior.contrast(at, zero, scale="percent")


def test_probability_is_the_share_of_draws(fit):
    posterior, frame = fit
    at, base = points(frame), {"a1": 0.1, "a2": 0.0, "a3": 0.0}
    change, level = posterior.contrast(at, base), posterior.expected_outcome(at, "a2")
    found = posterior.probability(at, base)
    assert found.dims == ("point",)
    assert_allclose(found, (change > 0).mean(("chain", "draw")))
    assert 0 < float(found.min()) + float(found.max()) < 2
    threshold = float(level.median())
    assert_allclose(
        posterior.probability(at, do="a2", threshold=threshold), (level > threshold).mean("draw")[0]
    )
    lift = posterior.contrast(at, base, scale="lift")
    assert_allclose(
        posterior.probability(at, base, threshold=0.01, scale="lift"),
        (lift > 0.01).mean(("chain", "draw")),
    )
    with pytest.raises(ig.QueryError, match="compares with a baseline"):
        posterior.probability(at, scale="lift")
    with pytest.raises(ig.QueryError, match="threshold must be a finite number"):
        posterior.probability(at, base, threshold=np.nan)


def test_components_add_up_in_every_regime_draw_by_draw(each_model, fit):
    """alpha + interaction + int over S + obs over the rest is the mean of any regime S."""
    at = points(fit[1])
    parts = each_model.decomposition(at)
    assert ("interaction" in parts) == (each_model.design.interactions != "none")
    extra = parts.get("interaction", xr.DataArray(0.0))
    for size in range(4):
        for regime in combinations(ACTIONS, size):
            rest = [action for action in ACTIONS if action not in regime]
            total = parts["alpha"] + extra + parts["int"].sel(action=list(regime)).sum("action")
            total = total + parts["obs"].sel(action=rest).sum("action")
            assert_allclose(total, each_model.expected_outcome(at, regime), rtol=1e-9)
    assert_allclose(parts["obs"], parts["int"] + parts["bias"])
    for action in ACTIONS:
        for kind in ("int", "bias"):
            curve = each_model.component(action, dict(at), kind)
            assert_allclose(parts[kind].sel(action=action), curve, atol=1e-9)


def test_the_gauge_is_where_it_is_said_to_be(each_model):
    """At the reference alpha is the joint effect and nothing else contributes to it."""
    usual = dict(zip(ACTIONS, reference_values(each_model.summary), strict=True))
    parts = each_model.decomposition(usual)
    assert_allclose(parts["alpha"], each_model.expected_outcome(usual))
    assert_allclose(parts["int"], 0.0, atol=1e-9)
    for action, value in usual.items():
        assert f"{action} = {value:.6g}" in parts.attrs["gauge"]


def test_synergy_is_the_difference_of_differences(pairwise):
    at = {"a1": [1.2, -0.7], "a2": [0.3, 0.1], "a3": 1.1}
    low = {"a1": 0.0, "a3": -1.0}

    def m(**changes):
        return pairwise.expected_outcome({**at, **changes}).to_numpy()

    expected = m() - m(a1=0.0) - m(a3=-1.0) + m(**low)
    found = pairwise.synergy(at, ("a1", "a3"), low)
    assert_allclose(found, expected, atol=1e-9)
    assert float(np.abs(found).max()) > 0.001
    assert_allclose(pairwise.synergy(at, ("a3", "a1"), low), found)
    usual = dict(zip(ACTIONS, reference_values(pairwise.summary), strict=True))
    middle = {name: usual[name] for name in ("a1", "a3")}
    assert_allclose(pairwise.synergy(at, ("a1", "a3")), pairwise.synergy(at, ("a1", "a3"), middle))
    each = {"a1": [0.0, 0.1], "a3": [-1.0, 0.0]}
    assert_allclose(pairwise.synergy(at, ("a1", "a3"), each)[..., 0], found[..., 0])


def test_a_synergy_that_is_zero_by_assumption_is_refused(fit, pairwise):
    at = {"a1": 0.1, "a2": 0.1, "a3": 0.0}
    with pytest.raises(ig.QueryError, match=r"interactions='none'.*interactions='pairwise'"):
        fit[0].synergy(at, ("a1", "a2"))
    data = ig.RegimeData.from_frame(fit[1], outcome="y", actions=ACTIONS)
    straight = ig.InterventionModel(ig.Polynomial(1), interactions="pairwise")
    with pytest.raises(ig.QueryError, match=r"no product of 'a1' and 'a2'.*Polynomial\(2\)"):
        straight.fit(data, method="laplace", draws=20).synergy(at, ("a1", "a2"))
    for pair in ("a1", ("a1", "a1"), ("a1", "price"), ("a1", "a2", "a3")):
        with pytest.raises(ig.QueryError, match="pair must name two different actions"):
            pairwise.synergy(at, pair)


@pytest.mark.parametrize(
    ("at", "baseline", "words"),
    [
        ({"a1": 1.0}, None, r"^at must give .* but \['a3'\] are missing"),
        ({"a2": 1.0}, None, r"\['a1', 'a3'\] are missing"),
        ({"a1": 1.0, "a3": 1.0}, {"a1": 0.0, "a2": 3.0}, r"^baseline: .*\['a2'\] are not among"),
        ({"a1": 1.0, "a3": 1.0}, {"A1": 0.0}, "^baseline: there is no action of the name 'A1'"),
        ({"a1": 1.0, "a3": 1.0, "A2": 0.0}, None, "^at: there is no action of the name 'A2'"),
    ],
)
def test_a_synergy_needs_the_pair_moved_and_nothing_else(pairwise, at, baseline, words):
    with pytest.raises(ig.QueryError, match=words):
        pairwise.synergy(at, ("a1", "a3"), baseline)


@pytest.mark.parametrize(
    "ask",
    [
        lambda p, at: p.dose_response("a1", at=at),
        lambda p, at: p.best_action({"a1": (0.0, 0.1)}, at=at),
        lambda p, at: p.component("a1", {"a1": 0.1, **at}),
    ],
)
def test_a_misspelt_name_is_not_held_at_its_mean(fit, ask):
    posterior, _ = fit
    with pytest.raises(ig.QueryError, match=r"no action of the name 'A2'; .*'a1', 'a2', 'a3'"):
        ask(posterior, {"A2": 3.0})
    ask(posterior, {"a2": 0.1})


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda p: p.dose_response("price", [0, 99]), r"^grid: 1 points lie beyond .* at \[1\]"),
        (lambda p: p.dose_response("price", [0, 99], population={"channel": "tv"}), "^grid: 1 "),
        (lambda p: p.dose_response("channel", at={"price": 99}), "^at: 3 points lie beyond"),
        (lambda p: p.dose_response("price", beyond="both"), "^beyond must be"),
    ],
)
def test_what_lies_beyond_the_box_is_named(shop, ask, words):
    with pytest.raises(ig.QueryError, match=words):
        ask(shop)


def test_frames_may_have_further_columns(fit):
    posterior, frame = fit
    rows = points(frame)
    plain = posterior.expected_outcome(rows)
    assert_allclose(posterior.expected_outcome(rows.assign(A2=3.0)), plain)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")
def test_a_known_product_is_recovered_from_single_interventions():
    """As well as by a regression on joint rows, within 1.5 times; the benchmark has fifty sets."""
    found = pd.concat([study(known_product(0.1), 5000, seed) for seed in range(1, 6)])
    assert coverage(found["lower"], found["upper"], found["truth"]) >= 0.75
    assert rmse(found["mean"], found["truth"]) <= 1.5 * rmse(found["joint"], found["truth"])
    product = found[found["pair"] == "a1+a2"]
    assert (np.sign(product["lower"]) == np.sign(product["truth"])).all()


def test_dose_response_runs_along_the_core_of_the_experiments(fit):
    posterior, _ = fit
    held = {"a1": 0.1, "a3": -0.1}
    curve = posterior.dose_response("a2", at=held, do=["a2"])
    part = posterior.summary.regimes[("a2",)]
    assert_allclose(curve["a2"][[0, -1]], part.core[:, 1])
    at = {**held, "a2": curve["a2"].to_numpy()}
    expected = posterior.expected_outcome(at, ["a2"])
    assert curve.dims == ("chain", "draw", "a2")
    assert_allclose(curve, expected)
    assert (curve["support"].to_numpy() == expected["support"].to_numpy()).all()
    assert curve.attrs["do"] == "a2"


def test_curves_and_averages_over_a_population_are_weighted_means(fit, monkeypatch):
    posterior, frame = fit
    monkeypatch.setattr("bayes_intgen.posterior.estimands.population.VALUES_AT_ONCE", 50)
    rows = frame[frame["regime"] == "a1"].iloc[:40]
    weights = np.linspace(0, 1, 40)
    grid = [-0.1, 0.2]
    curve = posterior.dose_response("a1", grid, population=rows, weights=weights, do=["a1"])
    for k, dose in enumerate(grid):
        m = posterior.expected_outcome(rows.assign(a1=dose), do=["a1"])
        assert_allclose(curve[..., k], np.average(m, axis=2, weights=weights))
        share = np.average(m["support"] == "supported", weights=weights)
        assert_allclose(curve["supported_share"][k], share)
        average = posterior.average_outcome(
            rows.drop(columns="a1"), ["a1"], setting={"a1": dose}, weights=weights
        )
        assert average.dims == ("chain", "draw")
        assert_allclose(average, curve[..., k])
        assert_allclose(average["supported_share"], share)


def test_average_contrasts_are_averages_of_contrasts(fit):
    posterior, frame = fit
    rows = frame[frame["regime"] == "obs"].iloc[:50]
    shifted = rows.assign(a1=rows["a1"] + 0.05, a2=0.1)
    found = posterior.average_contrast(rows, shift={"a1": 0.05}, setting={"a2": 0.1})
    assert_allclose(found, posterior.contrast(shifted, rows).mean("point"), atol=1e-12)
    base = posterior.average_contrast(rows, setting={"a2": 0.1}, baseline={"a2": 0.0})
    expected = posterior.contrast(rows.assign(a2=0.1), rows.assign(a2=0.0))
    assert_allclose(base, expected.mean("point"), atol=1e-12)
    table = dict(rows[list(ACTIONS)])
    assert_allclose(
        posterior.average_contrast(table, setting={"a2": 0.1}, baseline={"a2": 0}), base
    )


def test_levels_are_settings_like_any_other(shop):
    assert_allclose(
        shop.contrast({"channel": "tv", "price": 0.0}, {"channel": "web", "price": 0.0}).mean(),
        2.0,
        atol=0.2,
    )
    curve = shop.dose_response("channel", at={"price": 0.0})
    assert curve["channel"].to_numpy().tolist() == list(shop.summary.levels["channel"])
    assert_allclose(
        curve.sel(channel="tv"), shop.expected_outcome({"channel": "tv", "price": 0.0})[..., 0]
    )
    rows = pd.DataFrame({"channel": ["tv", "web"], "price": [0.0, 0.5]})
    average = shop.average_outcome(rows, setting={"channel": "shop"})
    expected = shop.expected_outcome(rows.assign(channel="shop")).mean("point")
    assert_allclose(average, expected)
    parts = shop.decomposition(rows)
    assert "channel = " in parts.attrs["gauge"]
    assert_allclose(
        parts["alpha"] + parts["int"].sum("action"), shop.expected_outcome(rows), rtol=1e-9
    )
    with pytest.raises(ig.QueryError, match="levels cannot be shifted"):
        shop.average_outcome(rows, shift={"channel": 1})


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda p, at: p.contrast(at, {"a1": 0.0}), "baseline: .*missing"),
        (lambda p, at: p.contrast(at, {"a1": [0.0, 0.1], "a2": 0.0, "a3": 0.0}), "as many as at"),
        (lambda p, at: p.contrast(at, {**at, "a1": 1e6}, beyond="both"), "beyond must be one of"),
        (lambda p, at: p.dose_response("price"), "action must be one of"),
        (lambda p, at: p.dose_response("a1", at=at), "leave out 'a1'"),
        (lambda p, at: p.dose_response("a1", at={"a2": [0.0, 0.1]}), "pass them as population"),
        (lambda p, at: p.dose_response("a1", at={}, population=at), "not both"),
        (lambda p, at: p.dose_response("a1", weights=[1.0]), "give one"),
        (lambda p, at: p.dose_response("a1", ["low"]), "^grid: the values .* numbers"),
        (lambda p, at: p.average_outcome(3), "population must be"),
        (lambda p, at: p.average_outcome({"a1": 0.0}), "population: .*missing"),
        (lambda p, at: p.average_outcome(at, weights=[1.0, 2.0]), "one number per row"),
        (lambda p, at: p.average_outcome(at, weights=[-1.0]), "not negative"),
        (lambda p, at: p.average_outcome(at, setting={"b": 1}), "no actions"),
        (lambda p, at: p.average_outcome(at, setting={"a1": 1}, shift={"a1": 1}), "not both"),
        (lambda p, at: p.average_outcome({"a2": 0, "a3": 0}, shift={"a1": 1}), "no values of"),
        (lambda p, at: p.average_outcome(at, shift={"a1": "x"}), "by one number"),
        (lambda p, at: p.average_contrast(at), "neither setting nor shift"),
    ],
)
def test_bad_questions_are_refused(fit, ask, words):
    with pytest.raises(ig.QueryError, match=words):
        ask(fit[0], {"a1": 0.0, "a2": 0.0, "a3": 0.0})


@pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")
def test_what_is_not_identified_is_refused(fit):
    data = ig.RegimeData.from_frame(fit[1], outcome="y", actions=ACTIONS).drop("a3")
    posterior = ig.InterventionModel(ig.Polynomial(2), interactions="pairwise").fit(
        data, method="laplace", target=["a1", "a2"], draws=20
    )
    at = {"a1": 0.0, "a2": 0.0, "a3": 0.0}
    for ask in (
        lambda: posterior.contrast({**at, "a3": 0.2}, at),
        lambda: posterior.probability({**at, "a3": 0.2}, at),
        lambda: posterior.dose_response("a1"),
        lambda: posterior.decomposition(at),
        lambda: posterior.synergy({**at, "a3": 0.2}, ("a1", "a3")),
        lambda: posterior.average_outcome(at),
        lambda: posterior.average_contrast(at, setting={"a3": 0.1}),
        lambda: posterior.best_action(),
    ):
        with pytest.raises(ig.NotIdentifiedError, match="'a3'"):
            ask()
    assert posterior.contrast(at, at, do=["a1", "a2"]).shape == (1, 20, 1)


def test_a_loaded_fit_answers_alike(pairwise, tmp_path):
    pairwise.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    at, base = {"a1": [0.1, 0.2], "a2": 0.0, "a3": 0.0}, {"a1": 0.0, "a2": 0.0, "a3": 0.0}
    for ask in (
        lambda p: p.contrast(at, base, scale="lift"),
        lambda p: p.probability(at, base),
        lambda p: p.dose_response("a2"),
        lambda p: p.decomposition(at),
        lambda p: p.synergy(at, ("a1", "a2")),
        lambda p: p.average_contrast(at, setting={"a2": 0.1}),
        lambda p: p.best_action(budget=0.2, grid=4).to_xarray(),
    ):
        xr.testing.assert_identical(ask(again), ask(pairwise))


def test_blocks_are_units_of_every_estimand():
    """A block has one component of each kind, free interactions inside, and a joint grid."""
    scm = ig.scm.sample_polynomial_scm(3, random_seed=3, interactions=1.0, edge_probability=1.0)
    frame = scm.sample_regimes(["obs", "a1+a2", "a3"], 400, random_seed=3)
    for name in ACTIONS:
        frame[name] = (frame[name] - frame[name].mean()) / frame[name].std()
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=ACTIONS)
    model = ig.InterventionModel(ig.Polynomial(3), blocks=["a1+a2"])
    posterior = model.fit(data, method="laplace", draws=60)
    at = points(frame)
    parts = posterior.decomposition(at)
    assert parts["action"].to_numpy().tolist() == ["a1+a2", "a3"]
    assert "interaction" not in parts
    for regime, units in (("obs", []), ("a1+a2", ["a1+a2"]), ("a3", ["a3"])):
        rest = [unit for unit in ("a1+a2", "a3") if unit not in units]
        total = parts["alpha"] + parts["int"].sel(action=units).sum("action")
        total = total + parts["obs"].sel(action=rest).sum("action")
        assert_allclose(total, posterior.expected_outcome(at, regime), rtol=1e-9, atol=1e-12)
    here = {"a1": 1.0, "a2": 0.5, "a3": 0.0}
    assert float(np.abs(posterior.synergy(here, ("a1", "a2"))).min()) > 0
    with pytest.raises(ig.QueryError, match="show no interaction of"):
        posterior.synergy(here, ("a1", "a3"))
    bounds = dict.fromkeys(ACTIONS, (-1.0, 1.0))
    best = posterior.best_action(bounds, budget=0.5, grid=6, beyond="clamp")
    assert "every combination of a1, a2 was" in best.method
    grid = np.linspace(-1, 1, 6)
    settings = pd.DataFrame(list(product(grid, repeat=3)), columns=ACTIONS)
    settings = settings[settings.sum(axis=1) <= 0.5 + 1e-9]
    every = posterior.expected_outcome(settings, beyond="clamp")
    assert_allclose(best.draws["best_outcome"], every.max("point"), rtol=1e-9)


def test_estimands_hold_at_the_covariates_of_each_point():
    """y = a1 (1 + z) + a2^2 + z: the covariate modifies an effect and moves the level."""
    rng = np.random.default_rng(1)
    parts = []
    for regime in ("obs", "a1", "a2"):
        z, c1, c2 = rng.uniform(-1, 1, 600), *rng.normal(size=(2, 600))
        a1 = rng.normal(size=600) if regime == "a1" else z + c1
        a2 = rng.normal(size=600) if regime == "a2" else c2
        y = a1 * (1 + z) + a2**2 + z + c1 - c2 + 0.3 * rng.normal(size=600)
        parts.append(pd.DataFrame({"a1": a1, "a2": a2, "z": z, "y": y, "regime": regime}))
    frame = pd.concat(parts, ignore_index=True)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"], covariates=["z"])
    posterior = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace", draws=100)
    at = pd.DataFrame({"a1": [1.0, 1.0], "a2": 0.0, "z": [-0.5, 0.5]})
    base = at.assign(a1=0.0)
    change = posterior.contrast(at, base)
    assert_allclose(change.mean(("chain", "draw")), [0.5, 1.5], atol=0.2)
    parts = posterior.decomposition(at)
    assert parts["action"].to_numpy().tolist() == ["a1", "a2"]
    assert "interaction" not in parts
    joint = parts["alpha"] + parts["int"].sum("action")
    assert_allclose(joint, posterior.expected_outcome(at), rtol=1e-9, atol=1e-9)
    seen = parts["alpha"] + parts["obs"].sum("action")
    assert_allclose(seen, posterior.expected_outcome(at, []), rtol=1e-9, atol=1e-9)
    assert float((parts["alpha"][..., 1] - parts["alpha"][..., 0]).mean()) > 0.5
    curve = posterior.dose_response("a1", [0.0, 1.0], {"a2": 0.0, "z": 0.5})
    assert_allclose(curve[..., 1] - curve[..., 0], change[..., 1], atol=1e-9)
    population = frame[["z"]].iloc[:100]
    average = posterior.average_contrast(
        population.assign(a2=0.0), setting={"a1": 1.0}, baseline={"a1": 0.0}
    )
    slope = 1 + population["z"].mean()
    assert_allclose(average.mean(), slope, atol=0.2)
    bounds = {"a1": (-1.0, 1.0), "a2": (-1.0, 1.0)}
    for z in (-0.9, 0.9):
        best = posterior.best_action(bounds, budget=1.0, grid=5, at={"z": z}, beyond="clamp")
        grid = np.linspace(-1, 1, 5)
        settings = pd.DataFrame(list(product(grid, repeat=2)), columns=["a1", "a2"])
        settings = settings[settings.sum(axis=1) <= 1 + 1e-9].assign(z=z)
        every = posterior.expected_outcome(settings, beyond="clamp")
        assert_allclose(best.draws["best_outcome"], every.max("point"), rtol=1e-9)
    with pytest.raises(ig.QueryError, match=r"setting: \['z'\]"):
        posterior.average_outcome(frame, setting={"z": 0.0})

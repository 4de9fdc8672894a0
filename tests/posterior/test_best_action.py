"""The best action: equal to brute force over the whole grid in every draw."""

import time
import warnings
from itertools import product

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.posterior.estimands.knapsack import choose_best

BOUNDS = {"a1": (-0.3, 0.3), "a2": (-0.2, 0.4), "a3": (-0.1, 0.3)}


@pytest.fixture(scope="module", params=["none", "pairwise"])
def fit(request):
    scm = ig.scm.sample_polynomial_scm(3, random_seed=5, interactions=1.0)
    frame = scm.sample_regimes(scm.single_regimes, 200, random_seed=5)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    model = ig.InterventionModel(ig.Polynomial(3), interactions=request.param)
    return model.fit(data, method="laplace", draws=150)


def brute_force(fit, grids, budget, cost, sign, do=None, held=None):
    """Every combination within the budget: all settings, and which is best in each draw."""
    settings = pd.DataFrame(list(product(*grids.values())), columns=list(grids))
    price = sum(cost.get(a, 1.0) * settings[a] for a in grids)
    if budget is not None:
        settings = settings[price <= budget + 1e-9].reset_index(drop=True)
    values = fit.expected_outcome(settings.assign(**(held or {})), do, beyond="clamp").to_numpy()[0]
    return settings, values, (sign * values).argmax(axis=1)


@pytest.mark.parametrize("minimize", [False, True])
@pytest.mark.parametrize(
    ("budget", "cost"),
    [
        (None, {}),
        (0.25, {}),
        (0.1, {"a1": 2.0, "a3": 0.5}),
        (0.2, {"a1": np.pi, "a2": np.sqrt(2), "a3": -1.0}),
        (-0.55, {}),
    ],
)
def test_the_best_equals_brute_force_in_every_draw(fit, budget, cost, minimize):
    found = fit.best_action(BOUNDS, budget, cost, grid=7, minimize=minimize, beyond="clamp")
    grids = {action: np.linspace(*ends, 7) for action, ends in BOUNDS.items()}
    sign = -1.0 if minimize else 1.0
    settings, values, best = brute_force(fit, grids, budget, cost, sign)
    rows = np.arange(len(values))
    assert_allclose(found.draws["best_outcome"][0], values[rows, best], rtol=1e-9, atol=1e-12)
    for action in BOUNDS:
        assert_allclose(found.draws[f"best:{action}"][0], settings[action].to_numpy()[best])
        shares = [(settings[action].to_numpy()[best] == g).mean() for g in grids[action]]
        assert_allclose(found.marginals[action], shares, atol=1e-12)
    mean = values.mean(axis=0)
    top = int((sign * mean).argmax())
    for action in BOUNDS:
        assert_allclose(found.recommended[action], settings[action][top])
    assert_allclose(found.probability, (best == top).mean())
    assert_allclose(found.regret, (sign * (values[rows, best] - values[:, top])).mean(), atol=1e-12)
    assert_allclose(found.draws["outcome"][0], values[:, top], rtol=1e-9, atol=1e-12)
    shares = np.bincount(best, minlength=len(settings)) / len(best)
    first = found.candidates.iloc[0]
    assert_allclose(first["probability"], shares.max())
    leader = settings[(np.abs(settings - first[list(BOUNDS)].astype(float)) < 1e-9).all(axis=1)]
    assert_allclose(first["mean"], mean[leader.index[0]], rtol=1e-9, atol=1e-12)
    assert found.draws["regret"].min() >= 0


def test_mixed_regimes_and_held_actions(fit):
    """Only what is set can be chosen; the rest is conditioned on where it is held."""
    grids = {"a1": np.linspace(-0.3, 0.3, 9)}
    held = {"a2": 0.1, "a3": 0.0}
    found = fit.best_action({"a1": (-0.3, 0.3)}, grid=9, do=["a1"], at=held, beyond="clamp")
    _, values, best = brute_force(fit, grids, None, {}, 1.0, ["a1"], held)
    assert_allclose(found.draws["best_outcome"][0], values[np.arange(len(values)), best])
    assert found.do == "a1"
    with pytest.raises(ig.QueryError, match=r"bounds: \['a2'\] are not among the actions"):
        fit.best_action({"a2": (0, 1)}, do=["a1"])


def test_actions_that_interact_are_tried_in_every_combination(fit):
    text = fit.best_action(BOUNDS, grid=5, beyond="clamp").method
    if fit.design.interactions == "none":
        assert "a sum over the actions" in text
        return
    assert "every combination of a1, a2, a3" in text
    default = fit.best_action(BOUNDS, beyond="clamp")
    assert default.marginals["a1"].size ** 3 <= 20_000 < (default.marginals["a1"].size + 1) ** 3
    with pytest.raises(ig.QueryError, match=r"interact.*1,000,000 settings.*grid=58"):
        fit.best_action(BOUNDS, grid=100, beyond="clamp")


def test_result_prints_and_turns_into_xarray(fit):
    found = fit.best_action(BOUNDS, budget=0.3, grid=5, beyond="clamp")
    text = str(found)
    for words in ("largest expected outcome under do(a1, a2, a3)", "of a budget of 0.3", "regret"):
        assert words in text
    data = found.to_xarray()
    assert data["probability:a1"].dims == ("a1",)
    assert_allclose(data["probability:a1"].sum(), 1.0)
    assert data.attrs["recommended:a2"] == found.recommended["a2"]
    assert data["best:a3"].dims == ("chain", "draw")


@pytest.fixture(scope="module")
def two_levels():
    """Experiments at -1 and 1 of a, whose best value 0 only observational rows show."""
    rng = np.random.default_rng(3)
    n = 400
    regime = np.repeat(["obs", "a", "b"], n)
    a, b = rng.normal(size=3 * n) * 0.6, rng.normal(size=3 * n)
    a[n : 2 * n] = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    y = 1 - a**2 + b + 0.1 * rng.normal(size=3 * n)
    frame = pd.DataFrame({"a": a, "b": b, "y": y, "regime": regime})
    data = ig.RegimeData.from_frame(frame, "y", ["a", "b"])
    model = ig.InterventionModel(ig.Polynomial(2), structure=["a", "b"])
    with warnings.catch_warnings():  # of the gap in the data, which is wanted here
        warnings.simplefilter("ignore", ig.ConvergenceWarning)
        return model.fit(data, method="laplace", draws=100)


def test_a_best_value_between_tested_ones_is_told(two_levels):
    found = two_levels.best_action({"a": (-1, 1), "b": (-0.5, 0.5)}, grid=21)
    [gap] = found.untested
    assert abs(found.recommended["a"]) < 0.5
    assert (gap.action, gap.low, gap.high) == ("a", -1.0, 1.0)
    assert gap.recommended == found.recommended["a"]
    assert_allclose(gap.probability, (np.abs(found.draws["best:a"]) < 0.8).mean())
    assert gap.probability > 0.8
    assert found.support == "extrapolated"
    inside = found.candidates["a"].abs() < 0.8
    assert (found.candidates["untested"] == np.where(inside, "a", "")).all()
    words = "BETWEEN TESTED VALUES: a = "
    assert str(found).splitlines()[1].startswith(words)
    assert words in found._repr_html_()
    assert words in found.to_xarray().attrs["warnings"]
    assert "UntestedBest(action='a', low=-1.0" in repr(found)


def test_a_best_value_that_was_tested_needs_no_warning(two_levels):
    only_ends = two_levels.best_action({"a": (-1, 1)}, grid={"a": [-1.0, 1.0]})
    assert only_ends.untested == ()
    assert "BETWEEN" not in str(only_ends) + only_ends._repr_html_()
    assert "untested" not in str(only_ends)


def test_a_gap_of_some_draws_is_told_with_their_share():
    """The recommended value was tested; in many draws the best is another, which was not."""
    rng = np.random.default_rng(1)
    n = 60
    a = np.concatenate([rng.normal(size=n), np.repeat([-1.0, 1.0], n // 2)])
    frame = pd.DataFrame({"a": a, "y": rng.normal(size=2 * n)})
    frame["regime"] = np.repeat(["obs", "a"], n)
    data = ig.RegimeData.from_frame(frame, "y", ["a"])
    fit = ig.InterventionModel(ig.Polynomial(2)).fit(data, method="laplace", draws=400)
    found = [fit.best_action({"a": (-1, 1)}, grid=5, minimize=m) for m in (True, False)]
    tested = [best for best in found if best.recommended["a"] in (-1.0, 1.0)]
    assert tested
    for best in tested:
        [gap] = best.untested
        share = float((np.abs(best.draws["best:a"]) < 0.8).mean())
        assert 0.05 < share < 1
        assert gap.recommended is None
        assert_allclose(gap.probability, share)
        assert f"in {share:.0%} of draws the best a lies between -1 and 1" in str(best)
        assert best.candidates["untested"].isin(["", "a"]).all()


def test_levels_have_prices():
    """tv gives 2 more than web and costs 1: worth it unless the budget is spent on price."""
    rng = np.random.default_rng(1)
    parts = []
    for regime in ("obs", "channel", "price"):
        channel, price = rng.choice(["web", "tv"], 300), rng.uniform(0, 2, 300)
        y = price + 2.0 * (channel == "tv") + 0.1 * rng.normal(size=300)
        parts.append(pd.DataFrame({"channel": channel, "price": price, "y": y, "regime": regime}))
    data = ig.RegimeData.from_frame(
        pd.concat(parts), outcome="y", actions=["channel", "price"], categorical=["channel"]
    )
    fit = ig.InterventionModel().fit(data, method="laplace", draws=50)
    bounds = {"channel": ["web", "tv"], "price": (0.2, 1.8)}
    cost = {"channel": {"tv": 1.0}}
    for budget, channel, price in ((1.8, "tv", 0.8), (1.1, "web", 1.0), (10.0, "tv", 1.8)):
        found = fit.best_action(bounds, budget, cost, grid=9)
        assert found.recommended["channel"] == channel
        assert_allclose(found.recommended["price"], price)
        assert (found.draws["best:channel"] == channel).all()
    only = fit.best_action({"channel": "web", "price": None}, grid=3)
    assert only.recommended["channel"] == "web"
    with pytest.raises(ig.QueryError, match=r"bounds: .*no level 'radio'"):
        fit.best_action({"channel": ["radio"]})
    with pytest.raises(ig.QueryError, match="list the levels allowed in bounds"):
        fit.best_action(bounds, grid={"channel": ["tv"]})
    with pytest.raises(ig.QueryError, match="cost: that of 'channel'"):
        fit.best_action(bounds, 1.0, {"channel": {"radio": 1.0}})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"bounds": {}}, "at least one action"),
        ({"bounds": {"price": (0, 1)}}, "not among the actions that are set"),
        ({"bounds": {"a1": (0.3, 0.0)}}, "the lower one first"),
        ({"bounds": {"a1": (0.0, np.inf)}}, "must be finite"),
        ({"bounds": {"a1": 0.2}}, r"a pair \(low, high\)"),
        ({"bounds": {"a1": (0, 0.1)}, "at": {"a1": 0.0}}, "not both"),
        ({"at": {"a1": [0.0, 0.1]}}, "one value per action"),
        ({"bounds": BOUNDS, "grid": 0}, "whole number of points from 1"),
        ({"bounds": BOUNDS, "grid": {"a1": [0.0, 0.9]}}, "within its bounds"),
        ({"bounds": BOUNDS, "grid": {"b": 3}}, "grid: "),
        ({"bounds": BOUNDS, "cost": {"b": 3}}, "cost: "),
        ({"bounds": BOUNDS, "cost": {"a1": "dear"}, "grid": 3}, "a number per unit"),
        ({"bounds": BOUNDS, "cost": {"a1": np.nan}, "grid": 3}, "must be finite"),
        ({"bounds": BOUNDS, "budget": -1.0, "grid": 3}, "even the cheapest setting costs -0.6"),
        ({"bounds": BOUNDS, "budget": np.nan}, "budget must be a finite number"),
        ({"do": []}, "do sets none"),
    ],
)
def test_bad_questions_are_refused(fit, arguments, words):
    with pytest.raises(ig.QueryError, match=words):
        fit.best_action(**{"beyond": "clamp", **arguments})


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("common", [True, False])
def test_knapsack_equals_brute_force(groups, common):
    """Any number of groups of unequal size, costs of both signs, with and without a common step."""
    rng = np.random.default_rng(groups)
    sizes = rng.integers(1, 6, groups)
    sizes[0] = 20  # many settings of actions that interact, say
    values = [rng.normal(size=(size, 40)) for size in sizes]
    costs = [0.1 * rng.integers(-3, 8, size) if common else rng.normal(size=size) for size in sizes]
    every = list(product(*(range(size) for size in sizes)))
    price = np.array([sum(c[i] for c, i in zip(costs, x, strict=True)) for x in every])
    total = np.array([sum(v[i] for v, i in zip(values, x, strict=True)) for x in every])
    for budget in np.quantile(price, [0.0, 0.2, 0.6, 1.0]):
        allowed = np.flatnonzero(price <= budget + 1e-9)
        best = np.array(every)[allowed[total[allowed].argmax(axis=0)]].T
        assert (choose_best(values, costs, float(budget)) == best).all()


def test_a_cost_that_is_exactly_the_budget_is_within_it():
    """Ten times 0.1 is not 1.0 in floating point, and is affordable nonetheless."""
    value = np.array([[0.0], [1.0]])
    chosen = choose_best([value] * 10, [np.array([0.0, 0.1])] * 10, 0.1 * 3)
    assert chosen.sum() == 3


def test_too_many_different_costs_are_refused():
    rng = np.random.default_rng(1)
    values, costs = [np.zeros((60, 1))] * 8, [rng.normal(size=60) for _ in range(8)]
    with pytest.raises(ig.QueryError, match="no common cost; choose a coarser grid"):
        choose_best(values, costs, 1.0)


def test_five_actions_and_a_thousand_draws_take_seconds():
    """Costs without a common step, 41 points each: 10^8 combinations in every draw."""
    rng = np.random.default_rng(1)
    x = np.linspace(0, 1, 41)[:, None]
    values = [rng.normal(size=200) * x + rng.normal(size=200) * x**2 for _ in range(5)]
    costs = [rng.uniform(0.5, 2) * x[:, 0] for _ in range(5)]
    start = time.perf_counter()
    chosen = choose_best(values, costs, 2.0)
    assert time.perf_counter() - start < 10
    spent = sum(c[i] for c, i in zip(costs, chosen, strict=True))
    assert spent.max() <= 2.0 + 1e-9

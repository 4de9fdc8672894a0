"""Plans before any data, against closed forms and a regression written by hand."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.studies.paper.plans import best_ratio

LINEAR = ig.InterventionModel(ig.Polynomial(1))
SETTINGS = {"a1": 1.0, "a2": 5.0, "a3": 0.1}
ORIGIN = dict.fromkeys(SETTINGS, 0.0)
VAGUE = {"effects": 1e3, "biases": 1e3}
STATED = {"settings": SETTINGS, "noise": 2.0, "effects": 0.5, "biases": 0.3}


def test_without_prior_and_sharing_rows_follow_the_closed_form():
    """n_r is proportional to |weight_r| sigma_r / sqrt(c_r), and the variance is what is left."""
    sigma = {"obs": 1.0, "a1": 0.5, "a2": 3.0, "a3": 1.0}
    cost = {"obs": 0.25, "a1": 1.0, "a2": 1.0, "a3": 4.0}
    plan = LINEAR.plan(ORIGIN, budget=20_000.0, cost=cost, settings=SETTINGS, noise=sigma, **VAGUE)
    weights = ig.identify(["obs", "a1", "a2", "a3"], ["a1", "a2", "a3"]).weights
    weight = {"+".join(regime) or "obs": value for regime, value in weights.items()}
    expected = {r: abs(weight[r]) * sigma[r] / np.sqrt(cost[r]) for r in sigma}
    scale = 20_000 / sum(expected[r] * cost[r] for r in sigma)
    assert plan.rows == pytest.approx({r: scale * n for r, n in expected.items()}, rel=0.03)
    variance = sum(weight[r] ** 2 * sigma[r] ** 2 / plan.rows[r] for r in sigma)
    assert plan.sd_after.item() == pytest.approx(np.sqrt(variance), rel=0.01)


@pytest.mark.parametrize("count", [2, 4])
def test_the_limit_is_the_best_ratio_of_figure_2b(count):
    settings = {f"a{k}": 1.0 for k in range(count)}
    plan = LINEAR.plan(
        dict.fromkeys(settings, 0.0), rows=10_000, settings=settings, noise=1.0, **VAGUE
    )
    for name in settings:
        assert plan.rows[name] / plan.rows["obs"] == pytest.approx(best_ratio(count), rel=0.02)


def by_hand(rows, biases, effects, noise, at, seeds):
    """The sd of contrasts with the origin after rows of the stated laws, in plain regressions.

    A linear effect of each action; in each bias a constant and slopes of all actions, whose prior
    sd are in the ratio of the medians of the priors of offsets and of linear functions.
    """
    count = len(at)
    parts = np.array([0.2, *[0.3] * count])
    prior = [np.full(count, effects)]
    prior += [biases * parts / np.sqrt((parts**2).sum())] * count
    prior = np.concatenate([[1e3], *prior])
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        precision = np.diag(prior**-2)
        for label, n in rows.items():
            a = rng.normal(size=(n, count))  # in sd of the settings
            one = np.column_stack([np.ones(n), a])
            own = [one * (label != f"a{k + 1}") for k in range(count)]
            x = np.column_stack([one, *own])
            precision += x.T @ x / noise**2
        goal = np.concatenate([[0.0], at, np.zeros(count * (count + 1))])
        found.append(goal @ np.linalg.solve(precision, goal))
    return np.sqrt(np.mean(found))


@pytest.mark.parametrize(
    "rows",
    [{"obs": 400, "a1": 100, "a2": 100, "a3": 0}, {"obs": 50, "a1": 3000, "a2": 0, "a3": 20}],
)
def test_the_sd_is_that_of_regressions_written_by_hand(rows):
    steps = np.array([1.0, -1.0, 0.5])
    moved = {name: step * SETTINGS[name] for name, step in zip(SETTINGS, steps, strict=True)}
    plan = LINEAR.plan(moved, ORIGIN, rows=rows, **STATED)
    expected = by_hand(rows, 0.3, 0.5, 2.0, steps, range(8))
    assert plan.sd_before.item() == pytest.approx(0.5 * np.sqrt((steps**2).sum()), rel=0.02)
    assert plan.sd_after.item() == pytest.approx(expected, rel=0.02)


def test_the_value_of_a_decision_is_the_closed_form():
    """The best of linear effects b_k between -c and c gains sum_k E|b_k| c over not knowing."""
    bounds = {name: (-2 * sd, 2 * sd) for name, sd in SETTINGS.items()}
    plan = LINEAR.plan(best={"bounds": bounds}, rows=1000, **STATED)
    expected = 3 * 0.5 * 2 * np.sqrt(2 / np.pi)
    assert plan.decision.regret == pytest.approx(expected, rel=0.06)  # of 1000 draws
    assert 0.5 * plan.decision.regret < plan.decision.evsi < plan.decision.regret
    plenty = LINEAR.plan(best={"bounds": bounds}, rows=10**7, **STATED)
    assert plenty.decision.evsi == pytest.approx(plan.decision.regret, rel=0.02)
    dear = LINEAR.plan(best={"bounds": bounds}, cost={"obs": 1.0}, value=1e-3, **STATED)
    assert "no further experiment pays" in str(dear)


def test_what_is_known_of_the_structure_narrows_the_answer():
    """If no action depends on another, a bias is a function of its own action only."""
    moved = ORIGIN | {"a1": 1.0}
    free = LINEAR.plan(moved, ORIGIN, rows=1000, **STATED)
    known = ig.InterventionModel(ig.Polynomial(1), structure=[])
    plan = known.plan(moved, ORIGIN, rows=1000, **STATED)
    assert plan.sd_before.item() == pytest.approx(free.sd_before.item(), rel=0.01)
    assert plan.sd_after.item() < 0.98 * free.sd_after.item()
    assert "still to be learned" in str(free)
    assert "still to be learned" not in str(plan)


def test_curves_levels_and_values_are_planned_for(tmp_path):
    """Settings as levels, as values and as a law, with another law where they are left alone."""
    settings = {"ad": ["none", "short", "long"], "price": [9.0, 10.0, 11.0], "tv": 2.0}
    plan = ig.InterventionModel(ig.HSGP(m=5, m_pair=2)).plan(
        {"ad": ["short", "long"], "price": 11.0, "tv": 0.0},
        {"ad": "none", "price": 10.0, "tv": 0.0},
        ["obs", "ad", "price", "ad+price"],
        budget=1000.0,
        cost={"ad+price": 3.0},
        settings=settings,
        natural={"price": np.linspace(9, 11, 50), "tv": 4.0},
        noise=1.0,
        effects={"ad": 1.0, "price": 0.3, "tv": 0.2},
        biases=0.2,
        do=["ad", "price"],
    )
    assert plan.table["cost"].sum() <= 1000
    assert (plan.sd_after < 0.5 * plan.sd_before).all()
    assert plan.simulated == ()
    plan.save(tmp_path / "plan.json")
    assert json.loads((tmp_path / "plan.json").read_text())["table"] == plan.table.to_dict(
        "records"
    )
    pd.testing.assert_series_equal(plan.sd_before, plan.sd_before.abs())
    assert plan.plot().get_xlabel() == "further rows"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"settings": {}}, "settings: name every action"),
        ({"settings": {"a1": -1.0}}, "settings: that of 'a1' must be a number above zero"),
        ({"settings": {"a1": [1.0]}}, "settings: that of 'a1' must hold at least two"),
        ({"settings": {"a1": [1.0, "b"]}}, "settings: that of 'a1' must hold"),
        ({"settings": 3}, "settings must be a mapping"),
        ({"natural": {"b": 1.0}}, "natural: the names must be of"),
        ({"natural": {"a1": ["x", "y"]}}, "natural: 'a1' must hold levels if"),
        ({"noise": 0}, "noise must be a number above zero"),
        ({"noise": {"obs": 1.0}}, "noise: .*'a1', 'a2', 'a3'.* have none"),
        ({"noise": {"b": 1.0}}, "noise: .*'b'"),
        ({"effects": {"a1": 1.0}}, "effects must be one number, or have one for each"),
        ({"biases": np.inf}, "biases must be a number above zero"),
        ({"options": "obs"}, "options must be a list of regimes"),
        ({"options": ["b"]}, "options: .*'b'"),
        ({"rows": None}, "rows: say how much"),
        ({"at": {"a1": 0.0}}, "at must give a value for every action"),
        ({"options": ["obs", "a1"]}, "missing an experiment that sets 'a2'"),
    ],
)
def test_mistakes_are_named(arguments, message):
    given = {"at": ORIGIN, "rows": 100} | STATED | arguments
    with pytest.raises(ig.BayesIntgenError, match=message):
        LINEAR.plan(given.pop("at"), **given)


def test_the_same_seed_gives_the_same_plan():
    plans = [LINEAR.plan(ORIGIN, rows=500, random_seed=4, **STATED) for _ in range(2)]
    pd.testing.assert_frame_equal(plans[0].table, plans[1].table)
    assert_allclose(plans[0].sd_after, plans[1].sd_after, rtol=1e-12)

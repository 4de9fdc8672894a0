"""Plans of experiments, against refits to expected rows, brute force and nested simulation."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from bayes_intgen.inference.draws_tree import SUMS
from bayes_intgen.inference.kept_sums import KeptSums
from bayes_intgen.model.conditional import Conditional
from bayes_intgen.posterior.estimands.action_search import read_search
from bayes_intgen.posterior.planning.allocation import allocate
from bayes_intgen.posterior.planning.decision import DecisionDraws
from bayes_intgen.posterior.planning.hyper_points import read_hyper_points
from bayes_intgen.posterior.planning.options import Option, read_options
from bayes_intgen.posterior.planning.planned_rows import RowPlanner
from bayes_intgen.posterior.planning.reduction import Reduced, ReducedPoint, reduce_points
from models import linear

AT, BASE = {"a1": [0.5, 0.0], "a2": [0.0, 0.5]}, {"a1": -0.5, "a2": -0.5}
BOTH = ("a1", "a2")
REGIMES = [(), ("a1",), ("a2",), BOTH]
LABELS = ["obs", "a1", "a2", "a1+a2"]


@pytest.fixture(scope="module")
def posterior():
    frame = linear.make_data(300, random_seed=1)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    return ig.InterventionModel(ig.HSGP(m=6, m_pair=3)).fit(data, method="laplace")


@pytest.fixture(scope="module")
def pieces(posterior):
    """Points of the hyperparameters, options, goals, and these reduced."""
    points = read_hyper_points(posterior, 8)
    costs = [1.0] * 4, [0.0] * 4
    options = read_options(posterior, points, REGIMES, costs, None, 1)
    features = posterior.design.features
    at, base = (pd.DataFrame(p, index=[0, 1])[list(BOTH)].to_numpy() for p in (AT, BASE))
    steps = features.evaluate(at) - features.evaluate(base)
    active = posterior.design.active(BOTH)
    goals = steps[:, posterior.design.positions] * active
    return points, options, goals, reduce_points(points, options, goals, np.full(4, 1e9))


def refit_variances(posterior, pieces, rows):
    """The variance of goals after refits to the products that rows have in expectation.

    Outcomes of these rows are those of the mean of the posterior, under every hyperparameter.
    """
    points, options, goals, _ = pieces
    kept = KeptSums.read(posterior.idata[SUMS].to_dataset(), posterior.design)
    centred = points.centring.to_centred_rows(goals)
    truth = points.share @ np.array([given.centred.mean for given in points.given])
    within, means = [], []
    for i, given in enumerate(points.given):
        weights = points.precision[i]
        precision = np.tensordot(weights, kept.likelihood.gram, 1) + np.diag(given.precision)
        cross = weights @ kept.likelihood.cross
        for option, n in zip(options, rows, strict=True):
            more = n * option.precision[i] * option.mean_gram
            precision, cross = precision + more, cross + more @ truth
        after = Conditional.solve(precision, cross)
        within.append(after.variance_of(centred))
        means.append(centred @ after.mean)
    around = np.array(means) - centred @ truth  # the mean stays where it is
    return points.share @ (np.array(within) + around**2)


@pytest.mark.parametrize(
    "rows", [(0, 0, 0, 0), (500, 0, 0, 0), (0, 2000, 30, 0), (10, 20, 30, 40_000)]
)
def test_variances_equal_those_of_refits_to_expected_rows(posterior, pieces, rows):
    reduced = pieces[-1]
    expected = refit_variances(posterior, pieces, rows)
    assert_allclose(reduced.variances(np.array(rows, dtype=float)), expected, rtol=2e-3)
    if np.count_nonzero(rows) == 1:
        option = int(np.argmax(rows))
        curve = reduced.curves(option, np.array([float(rows[option])]))
        assert_allclose(curve[0], expected, rtol=2e-3)


def test_the_sd_before_is_that_of_the_draws_and_rows_lower_it(posterior):
    plan = posterior.plan(AT, BASE, LABELS, rows=1000)
    draws = posterior.contrast(AT, BASE).std(("chain", "draw"))
    assert_allclose(plan.sd_before, draws, rtol=1e-9)
    assert (plan.sd_after < plan.sd_before).all()
    assert plan.table["rows"].sum() == plan.cost == 1000
    for _, own in plan.curve.groupby("regime"):
        assert (np.diff(own["sd"]) <= 1e-12).all()


def test_points_stand_for_the_draws(posterior, pieces):
    """Laplace has 64 points, of each of which the draws are known."""
    points = read_hyper_points(posterior, 64)
    weights = posterior.idata["weights"].dataset["weight"].to_numpy()[0]
    assert len(points.given) == 64
    assert set(np.bincount(points.owner)) == {15, 16}
    i = int(points.owner[3])
    own = points.centring.to_centred(weights[points.owner == i] / posterior.outcome_scale.spread)
    given = points.given[i].centred
    standard = (own - given.mean) / np.sqrt(np.diag(given.covariance))
    assert np.abs(standard).max() < 6
    assert 0.7 < standard.std() < 1.3
    assert (pieces[0].owner >= 0).sum() == 8 * 1000 / 64


def separate(weights, sigmas, costs, fixed=(0.0, 0.0, 0.0)):
    """Regimes that each tell one mean, whose sum with weights is the goal: no prior, no sharing."""
    count = len(weights)
    information = np.array([np.diag(np.eye(count)[r] / sigmas[r] ** 2) for r in range(count)])
    vague = 1e4
    point = ReducedPoint(
        vague**2 * information,
        vague * np.array([weights]),
        np.zeros(1),
        np.zeros(1),
        np.zeros((count, count)),
        np.eye(count),
        np.eye(count),
        np.zeros(count),
    )
    options = [
        Option((f"a{r}",), costs[r], fixed[r], False, information[r], np.ones(1))
        for r in range(count)
    ]
    return Reduced((point,), np.ones(1)), options


def test_without_prior_and_sharing_rows_follow_the_closed_form():
    """n_r is proportional to |weight_r| sigma_r / sqrt(c_r)."""
    weights, sigmas, costs = (1.0, -2.0, 1.0), (1.0, 0.5, 3.0), (1.0, 4.0, 0.25)
    reduced, options = separate(weights, sigmas, costs)
    found = allocate(reduced, options, 1e5)
    expected = np.abs(weights) * np.array(sigmas) / np.sqrt(costs)
    expected *= 1e5 / (expected @ costs)
    assert_allclose(found.rows, expected, rtol=0.02)
    assert found.gap <= 1e-3
    assert found.rows @ costs <= 1e5


def test_fixed_costs_are_those_of_the_best_set():
    weights, sigmas, costs, fixed = (1.0, 1.0, 0.02), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (5, 5, 60)
    reduced, options = separate(weights, sigmas, costs, fixed)
    rows = allocate(reduced, options, 100.0).rows
    best = min(
        (
            float(reduced.variances(np.array([i, j, k], dtype=float))[0]),
            (i, j, k),
        )
        for i, j, k in product(range(0, 91, 5), range(0, 91, 5), (0, 1, 5, 20))
        if i + j + k + 5 * (i > 0) + 5 * (j > 0) + 60 * (k > 0) <= 100
    )
    assert float(reduced.variances(rows)[0]) <= best[0] * 1.001
    assert sum(n + f for n, f in zip(rows, fixed, strict=True) if n) <= 100


def test_the_optimal_split_beats_every_split_of_a_grid(pieces):
    _, options, _, reduced = pieces
    within = replace_shift(reduced)
    cheap = [replace(option, cost=cost) for option, cost in zip(options, (1, 5, 2, 8), strict=True)]
    found = allocate(reduced, cheap, 4000.0)
    best = within.variances(found.rows).mean()
    for shares in product(np.linspace(0, 1, 6), repeat=3):
        if sum(shares) <= 1:
            spent = 4000 * np.array([*shares, 1 - sum(shares)])
            assert best <= within.variances(spent / (1, 5, 2, 8)).mean() * 1.002


def replace_shift(reduced):
    """Leave out what differs between hyperparameters, which the allocation does not count."""
    return replace(
        reduced,
        points=tuple(replace(p, shift=0 * p.shift, pull=0 * p.pull) for p in reduced.points),
    )


@pytest.mark.parametrize(
    ("cheap", "learned", "said"),
    [
        ("a2", True, True),
        ("a2", False, False),  # the structure is stated
        ("a1", True, False),  # that a2 follows a1 is seen
        ("a1+a2", True, False),  # nothing is left to follow
    ],
)
def test_a_plan_says_what_hangs_on_a_dependence_not_seen(posterior, cheap, learned, said):
    """Rows that set a2 and leave a1 alone say little of a2 if a1 depends on it."""
    edges = {(edge.parent, edge.child): edge.status for edge in posterior.learned.edges}
    assert edges == {("a1", "a2"): "seen", ("a2", "a1"): "absent"}
    fit = posterior if learned else replace(posterior, learned=None)
    cost = {label: 1e6 for label in LABELS if label != cheap}
    plan = fit.plan(AT, BASE, LABELS, budget=1000, cost=cost)
    assert any("none of these depends on a2" in note for note in plan.notes) == said


@pytest.fixture(scope="module")
def tie(posterior):
    """The search for the best of two actions that are worth, in the mean, what they cost."""
    ends = {"a1": [1.0, 0.0], "a2": [0.0, 1.0]}
    worth = posterior.contrast(ends, {"a1": 0.0, "a2": 0.0}).mean(("chain", "draw")).to_numpy()
    bounds = {"a1": (-1, 1), "a2": (-1, 1)}
    cost = dict(zip(BOTH, worth.tolist(), strict=True))
    return {"bounds": bounds, "budget": 0.0, "cost": cost, "grid": 9}


@pytest.fixture(scope="module")
def decision(posterior, tie):
    points = read_hyper_points(posterior, 64)
    options = read_options(posterior, points, REGIMES, ([1.0] * 4, [0.0] * 4), None, 1)
    search = read_search(posterior, **tie)
    draws = DecisionDraws.of(posterior, points, search, 1)
    goals = np.eye(len(posterior.design.weights))
    return draws, reduce_points(points, options, goals, np.full(4, 1e12), draws.centre)


def test_unlimited_rows_are_worth_the_expected_regret_of_the_best_action(posterior, decision, tie):
    draws, reduced = decision
    regret = posterior.best_action(**tie).regret
    assert draws.regret == pytest.approx(regret, rel=1e-9)
    assert draws.value(reduced, np.full(4, 1e12)) == pytest.approx(regret, rel=0.01)
    assert draws.value(reduced, np.zeros(4)) == pytest.approx(0, abs=1e-12)
    sizes = np.array([10.0, 100.0, 1000.0])
    alone = draws.values_alone(reduced, 1, sizes)
    singly = [draws.value(reduced, np.array([0, n, 0, 0])) for n in sizes]
    assert_allclose(alone, singly, rtol=1e-6, atol=1e-12)
    assert (np.diff(alone) >= -1e-3 * regret).all()


def test_the_value_of_rows_is_that_of_two_nested_levels_of_simulation(posterior, decision):
    """Outer: effects and rows drawn; inner: draws of the posterior after these rows."""
    draws, reduced = decision
    points, search, design = draws.points, draws.search, posterior.design
    rows = np.array([0.0, 150.0, 150.0, 0.0])
    active = design.active(BOTH)
    first, second = search.groups
    settings = [
        first.step[i] + second.step[j]
        for i, j in product(range(9), range(9))
        if first.cost[i] + second.cost[j] <= 1e-9
    ]
    regressors = np.array(settings)[:, design.positions] * active
    regressors = points.centring.to_centred_rows(regressors)
    mean = draws.centre
    options = read_options(posterior, points, REGIMES, ([1.0] * 4, [0.0] * 4), None, 1)

    star = int((regressors @ mean).argmax())
    rng, gains = np.random.default_rng(5), []
    for i in range(64):
        given = points.given[i].centred
        more = sum(
            n * option.precision[i] * option.mean_gram
            for n, option in zip(rows, options, strict=True)
        )
        before = np.linalg.inv(given.covariance)
        after_covariance = np.linalg.inv(before + more)
        values, vectors = np.linalg.eigh(more)
        root = vectors * np.sqrt(np.maximum(values, 0))
        inner = np.linalg.cholesky(after_covariance + 1e-12 * np.eye(len(mean)))
        for _ in range(10):
            effects = given.draw(1, rng)[0]
            score = more @ effects + root @ rng.standard_normal(len(mean))
            posterior_mean = after_covariance @ (before @ given.mean + score)
            # the mean under these hyperparameters moves as it does from the overall one
            posterior_mean += after_covariance @ before @ (mean - given.mean)
            noise = inner @ rng.standard_normal((len(mean), 200))
            estimated = (posterior_mean[:, None] + noise).mean(axis=1)
            known = regressors @ estimated
            gains.append(known.max() - known[star])
    unit = posterior.outcome_scale.spread
    nested, error = unit * np.mean(gains), unit * np.std(gains) / np.sqrt(len(gains))
    found = draws.value(reduced, rows)
    assert nested > 10 * error  # there is something to be found
    assert abs(found - nested) < 4 * error + 0.1 * nested


def test_rows_of_a_joint_regime_have_settings_of_both_experiments(posterior):
    rng = np.random.default_rng(1)
    rows = RowPlanner(posterior, {}).rows(BOTH, rng)
    for k, action in enumerate(BOTH):
        part = posterior.summary.regimes[(action,)]
        assert rows[:, k].mean() == pytest.approx(part.moments.mean[k], abs=0.15)
        assert rows[:, k].std() == pytest.approx(part.moments.covariance[k, k] ** 0.5, rel=0.1)
    assert abs(np.corrcoef(rows.T)[0, 1]) < 0.08


def test_what_follows_a_set_action_follows_it_in_planned_rows():
    """In a chain whose second action is three times the first, it is so at settings of the plan."""
    rng = np.random.default_rng(2)
    frames = []
    for label in ("obs", "a1", "a2"):
        a1 = rng.normal(size=800)
        a2 = rng.normal(0, 1, 800) if label == "a2" else 3 * a1 + rng.normal(0, 0.3, 800)
        y = a1 + a2 + rng.normal(size=800)
        frames.append(pd.DataFrame({"a1": a1, "a2": a2, "y": y, "regime": label}))
    data = ig.RegimeData.from_frame(pd.concat(frames), outcome="y", actions=["a1", "a2"])
    model = ig.InterventionModel(ig.Polynomial(1), structure=["a1", "a2"], interactions="none")
    fit = model.fit(data, method="laplace", draws=64)
    rows = RowPlanner(fit, {"a1": np.array([-1.0, 0.5])}).rows(("a1",), rng)
    for value in (-1.0, 0.5):
        own = rows[rows[:, 0] == value, 1]
        assert own.mean() == pytest.approx(3 * value, abs=0.1)
        assert 0.25 < own.std() < 0.5
    alone = RowPlanner(fit, {}).rows(("a2",), rng)  # nothing follows a2: a1 is as it was
    assert alone[:, 0].std() == pytest.approx(1.0, abs=0.1)


def test_rows_made_up_tell_what_rows_of_the_same_regime_tell(posterior):
    """With the values that an experiment had, planned rows are worth what its rows are."""
    values = posterior.summary.regimes[("a2",)]
    mean, sd = values.near_scale
    settings = {"a2": (values.near * sd + mean)[:, 1].tolist()}
    known = posterior.plan(AT, BASE, ["a2"], rows=500)
    made = posterior.plan(AT, BASE, ["a2"], rows=500, settings=settings)
    assert (known.simulated, made.simulated) == ((), ("a2",))
    assert_allclose(made.sd_after, known.sd_after, rtol=0.05)


def test_rows_needed_are_the_fewest(posterior):
    wanted = 1.2 * float(posterior.contrast(AT, BASE).std(("chain", "draw")).max())
    table = posterior.rows_needed(AT, BASE, wanted, ["a1", "a2", "a1+a2"]).set_index("regime")
    factor = 1.6448536
    enough = table["rows"].dropna()
    assert len(enough)
    for label, rows in enough.items():
        plans = [posterior.plan(AT, BASE, [label], rows={label: int(n)}) for n in (rows, rows - 1)]
        least, more = (factor * float(plan.sd_after.max()) for plan in plans)
        assert least <= wanted * 1.0001
        assert more >= wanted * 0.9999
    for label in table.index[table["rows"].isna()]:
        plan = posterior.plan(AT, BASE, [label], rows={label: 10**9})
        assert factor * plan.sd_after.max() > wanted
    assert posterior.rows_needed(AT, BASE, 100.0, ["a1"])["rows"].item() == 0


def test_a_population_is_one_goal(posterior):
    rows = {"a1": np.linspace(-0.5, 0.5, 21), "a2": 0.1}
    plan = posterior.plan(rows, rows=200, average=True)
    draws = posterior.average_outcome(rows).to_numpy()
    assert_allclose(plan.sd_before, draws.std(), rtol=1e-9)


def test_a_loaded_fit_plans_the_same(posterior, tmp_path):
    posterior.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    plans = [
        fit.plan(AT, BASE, LABELS, budget=900.0, cost={"a1": 3.0}) for fit in (posterior, again)
    ]
    pd.testing.assert_frame_equal(plans[0].table, plans[1].table)
    assert_allclose(plans[0].sd_after, plans[1].sd_after)


def test_no_experiment_pays_if_the_outcome_is_worth_little(posterior, tie):
    cost = dict.fromkeys(LABELS[:3], 1.0)
    nothing = posterior.plan(best=tie, value=1e-6, cost=cost)
    assert nothing.rows == {}
    assert "no further experiment pays" in str(nothing)
    assert nothing.decision.net == 0
    plenty = posterior.plan(best=tie, value=1e6, cost=cost)
    assert plenty.decision.net > 0
    assert plenty.decision.pays
    assert 0 < plenty.decision.evsi <= plenty.decision.regret
    assert plenty.decision.net >= plenty.curve["net"].max() - 1e-9
    assert "net value" in plenty._repr_html_()


def test_a_plan_is_written(posterior, tmp_path):
    plan = posterior.plan(AT, BASE, LABELS, rows=1000)
    plan.save(tmp_path / "plan.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "plan.csv"), plan.table)
    plan.save(tmp_path / "plan.json")
    state = json.loads((tmp_path / "plan.json").read_text())
    assert state["table"] == plan.table.to_dict("records")
    assert state["sd_after"] == plan.sd_after.tolist()
    assert "There are no rows of a1+a2" in str(plan)
    with pytest.raises(ig.FileError, match=r"must end in \.csv or \.json"):
        plan.save(tmp_path / "plan.txt")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"at": AT}, "rows: say how much"),
        ({"at": AT, "rows": 10, "budget": 5.0}, "rows: give either"),
        ({"at": AT, "rows": 0}, "rows must be a whole number"),
        ({"rows": 10}, "at: give either points"),
        ({"at": AT, "rows": 10, "options": ["b"]}, "options: .*'b'"),
        ({"at": AT, "rows": 10, "options": "a1"}, "options must be a list"),
        ({"at": AT, "rows": 10, "options": ["a1", "a1"]}, "options must hold"),
        ({"at": AT, "rows": {"a1+a2": 5}}, "rows: 'a1.a2' is not among"),
        ({"at": AT, "budget": 0.5}, "budget: 0.5 buys no row"),
        ({"at": AT, "rows": 10, "cost": {"a1": -1}}, "cost: that of 'a1' must be"),
        ({"at": AT, "rows": 10, "cost": {"a1": 0}}, "cost: that of 'a1' must be"),
        ({"at": AT, "rows": 10, "fixed": {"a1+a2": 1}}, "fixed: 'a1.a2' is not among"),
        ({"at": AT, "rows": 10, "settings": {"b": [1]}}, "settings: the names must be one of"),
        ({"best": {}, "value": 1.0}, "cost: without rows or a budget"),
        ({"best": {"bound": {}}, "rows": 10}, "best: .'bound'. are no arguments"),
        ({"best": {}, "rows": 10, "value": -1}, "value must be a number above zero"),
    ],
)
def test_mistakes_are_named(posterior, arguments, message):
    with pytest.raises(ig.BayesIntgenError, match=message):
        posterior.plan(**arguments)


def test_fits_without_sums_say_what_to_do():
    old = ig.load("tests/posterior/saved_by_0_1/learned.nc")
    with pytest.raises(ig.QueryError, match=r"plan: .* earlier version.* Fit the rows again"):
        old.plan(dict.fromkeys(old.actions, 0.0), rows=100)

"""The test of lack of fit: against its rows, a classical F test, and where fits do miss."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.base.parallel import ordered_map
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.verdicts import lack_of_fit
from bayes_intgen.inference.verdicts.lack_of_fit import check_lack_of_fit
from bayes_intgen.inference.verdicts.lack_of_fit_result import LackOfFit
from bayes_intgen.inference.verdicts.quadratic_form import QuadraticForm
from bayes_intgen.inference.verdicts.rank_functions import RankFunctions
from bayes_intgen.posterior.misfit_flags import answer_misfit
from models import hsgp

ACTIONS = ["a1", "a2", "a3"]
REGIMES = {"obs": None, "a1": 0, "a2": 1, "a3": 2}


def three_way(seed, strength, n=1500, levels=(True, True, True), noise=0.5):
    """Linear effects and products of pairs, and a confounder of A_1 that A_2 and A_3 modify.

    Actions of -1 and 1 where ``levels`` says so, normal ones elsewhere.
    """
    rng = np.random.default_rng([seed, 7])
    slopes, pairs = rng.normal(0, 0.6, 3), rng.normal(0, 0.3, 3)
    tables = []
    for label, target in REGIMES.items():
        c = rng.normal(size=(n, 3))
        a = np.where(np.arange(3) == target, 0, 0.7) * c + 0.7 * rng.normal(size=(n, 3))
        a = np.where(levels, np.where(a > 0, 1.0, -1.0), a)
        first, second, third = a.T
        y = a @ slopes + 0.5 * c.sum(axis=1)
        y += pairs @ [first * second, first * third, second * third]
        y += strength * c[:, 0] * second * third + noise * rng.normal(size=n)
        tables.append(pd.DataFrame(a, columns=ACTIONS).assign(y=y, regime=label))
    return pd.concat(tables, ignore_index=True)


def read(frame, actions=ACTIONS, **options):
    return ig.RegimeData.from_frame(frame, outcome="y", actions=actions, **options)


def judge(data, model):
    """The verdict alone, without draws."""
    prepared = model._prepare(data)
    mode = find_mode(prepared.problem).mode
    return check_lack_of_fit(prepared.problem, mode, prepared.moments, prepared.log_variances)


@pytest.fixture(scope="module")
def missed():
    model = ig.InterventionModel(interactions="pairwise", structure="full")
    data = read(three_way(3, 0.4, levels=(False, True, True)))
    return model.fit(data, method="laplace", draws=100)


# ------------------------------------------------------------------------------------------------
# Functions of ranks
# ------------------------------------------------------------------------------------------------


def test_functions_of_ranks_are_orthonormal_bounded_and_as_many_as_there_are_values():
    rng = np.random.default_rng(1)
    tails = rng.standard_cauchy(500)
    codes = rng.choice(4, 500, p=[0.1, 0.5, 0.3, 0.1]).astype(float)
    few = rng.choice([0.0, 1.0, 7.0], 500)
    values = np.column_stack([tails, codes, few, np.ones(500)])
    functions = RankFunctions.of(values, [False, True, False, False])
    assert [table.shape[1] for table in functions.tables] == [6, 3, 2, 0]
    for table in functions.tables:
        assert_allclose(table.sum(axis=0), 0, atol=1e-8)
        assert_allclose(table.T @ table / 500, np.eye(table.shape[1]), atol=1e-10)
    assert np.abs(functions.tables[0]).max() < 4  # of Legendre polynomials, sqrt(13)
    # a monotone transformation of a variable changes nothing
    other = RankFunctions.of(np.arctan(values), [False, True, False, False])
    assert_allclose(np.abs(other.tables[0]), np.abs(functions.tables[0]), atol=1e-10)


def test_products_of_few_values_are_all_contrasts_of_cell_means():
    rng = np.random.default_rng(2)
    values = rng.choice([0.0, 1.0], (800, 3))
    functions = RankFunctions.of(values, [False] * 3)
    columns = [np.ones((800, 1))]
    for order in (1, 2, 3):
        assert [subset for subset, _, _ in functions.products(order)] == functions.subsets(order)
        columns += [products for _, products, _ in functions.products(order)]
    table = np.hstack(columns)
    cells = np.eye(8)[(values @ [4, 2, 1]).astype(int)]
    assert table.shape == (800, 8)
    fitted = table @ np.linalg.lstsq(table, cells, rcond=None)[0]
    assert_allclose(fitted, cells, atol=1e-8)


@pytest.mark.parametrize(
    ("rows", "expected"), [(3000, (6, 3, 2)), (60, (3, 1, 1)), (20, (1, 1, 1)), (15, (0, 0, 0))]
)
def test_few_rows_are_asked_for_few_functions(rows, expected):
    values = np.random.default_rng(3).normal(size=(rows, 3))
    functions = RankFunctions.of(values, [False] * 3)
    assert tuple(functions.functions(order) for order in (1, 2, 3)) == expected


# ------------------------------------------------------------------------------------------------
# The statistic
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("freedom", [8.0, 30.0, 400.0])
def test_tail_is_that_of_student_f_and_of_simulated_forms(freedom):
    for level in (1e-2, 1e-4):
        t = stats.t.isf(level / 2, freedom)
        assert QuadraticForm(t**2, np.eye(1), freedom).tail == pytest.approx(level, rel=0.05)
        f = 4 * stats.f.isf(level, 4, freedom)
        assert QuadraticForm(f, np.eye(4), freedom).tail == pytest.approx(level, rel=0.05)
    rng = np.random.default_rng(4)
    eigenvalues = np.array([3.0, 1.0, 1.0, 0.2])
    form = rng.normal(size=(400_000, 4)) ** 2 @ eigenvalues
    form /= rng.chisquare(freedom, 400_000) / freedom
    for level in (0.2, 0.01):
        q = float(np.quantile(form, 1 - level))
        tail = QuadraticForm(q, np.diag(eigenvalues), freedom).tail
        assert tail == pytest.approx(level, rel=0.1)


@pytest.mark.parametrize("sampled", [False, True])
def test_statistic_is_that_of_the_rows(monkeypatch, sampled):
    """Everything written out over rows, with matrices that are inverted as they stand."""
    if sampled:  # every second row of each regime
        monkeypatch.setattr(lack_of_fit, "LEAST_SAMPLE", 600)
        monkeypatch.setattr(lack_of_fit, "SHARE", 2.0)
    data = read(hsgp.make_data(1200, 1), ["a1", "a2"])
    prepared = ig.InterventionModel(structure=[("a1", "a2")])._prepare(data)
    problem, moments = prepared.problem, prepared.moments
    assert prepared.log_variances is not None
    mode = find_mode(problem).mode
    result = check_lack_of_fit(problem, mode, moments, prepared.log_variances)
    design, given = problem.design, problem.conditional(mode)
    log_sigma, log_scale, log_length = problem.split(mode)
    factors = [feature.factors for feature in moments.features.features]
    mine = [factors.index(weight.feature.factors) for weight in design.weights]
    unit = problem.likelihood.centring.to_centred(np.eye(len(design.weights)))
    prior = (unit * np.exp(-2 * problem.scales.log_sd(log_scale, log_length))) @ unit.T
    rows, meats, inverse = {}, {}, prior.copy()
    for r, regime in enumerate(moments.regimes):
        values = data.rows("+".join(regime) or "obs")
        x = design.features.evaluate(values[:, :-1])[:, design.positions] * design.active(regime)
        w = np.exp(
            prepared.log_variances[regime].log_weights(design.features.evaluate(values[:, :-1]))
            - 2 * log_sigma[r]
        )
        e = moments.outcome_scale.standardise(values[:, -1]) - x @ given.mean
        rows[regime] = (values, x, w, e)
        inverse += x.T @ (w[:, None] * x)
    c = np.linalg.inv(inverse)
    taken = {}
    for r, regime in enumerate(moments.regimes):
        _, x, w, e = rows[regime]
        taken[regime] = np.einsum("ij,jk,ik,i->", x, c, x, w)
        active = design.active(regime)
        meat = moments.residuals[regime].meat[np.ix_(mine, mine)] * np.outer(active, active)
        meats[regime] = np.exp(-4 * log_sigma[r]) * meat * len(e) / (len(e) - taken[regime])
    for regime in moments.regimes:
        values, x, w, e = rows[regime]
        n = len(e)
        if sampled:
            values, x, w, e = values[::2], x[::2], w[::2], e[::2]
        if n < 20 * taken[regime]:
            up = 1 / (1 - w * np.einsum("ij,jk,ik->i", x, c, x))
        else:
            up = np.sqrt(n / (n - taken[regime]))
        others = sum(meats[other] for other in moments.regimes if other != regime)
        if sampled:
            others = others + x.T @ ((w * e * up)[:, None] ** 2 * x)
        functions = RankFunctions.of(values[:, :-1], [False, False])
        for order in (1, 2):
            for subset, z, scale in functions.products(order):
                names = tuple(data.actions[k] for k in subset)
                shift = c @ x.T @ (w[:, None] * z)
                left = (z - x @ shift) * (w * e * up)[:, None]
                covariance = left.T @ left + shift.T @ (others + prior) @ shift  # (3)
                covariance *= np.outer(scale, scale)
                by_row = ((left * scale) ** 2).sum(axis=1)
                freedom = 2 * by_row.sum() ** 2 / (by_row**2).sum()
                score = scale * (z.T @ (w * e))
                p_value = QuadraticForm(score @ score, covariance, freedom).tail
                [test] = [t for t in result.tests if (t.regime, t.variables) == (regime, names)]
                factor = 2 * result.numbers[order - 1]
                assert test.p_value == pytest.approx(min(factor * p_value, 1.0), rel=1e-4)
                smooth = np.linalg.inv(z.T @ (w[:, None] * z) + np.diag(scale**-2))
                function = z @ smooth @ (score / scale) * moments.outcome_scale.spread
                assert abs(test.largest) == pytest.approx(np.abs(function).max(), rel=1e-4)


@pytest.mark.parametrize("bend", [0.0, 0.15, 0.4])
def test_p_value_is_that_of_an_f_test_where_a_line_is_fitted_to_three_levels(bend):
    """Rows with one variance, regimes that share no parameter: what is left is a classical test."""
    rng = np.random.default_rng(5)
    tables = []
    for label in ("obs", "a1"):
        a = rng.choice([-1.0, 0.0, 1.0], 900)
        y = 2 * a + (label == "a1") * bend * a**2 + rng.normal(size=900)
        tables.append(pd.DataFrame({"a1": a, "y": y, "regime": label}))
    data = read(pd.concat(tables), ["a1"])
    wide = ig.Priors(linear=30.0, offset=30.0, constant=30.0)
    model = ig.InterventionModel(ig.Polynomial(1), priors=wide, variance="constant")
    result = judge(data, model)
    rows = data.rows("a1")
    lines = np.column_stack([np.ones(900), rows[:, 0]])
    cells = np.column_stack([lines, rows[:, 0] ** 2])
    narrow, full = (
        np.sum((rows[:, 1] - x @ np.linalg.lstsq(x, rows[:, 1], rcond=None)[0]) ** 2)
        for x in (lines, cells)
    )
    expected = stats.f.sf((narrow - full) / (full / 897), 1, 897)
    [test] = [test for test in result.tests if test.regime == ("a1",)]
    adjusted = min(result.numbers[0] * expected, 1.0)
    assert np.log(test.p_value) == pytest.approx(np.log(adjusted), rel=0.05, abs=0.1)
    assert ("a1",) in [t.regime for t in result.found] if bend == 0.4 else result.ok


# ------------------------------------------------------------------------------------------------
# Fits that miss and fits that do not
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [(True, True, True), (False, True, False)])
@pytest.mark.parametrize("interactions", ["pairwise", "none"])
def test_a_bias_of_three_actions_is_seen_where_it_is_and_by_as_much(levels, interactions):
    model = ig.InterventionModel(interactions=interactions, structure="full")
    for seed in range(2):
        result = judge(read(three_way(seed, 0.4, levels=levels)), model)
        triples = [test for test in result.found if test.variables == tuple(ACTIONS)]
        assert not result.ok
        assert {test.regime for test in triples} >= {("a2",), ("a3",)}
        assert not triples[0].has_room
        # E[C_1 | a_1] is 0.56 a_1 for two levels, 0.71 a_1 for normal ones, of sd 0.99; the effects
        # of all actions and their regimes may absorb a part
        assert 0.05 < triples[0].effect < 0.4


@pytest.mark.slow
def test_few_alarms_where_the_fit_is_right():
    """Adjusted p-values at 5% and 20% over 60 sound data sets of two kinds."""
    least = []
    for seed in range(30):
        for levels in ((True, True, True), (False, False, True)):
            frame = three_way(seed, 0.0, 400, levels)
            model = ig.InterventionModel(interactions="pairwise")
            least.append(min(test.p_value for test in judge(read(frame), model).tests))
    assert np.mean(np.array(least) < 0.01) <= 0.05
    assert np.mean(np.array(least) < 0.2) <= 0.35


def test_regimes_that_disagree_on_one_action_are_seen():
    """The effect of a2 differs where a1 is set, which the model cannot express."""
    frame = hsgp.make_data(800, 2)
    frame.loc[frame["regime"] == "a1", "y"] += 0.3 * frame["a2"] ** 2 * np.sign(frame["a2"])
    result = judge(read(frame, ["a1", "a2"]), ig.InterventionModel())
    assert ("a2",) in [test.variables for test in result.found]
    assert "differ between regimes" in result.remedy or "products" in result.remedy


def test_one_action_covariates_and_blocks_are_judged():
    frame = hsgp.make_data(300, 4)
    rng = np.random.default_rng(6)
    frame["z"] = rng.choice(["x", "y", "z"], len(frame))
    one = judge(read(frame[frame["regime"] != "a2"], ["a1"]), ig.InterventionModel())
    assert one.ok
    assert one.numbers == (2, 0, 0)
    with_z = read(frame, ["a1", "a2"], covariates=["z"], categorical=["z"])
    covariate = judge(with_z, ig.InterventionModel())
    assert covariate.ok
    assert covariate.numbers == (9, 9, 3)
    frame["y"] += 2 * (frame["z"] == "x") * frame["a1"] * frame["a2"]
    changed = read(frame, ["a1", "a2"], covariates=["z"], categorical=["z"])
    found = judge(changed, ig.InterventionModel()).found
    assert ("a1", "a2", "z") in [test.variables for test in found]
    assert any(test.at.get("z") == "x" for test in found)


def test_verdict_is_shown_and_kept(missed, tmp_path):
    result = missed.lack_of_fit
    assert not result.ok
    text = str(missed)
    assert "LACK OF FIT: the fit misses its own data: in regime" in text
    assert "use interactions='learned'" in text
    assert "LACK OF FIT" in missed._repr_html_()
    table = result.table
    assert list(table.columns)[:4] == ["regime", "variables", "p_value", "effect"]
    assert table["found"].sum() == len(result.found)
    missed.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    assert again.lack_of_fit == result
    assert LackOfFit.from_dict(result.to_dict()) == result


def test_answers_of_a_fit_that_misses_are_not_supported(missed):
    at = {"a1": [1.0, -1.0], "a2": 1.0, "a3": -1.0}
    answer = missed.expected_outcome(at)
    half = 1.645 * answer.std(("chain", "draw")).to_numpy()
    assert answer_misfit(missed, ("a1", "a2", "a3")) > 0.5 * half.max()
    assert answer["support"].to_numpy().tolist() == ["misfit", "misfit"]
    baseline = {"a1": 0.5, "a2": 1.0, "a3": 1.0}
    assert "supported" not in missed.contrast(at, baseline)["support"].to_numpy()
    # (1) of the flags, Theorem 1 with two experiments beyond the first
    sizes = missed.lack_of_fit.sizes
    coefficient = {(): -2.0, ("a1",): 1.0, ("a2",): 1.0, ("a3",): 1.0}
    expected = np.sqrt(sum((coefficient[r] * size) ** 2 for r, size in sizes.items()))
    assert answer_misfit(missed, ("a1", "a2", "a3")) == pytest.approx(expected)
    assert answer_misfit(missed, ()) == pytest.approx(sizes.get((), 0.0))


def test_a_misfit_that_is_small_against_the_interval_leaves_answers_supported(missed):
    """The same fit with draws that are spread out ten times as far."""
    tree = missed.idata.copy()
    draws = tree["weights"].dataset
    centre = draws["weight"].mean(("chain", "draw"))
    spread = centre + 10 * (draws["weight"] - centre)
    tree["weights"].dataset = draws.assign(weight=spread.transpose("chain", "draw", "term"))
    wide = type(missed)(**{**vars(missed), "idata": tree})
    answer = wide.expected_outcome({"a1": 1.0, "a2": 1.0, "a3": -1.0})
    assert answer["support"].to_numpy().tolist() == ["supported"]


def test_regimes_are_judged_alike_one_by_one_and_at_once(monkeypatch):
    data = read(three_way(3, 0.4, levels=(False, True, True)))
    prepared = ig.InterventionModel(interactions="pairwise", structure="full")._prepare(data)
    problem, known = prepared.problem, (prepared.moments, prepared.log_variances)
    mode, counts, found = find_mode(problem).mode, [], []

    def map_in_threads(function, items, threads):
        counts.append(threads)
        return ordered_map(function, items, threads)

    monkeypatch.setattr(lack_of_fit, "ordered_map", map_in_threads)
    monkeypatch.setattr(lack_of_fit, "threads_for", lambda weights: 3)
    for together in (2**30, 0):
        monkeypatch.setattr(lack_of_fit, "MOST_TOGETHER", together)
        found.append(check_lack_of_fit(problem, mode, *known))
    assert counts == [3, 1]
    assert found[0].to_dict() == found[1].to_dict()


def test_without_rows_there_is_no_verdict():
    moments = ig.Moments.from_data(read(hsgp.make_data(100, 1), ["a1", "a2"]))
    fit = ig.InterventionModel(structure="full").fit(moments, method="laplace", draws=10)
    assert fit.lack_of_fit is None
    assert "lack of fit: not checked" in str(fit)
    assert str(LackOfFit("none", (0, 0, 0), ())) == "lack of fit: too few rows to look for it"

"""Fits with lift tests: what they answer and refuse, which tests conflict, what is kept."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.base.support_flags import EXTRAPOLATED, OUTSIDE, SUPPORTED
from bayes_intgen.cli.main import main
from bayes_intgen.inference.laplace import LaplaceMode, find_mode
from bayes_intgen.inference.verdicts import lift_conflicts as conflicts_module
from bayes_intgen.inference.verdicts.lift_conflicts import check_lifts
from bayes_intgen.inference.verdicts.lift_result import GroupVerdict, LiftCheck, RowVerdicts
from bayes_intgen.model.lift_likelihood import LiftRows
from models import linear, polynomial

pytestmark = pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")

MOVES = [(0.0, -1.5), (0.0, -0.7), (0.0, 0.7), (0.0, 1.5), (-1.0, 1.0)]


def table_of(se=0.05, seed=5, action="a1"):
    """Right tests of an action of the cubic model."""
    rng = np.random.default_rng(seed)
    start, end = np.array(MOVES).T
    other = np.zeros(len(MOVES))
    if action == "a1":
        effect = polynomial.truth(end, other) - polynomial.truth(start, other)
    else:
        effect = polynomial.truth(other, end) - polynomial.truth(other, start)
    effect = effect + se * rng.normal(size=len(MOVES))
    columns = {"action": action, "from": start, "to": end, "effect": effect, "se": se}
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def data():
    frame = polynomial.make_data(1000, random_seed=1)
    return ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])


@pytest.fixture(scope="module")
def lifts():
    return ig.LiftTests.from_frame(table_of())


@pytest.fixture(scope="module")
def model():
    return ig.InterventionModel(ig.Polynomial(3), structure=["a1", "a2"])


@pytest.fixture(scope="module")
def replaced(data, lifts, model):
    """A fit in which tests stand in for the experiment on a1."""
    return model.fit(data.drop("a1"), method="laplace", lifts=lifts)


def contrast(posterior, before, after):
    ends = [dict(zip(posterior.actions, np.transpose(end), strict=True)) for end in (after, before)]
    return posterior.contrast(*ends)


def test_tests_stand_in_for_an_experiment(replaced):
    rng = np.random.default_rng(2)
    before, after = rng.uniform(-1.5, 1.5, size=(2, 40, 2))
    found = contrast(replaced, before, after)
    truth = polynomial.truth(*after.T) - polynomial.truth(*before.T)
    error, sd = found.mean(("chain", "draw")) - truth, found.std(("chain", "draw"))
    assert (np.abs(error) < 4 * sd).all()
    assert float(sd.max()) < 0.15  # the joint effect itself varies by more than 2
    assert replaced.lifts.ok


def test_the_level_is_refused_and_contrasts_are_given(replaced, data, lifts, model):
    with pytest.raises(ig.NotIdentifiedError, match="lift tests tell differences"):
        replaced.expected_outcome({"a1": 0.0, "a2": 0.0})
    answer = model.identify(data.drop("a1"), lifts=lifts)
    assert not answer.identified
    assert answer.missing == (("a1",),)
    assert answer.contrasts == {"a1": "identified", "a2": "identified"}  # a cubic, five tests
    smooth = ig.InterventionModel(structure=["a1", "a2"])
    assert smooth.identify(data.drop("a1"), lifts=lifts).contrasts["a1"] == "tested"
    assert smooth.identify(data.drop("a1")).contrasts == {"a1": "unknown", "a2": "identified"}
    effects = replaced.effects()
    assert np.isfinite(effects.to_numpy(float)).all()
    assert replaced.expected_outcome({"a1": 0.0, "a2": 0.0}, do="a2").size


def test_what_tests_cannot_replace_is_refused(data, model):
    """Tests of a2 do not tell of a1 while the bias of a2, which depends on a1, is never shown."""
    lifts = ig.LiftTests.from_frame(table_of(action="a2"))
    with pytest.raises(ig.NotIdentifiedError, match="missing an experiment that sets 'a1'"):
        model.fit(data.drop(["a1", "a2"]), method="laplace")
    posterior = model.fit(data.drop("a2"), method="laplace", lifts=lifts)
    effects = posterior.effects()
    assert effects.loc["a1", ["mean", "lower", "upper"]].isna().all()
    assert np.isfinite(effects.loc["a2"].to_numpy(float)).all()
    few = ig.LiftTests.from_frame(table_of(action="a2")[:1])
    assert model.identify(data.drop("a2"), lifts=few).contrasts == {"a1": "unknown", "a2": "tested"}


def test_sharp_tests_equal_the_experiment(data, model):
    """Tests without error of every contrast give the experiment's curve."""
    grid = np.linspace(-2, 2, 9)
    effect = polynomial.truth(grid[1:], 0.0) - polynomial.truth(grid[:1], 0.0)
    columns = {"action": "a1", "from": grid[0], "to": grid[1:], "effect": effect, "se": 1e-4}
    lifts = ig.LiftTests.from_frame(pd.DataFrame(columns))
    posterior = model.fit(data.drop("a1"), method="laplace", lifts=lifts)
    before, after = np.zeros((7, 2)), np.zeros((7, 2))
    after[:, 0] = np.linspace(-1.8, 1.7, 7)
    found = contrast(posterior, before, after).mean(("chain", "draw"))
    assert_allclose(found, polynomial.truth(after[:, 0], 0.0), atol=1e-3)


def test_tested_values_count_as_seen(replaced, data, model):
    """Those that were tested, those between close ones, and no further."""
    at = {"a1": [-1.5, -1.1, 0.2, 0.85, 1.6], "a2": 0.0}
    before = {"a1": 0.0, "a2": 0.0}
    found = replaced.contrast(at, before)["support"].to_numpy().tolist()
    assert found == [SUPPORTED, SUPPORTED, SUPPORTED, SUPPORTED, EXTRAPOLATED]
    wide = ig.LiftTests.from_frame(table_of().assign(to=[-9.0, -0.7, 0.7, 9.0, 1.0], se=1e3))
    beside = model.fit(data, method="laplace", draws=50, lifts=wide)
    at = {"a1": [0.0, 8.5, 9.0, 9.5], "a2": 0.0}
    flags = beside.expected_outcome(at)["support"].to_numpy().tolist()
    assert flags == [SUPPORTED, OUTSIDE, SUPPORTED, OUTSIDE]
    both = beside.expected_outcome({"a1": [9.0], "a2": [40.0]})["support"]
    assert both.to_numpy().tolist() == [OUTSIDE]
    mixed = beside.expected_outcome(at, do="a2")["support"].to_numpy().tolist()
    assert mixed[2] == EXTRAPOLATED  # a test says what setting a1 does, not what seeing it means


# Conflicts


def test_each_test_is_compared_with_all_else():
    """Against the dense regression on rows and all other tests, at one set of hyperparameters."""
    frame = polynomial.make_data(40, random_seed=3)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    model = ig.InterventionModel(ig.Polynomial(2), "full", variance="constant")
    table = table_of(se=0.2)
    table.loc[1, "effect"] += 3.0
    prepared = model._prepare(data, lifts=ig.LiftTests.from_frame(table)).problem
    x = find_mode(prepared).mode
    rows, e = prepared.lifts.rows, prepared.lifts.effect
    for i in range(5):
        given = prepared.with_lifts(prepared.lifts.take(np.arange(5) != i)).conditional(x)
        mean, variance = rows[i] @ given.mean, rows[i] @ given.covariance @ rows[i]
        bare = prepared.with_lifts(None)
        miss, total = conflicts_module._left_out(bare, prepared.lifts, np.arange(5) == i, x)
        assert_allclose(e[i] - miss[0], mean, rtol=1e-6)
        assert_allclose(total[0, 0], variance + prepared.lifts.standard_error[i] ** 2, rtol=1e-6)
    some = np.array([True, True, False, False, True])
    given = prepared.with_lifts(prepared.lifts.take(~some)).conditional(x)
    miss, covariance = conflicts_module._left_out(
        prepared.with_lifts(None), prepared.lifts, some, x
    )
    assert_allclose(e[some] - miss, rows[some] @ given.mean, rtol=1e-6)
    expected = rows[some] @ given.covariance @ rows[some].T
    expected += np.diag(prepared.lifts.standard_error[some] ** 2)
    assert_allclose(covariance, expected, rtol=1e-6, atol=1e-12)


def test_p_values_of_right_tests_are_uniform(data, model):
    """Right tests, drawn a hundred times: their p-values beside rows are uniform."""
    prepared = model._prepare(data, lifts=ig.LiftTests.from_frame(table_of())).problem
    found = find_mode(prepared.with_lifts(None))
    sharp = LaplaceMode(found.mode, 1e-12 * np.eye(len(found.mode)), 0.0)
    bare, unit = prepared.with_lifts(None), prepared.moments.outcome_scale.spread
    rng, p_values, joint = np.random.default_rng(8), [], []
    given = bare.conditional(found.mode)
    for _ in range(150):  # the truth is drawn from what the rows say
        weights = given.draw(1, rng)[0]
        effect = prepared.lifts.rows @ weights + prepared.lifts.standard_error * rng.normal(size=5)
        lifts = replace(prepared.lifts, effect=effect)
        p_values.append(conflicts_module._row(bare, lifts, 2, sharp, rng)[3])
        joint.append(conflicts_module._group(bare, lifts, np.ones(5, dtype=bool), sharp, rng))
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3
    assert stats.kstest(joint, "uniform").pvalue > 1e-3
    assert unit > 0


@pytest.mark.parametrize("case", ["sign", "x 100", "/ 1000", "all signs"])
def test_wrong_tests_beside_rows_are_flagged(data, model, case):
    table = table_of()
    if case == "sign":
        table.loc[0, "effect"] *= -1
    elif case == "all signs":  # they agree with one another, but not with the rows
        table["effect"] *= -1
    else:
        table.loc[0, ["effect", "se"]] *= 100 if case == "x 100" else 1e-3
    lifts = ig.LiftTests.from_frame(table)
    with pytest.warns(ig.ConflictWarning, match="LIFT TESTS CONFLICT"):
        posterior = model.fit(data, method="laplace", draws=50, lifts=lifts)
    assert not posterior.lifts.ok
    assert posterior.lifts.table.loc["0", "conflict"] or case == "all signs"
    assert "LIFT TESTS CONFLICT with the other data" in str(posterior)


def test_two_wrong_tests_that_agree_are_held_against_the_rows(data, model):
    """Sharp ones hide each other from the comparison one by one, but not from the joint one."""
    table = table_of()[[True, False, False, True, False]]
    table["effect"], table["to"] = [-1.0, -1.0], [-1.5, -1.5]
    table["se"] = [1e-3, 1e-3]
    with pytest.warns(ig.ConflictWarning, match="all 2 tests of a1 together"):
        posterior = model.fit(data, "laplace", 50, lifts=ig.LiftTests.from_frame(table))
    assert not posterior.lifts.table["conflict"].any()
    assert not posterior.lifts.ok


def test_tests_are_judged_together_only_beside_rows(data, lifts, model, replaced):
    assert replaced.lifts.groups == ()
    [group] = model.fit(data, method="laplace", draws=20, lifts=lifts).lifts.groups
    assert (group.action, group.size) == ("a1", 5)
    assert group.p_value > 0.01


def test_a_wrong_test_among_right_ones_is_flagged_without_rows(data, model):
    table = table_of()
    table.loc[4, "effect"] *= -1
    lifts = ig.LiftTests.from_frame(table)
    with pytest.warns(ig.ConflictWarning, match="look at signs, units"):
        posterior = model.fit(data.drop("a1"), method="laplace", draws=50, lifts=lifts)
    assert posterior.lifts.table.loc["4", "conflict"]


def test_right_tests_beside_rows_are_not_flagged(data, lifts, model):
    posterior = model.fit(data, method="laplace", draws=50, lifts=lifts)
    assert posterior.lifts.ok
    table = posterior.lifts.table
    assert_allclose(table["effect"] - table["predicted"], 0, atol=0.3)
    z = (table["effect"] - table["predicted"]) / np.hypot(table["standard_error"], table["sd"])
    assert_allclose(table["z"], z, rtol=1e-6)
    assert "5 lift tests (a1: 5): in keeping with the other data" in str(posterior)


def test_many_tests_share_one_mode(data, model, monkeypatch):
    lifts = ig.LiftTests.from_frame(table_of())
    problem = model._prepare(data, lifts=lifts).problem
    mode = find_mode(problem)
    monkeypatch.setattr(conflicts_module, "MOST_MODES", 4)
    check = check_lifts(problem, mode, lifts, random_seed=1)
    assert check.ok
    assert check_lifts(problem.with_lifts(None), mode, lifts, random_seed=1) is None


def test_one_wrong_test_among_forty_is_named_first(data, model):
    """Right ones may follow it, since it bends what they are compared with; the verdict says so."""
    rng = np.random.default_rng(3)
    start, end = rng.uniform(-1.8, 1.8, (2, 40))
    effect = polynomial.truth(end, 0.0) - polynomial.truth(start, 0.0) + 0.05 * rng.normal(size=40)
    columns = {"action": "a1", "from": start, "to": end, "effect": effect, "se": 0.05}
    table = pd.DataFrame(columns)
    wrong = int(table["effect"].abs().argmax())
    table.loc[wrong, "effect"] *= -1
    for some in (data, data.drop("a1")):
        lifts = ig.LiftTests.from_frame(table)
        problem = model._prepare(some, lifts=lifts).problem
        check = check_lifts(problem, find_mode(problem), lifts, random_seed=1)
        assert f"with the other data: row {wrong}, a1 from" in str(check)
        several = check.table["conflict"].sum() > 1
        assert ("those after the first may follow from it" in str(check)) == several


def test_the_verdict_names_the_worst_tests():
    tests = ig.LiftTests.from_frame(table_of())
    p = np.array([1e-9, 0.5, 1e-5, 1e-6, 1e-7])
    rows = RowVerdicts(np.zeros(5), np.ones(5), np.full(5, 3.0), p)
    group = GroupVerdict("a1", 5, 1e-20)
    check = LiftCheck.of(tests, rows, [group], np.zeros((5, 2)))
    assert check.table["conflict"].tolist() == [True, False, True, True, True]
    assert "row 0, a1 from 0.0 to -1.5" in str(check)
    assert "; ...; all 5 tests of a1 together (p 1e-20). 4 tests conflict, and those" in str(check)
    z = np.array([-50.0, 0.0, 60.0, -70.0, 40.0])  # beyond what a p-value can say
    far = replace(check, rows=replace(rows, z=z, p_value=np.array([0.0, 0.5, 0.0, 0.0, 0.0])))
    assert str(far).startswith("LIFT TESTS CONFLICT with the other data: row 3, a1 from 0.0 to 1.5")
    one = replace(check, rows=replace(rows, p_value=np.array([1.0, 0.5, 1.0, 1.0, 0.0])))
    assert "may follow" not in str(one)
    with pytest.warns(ig.ConflictWarning):
        check.warn()
    again = LiftCheck.from_dataset(check.to_dataset(), {})
    pd.testing.assert_frame_equal(again.table, check.table)
    assert str(again) == str(check)
    assert LiftCheck.from_dataset(xr.Dataset(), {}) is None


# What is kept


def test_a_fit_keeps_its_tests(replaced, tmp_path):
    replaced.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    pd.testing.assert_frame_equal(again.lifts.table, replaced.lifts.table)
    ends = [-1.5, -1.0, -0.7, 0.0, 0.7, 1.0, 1.5]
    assert again.summary.tested == {"a1": tuple((end,) for end in ends)}
    assert str(again) == str(replaced)
    with pytest.raises(ig.NotIdentifiedError, match="lift tests tell differences"):
        again.expected_outcome({"a1": 0.0, "a2": 0.0})
    likelihood = again.idata["log_likelihood"].dataset["effect"]
    assert likelihood.dims == ("chain", "draw", "lift_test")
    weights = replaced.idata["weights"].dataset["weight"].to_numpy()
    moved = weights @ replaced.lifts.functionals.T
    table = replaced.lifts.table
    expected = stats.norm.logpdf(table["effect"], moved, table["standard_error"])
    assert_allclose(likelihood, expected, rtol=1e-8)


def test_a_fit_without_tests_has_none(data, model):
    posterior = model.fit(data, method="laplace", draws=20)
    assert posterior.lifts is None
    assert "lift" not in str(posterior)
    with pytest.raises(ig.ModelError, match=r"make them with LiftTests\.from_frame"):
        model.fit(data, method="laplace", lifts=table_of())


def test_functionals_of_a_fit_are_those_of_its_problem(replaced, data, lifts, model):
    problem = model._prepare(data.drop("a1"), lifts=lifts).problem
    assert isinstance(problem.lifts, LiftRows)
    assert_allclose(replaced.lifts.functionals, problem.lifts.rows)


def test_the_command_line_reads_tests(tmp_path, capsys):
    linear.make_data(200, random_seed=1).to_csv(tmp_path / "data.csv", index=False)
    move = {"action": ["a1"], "from": [0.0], "to": [1.0], "effect": [1.0], "se": [0.2]}
    pd.DataFrame(move).to_csv(tmp_path / "lifts.csv", index=False)
    arguments = ["fit", str(tmp_path / "data.csv"), "--outcome", "y", "--actions", "a1,a2"]
    arguments += ["--basis", "polynomial", "--degree", "1", "--method", "laplace"]
    arguments += ["--drop", "a1", "--structure", "a1>a2", "--out", str(tmp_path / "fit.nc")]
    assert main([*arguments, "--lifts", str(tmp_path / "lifts.csv")]) == 0
    assert "1 lift test (a1: 1)" in capsys.readouterr().out
    assert main(arguments) == 2
    assert "missing an experiment that sets 'a1'" in capsys.readouterr().err


def test_a_query_repeats_the_conflict(tmp_path, capsys, data, model):
    pd.DataFrame({"a1": [0.0], "a2": [0.0]}).to_csv(tmp_path / "points.csv", index=False)
    query = ["query", str(tmp_path / "fit.nc"), "--points", str(tmp_path / "points.csv")]
    table = table_of()
    model.fit(data, "laplace", 20, lifts=ig.LiftTests.from_frame(table)).save(tmp_path / "fit.nc")
    main(query)
    assert "LIFT TESTS" not in capsys.readouterr().err
    table["effect"] *= -1
    with pytest.warns(ig.ConflictWarning):
        fit = model.fit(data, "laplace", 20, lifts=ig.LiftTests.from_frame(table))
    fit.save(tmp_path / "fit.nc")
    main(query)
    assert "bayes-intgen query: LIFT TESTS CONFLICT with the other data" in capsys.readouterr().err

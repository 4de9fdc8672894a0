"""The falsification suite: sound data pass, each broken assumption is seen by its own check."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import bayes_intgen as ig
from bayes_intgen.base.regimes import parse_regime
from bayes_intgen.checks.ancestry import Ancestry, distrust_few_rows
from bayes_intgen.checks.finding import LEVELS, Finding, share_level
from bayes_intgen.checks.interactions import check_interactions
from bayes_intgen.checks.result import CAVEAT
from bayes_intgen.checks.surplus_experiments import check_surplus
from bayes_intgen.design.interactions import InteractionTerms
from bayes_intgen.design.structure_learning import Edge, LearnedStructure
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.prepare import weight_rows
from bayes_intgen.inference.problem import Problem
from bayes_intgen.inference.verdicts.additivity_result import Additivity, InteractionTest
from bayes_intgen.moments.moments import Moments
from tests.cases.check_scenarios import make

pytestmark = pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")


def read(frame, actions, **options):
    return ig.RegimeData.from_frame(frame, outcome="y", actions=list(actions), **options)


def scenario(name, n, seed):
    return read(*make(name, n, seed))


def failed(result):
    return {finding.check for finding in result.failed}


@pytest.fixture(scope="module")
def sound():
    scm = ig.scm.sample_common_support_scm(2, random_seed=1)
    frame = scm.sample_regimes(["obs", "a1", "a2", "a1+a2"], 2000, random_seed=2)
    return read(frame, scm.actions)


@pytest.fixture(scope="module")
def passed(sound):
    return ig.check(sound)


def test_sound_data_pass_every_check(passed):
    assert passed.passed
    assert passed.needed_interactions == "none"
    assert set(passed.table["check"]) == set(LEVELS)
    assert (passed.table["verdict"] == "passed").all()
    assert passed.table["p_value"].between(0, 1).all()


def test_the_table_keeps_the_contract(passed):
    table = passed.table
    assert {"check", "statistic", "p_value", "effect", "meaning", "null"} <= set(table.columns)
    assert table["effect"].ge(0).all()
    assert table["meaning"].str.len().gt(40).all()
    shares = table.groupby("check")["level"].sum()
    assert shares["additivity"] + shares["bias"] == pytest.approx(LEVELS["additivity"])
    for check in ("mechanism", "variance", "surplus"):
        assert shares[check] == pytest.approx(LEVELS[check])
    assert shares.sum() <= 0.06 + 1e-12


def test_passing_is_said_to_prove_nothing(passed):
    assert "Passing proves nothing" in str(passed)
    assert "Example 1" in str(passed)
    assert "PASSED" in str(passed).splitlines()[0]
    assert CAVEAT in passed._repr_html_()


@pytest.mark.parametrize("name", ["shared", "shared_edge"])
def test_a_shared_confounder_is_laid_at_its_actions(name):
    result = ig.check(scenario(name, 3000, 1))
    assert not result.passed
    assert "assumptions are violated that no choice of interactions repairs" in str(result)
    subjects = [f.subject for f in result.failed if f.check == "mechanism"]
    pairs = {subject for subject in subjects if " given " in subject}
    assert pairs
    assert pairs <= {"mean of a1 given a2", "mean of a2 given a1"}
    assert "into one block" in next(f for f in result.failed if f.subject in pairs).meaning


def test_a_mechanism_that_an_experiment_changed_is_found_in_it():
    result = ig.check(scenario("changed", 4000, 3))
    assert not result.passed
    clearest = next(finding for finding in result.failed if finding.check == "mechanism")
    assert clearest.subject == "mean of a2 in a1"
    assert 0.2 < clearest.relative < 0.35  # a shift by 0.3 standard deviations, before tanh


def test_a_modifying_confounder_is_no_violation_but_needs_all_interactions():
    data = scenario("modifier", 3000, 2)
    low = ig.check(data, interactions="none")
    assert (low.passed, low.needed_interactions, low.violations) == (False, "all", ())
    assert "the data need wider ones ('all')" in str(low)
    high = ig.check(data, interactions="all")
    assert high.passed
    assert high.needed_interactions == "all"
    assert ig.check(data).passed
    untested = high.table.set_index("check").loc[["additivity", "bias", "variance"], "verdict"]
    assert (untested == "not testable").all()


def test_interacting_actions_are_allowed_with_wider_interactions():
    scm = ig.scm.sample_common_support_scm(2, random_seed=4)
    powers, coefficients = ((1, 1, 0, 0),), (0.5,)
    scm = replace(scm, extra=(ig.scm.Polynomial(powers, coefficients),))
    data = read(scm.sample_regimes(scm.single_regimes, 3000, random_seed=5), scm.actions)
    low, high = (ig.check(data, interactions=choice) for choice in ("none", "pairwise"))
    assert (low.passed, low.needed_interactions, low.violations) == (False, "pairwise", ())
    assert high.passed
    verdicts = high.table.set_index("check")["verdict"]
    assert verdicts["additivity"] == "allowed"
    assert "allows what is seen" in str(high)


def test_what_is_missing_fails_and_what_holds_it_too():
    def test_of(kind, actions):
        return InteractionTest(kind, actions, 1e-9, 0.2, 9.0)

    tests = tuple(test_of("interaction", names) for names in (("a1", "a2"), ("a1", "a2", "a3")))
    tests += (test_of("bias", ("a1", "a2")), test_of("bias", ("a2", "a1")))
    missing = InteractionTerms((("a1", "a2", "a3"),), ((("a2",), ("a2", "a1")),))
    found = share_level(check_interactions(Additivity("none", tests, missing=missing), 2.0), 0.01)
    assert [f.verdict for f in found] == ["failed", "failed", "allowed", "failed"]
    assert [f.subject for f in found][1::2] == ["a1 x a2 x a3", "bias of a2 on a1"]


def test_a_product_of_confounders_shows_in_joint_rows():
    without = ig.check(scenario("product", 3000, 1), interactions="none")
    assert (without.passed, without.needed_interactions, without.violations) == (False, "all", ())
    result = ig.check(scenario("product_joint", 3000, 1), interactions="all")
    assert [finding.check for finding in result.violations] == ["surplus"]
    assert not result.passed


def test_noise_that_follows_two_actions_at_once_breaks_the_variance_rule():
    rng = np.random.default_rng(1)
    scm = ig.scm.sample_common_support_scm(2, random_seed=6)
    frame = scm.sample_regimes(scm.single_regimes, 3000, random_seed=7)
    additive, joint = frame.copy(), frame.copy()
    noise = rng.normal(size=len(frame))
    additive["y"] += noise * np.sqrt(0.1 + frame["a1"] ** 2 + frame["a2"] ** 2)
    joint["y"] += noise * (1 + frame["a1"] * frame["a2"])
    assert ig.check(read(additive, scm.actions)).passed
    result = ig.check(read(joint, scm.actions))
    assert failed(result) == {"variance"}
    assert "the spread of the outcome breaks the sum rule" in str(result)
    assert result.needed_interactions == "none"


def test_categorical_actions_are_checked_too():
    rng = np.random.default_rng(2)
    frames = []
    for regime in ("obs", "a1", "a2"):
        for shared in (0.0, 1.0):
            c, own = rng.normal(size=(2, 1500))
            moved = 0.0 if regime == "a1" else 0.8 * c
            a1 = moved + rng.normal(size=1500)
            cause = shared * c + (1 - shared) * own
            a2 = np.where((regime != "a2") * cause + rng.normal(size=1500) > 0, "high", "low")
            y = a1 + (a2 == "high") + c + 0.3 * rng.normal(size=1500)
            frames.append(
                pd.DataFrame({"a1": a1, "a2": a2, "y": y, "regime": regime, "shared": shared})
            )
    frame = pd.concat(frames, ignore_index=True)
    apart = read(frame[frame["shared"] == 0], ["a1", "a2"], categorical=["a2"])
    shared = read(frame[frame["shared"] == 1], ["a1", "a2"], categorical=["a2"])
    assert ig.check(apart).passed
    assert "mechanism" in failed(ig.check(shared))


def test_a_posterior_brings_its_structure_and_interactions(sound):
    fit = ig.InterventionModel(structure="full", interactions="pairwise").fit(
        sound, method="laplace", draws=10
    )
    result = ig.check(sound, fit)
    assert result.interactions == "pairwise"
    assert result.passed
    assert not any(f.subject.startswith("bias of") for f in result.findings if f.check == "bias")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"data": 3}, "data must be a RegimeData"),
        ({"interactions": "some"}, "interactions must be one of"),
        ({"interactions": None}, "interactions must be one of"),
        ({"interactions": ["none"]}, "interactions must be one of"),
        ({"posterior": "fit.nc"}, "posterior must be a Posterior"),
    ],
)
def test_bad_arguments_are_refused_before_any_work(sound, arguments, words, monkeypatch):
    monkeypatch.setattr("bayes_intgen.checks.suite.settle_design", None)
    with pytest.raises(ig.ModelError, match=words):
        ig.check(**{"data": sound, **arguments})


def test_a_posterior_of_other_data_or_interactions_is_refused(sound):
    fit = ig.InterventionModel().fit(sound, method="laplace", draws=10)
    with pytest.raises(ig.ModelError, match="names, order, covariates and levels must agree"):
        ig.check(scenario("shared", 100, 1), fit)
    with pytest.raises(ig.ModelError, match="which is what is judged"):
        ig.check(sound, fit, interactions="all")


@pytest.mark.parametrize(
    ("regimes", "n"), [(["obs", "a1", "a2"], 8), (["obs"], 40), (["a1"], 40), (["a1", "a1+a2"], 40)]
)
def test_few_rows_or_regimes_give_an_answer(regimes, n):
    scm = ig.scm.sample_common_support_scm(2, random_seed=1)
    result = ig.check(read(scm.sample_regimes(regimes, n, random_seed=1), scm.actions))
    assert "not testable" in set(result.table["verdict"])
    assert str(result)


def test_one_action():
    scm = ig.scm.sample_common_support_scm(1, random_seed=1)
    result = ig.check(read(scm.sample_regimes(["obs", "a1"], 300, random_seed=1), scm.actions))
    assert result.passed
    assert (result.table["verdict"] == "not testable").all()


def test_the_picture_has_a_point_per_test(passed):
    ax = passed.plot()
    drawn = [len(line.get_xdata()) for line in ax.get_lines() if line.get_label() == "passed"]
    assert sum(drawn) == len(passed.findings)
    plt.close(ax.figure)


def test_the_score_of_surplus_rows_is_that_of_the_rows():
    """Everything written out over rows, weights of one, residuals of the fit to all regimes."""
    scm = ig.scm.sample_common_support_scm(2, random_seed=8)
    regimes = ["obs", "a1", "a2", "a1+a2"]
    data = read(scm.sample_regimes(regimes, 150, random_seed=9), scm.actions)
    model = ig.InterventionModel(structure=[("a1", "a2")])
    plain = model._prepare(data, weighted=False)
    prepared = weight_rows(plain, data, variance_is_learned=False)
    (found,) = check_surplus(prepared.problem, prepared.moments)

    problem, design = prepared.problem, prepared.problem.design
    features = prepared.moments.features
    first = plain.problem.conditional(find_mode(plain.problem).mode).mean
    names = ["1", "a1", "a1~w2", "a2", "a2~w2", "a1 a2"]
    probes = [features.names.index(name) for name in names]

    def rows(label):
        values = data.rows(label)
        phi = features.evaluate(values[:, :-1])
        order = [features.features.index(w.feature) for w in design.weights]
        x = phi[:, order] * design.active(parse_regime(label, data.actions))
        y = prepared.moments.outcome_scale.standardise(values[:, -1])
        return phi[:, probes], x, y, y - x @ first

    rest = data.drop("a1+a2")
    moments = Moments.compute(rest, rest.summary, design.features, prepared.moments.outcome_scale)
    null = Problem(design, moments, problem.priors)
    log_sigma, log_scale, log_length = null.split(find_mode(null).mode)
    unit = null.likelihood.centring.to_centred(np.eye(len(design.weights)))
    middle = (unit * np.exp(-2 * null.scales.log_sd(log_scale, log_length))) @ unit.T
    precision, pull = middle.copy(), np.zeros(len(middle))
    for sigma, label in zip(np.exp(log_sigma), rest.labels, strict=True):
        _, x, y, e = rows(label)
        precision += x.T @ x / sigma**2
        pull += x.T @ y / sigma**2
        middle += (x * (e**2)[:, None]).T @ x / sigma**4
    inverse = np.linalg.inv(precision)
    psi, x, y, e = rows("a1+a2")
    score = psi.T @ (y - x @ inverse @ pull)
    lever = psi.T @ x @ inverse
    covariance = (psi * (e**2)[:, None]).T @ psi * 150 / 144 + lever @ middle @ lever.T
    assert found.null == "chi2(6)"
    assert found.statistic == pytest.approx(score @ np.linalg.solve(covariance, score), rel=1e-3)


def test_a_finding_needs_both_chance_and_size_to_fail():
    one = Finding("mechanism", "x", 9.0, "F(1, 100)", 0.001, 1.0, 0.2, 0.1, "m", level=0.01)
    assert (one.verdict, one.failed) == ("failed", True)
    assert replace(one, p_value=0.02).verdict == "passed"
    assert replace(one, relative=0.05).verdict == "passed"
    assert replace(one, allowed=True).verdict == "allowed"
    none = Finding.untestable("mechanism", "x", "why")
    assert (none.verdict, none.failed) == ("not testable", False)
    assert [f.level for f in share_level([one, one, none], 0.01)] == [0.005] * 3


def test_a_weak_opposite_edge_does_not_hide_a_clear_one():
    def learned(back):
        edges = (Edge("a", "b", 1e-80, "seen"), Edge("b", "a", back, "seen"))
        return LearnedStructure(("a", "b"), edges, ())

    clear = Ancestry.of(learned(0.007))
    assert clear.before == {"a": (), "b": ("a",)}
    assert clear.after == {"a": ("b",), "b": ()}
    circle = Ancestry.of(learned(1e-79))
    assert circle.before == circle.after == {"a": ("a", "b"), "b": ("a", "b")}


def test_edges_that_few_rows_found_absent_are_not_relied_on():
    scm = ig.scm.sample_common_support_scm(2, random_seed=1)
    edges = (Edge("a1", "a2", 0.5, "absent"), Edge("a2", "a1", 0.5, "absent"))
    learned = LearnedStructure(("a1", "a2"), edges, ())

    def statuses(**rows):
        frame = scm.sample_regimes(list(rows), rows, random_seed=1)
        summary = read(frame, scm.actions).summary
        return [edge.status for edge in distrust_few_rows(learned, summary).edges]

    assert statuses(obs=400, a1=100, a2=100) == ["absent", "absent"]
    assert statuses(obs=5000, a1=100, a2=1000) == ["untested", "absent"]
    clear = (Edge("a1", "a2", 0.5, "untested"), Edge("a2", "a1", 1e-9, "seen"))
    assert Ancestry.of(LearnedStructure(("a1", "a2"), clear, ())).before["a2"] == ()


def test_a_possible_edge_is_what_a_shared_confounder_leaves_too():
    """Taken for an edge, it would make the order unknown and hide what it was found by."""
    edges = (Edge("a1", "a2", 0.4, "possible"), Edge("a2", "a1", 0.5, "possible"))
    learned = LearnedStructure(("a1", "a2"), edges, ())
    order = Ancestry.of(learned)
    assert order.before == order.after == {"a1": (), "a2": ()}
    scm = ig.scm.sample_common_support_scm(2, random_seed=1)
    rows = {"obs": 5000, "a1": 100, "a2": 1000}
    summary = read(scm.sample_regimes(list(rows), rows, random_seed=1), scm.actions).summary
    statuses = [edge.status for edge in distrust_few_rows(learned, summary).edges]
    assert statuses == ["untested", "possible"]


def test_a_regime_of_thirty_rows_beside_many_raises_no_alarm():
    """Thirty rows cannot show that a2 follows a1, which then looks like a shared confounder."""
    scm = ig.scm.sample_common_support_scm(3, random_seed=8)
    rows = {"obs": 50_000, "a1": 30, "a2": 5000, "a3": 30}
    result = ig.check(
        read(scm.sample_regimes(scm.single_regimes, rows, random_seed=17), scm.actions)
    )
    assert result.passed
    assert "not testable" in set(result.table.set_index("check").loc["mechanism", "verdict"])


def test_actions_of_a_block_may_share_a_confounder():
    scm = ig.scm.sample_partition_scm(["a1+a2", "a3"], random_seed=3)
    regimes = ["obs", "a1+a2", "a3", "a1+a2+a3"]
    frame = scm.sample_regimes(regimes, n=4000, random_seed=3)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    found = ig.check(data, blocks=["a1+a2"])
    assert found.passed, str(found)
    assert found.needed_interactions == "none"
    assert not ig.check(data, interactions="none").passed


def test_a_covariate_explains_what_two_actions_share():
    rng = np.random.default_rng(4)
    tables = []
    for regime in ("obs", "a1", "a2", "a1+a2"):
        z, c1, c2, v1, v2, u = rng.normal(size=(6, 3000))
        a1 = v1 if "a1" in regime else z + c1 / 2 + v1 / 2
        a2 = v2 if "a2" in regime else -z + a1 / 2 + c2 / 2 + v2 / 2
        y = a1 - a2 + 2 * z + c1 + c2 + u / 2
        tables.append(pd.DataFrame({"a1": a1, "a2": a2, "z": z, "y": y, "regime": regime}))
    frame = pd.concat(tables)
    with_z = ig.RegimeData.from_frame(frame, "y", ["a1", "a2"], covariates=["z"])
    assert ig.check(with_z).passed
    without = ig.check(ig.RegimeData.from_frame(frame, "y", ["a1", "a2"]))
    assert {"mechanism", "surplus"} <= {finding.check for finding in without.violations}

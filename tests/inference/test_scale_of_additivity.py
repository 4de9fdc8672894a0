"""The test for effects that add up on another scale: against its rows, its level and its power."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit, logit

import bayes_intgen as ig
from bayes_intgen.base.regimes import parse_regime
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.verdicts.scale_of_additivity import check_scale, link_feature
from bayes_intgen.inference.verdicts.scale_result import AdditiveScale
from tests.cases.outcome_kinds import LINEAR, floored, logistic, make_data, multiplicative

pytestmark = pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")


def fit(outcome, n, seed, **choices):
    model = ig.InterventionModel(**choices)
    return model.fit(make_data(outcome, n, seed), method="laplace", draws=20)


def judge(outcome, n, seed):
    """The verdict of a fit alone, without its draws."""
    prepared = ig.InterventionModel(interactions="none")._prepare(make_data(outcome, n, seed))
    return check_scale(prepared.problem, find_mode(prepared.problem), prepared.moments)


def weights_of(kind, mean):
    if kind == "binary":
        p = np.clip(mean, 0.02, 0.98)
        return 1 / (p * (1 - p))
    return 1 / np.maximum(mean, 0.1 * mean.mean()) ** (1 if kind == "count" else 2)


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [(logistic, "binary"), (multiplicative, "positive"), (LINEAR["poisson"], "count")],
    ids=["binary", "positive", "count"],
)
def test_the_statistic_is_that_of_the_rows(outcome, kind):
    """Everything written out with inverses of whole matrices."""
    data = make_data(outcome, 120, 1)
    model = ig.InterventionModel(ig.Polynomial(2), structure=["a1", "a2"])
    prepared = model._prepare(data)
    problem, mode = prepared.problem, find_mode(prepared.problem)
    found = check_scale(problem, mode, prepared.moments)

    given, design = problem.conditional(mode.mode), problem.design
    unit = problem.likelihood.centring.to_centred(np.eye(len(design.weights)))
    precision = (unit * given.precision) @ unit.T
    x, y, r = [], [], []
    for k, label in enumerate(data.labels):
        values = data.rows(label)
        phi = design.features.evaluate(values[:, :-1])[:, design.positions]
        x.append(phi * design.active(parse_regime(label, data.actions)))
        y.append(values[:, -1])
        r.append(np.full(len(values), k))
    x, y, r = np.vstack(x), np.concatenate(y), np.concatenate(r)
    scale = prepared.moments.outcome_scale
    target = scale.standardise(y)
    m = x @ given.mean
    for _ in range(3):
        w = weights_of(kind, scale.centre + scale.spread * m)
        for k in range(3):
            w[r == k] /= np.mean((w * (target - m) ** 2)[r == k])
        inverse = np.linalg.inv(x.T @ (w[:, None] * x) + precision)
        m = x @ (inverse @ (x.T @ (w * target)))
    mean = scale.centre + scale.spread * m
    z = link_feature(kind, mean) / scale.spread
    z -= np.polyval(np.polyfit(m, z, 1, w=np.sqrt(w)), m)
    t = inverse @ (x.T @ (w * z))
    left, e = z - x @ t, target - m
    leverage = np.minimum(w * np.einsum("ij,jk,ik->i", x, inverse, x), 0.5)
    spread = np.sqrt(np.sum(w**2 * e**2 * left**2 / (1 - leverage)) + t @ precision @ t)
    assert_allclose(found.statistic, z @ (w * e) / spread, rtol=1e-5, atol=1e-6)
    size = scale.spread * (z @ (w * e)) / (z @ (w * left)) * np.sqrt(np.mean(left**2))
    assert_allclose(found.size, size, rtol=1e-5, atol=1e-8)
    assert_allclose(found.share, z @ (w * e) / (z @ (w * left)), rtol=1e-5, atol=1e-8)


def test_the_feature_is_what_the_link_bends():
    """Close to the second-order term of the inverse link where effects are small."""
    mean = 0.3 + np.linspace(-0.01, 0.01, 101)
    curvature = (1 - 2 * 0.3) / (2 * 0.3 * 0.7)
    assert_allclose(link_feature("binary", mean), curvature * (mean - 0.3) ** 2, rtol=0.05)
    exact = expit(logit(0.3) + (mean - 0.3) / 0.21) - mean
    assert_allclose(link_feature("proportion", mean), exact, rtol=1e-9, atol=1e-15)
    mean = 5 + np.linspace(-0.1, 0.1, 101)
    bent = 5 * np.exp((mean - 5) / 5) - mean
    assert_allclose(link_feature("count", mean), bent, rtol=0.02, atol=1e-12)


def test_a_logistic_truth_is_told():
    found = [judge(logistic, 2000, seed) for seed in range(3)]
    assert [scale.link for scale in found] == ["logit"] * 3
    assert not any(scale.ok for scale in found)
    assert "ANOTHER SCALE" in str(found[0])
    assert "log odds" in str(found[0])


@pytest.mark.parametrize("n", [200, 1000])
def test_a_multiplicative_truth_is_told_and_log_is_its_remedy(n):
    found = [fit(multiplicative, n, seed) for seed in range(3)]
    assert sum(not posterior.additive_scale.ok for posterior in found) >= 2
    told = next(p for p in found if not p.additive_scale.ok)
    assert "fit log Y" in str(told)
    assert "geometric means" in told._repr_html_()
    # which it is: there nothing is left to be seen
    data = make_data(multiplicative, n, 1)
    frame = {
        k: np.concatenate([data.rows(label)[:, i] for label in data.labels])
        for i, k in enumerate(("a1", "a2", "y"))
    }
    frame["y"] = np.log(frame["y"])
    frame["regime"] = np.repeat(data.labels, n)
    again = ig.RegimeData.from_frame(pd.DataFrame(frame), outcome="y", actions=["a1", "a2"])
    logs = ig.InterventionModel().fit(again, method="laplace", draws=20)
    assert logs.additive_scale is None
    assert logs.additivity.ok


@pytest.mark.parametrize("name", ["binary", "poisson", "overdispersed", "gamma", "proportion"])
def test_an_additive_truth_raises_no_alarm(name):
    for seed in range(2):
        scale = judge(LINEAR[name], 600, seed)
        assert scale.ok
        assert "nothing speaks for" in str(scale)


def test_a_floor_bends_the_mean_and_is_no_other_scale():
    scale = judge(floored, 2000, 3)
    assert scale.p_value < 0.001  # it is seen
    assert 0 < scale.share < 0.4
    assert scale.ok
    assert "bends a little" in str(scale)
    checks = ig.check(make_data(floored, 2000, 3))
    assert not any(found.failed for found in checks.findings if found.check == "scale")


@pytest.mark.slow
def test_the_level_holds_and_the_statistic_is_standard_normal_at_most():
    statistics = [judge(LINEAR["binary"], 500, seed).statistic for seed in range(60)]
    assert np.std(statistics) < 1.15
    assert np.mean(np.array(statistics) > 2.33) <= 0.05


def test_wider_interactions_are_judged_by_the_same_test():
    alone = fit(multiplicative, 300, 2, basis=ig.Polynomial(2), structure=["a1", "a2"])
    wide = fit(
        multiplicative, 300, 2, basis=ig.Polynomial(2), structure=["a1", "a2"], interactions="all"
    )
    assert not alone.additive_scale.ok
    assert not wide.additive_scale.ok
    assert wide.additive_scale.statistic == pytest.approx(alone.additive_scale.statistic, rel=0.1)


def test_real_outcomes_and_single_blocks_have_no_such_test():
    assert fit(LINEAR["real"], 60, 1, basis=ig.Polynomial(1)).additive_scale is None
    data = make_data(logistic, 100, 1)
    joint = ig.InterventionModel(ig.Polynomial(1), blocks=["a1+a2"])
    prepared = joint._prepare(data)
    assert check_scale(prepared.problem, find_mode(prepared.problem), prepared.moments) is None


def test_moments_with_rows_can_tell_and_without_cannot(tmp_path):
    moments = ig.Moments.from_data(make_data(multiplicative, 300, 1), basis=ig.Polynomial(2))
    model = ig.InterventionModel(ig.Polynomial(2), structure=["a1", "a2"])
    assert not model.fit(moments, method="laplace", draws=20).additive_scale.ok
    moments.save(tmp_path / "bare.npz", rows=False)
    bare = ig.Moments.load(tmp_path / "bare.npz")
    assert model.fit(bare, method="laplace", draws=20).additive_scale is None


def test_the_verdict_survives_its_file(tmp_path):
    posterior = fit(multiplicative, 200, 1, basis=ig.Polynomial(2))
    posterior.save(tmp_path / "fit.nc")
    assert ig.load(tmp_path / "fit.nc").additive_scale == posterior.additive_scale


@pytest.mark.parametrize(
    ("kind", "has_ends", "words"),
    [
        ("binary", True, "No function of single rows"),
        ("count", True, "There are zeros"),
        ("count", False, "fit log Y"),
        ("positive", True, "There are zeros"),
        ("proportion", True, "values of 0 or 1"),
        ("proportion", False, "log(Y / (1 - Y))"),
    ],
)
def test_the_remedy_is_one_that_can_be_had(kind, has_ends, words):
    scale = AdditiveScale(kind, 5.0, 1e-7, 0.2, has_ends)
    assert words in str(scale)
    assert AdditiveScale.from_text(scale.to_text()) == scale


def test_check_and_fit_say_the_same():
    data = make_data(multiplicative, 200, 1)
    posterior = ig.InterventionModel().fit(data, method="laplace", draws=20)
    assert not posterior.additive_scale.ok
    alone = judge(multiplicative, 200, 1)
    assert alone.statistic == pytest.approx(posterior.additive_scale.statistic, rel=0.05)
    for checks in (ig.check(data), ig.check(data, posterior)):
        found = next(f for f in checks.findings if f.check == "scale")
        assert found.failed
        assert found in checks.violations
        assert found.statistic == pytest.approx(posterior.additive_scale.statistic, rel=0.05)
        assert "fit log Y" in str(checks)

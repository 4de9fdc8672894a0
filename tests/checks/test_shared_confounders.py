"""A confounder that is shared and modifies nothing: seen, and the safer answer is the right one."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.checks.shared_confounders import check_shared_confounders
from bayes_intgen.inference.interaction_learning import learn_interactions
from bayes_intgen.inference.prepare import prepare, settle_design


def read(scm, n, seed=1, regimes=None):
    frame = scm.sample_regimes(regimes or scm.single_regimes, n, random_seed=seed)
    return ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)


@pytest.fixture(scope="module")
def system():
    return ig.scm.sample_shared_confounder_scm(2, 4, degree=1, edge_probability=0.0)


@pytest.fixture(scope="module")
def checks(system):
    return ig.check(read(system, 3000))


def sharing(checks):
    return [finding for finding in checks.findings if finding.check == "sharing"]


def test_it_is_seen_and_the_safer_answer_is_right(system, checks):
    assert any(finding.failed for finding in sharing(checks))
    assert not checks.passed
    assert "sharing" in {finding.check for finding in checks.violations}
    safer = checks.safer
    at = system.sample(200, system.actions, random_seed=3)
    answer = safer.fit.expected_outcome(at)
    error = np.abs(answer - system.expected_outcome(at)) / answer["sd"]
    assert float(error.max()) < 4
    table = safer.table.set_index("action")
    slopes = system.effect.coefficients  # by the truth, one change per unit
    for name, slope in zip(system.actions, slopes, strict=True):
        row = table.loc[name]
        truth = slope * (row["end"] - row["start"])
        assert abs(row["aggregation"] - truth) < 4 * row["aggregation_sd"]
    wrong = np.abs(table["sum_rule"] - np.array(slopes) * (table["end"] - table["start"]))
    assert (wrong > 4 * table["sum_rule_sd"]).any()
    assert "causal aggregation is right and the sum rule is not" in str(checks)
    assert "causal aggregation is right" in checks._repr_html_()


def modified(n, seed):
    """a1's confounder is modified by a2, and nothing is shared: what ``"all"`` allows."""
    rng = np.random.default_rng(seed)
    parts = []
    for label in ("obs", "a1", "a2"):
        c = rng.normal(size=(2, n))
        a1 = rng.normal(size=n) * (1.3 if label == "a1" else 0)
        a1 = a1 if label == "a1" else c[0] + 0.8 * rng.normal(size=n)
        a2 = rng.normal(size=n) * 1.3 if label == "a2" else c[1] + 0.8 * rng.normal(size=n)
        y = a1 + a2 + 0.6 * a2 * c[0] * a1 + 0.5 * c[1] + 0.3 * rng.normal(size=n)
        parts.append(pd.DataFrame({"a1": a1, "a2": a2, "y": y, "regime": label}))
    return ig.RegimeData.from_frame(pd.concat(parts), outcome="y", actions=["a1", "a2"])


def test_a_confounder_that_modifies_the_effect_of_another_action_is_allowed():
    found = ig.check(modified(2000, 1))
    assert found.needed_interactions == "all"
    assert {finding.verdict for finding in sharing(found)} <= {"allowed", "passed"}
    assert "allowed" in {finding.verdict for finding in sharing(found)}
    assert found.safer is None


def test_p_values_are_those_of_chance_where_nothing_is_shared():
    """Linear systems with a confounder per action, without edges: 48 p-values."""
    values = []
    for seed in range(24):
        scm = ig.scm.sample_linear_scm(2, random_seed=seed, edge_probability=0.0)
        data = read(scm, 150, seed)
        settled = settle_design(data, ig.Polynomial(1), [], "none", None)
        fit = learn_interactions(settled, partial(prepare, data=data, priors=ig.Priors()))
        found = check_shared_confounders(fit.prepared, fit.mode.mode, data)
        values += [finding.p_value for finding in found]
    assert len(values) == 48
    assert stats.kstest(values, "uniform").pvalue > 0.001
    assert np.mean(np.array(values) < 0.05) <= 0.12


def test_what_cannot_be_tested_says_why(system):
    data = read(system, 100)
    posterior = ig.InterventionModel(structure="full").fit(data, method="laplace", draws=10)
    (full,) = sharing(ig.check(data, posterior))
    assert full.verdict == "not testable"
    assert "cause of no other" in full.meaning
    (together,) = sharing(ig.check(read(system, 100, regimes=["obs", "a1+a2"]), blocks=["a1+a2"]))
    assert together.verdict == "not testable"

"""``interactions="learned"``: what interacts is found, fitted, shown and kept."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.design.design import CAUSAL
from bayes_intgen.design.interactions import InteractionTerms
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.verdicts.additivity import Candidates
from bayes_intgen.inference.verdicts.interaction_scores import SCALES, Scores
from bayes_intgen.inference.verdicts.probes import Probe, find_probes
from tests.cases import many_covariates
from tests.cases.interacting_systems import draw_system

pytestmark = pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")

ACTIONS = ["a1", "a2", "a3"]


def read(kind, seed, n=1500):
    return ig.RegimeData.from_frame(draw_system(kind, seed).frame(n, seed), "y", ACTIONS)


def error(posterior, kind, seed):
    system = draw_system(kind, seed)
    points = system.queries(200, seed)
    mean = posterior.expected_outcome(dict(zip(ACTIONS, points.T, strict=True)))
    errors = mean.mean(("chain", "draw")).to_numpy() - system.truth(points)
    return np.sqrt(np.mean(errors**2))


@pytest.fixture(scope="module")
def three():
    """A system with a1 x a2 x a3 and a1 x a3 in the effect."""
    data = read("three", 0)
    return data, ig.InterventionModel().fit(data, method="laplace")


def test_a_product_of_three_is_found_and_fitted(three):
    data, posterior = three
    found = posterior.interactions
    assert found.used == "all"
    assert {frozenset(names) for names in found.terms.effect} == {frozenset(ACTIONS)}
    assert found["all"] > 0.99
    assert sum(found.values()) == pytest.approx(1)
    assert posterior.additivity.ok
    assert "a1 x a2 x a3" in str(posterior)
    explicit = ig.InterventionModel(interactions="all").fit(data, method="laplace")
    assert error(posterior, "three", 0) < 0.3 * error(explicit, "three", 0)
    assert not explicit.additivity.ok  # it has no products of three smooth actions
    assert "use interactions='learned'" in str(explicit)


def test_a_learned_fit_survives_its_file(three, tmp_path):
    _, posterior = three
    posterior.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    assert again.design.terms == posterior.design.terms
    assert str(again.interactions) == str(posterior.interactions)
    point = {"a1": 0.5, "a2": 0.5, "a3": 1.0}
    answers = [p.expected_outcome(point).to_numpy() for p in (posterior, again)]
    assert_allclose(answers[0], answers[1])


def test_synergy_and_check_follow(three):
    data, posterior = three
    at = {"a1": 1.0, "a2": 1.0, "a3": 1.0}
    extra = posterior.synergy(at, ("a1", "a2"), {"a1": 0.0, "a2": 0.0})
    assert abs(float(extra.mean())) > 2 * float(extra.std())
    for checks in (ig.check(data), ig.check(data, posterior)):
        assert checks.needed_interactions == posterior.additivity.needed_interactions == "all"
        assert checks.passed, checks


def test_where_nothing_interacts_the_fit_is_that_of_none():
    data = read("none", 2)
    posterior = ig.InterventionModel().fit(data, method="laplace")
    alone = ig.InterventionModel(interactions="none").fit(data, method="laplace")
    assert posterior.interactions.used == "none"
    assert posterior.interactions["none"] > 0.4
    answers = [p.expected_outcome({"a1": 0.0, "a2": 0.0, "a3": 1.0}) for p in (posterior, alone)]
    assert_allclose(*(answer.to_numpy() for answer in answers))
    assert alone.interactions.used == "none"
    assert dict(alone.interactions) == {"none": 1.0, "pairwise": 0.0, "all": 0.0}


def test_a_confounder_that_modifies_another_effect_is_a_bias_and_no_interaction():
    data = read("modified", 2)  # the confounder of a2 modifies the effect of a1
    posterior = ig.InterventionModel().fit(data, method="laplace")
    terms = posterior.interactions.terms
    assert (("a2",), ("a2", "a1")) in terms.bias
    assert "A shared confounder" in str(posterior.additivity)


def test_moments_are_not_tested():
    moments = ig.Moments.from_data(read("none", 2, n=300))
    posterior = ig.InterventionModel(structure=ACTIONS).fit(moments, method="laplace")
    assert not posterior.interactions.tested
    assert "not tested" in str(posterior.interactions)


def test_a_basis_without_products_says_that_it_cannot():
    data = read("three", 0)
    posterior = ig.InterventionModel(ig.HSGP(m_pair=0)).fit(data, method="laplace")
    assert posterior.interactions.used == "none"
    assert not posterior.additivity.ok
    assert "its basis has no such products" in str(posterior)


def test_terms_make_the_weights_that_they_name():
    data = read("none", 2, n=300)
    design = ig.InterventionModel(structure=[("a1", "a2")])._prepare(data).problem.design
    terms = InteractionTerms((("a1", "a3"),), ((("a3",), ("a3", "a1", "a2")),))
    assert design.lacks(terms) == terms
    wide = design.with_interactions("learned", terms)
    assert not wide.lacks(terms)
    products = {
        (w.component, w.feature.actions) for w in wide.weights if len(w.feature.actions) > 1
    }
    assert {names for part, names in products if part == CAUSAL} == {frozenset({"a1", "a3"})}
    assert {names for part, names in products if part == "bias:a3"} == {
        frozenset(names) for names in (("a1", "a3"), ("a2", "a3"), ("a1", "a2"), ACTIONS)
    }
    assert {names for part, names in products if part == "bias:a2"} == {frozenset({"a1", "a2"})}
    again = type(wide).from_dict(wide.to_dict())
    assert again.weights == wide.weights


@pytest.fixture(scope="module")
def candidates():
    prepared = ig.InterventionModel(structure=[])._prepare(read("none", 2, n=500))
    null, mode = prepared.problem, find_mode(prepared.problem)
    probes = tuple(find_probes(null.design, prepared.moments.features))
    scores = Scores.of(null, mode.mode, prepared.moments, probes)
    return Candidates(probes, scores)


def test_the_evidence_of_further_weights_is_that_of_a_normal_score(candidates):
    """With s ~ N(0, I + t I D I) against s ~ N(0, I)."""
    own = candidates.scores.select(candidates.places[0])
    information = own.information
    logs = []
    for root in SCALES:
        wide = information + information @ np.diag((root * own.scale) ** 2) @ information
        laws = [stats.multivariate_normal(cov=part) for part in (wide, information)]
        logs.append(laws[0].logpdf(own.score) - laws[1].logpdf(own.score))
    assert own.log_evidence == pytest.approx(np.log(np.mean(np.exp(logs))), rel=1e-6, abs=1e-6)


def test_a_test_of_three_is_freed_of_its_pairs(candidates):
    probes = candidates.probes
    three = next(i for i, p in enumerate(probes) if p.names == set(ACTIONS))
    below = {probes[i].actions for i in candidates._below(three)}
    assert below == {("a1", "a2"), ("a1", "a3"), ("a2", "a3")}
    bias = next(i for i, p in enumerate(probes) if p.kind == "bias" and len(p.further) == 2)
    kinds = [(probes[i].kind, len(probes[i].names)) for i in candidates._below(bias)]
    assert sorted(kinds) == [("bias", 2)] * 2 + [("interaction", 2)] * 3 + [("interaction", 3)]


def longhand_below(probes, i):
    """Return what a probe is freed of, by comparing it with every other."""
    probe, below = probes[i], set()
    for j, other in enumerate(probes):
        smaller = other.names < probe.names
        match probe.kind, other.kind:
            case "interaction", "interaction":
                found = smaller
            case "bias", "interaction":
                found = len(other.own) == 2 or other.names <= probe.names
            case "bias", "bias":
                found = smaller and other.own == probe.own
            case "modified bias", "modified effect":
                found = other.names == probe.names
            case _:
                found = False
        if found:
            below.add(j)
    return below


def test_what_a_probe_is_freed_of_is_that_of_comparing_all():
    """Of five actions of which two are a block, and two covariates."""
    names = [f"a{k}" for k in range(1, 6)]
    blocks = [("a1", "a2"), *((name,) for name in names[2:])]
    kinds = [("interaction", own, ()) for k in (2, 3) for own in combinations(names, k)]
    for block in blocks:
        rest = [name for name in names if name not in block]
        kinds += [("bias", block, part) for k in (1, 2) for part in combinations(rest, k)]
    modified = ("modified effect", "modified bias")
    kinds += [(kind, (a,), (z,)) for kind in modified for a in names for z in ("z1", "z2")]
    order = np.random.default_rng(1).permutation(len(kinds))
    probes = tuple(Probe(*kinds[i], np.arange(2), np.ones(2)) for i in order)
    candidates = Candidates(probes, None)
    expected = [longhand_below(probes, i) for i in range(len(probes))]
    assert candidates.below == expected
    assert {len(below) for below in expected} > {0, 1, 3}


def test_of_many_covariates_those_modify_effects_that_are_seen_to():
    system = many_covariates.draw_system(3, modified=True, n_covariates=4)
    frame = system.frame(800, 1)
    data = ig.RegimeData.from_frame(frame, "y", ACTIONS, covariates=system.covariates)
    posterior = ig.InterventionModel().fit(data, method="laplace")
    wanted = {("effect", (f"a{k + 1}",), f"z{z + 1}") for k, z, _ in system.modified}
    assert wanted <= set(posterior.interactions.terms.modified)
    assert posterior.interactions.used == "none"
    pooled = [w.feature.actions for w in posterior.design.weights if w.group == "causal|*:warped"]
    assert {name for names in pooled for name in names} == {*system.covariates}
    at = system.points(100, 1)
    errors = posterior.expected_outcome(at, beyond="clamp").mean(("chain", "draw")).to_numpy()
    errors = errors - system.truth(at[ACTIONS].to_numpy(), at[system.covariates].to_numpy())
    flat = dict.fromkeys(ACTIONS, ig.HSGP()) | dict.fromkeys(system.covariates, ig.Polynomial(1))
    plain = ig.InterventionModel(flat, interactions="none").fit(data, method="laplace")
    unmodified = plain.expected_outcome(at, beyond="clamp").mean(("chain", "draw")).to_numpy()
    unmodified -= system.truth(at[ACTIONS].to_numpy(), at[system.covariates].to_numpy())
    assert np.mean(errors**2) < 0.5 * np.mean(unmodified**2)


def test_terms_that_lift_tests_do_not_determine_are_left_out_and_said():
    """The lift test of a2 does not tell where a1 was, on which its effect would then depend."""
    rng = np.random.default_rng(5)
    tables = []
    for regime in ("obs", "a1", "a2"):
        c = rng.normal(size=(2, 800))
        a = [c[k] + rng.normal(size=800) for k in range(2)]
        a = [rng.normal(size=800) if regime == f"a{k + 1}" else a[k] for k in range(2)]
        y = a[0] + a[1] + 0.8 * a[0] * a[1] + c.sum(axis=0) + 0.3 * rng.normal(size=800)
        tables.append(pd.DataFrame({"a1": a[0], "a2": a[1], "y": y, "regime": regime}))
    data = ig.RegimeData.from_frame(pd.concat(tables), "y", ["a1", "a2"])
    test = {"action": "a2", "from": -1.0, "to": 1.0, "effect": 2.0, "standard_error": 0.1}
    lifts = ig.LiftTests.from_frame(pd.DataFrame([test]))
    posterior = ig.InterventionModel().fit(data, method="laplace", lifts=lifts)
    assert posterior.interactions.used == "none"
    assert ("a1", "a2") in posterior.additivity.missing.effect
    assert "lift tests do not determine them" in str(posterior.additivity)
    without = ig.InterventionModel().fit(data, method="laplace")
    assert without.interactions.used != "none"


def test_three_covariates_and_a_binary_outcome():
    """The test of the scale and the checks take the narrow design, as the fit does."""
    rng = np.random.default_rng(1)
    tables = []
    for regime in ("obs", "a1", "a2"):
        z, a = rng.normal(size=(400, 3)), rng.normal(size=(400, 2))
        p = 0.4 + 0.1 * np.tanh(a).sum(axis=1) + 0.15 * np.tanh(a[:, 0]) * np.tanh(2 * a[:, 1])
        table = pd.DataFrame(np.hstack([a, z]), columns=["a1", "a2", "z1", "z2", "z3"])
        y = (rng.random(400) < np.clip(p + 0.1 * np.tanh(z[:, 0] * a[:, 0]), 0, 1)).astype(float)
        tables.append(table.assign(y=y, regime=regime))
    frame = pd.concat(tables)
    data = ig.RegimeData.from_frame(frame, "y", ["a1", "a2"], covariates=["z1", "z2", "z3"])
    posterior = ig.InterventionModel().fit(data, method="laplace")
    assert posterior.interactions.terms
    assert posterior.additive_scale is not None
    assert set(ig.check(data, posterior).table["check"]) >= {"additivity", "variance", "scale"}


def table_of_pairs(size, seed):
    """Six actions of two values, set at random; each pair interacts, by some sd, either way."""
    rng, names = np.random.default_rng(seed), [f"a{k}" for k in range(1, 7)]
    set_to = rng.integers(0, 2, size=(1000, 6))
    signs = 2 * set_to - 1
    pairs = sum(rng.choice([-1, 1]) * signs[:, i] * signs[:, j] for i in range(6) for j in range(i))
    y = set_to @ rng.normal(scale=0.5, size=6) + size * pairs + rng.normal(size=1000)
    frame = pd.DataFrame(set_to, columns=names).assign(y=y, regime="+".join(names))
    return ig.RegimeData.from_frame(frame, "y", names, categorical=names)


def test_many_small_interactions_are_found_together():
    """No pair is found by a test of its own; without any, none is."""
    data = table_of_pairs(0.06, 5)
    learned, none = (
        ig.InterventionModel(interactions=choice).fit(data, method="laplace")
        for choice in ("learned", "none")
    )
    assert not none.additivity.found
    assert len(none.additivity.missing.effect) == 15
    assert len(learned.interactions.terms.effect) == 15
    assert "together" in str(ig.check(data, none, progressbar=False)).split("\n")[0]
    sound = ig.InterventionModel().fit(table_of_pairs(0.0, 5), method="laplace")
    assert not sound.interactions.terms

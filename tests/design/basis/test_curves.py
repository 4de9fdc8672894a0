"""Curves that people have: the warped coordinate, frequent values, gaps, rough kernels."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, special

import bayes_intgen as ig
from bayes_intgen.base.types import Scale
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.hsgp import HSGPBasis
from bayes_intgen.design.basis.warp import Warp
from bayes_intgen.design.design import Design
from bayes_intgen.inference.problem import Problem
from bayes_intgen.model.priors import PriorScales
from bayes_intgen.moments.moments import Moments
from bayes_intgen.posterior.support import classify_support

pytestmark = pytest.mark.usefixtures("quick_graphs")


def regimes(rng, natural, setting, n=400, outcome=None):
    """Make rows of two actions: the first as drawn, the second normal."""
    parts = []
    for label in ("obs", "a", "b"):
        a = setting(n) if label == "a" else natural(n)
        b = rng.normal(size=n)
        y = np.tanh(b) + (outcome or np.sin)(a) + rng.normal(0, 0.3, n)
        parts.append(pd.DataFrame({"a": a, "b": b, "y": y, "regime": label}))
    frame = pd.concat(parts, ignore_index=True)
    return ig.RegimeData.from_frame(frame, outcome="y", actions=["a", "b"], regime="regime")


@pytest.fixture(scope="module")
def lognormal():
    rng = np.random.default_rng(3)

    def draw(n):
        return np.where(rng.random(n) < 0.3, 0.0, np.exp(rng.normal(size=n)))

    return regimes(rng, draw, draw)


@pytest.fixture(scope="module")
def arms():
    rng = np.random.default_rng(4)
    return regimes(rng, lambda n: rng.normal(size=n), lambda n: rng.choice([-1.5, 1.5], n))


def test_the_coordinate_rises_and_is_a_logarithm_of_a_log_normal_action():
    z = np.random.default_rng(1).normal(size=20_000)
    values = np.exp(z)
    box = Scale(values.max() / 2, values.max() / 2)
    warp = Warp.of([(values, np.full(len(z), 1 / len(z)))], box)
    grid = np.exp(np.linspace(-2, 2, 41))
    heights = warp(grid)
    assert (np.diff(heights) > 0).all()
    assert (np.diff(warp(np.linspace(-5, 80, 200))) > 0).all()
    assert np.corrcoef(heights, np.log(grid))[0, 1] > 0.97 > np.corrcoef(heights, grid)[0, 1]
    assert np.abs(warp(values)).max() <= 1 + 1e-9
    assert Warp.from_dict(json.loads(json.dumps(warp.to_dict()))) == warp


def test_experiments_with_few_values_do_not_bend_the_coordinate_there(arms):
    basis = ig.HSGP(warp=24).freeze("a", arms.summary)
    steps = np.diff(basis.warp(np.linspace(1.2, 1.8, 7)))
    assert steps.max() < 3 * steps.min()
    assert basis.masses == ()


def test_frequent_values_have_an_indicator(lognormal):
    basis = ig.HSGP(warp=24).freeze("a", lognormal.summary)
    assert basis.masses == (0.0,)
    assert basis.functions[-1].shape == "mass"
    assert_allclose(basis.evaluate(np.array([0.0, 0.1, -1.0]))[:, -1], [1, 0, 0])
    features = FeatureMap.within({"a": basis, "b": basis}, [["a", "b"]])
    assert FeatureMap.from_dict(json.loads(json.dumps(features.to_dict()))) == features


def test_beyond_the_box_all_but_the_linear_function_is_held(lognormal):
    basis = ig.HSGP(warp=24).freeze("a", lognormal.summary)
    _, high = basis.limits
    found = basis.evaluate(np.array([high, high + 1, high + 1e6]))
    assert_allclose(found[1:, 1:], found[[0, 0], 1:], atol=1e-12)
    assert found[2, 0] > found[1, 0] > found[0, 0]


def test_without_a_warped_coordinate_the_basis_is_that_of_the_first_version(lognormal):
    summary, at = lognormal.summary, np.array([0.3])
    raw, warped = (spec.freeze("a", summary) for spec in (ig.HSGP(warp=0), ig.HSGP(m=10, warp=24)))
    # besides: the normal score with its square and cube, and the indicator of zero
    assert [len(basis.functions) for basis in (raw, warped)] == [11, 1 + 24 + 10 + 3 + 1]
    assert "warp" not in raw.to_dict()
    assert [ig.HSGP(warp=0).made(basis) for basis in (raw, warped)] == [True, False]
    assert [ig.HSGP(warp=24).made(basis) for basis in (raw, warped)] == [False, True]
    assert_allclose(warped.evaluate(at)[:, 25:35], raw.evaluate(at)[:, 1:])


@pytest.mark.parametrize("nu", [0.5, 1.5, 2.5, np.inf])
def test_the_spectral_density_gives_the_kernel(nu):
    """k(r) = (1 / pi) int_0^inf S(w) cos(w r) dw."""
    length, r = 0.7, 0.4

    def density(w):
        scales = PriorScales(
            np.zeros(1, int), 1, np.ones((1, 1)), np.full((1, 1), w**2), np.array([nu]), 1.0
        )
        return np.exp(2 * scales.log_sd(np.zeros(1), np.log([length]))[0])

    found = integrate.quad(density, 0, np.inf, weight="cos", wvar=r)[0] / np.pi
    u = np.sqrt(2 * nu) * r / length
    matern = 2 ** (1 - nu) / special.gamma(nu) * u**nu * special.kv(nu, u) if nu < np.inf else 0
    expected = matern if nu < np.inf else np.exp(-((r / length) ** 2) / 2)
    assert found == pytest.approx(expected, abs=2e-4)


def test_derivatives_of_the_scales(lognormal):
    data = lognormal
    summary = data.summary
    bases = {name: ig.HSGP(warp=24).freeze(name, summary) for name in data.actions}
    design = Design.build(bases, {"a": (), "b": ("a",)})
    assert design.smooth_actions == ("a:warped", "a", "b:warped", "b")
    scales = PriorScales.from_design(design, 3.0)
    rng = np.random.default_rng(5)
    scale, length = rng.normal(size=len(design.groups)), rng.normal(-1, 0.2, 4)
    step = 1e-5 * np.eye(4)
    slopes = [
        (scales.log_sd(scale, length + d) - scales.log_sd(scale, length - d)) / 2e-5 for d in step
    ]
    assert_allclose(scales.slopes(length)[:, -4:], np.transpose(slopes), atol=1e-6)
    by_log_sd = rng.normal(size=len(design.weights))
    bends = [
        by_log_sd @ (scales.slopes(length + d) - scales.slopes(length - d))[:, -4 + k] / 2e-5
        for k, d in enumerate(step)
    ]
    assert_allclose(scales.curvature(by_log_sd, length), bends, rtol=1e-5, atol=1e-6)
    assert_allclose(
        scales.pull_back(by_log_sd, length)[1], by_log_sd @ scales.slopes(length)[:, -4:]
    )


def test_the_pymc_model_has_the_same_density(lognormal):
    data = lognormal
    moments = Moments.from_data(data, basis=ig.HSGP(warp=24))
    summary = moments.summary
    bases = moments.features.bases
    design = Design.build(bases, {"a": (), "b": ()})
    problem = Problem(design, moments.select(design.features), ig.Priors())
    x = problem.hyperpriors.mean + 0.1
    parts = dict(zip(("log_sigma", "log_scale", "log_length"), problem.split(x), strict=True))
    assert summary.actions == ("a", "b")
    found = problem.build().compile_logp()(parts)
    assert float(found) == pytest.approx(problem.log_posterior(x)[0], rel=1e-9)


def test_values_between_tested_levels_are_extrapolated(arms):
    summary = arms.summary
    (gap,) = summary.gaps["a"]
    assert (gap.low, gap.high) == (-1.5, 1.5)
    assert gap.share > 0.8
    assert summary.gaps["b"] == ()
    points = np.array([[-1.5, 0.0], [0.0, 0.0], [1.5, 0.0]])
    flags = classify_support(points, ("a", "b"), summary, {"a": (), "b": ()})
    assert flags.tolist() == ["supported", "extrapolated", "supported"]
    read = Summary.from_dict(json.loads(json.dumps(summary.to_dict())))
    assert read.gaps["a"] == (gap,)
    assert read.merge(read).gaps["a"] == (gap,)


def test_wiggles_within_a_gap_have_the_prior_of_their_own(arms):
    moments = Moments.from_data(arms, basis=ig.HSGP(warp=24))
    priors = ig.Priors(gapped=ig.LogNormal(0.7, 0.3))
    problem = Problem(Design.build(moments.features.bases, {"a": (), "b": ()}), moments, priors)
    kinds = dict(zip(problem.design.groups, problem.design.group_kinds((), {"a"}), strict=True))
    assert kinds["causal|a:warped"] == kinds["shared|a:smooth"] == "gapped"
    assert kinds["causal|b:warped"] == "warped"
    center = dict(
        zip(problem.design.groups, problem.split(problem.hyperpriors.mean)[1], strict=True)
    )
    assert center["causal|a:warped"] == pytest.approx(np.log(0.7))
    assert center["causal|b:warped"] == pytest.approx(np.log(0.2))


def test_smooth_functions_have_one_scale_in_effect_and_own_bias(arms):
    """Not in the bias of another action, and not without a warped coordinate."""
    parents = {"a": (), "b": ("a",)}
    design = Design.build(Moments.from_data(arms, basis=ig.HSGP(warp=24)).features.bases, parents)
    components = {
        group: {weight.component for weight in design.weights if weight.group == group}
        for group in design.groups
    }
    assert components["shared|a:smooth"] == {"causal", "bias:a"}
    assert components["shared|b:smooth"] == {"causal", "bias:b"}
    assert components["bias:b|a:smooth"] == {"bias:b"}
    assert components["causal|a:warped"] == {"causal"}
    plain = Design.build(Moments.from_data(arms, basis=ig.HSGP(warp=0)).features.bases, parents)
    assert {"causal|a:wiggly", "bias:a|a:wiggly"} <= {*plain.groups}


# Products


def products(**bases):
    """The names of all products of two actions that a model may have."""
    features = FeatureMap.within(bases, [list(bases)]).features
    assert max(len(feature.factors) for feature in features) == 2
    return {feature.name for feature in features if len(feature.factors) == 2}


def cross(ones, others):
    return {f"{one} {other}" for one in ones for other in others}


def numbered(prefix, *numbers):
    return [f"{prefix}{number}" for number in numbers]


def test_products_of_actions_near_normal(arms):
    """Bilinear, the first 2 m_pair functions by linear, the first m_pair by one another."""
    basis = ig.HSGP(m_pair=2, warp=24).freeze("b", arms.summary)
    assert not basis.warp.bent
    first = {name: numbered(f"{name}~w", 1, 2) for name in "ac"}
    further = {name: numbered(f"{name}~w", 3, 4) for name in "ac"}
    assert products(a=basis, c=basis) == (
        {"a c"}
        | cross(["a"], first["c"] + further["c"])
        | cross(first["a"] + further["a"], ["c"])
        | cross(first["a"], first["c"])
    )


def test_products_of_actions_far_from_normal(lognormal):
    """As near normal, with levels beside smooth functions; the score stays alone."""
    basis = ig.HSGP(m_pair=2, warp=24).freeze("a", lognormal.summary)
    assert basis.warp.bent
    assert basis.masses == (0.0,)
    smooth = {name: [*numbered(f"{name}~w", 1, 2), f"{name}=0"] for name in "ac"}
    further = {name: numbered(f"{name}~w", 3, 4) for name in "ac"}
    expected = cross(["a"], ["c", *smooth["c"], *further["c"]])
    expected |= cross(smooth["a"] + further["a"], ["c"])
    expected |= cross(smooth["a"], smooth["c"])
    assert products(a=basis, c=basis) == expected


def test_of_three_actions_there_is_no_product(arms):
    basis = ig.HSGP(m_pair=3, warp=24).freeze("b", arms.summary)
    features = FeatureMap.within(dict.fromkeys("abc", basis), [["a", "b", "c"]]).features
    assert {len(feature.factors) for feature in features} == {0, 1, 2}


def test_without_products_there_are_none(arms, lognormal):
    for name, data in (("b", arms), ("a", lognormal)):
        basis = ig.HSGP(m_pair=0, warp=24).freeze(name, data.summary)
        features = FeatureMap.within({"a": basis, "c": basis}, [["a", "c"]]).features
        assert {len(feature.factors) for feature in features} == {0, 1}


# The normal score


@pytest.fixture(scope="module")
def skewed():
    """An action that is log-normal up to no noise: its rows are quantiles."""

    def draw(n):
        return np.exp(0.4 + 0.5 * quantiles(n))

    return regimes(np.random.default_rng(7), draw, draw, n=2000)


def quantiles(n):
    return special.ndtri((np.arange(n) + 0.5) / n)


def test_an_action_near_normal_has_no_score(arms):
    """It would be the action once more."""
    basis = ig.HSGP(warp=None).freeze("b", arms.summary)
    assert not basis.warp.bent
    assert {function.shape for function in basis.functions} == {"linear", "warped", "smooth"}
    assert [f.name for f in basis.functions if f.shape == "linear"] == [""]


def scores_of(basis, values):
    """The normal score, its square and its cube."""
    labels = [(f.name, f.shape) for f in basis.functions]
    start = labels.index(("~z", "linear"))
    assert labels[start + 1 : start + 3] == [("~z2", "curved"), ("~z3", "curved")]
    return basis.evaluate(values)[:, start : start + 3]


def test_the_score_of_a_log_normal_action_is_its_logarithm(skewed):
    basis = ig.HSGP(warp=None).freeze("a", skewed.summary)
    assert basis.warp.bent
    z = np.linspace(-1.5, 1.5, 31)
    found = scores_of(basis, np.exp(0.4 + 0.5 * z))
    assert_allclose(found[:, 0], z, atol=0.01)
    score = basis.warp.score(np.exp(0.4 + 0.5 * z))
    expected = [score, (score**2 - 1) / np.sqrt(2), (score**3 - 3 * score) / np.sqrt(6)]
    assert_allclose(found, np.transpose(expected), atol=1e-12)


def test_the_curves_are_orthonormal_over_normal_scores(skewed):
    def hermite(z):
        return np.array([np.ones_like(z), z, (z**2 - 1) / np.sqrt(2), (z**3 - 3 * z) / np.sqrt(6)])

    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    table = hermite(nodes)
    assert_allclose((table * weights) @ table.T / np.sqrt(2 * np.pi), np.eye(4), atol=1e-12)
    basis = ig.HSGP(warp=None).freeze("a", skewed.summary)
    # where the scores end with the knots, two rows in a thousand, the cube is held
    z = np.clip(quantiles(2000), *basis.warp.scores[:: len(basis.warp.scores) - 1])
    expected = hermite(z)
    rows = np.column_stack([np.ones(2000), scores_of(basis, np.exp(0.4 + 0.5 * quantiles(2000)))])
    assert_allclose(rows.T @ rows / 2000, expected @ expected.T / 2000, atol=0.01)


def test_a_basis_with_scores_and_levels_survives_json(lognormal, skewed):
    for data in (lognormal, skewed):
        basis = ig.HSGP(warp=None).freeze("a", data.summary)
        again = HSGPBasis.from_dict(json.loads(json.dumps(basis.to_dict())))
        assert again == basis
        assert again.warp.bent
        assert again.functions == basis.functions
        points = np.linspace(-1, 12, 40)
        assert_allclose(again.evaluate(points), basis.evaluate(points), rtol=0, atol=0)


def test_frequent_values_that_differ_by_rounding_have_names_of_their_own():
    low = 0.1 + 0.2  # 0.30000000000000004
    values = np.concatenate([np.full(300, low), np.full(300, 0.3), np.linspace(-1, 1, 400)])
    frame = pd.DataFrame({"a1": values, "y": np.sin(values), "regime": "obs"})
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1"])
    basis = ig.HSGP(warp=None).freeze("a1", data.summary)
    assert basis.masses == (0.3, low)
    assert [f.name for f in basis.functions[-2:]] == ["=0.3", "=0.30000000000000004"]

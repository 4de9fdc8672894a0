"""HSGP features: against the exact kernel and against PyMC's own, the box, products, round trip.

With x in half-widths of the data and all eigenfunctions, the sum of S(w_j) psi_j(x) psi_j(x') over
j is the kernel minus its mirror images in the edges of the box [-c, c] (Poisson summation):

    sum over n of k(x - x' + 4 c n) - k(x + x' + 2 c + 4 c n),

so the approximation differs from the kernel by the images, largest at the corner x = x' = 1 of the
data, and by the eigenfunctions left out, which add up to at most sum over j > m of S(w_j) / c.
"""

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from numpy.testing import assert_allclose

from bayes_intgen import HSGP, ModelError, Polynomial, RegimeData
from bayes_intgen.base.types import Scale
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.hsgp import HSGPBasis
from bayes_intgen.design.design import Design
from bayes_intgen.model.priors import PriorScales

UNIT = Scale(0.0, 1.0)
X = np.linspace(-1, 1, 41)


def density(w, length):
    """Spectral density of a unit squared-exponential kernel."""
    return np.sqrt(2 * np.pi) * length * np.exp(-((length * w) ** 2) / 2)


def kernel(distance, length):
    return np.exp(-((distance / length) ** 2) / 2)


def approximate(m, c, length):
    basis = HSGPBasis(UNIT, UNIT, m, 0, c)
    psi = basis.evaluate(X)[:, 1:]
    w = np.array([function.frequency for function in basis.functions[1:]])
    return (psi * density(w, length)) @ psi.T


def exact(length):
    return kernel(np.subtract.outer(X, X), length)


def with_images(c, length):
    shift = 4 * c * np.arange(-5, 6)
    apart, mirrored = np.subtract.outer(X, X), np.add.outer(X, X) + 2 * c
    terms = kernel(apart[..., None] + shift, length) - kernel(mirrored[..., None] + shift, length)
    return terms.sum(axis=-1)


def left_out(m, c, length):
    return density(np.pi * np.arange(m + 1, m + 500) / (2 * c), length).sum() / c


def summarise(regimes, actions=("a1", "a2", "a3"), seed=0):
    """Summarise normal actions, but for the columns given by regime."""
    rng = np.random.default_rng(seed)
    parts = []
    for label, (n, columns) in regimes.items():
        part = pd.DataFrame(rng.normal(size=(n, len(actions) + 1)), columns=[*actions, "y"])
        parts.append(part.assign(**columns, regime=label))
    return RegimeData.from_frame(pd.concat(parts), "y", actions).summary


# The kernel


@pytest.mark.parametrize("length", [0.3, 0.45, 0.6, 0.9, 1.2])
def test_a_large_basis_gives_the_exact_kernel(length):
    """A box of 3.2 lengthscales (Riutort-Mayol et al.) and enough functions to fill it."""
    assert np.abs(approximate(30, 4.0, length) - exact(length)).max() < 0.01


@pytest.mark.parametrize("c", [1.5, 2.0, 4.0])
@pytest.mark.parametrize("m", [5, 10, 30])
@pytest.mark.parametrize("length", [0.2, 0.3, 0.6, 1.2])
def test_the_error_is_the_mirror_images_and_the_functions_left_out(m, c, length):
    error = approximate(m, c, length) - with_images(c, length)
    assert np.abs(error).max() <= left_out(m, c, length) + 1e-10


@pytest.mark.parametrize(("length", "within"), [(0.26, 0.01), (0.3, 0.01), (0.6, 0.25)])
def test_the_default_sizes_give_the_kernel_up_to_the_first_mirror_image(length, within):
    """In the corner the image is k(2 (c - 1)) = exp(-1 / 2 l^2): 0.0039 at 0.3, 0.249 at 0.6."""
    spec = HSGP(warp=0)
    m, _, _ = spec.sizes(5000)
    error = np.abs(approximate(m, spec.c, length) - exact(length))
    corner = kernel(2 * (spec.c - 1), length)
    assert error.max() <= 1.01 * corner + left_out(m, spec.c, length)
    assert error.max() < within


def test_the_default_sizes_give_the_kernel_in_the_middle_of_the_data():
    spec = HSGP(warp=0)
    m, _, _ = spec.sizes(5000)
    middle = np.abs(X) <= 0.5  # the image is at most k(2 (c - 1/2)) = exp(-2 / 0.36) = 0.0039
    error = np.abs(approximate(m, spec.c, 0.6) - exact(0.6))[np.ix_(middle, middle)]
    assert error.max() < 0.005


def test_features_are_orthonormal_on_the_box():
    nodes, weights = np.polynomial.legendre.leggauss(60)
    box = Scale(-3.0, 0.2)
    edge = 1.5 * box.spread
    psi = HSGPBasis(UNIT, box, 10, 5, 1.5).evaluate(box.centre + edge * nodes)[:, 1:]
    assert_allclose((psi.T * 1.5 * weights) @ psi, np.eye(10), atol=1e-12)


# PyMC, in the unit of the action: its eigenfunctions are normalised in that unit, and so is S

BOXES = [Scale(3.0, 2.0), Scale(-0.01, 0.004)]
LENGTHS = [0.6, 0.35]


def pymc_hsgp(m, c, n_dims, points):
    length = [ell * box.spread for ell, box in zip(LENGTHS[:n_dims], BOXES, strict=False)]
    covariance = pm.gp.cov.ExpQuad(n_dims, ls=length)
    approximation = pm.gp.HSGP(m=[m] * n_dims, c=c, cov_func=covariance)
    phi, root = approximation.prior_linearized(points)
    return phi.eval(), root.eval()


def library_design(m, m_pair, c, actions):
    bases = {a: HSGPBasis(UNIT, box, m, m_pair, c) for a, box in zip(actions, BOXES, strict=False)}
    design = Design.build(bases, {a: tuple(b for b in actions if b != a) for a in actions})
    scales = PriorScales.from_design(design, 3.0)
    log_sd = scales.log_sd(np.zeros(len(design.groups)), np.log(LENGTHS[: len(actions)]))
    return design, np.exp(log_sd)


def test_features_and_prior_scales_equal_those_of_pymc():
    points = np.linspace(1.0, 5.0, 17)[:, None]
    phi, root = pymc_hsgp(8, 1.7, 1, points)
    design, sd = library_design(8, 0, 1.7, ["a1"])
    chosen = design.component("causal") & np.array(
        [w.feature.kind == "wiggly" for w in design.weights]
    )
    found = design.features.evaluate(points)[:, design.positions[chosen]]
    assert_allclose(found, phi * np.sqrt(BOXES[0].spread), atol=1e-12)
    assert_allclose(sd[chosen], root / np.sqrt(BOXES[0].spread), rtol=1e-10)


def test_pair_features_have_the_prior_covariance_of_a_two_dimensional_hsgp_of_pymc():
    grid = np.meshgrid(*[box.centre + box.spread * np.linspace(-1, 1, 6) for box in BOXES])
    points = np.column_stack([column.ravel() for column in grid])
    phi, root = pymc_hsgp(4, 1.5, 2, points)
    design, sd = library_design(6, 4, 1.5, ["a1", "a2"])
    chosen = design.component("bias:a1") & np.array(
        [w.feature.kind == "pair" and w.feature.name != "a1 a2" for w in design.weights]
    )
    ours = design.features.evaluate(points)[:, design.positions[chosen]] * sd[chosen]
    theirs = phi * root
    assert_allclose(ours @ ours.T, theirs @ theirs.T, atol=1e-12)


# The box


def test_the_box_is_the_envelope_of_the_core_ranges():
    wide = np.linspace(-20, 30, 400)
    outlier = np.where(np.arange(20_000) == 7, 1e6, np.random.default_rng(1).normal(size=20_000))
    summary = summarise({"obs": (20_000, {"a1": outlier}), "a1": (400, {"a1": wide})})
    low, high = np.quantile(wide, [0.0005, 0.9995])
    box = HSGP().freeze("a1", summary).box
    assert_allclose([box.centre - box.spread, box.centre + box.spread], [low, high])
    alone = HSGP(c=2.0).freeze("a1", summarise({"obs": (20_000, {"a1": outlier})}))
    assert 6 < alone.limits[1] < 8  # twice the 99.95% quantile of a normal, 3.29


def test_an_action_with_one_value_in_all_but_a_few_rows_takes_its_full_range():
    rare = np.where(np.arange(6000) == 3, 1.0, 0.0)
    basis = HSGP().freeze("a1", summarise({"obs": (6000, {"a1": rare})}))
    assert basis.box == Scale(0.5, 0.5)


def test_beyond_the_box_waves_are_held_and_the_linear_function_runs_on():
    basis = HSGPBasis(Scale(1.0, 2.0), Scale(5.0, 4.0), 10, 5, 1.5)
    low, high = basis.limits
    assert (low, high) == (-1.0, 11.0)
    found = basis.evaluate(np.array([low, low - 1, low - 1e9, high, high + 1, high + 1e9]))
    assert_allclose(found[:, 1:], 0, atol=1e-14)
    assert_allclose(found[:, 0], [-1, -1.5, -1 - 5e8, 5, 5.5, 5 + 5e8])


# The features


@pytest.mark.parametrize(("m", "m_pair"), [(10, 5), (4, 4), (3, 0)])
@pytest.mark.parametrize("scopes", [[], [("a1", "a3")], [("a1", "a2", "a3")]])
def test_number_and_kind_of_features(m, m_pair, scopes):
    """Products are of two waves j <= m_pair or of two trends; a scope of three has no others."""
    pairs = [pair for scope in scopes for pair in combinations(scope, 2)]
    bases = dict.fromkeys(["a1", "a2", "a3"], HSGPBasis(UNIT, UNIT, m, m_pair, 1.5))
    features = FeatureMap.within(bases, [["a1"], ["a2"], ["a3"], *scopes]).features
    bilinear = {f"{a} {b}" for a, b in pairs if m_pair}
    assert len(features) == 3 * (1 + m) + len(pairs) * m_pair**2 + len(bilinear) + 1
    found = {f.name for f in features if f.kind == "pair"}
    numbers = range(1, m_pair + 1)
    waves = {f"{a}~{i} {b}~{j}" for a, b in pairs for i in numbers for j in numbers}
    assert found == bilinear | waves


def test_a_polynomial_and_an_hsgp_share_the_interaction_budget():
    summary = summarise({"obs": (100, {})}, ["a1", "a2"])
    chosen = {"a1": HSGP(m=4, m_pair=2, warp=0), "a2": Polynomial(2)}
    names = FeatureMap.within(freeze_bases(chosen, ["a1", "a2"], summary), [["a1", "a2"]]).names
    single = {"1", "a1", "a1~1", "a1~2", "a1~3", "a1~4", "a2", "a2^2"}
    assert set(names) == single | {"a1 a2", "a1~1 a2", "a1~2 a2"}


def test_the_unit_of_an_action_does_not_matter():
    values = np.random.default_rng(2).normal(size=(300, 3))
    shift, factor = np.array([1e4, -7.0, 0.0]), np.array([1e3, 1e-5, 40.0])

    def features(unit):
        columns = {f"a{k + 1}": unit[:, k] for k in range(3)}
        summary = summarise({"obs": (300, columns)})
        bases = freeze_bases(HSGP(), ["a1", "a2", "a3"], summary)
        return FeatureMap.within(bases, [["a1", "a2"], ["a3"]]).evaluate(1.3 * unit - 0.3 * unit[0])

    assert_allclose(features(values * factor + shift), features(values), atol=1e-8)


def test_a_feature_map_survives_json():
    summary = summarise({"obs": (100, {})}, ["a1", "a2"])
    chosen = {"a1": HSGP(m=np.int64(6), m_pair=3, c=2), "a2": Polynomial(3)}
    bases = freeze_bases(chosen, ["a1", "a2"], summary)
    features = FeatureMap.within(bases, [["a1", "a2"]])
    again = FeatureMap.from_dict(json.loads(json.dumps(features.to_dict())))
    assert again == features
    assert all(spec.made(again.bases[action]) for action, spec in chosen.items())
    assert not HSGP().made(again.bases["a1"])


@pytest.mark.parametrize(
    ("argument", "bad"),
    [
        *(("m", value) for value in (0, -1, 1001, 2.0, True, "3")),
        *(("m_pair", value) for value in (-1, 1001, 0.5)),
        *(("warp", value) for value in (-1, 1001, 0.5, False, "24")),
        *(("c", value) for value in (1, 0.5, float("nan"), float("inf"), "2", None, True)),
    ],
)
def test_bad_sizes_are_refused(argument, bad):
    with pytest.raises(ModelError, match=rf"^{argument} must be .*got {bad!r}\.$"):
        HSGP(**{argument: bad})


def auto(**sizes):
    """Ask for sizes by the number of rows, but for those given."""
    return HSGP(**{"m": None, "m_pair": None, "warp": None, **sizes})


@pytest.mark.parametrize(
    ("sizes", "rule"),
    [
        ({"warp": 0}, "m = 10"),
        ({"m": 3, "warp": 0}, "m = 3"),
        ({"m": 20, "warp": 10}, "warp = 10"),
    ],
)
def test_no_more_functions_are_multiplied_than_there_are(sizes, rule):
    with pytest.raises(ModelError, match=rf"^m_pair must be at most {rule}, got 11\.$"):
        auto(m_pair=11, **sizes)
    assert auto(m_pair=11).sizes(10)[1:] == (11, 16)  # unknown until the rows are


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (0, (4, 2, 16)),  # as with ten
        (10, (4, 2, 16)),
        (1000, (5, 3, 22)),
        (5000, (6, 3, 24)),
        (10**5, (7, 4, 28)),
        (10**6, (8, 4, 31)),
    ],
)
def test_sizes_follow_the_number_of_rows(rows, expected):
    assert auto().sizes(rows) == expected
    m, m_pair, warp = expected
    assert auto(m=40).sizes(rows) == (40, m_pair, warp)
    assert auto(m_pair=0).sizes(rows) == (m, 0, warp)
    assert auto(warp=1).sizes(rows) == (m, 1, 1)  # no more products than functions
    assert auto(warp=0).sizes(rows) == (10, 5, 0)
    assert auto(m=4, warp=0).sizes(rows) == (4, 4, 0)


def test_many_actions_have_fewer_functions_each():
    assert auto().sizes(5000, 3) == auto().sizes(5000)
    assert auto().sizes(60_000, 5) == (7, 3, 16)
    assert auto().sizes(90_000, 8) == (6, 2, 10)
    assert auto().sizes(200_000, 20) == (4, 2, 4)
    assert auto(warp=0).sizes(200_000, 20) == (10, 5, 0)


def test_the_rows_of_all_regimes_set_the_sizes():
    summary = summarise({"obs": (400, {}), "a1": (350, {}), "a2": (250, {})})
    basis = auto().freeze("a1", summary)
    assert (basis.m, basis.m_pair, basis.m_warp) == (5, 3, 22)


def test_a_frozen_basis_is_of_the_kind_that_made_it():
    """A size that is None is any; of further rows, the sizes of the first stay."""
    few, many = (summarise({"obs": (n, {}), "a1": (n, {})}) for n in (50, 2000))
    specs = [
        auto(),
        auto(m=7),
        auto(m_pair=1),
        auto(m_pair=50),  # more than there are functions at these rows
        auto(warp=12),
        auto(m=7, m_pair=1, warp=12),
        auto(c=2.0),
        auto(warp=0),
        auto(m=7, warp=0),
    ]
    for spec in specs:
        for summary in (few, many):
            assert spec.made(spec.freeze("a1", summary))
    sizes = {auto().freeze("a1", summary).m_warp for summary in (few, many)}
    assert len(sizes) == 2
    full = specs[5].freeze("a1", many)
    assert [spec.made(full) for spec in specs] == [
        True, True, True, False, True, True, False, False, False
    ]  # fmt: skip
    raw = specs[7].freeze("a1", many)  # as of 0.1
    assert [spec.made(raw) for spec in specs] == [
        True, False, False, False, False, False, False, True, False
    ]  # fmt: skip
    raw = specs[-1].freeze("a1", many)
    assert [spec.made(raw) for spec in specs] == [True, True, *[False] * 6, True]
    assert not auto(m=6).made(full)
    assert not auto(m_pair=2).made(full)
    assert not auto(warp=13).made(full)

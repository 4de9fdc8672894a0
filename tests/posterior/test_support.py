"""The support flags on summaries made by hand."""

import numpy as np
import pytest
from scipy import stats

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.support_flags import EXTRAPOLATED, OUTSIDE, SUPPORTED
from bayes_intgen.data.regime_summary import RegimeSummary, ThinnedSample
from bayes_intgen.data.summary import Summary
from bayes_intgen.posterior.support import classify_support

ALONE = {"a": (), "b": ()}
A_TO_B = {"a": (), "b": ("a",)}
BOTH_WAYS = {"a": ("b",), "b": ("a",)}


def cloud(reach, covariance=((1.0, 0.0), (0.0, 1.0)), mean=(0.0, 0.0), n=100):
    """Return a regime whose actions (a, b) range from -reach to reach."""
    scatter = np.eye(3)
    scatter[:2, :2] = covariance
    high = np.array([*reach, 9.0])
    moments = CentredMoments(n, float(n), np.array([*mean, 0.0]), n * scatter)
    rows = ThinnedSample(np.empty((0, 3)))
    return RegimeSummary(moments, -high, high, rows, stored_core=np.array([-high, high]))


def flags(points, do, regimes, parents):
    summary = Summary(("a", "b"), "y", regimes)
    return classify_support(np.array(points, dtype=float), do, summary, parents).tolist()


RANGES = {
    (): cloud((1, 1)),
    ("a",): cloud((2, 1)),
    ("b",): cloud((1, 3)),
    ("a", "b"): cloud((4, 4)),
}
SINGLE = {regime: RANGES[regime] for regime in [(), ("a",), ("b",)]}


# Actions that are set


def test_a_set_action_must_lie_where_regimes_set_it():
    points = [(2, 3), (-2, -3), (2.1, 0), (0, -3.1)]
    found = flags(points, ("a", "b"), SINGLE, ALONE)
    assert found == [SUPPORTED, SUPPORTED, OUTSIDE, OUTSIDE]


def test_the_range_of_other_regimes_is_not_enough():
    regimes = {(): cloud((5, 5)), ("a",): cloud((2, 5)), ("b",): cloud((5, 3))}
    found = flags([(2, 3), (2.1, 0), (0, 3.1), (5.1, 0)], ("a", "b"), regimes, ALONE)
    assert found == [SUPPORTED, EXTRAPOLATED, EXTRAPOLATED, OUTSIDE]


def test_regimes_that_set_several_actions_count_for_each():
    regimes = {**SINGLE, ("a", "b"): cloud((4, 4))}
    assert flags([(2, -2)], ("a", "b"), regimes, BOTH_WAYS) == [SUPPORTED]
    assert flags([(2, -2)], ("a", "b"), SINGLE, BOTH_WAYS) == [EXTRAPOLATED]


def test_a_parent_must_also_lie_where_regimes_set_its_child():
    # A bias of b that depends on a is seen only where experiments on b have a.
    points = [(1, 3), (1.5, 0), (2, 3)]
    assert flags(points, ("a", "b"), SINGLE, ALONE) == [SUPPORTED] * 3
    found = flags(points, ("a", "b"), SINGLE, A_TO_B)
    assert found == [SUPPORTED, EXTRAPOLATED, EXTRAPOLATED]
    assert flags([(1, 1), (1, 3)], ("a", "b"), SINGLE, BOTH_WAYS) == [SUPPORTED, EXTRAPOLATED]
    # When b is not set, the experiments on a show the effect and the bias together.
    assert flags(points[:2], ("a",), SINGLE, A_TO_B) == [SUPPORTED, SUPPORTED]


def test_an_action_that_no_regime_sets_is_never_supported():
    regimes = {(): SINGLE[()], ("b",): SINGLE["b",]}
    assert flags([(0, 0)], ("a",), regimes, ALONE) == [EXTRAPOLATED]
    assert flags([(0, 0)], ("b",), regimes, ALONE) == [SUPPORTED]


# Actions that are not set


@pytest.mark.parametrize("dimension", [1, 2])
def test_the_cloud_ends_at_its_999_permille_quantile(dimension):
    regimes = {(): cloud((10, 10))}
    radius = stats.chi2.ppf(0.999, dimension) ** 0.5
    direction = np.array([0.6, 0.8]) if dimension == 2 else np.array([1.0, 0.0])
    points = [0.9999 * radius * direction, 1.0001 * radius * direction]
    parents = BOTH_WAYS if dimension == 2 else ALONE
    assert flags(points, (), regimes, parents) == [SUPPORTED, EXTRAPOLATED]


def test_a_joint_cloud_excludes_what_each_action_alone_allows():
    regimes = {(): cloud((10, 10), covariance=((1, 0.99), (0.99, 1)))}
    points = [(2, 2), (2, -2)]
    assert flags(points, (), regimes, A_TO_B) == [SUPPORTED, EXTRAPOLATED]
    assert flags(points, (), regimes, ALONE) == [SUPPORTED, SUPPORTED]


def test_any_regime_that_leaves_the_action_alone_will_do():
    far = {(): cloud((20, 20)), ("a",): cloud((20, 20), mean=(10, 0))}
    assert flags([(10, 0), (0, 0), (5, 0)], ("a",), far, A_TO_B) == [
        SUPPORTED,
        SUPPORTED,
        EXTRAPOLATED,
    ]
    # With nothing set, the experiment on a says nothing about the bias of a.
    assert flags([(10, 0)], (), far, A_TO_B) == [EXTRAPOLATED]


def test_units_do_not_matter():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(400, 3))
    rows[:, 1] += rows[:, 0]
    points = rng.normal(scale=2.5, size=(200, 2))
    found = []
    for units in ([1.0, 1.0], [1e-6, 1e7]):
        regimes = {(): RegimeSummary.from_rows(rows * [*units, 1.0])}
        found.append(flags(points * units, (), regimes, A_TO_B))
    assert found[0] == found[1]
    assert set(found[0]) == {SUPPORTED, EXTRAPOLATED, OUTSIDE}


def test_actions_that_move_together_support_only_their_line():
    rows = np.random.default_rng(1).normal(size=(100, 3))
    rows[:, 1] = 2 * rows[:, 0]
    regimes = {(): RegimeSummary.from_rows(rows)}
    assert flags([(1, 2), (1, 1), (0.5, -1)], (), regimes, A_TO_B) == [
        SUPPORTED,
        EXTRAPOLATED,
        EXTRAPOLATED,
    ]


def test_an_action_that_is_constant_in_a_regime_supports_only_that_value():
    rows = np.random.default_rng(1).normal(size=(100, 3))
    constant = rows * [0, 1, 1] + [0.3, 0, 0]
    regimes = {r: RegimeSummary.from_rows(v) for r, v in [((), constant), (("a",), rows)]}
    assert flags([(0.3, 0), (0.4, 0)], (), regimes, ALONE) == [SUPPORTED, EXTRAPOLATED]


# Both


def test_a_mixed_effect_needs_both():
    regimes = {
        (): cloud((1, 8), covariance=((0.1, 0.0), (0.0, 1.0))),
        ("a",): cloud((4, 8), covariance=((2.0, 0.0), (0.0, 1.0))),
        ("b",): cloud((9, 8), covariance=((0.1, 0.0), (0.0, 4.0))),
    }
    points = [(1, 1), (3, 1), (5, 1), (1, 5), (1, 8.5)]
    for parents in (ALONE, A_TO_B):
        found = flags(points, ("a",), regimes, parents)
        assert found == [SUPPORTED, SUPPORTED, EXTRAPOLATED, EXTRAPOLATED, OUTSIDE]


@pytest.mark.parametrize("regime", [(), ("a",), ("b",)])
def test_the_rows_of_a_regime_support_its_own_effect(regime):
    rng = np.random.default_rng(1)
    rows = {r: rng.uniform(-1, 1, size=(200, 3)) for r in SINGLE}
    rows["a",][:, 0] *= 3
    rows["b",][:, 1] *= 3
    regimes = {r: RegimeSummary.from_rows(v) for r, v in rows.items()}
    found = flags(rows[regime][:, :2], regime, regimes, BOTH_WAYS)
    assert found.count(SUPPORTED) >= 0.99 * len(found)  # but for the outermost rows


def test_telling_effect_from_bias_needs_rows_that_set_neither():
    """Both experiments reach 3, the observational rows do not: m_a + m_b - m_obs is unknown."""
    regimes = {(): cloud((1, 3)), ("a",): cloud((3, 3)), ("b",): cloud((3, 3))}
    points = [(0.5, 2.0), (2.0, 2.0)]
    assert flags(points, ("a", "b"), regimes, ALONE) == [SUPPORTED, SUPPORTED]
    assert flags(points, ("a", "b"), regimes, A_TO_B) == [SUPPORTED, EXTRAPOLATED]


def test_one_outlier_does_not_make_support():
    rng = np.random.default_rng(2)
    rows = {r: rng.uniform(-1, 1, size=(5000, 3)) for r in SINGLE}
    rows["a",][0, 0] = 1000.0
    regimes = {r: RegimeSummary.from_rows(v) for r, v in rows.items()}
    assert flags([(500.0, 0.0), (0.9, 0.0)], ("a", "b"), regimes, ALONE) == [
        EXTRAPOLATED,
        SUPPORTED,
    ]

"""Centred moments against an oracle in extended precision."""

from functools import reduce

import numpy as np
import pytest

from bayes_intgen.base.centred_moments import CentredMoments


def oracle(rows):
    """Return mean and scatter, computed in extended precision."""
    rows = rows.astype(np.longdouble)
    mean = rows.mean(axis=0)
    return mean, (rows - mean).T @ (rows - mean)


def draw(offset, n=5000):
    rows = np.random.default_rng(1).normal(size=(n, 3)) * [1.0, 0.1, 20.0]
    rows[:, 2] += rows[:, 0]
    return rows + offset


def merged(parts):
    return reduce(CentredMoments.merge, map(CentredMoments.from_rows, parts))


def assert_moments(moments, rows, rtol):
    mean, scatter = oracle(rows)
    scale = np.sqrt(np.outer(np.diag(scatter), np.diag(scatter))).astype(float)
    spread = np.sqrt(np.diag(scatter) / len(rows)).astype(float)
    assert moments.n == len(rows)
    np.testing.assert_allclose((moments.mean - mean) / (np.abs(mean) + spread), 0, atol=1e-14)
    np.testing.assert_allclose((moments.scatter - scatter) / scale, 0, atol=rtol)
    np.testing.assert_array_equal(moments.scatter, moments.scatter.T)


@pytest.mark.parametrize("offset", [0.0, -1e3, 1e6, 1e9])
def test_an_offset_costs_no_digits(offset):
    rows = draw(offset)
    assert_moments(CentredMoments.from_rows(rows), rows, rtol=1e-14)


@pytest.mark.parametrize("parts", [2, 7, 100, 5000])
@pytest.mark.parametrize("offset", [0.0, -1e3, 1e6, 1e9])
def test_merged_moments_are_those_of_all_rows(parts, offset):
    rows = draw(offset)
    least_sd = 0.1
    rounding = np.finfo(float).eps * abs(offset) / least_sd  # of the means that are merged
    assert_moments(merged(np.array_split(rows, parts)), rows, rtol=1e-12 + rounding)


def test_raw_sums_of_squares_would_fail():
    rows = draw(1e9)
    raw = rows.T @ rows - len(rows) * np.outer(rows.mean(axis=0), rows.mean(axis=0))
    with pytest.raises(AssertionError):
        assert_moments(
            CentredMoments(len(rows), float(len(rows)), rows.mean(axis=0), raw), rows, rtol=0.01
        )


def test_merging_parts_with_different_means():
    parts = [draw(offset, n) for offset, n in [(0.0, 1), (100.0, 1000), (-3.0, 17)]]
    assert_moments(merged(parts), np.concatenate(parts), rtol=1e-12)
    assert_moments(merged(parts[::-1]), np.concatenate(parts), rtol=1e-12)


def test_no_rows_are_neutral():
    moments, nothing = CentredMoments.from_rows(draw(5.0)), CentredMoments.empty(3)
    assert nothing.merge(moments) is moments
    assert moments.merge(nothing) is moments
    assert CentredMoments.from_rows(np.empty((0, 3))).n == nothing.merge(nothing).n == 0
    assert not nothing.covariance.any()


def test_constant_columns_have_no_scatter_at_all():
    rows = np.full((100, 2), 0.1)
    assert not merged(np.array_split(rows, 3)).scatter.any()


def test_selected_columns_are_those_of_the_selected_rows():
    rows = draw(3.0)
    columns = np.array([2, 0])
    found = CentredMoments.from_rows(rows).select(columns)
    assert_moments(found, rows[:, columns], rtol=1e-14)


def test_covariance_has_the_divisor_n():
    rows = draw(0.0)
    expected = np.cov(rows.T, bias=True)
    np.testing.assert_allclose(CentredMoments.from_rows(rows).covariance, expected, rtol=1e-10)

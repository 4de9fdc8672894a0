"""Packed symmetric matrices against full ones."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bayes_intgen.model.conditional import add_square, diagonal, factorise, pack, unpack


@pytest.fixture(params=[1, 2, 7, 8, 65])
def matrix(request):
    """Positive definite, its diagonal from 1e-4 to 1e34, as precisions of weights are."""
    rng = np.random.default_rng(request.param)
    root = rng.normal(size=(request.param, 2 * request.param))
    size = 10.0 ** rng.uniform(-2, 17, size=request.param)
    return (root @ root.T) * np.outer(size, size)


def test_packing_loses_nothing(matrix):
    packed = pack(matrix)
    assert_array_equal(unpack(packed, len(matrix)), np.tril(matrix) + np.tril(matrix, -1).T)
    assert_array_equal(packed[diagonal(len(matrix))], np.diag(matrix))


def test_a_factor_does_what_the_full_one_does(matrix):
    """Up to rounding relative to each row and column, whatever their size."""
    size, packed = len(matrix), pack(matrix)
    scale = np.sqrt(np.diag(matrix))
    factor, rng = factorise(packed, size), np.random.default_rng(2)
    lower = factor.lower
    assert_allclose(lower @ lower.T / np.outer(scale, scale), matrix / np.outer(scale, scale))
    assert_array_equal(packed, pack(matrix))  # which is left alone
    assert_allclose(factor.log_det, np.linalg.slogdet(matrix)[1], rtol=1e-9)
    correlation = np.linalg.inv(matrix / np.outer(scale, scale))
    inverse = unpack(factor.inverse(), size) * np.outer(scale, scale)
    assert_allclose(inverse, correlation, rtol=1e-6, atol=1e-9)
    vector, rows = rng.normal(size=size), rng.normal(size=(3, size))
    expected = correlation @ vector
    assert_allclose(factor.solve(scale * vector) * scale, expected, rtol=1e-6, atol=1e-9)
    assert_allclose(factor.divide(rows) @ lower, rows, atol=1e-9)
    found = factor.divide(rows * scale, transposed=True) @ lower.T / scale
    assert_allclose(found, rows, atol=1e-9)


def test_squares_are_added(matrix):
    vector = np.sqrt(np.diag(matrix))
    found = unpack(add_square(pack(matrix), vector), len(matrix))
    assert_allclose(found, matrix + np.outer(vector, vector), rtol=1e-12)


def test_what_is_not_positive_definite_is_said():
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        factorise(pack(np.array([[1.0, 2.0], [2.0, 1.0]])), 2)

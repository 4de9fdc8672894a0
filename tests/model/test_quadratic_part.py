"""The operation behind the speed of NUTS, against the formulas of its docstring."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from numpy.testing import assert_allclose

from bayes_intgen.model.conditional import diagonal, pack
from bayes_intgen.model.quadratic_part import _corners, quadratic_part, value_and_slopes

REGIMES, SIZE = 3, 17


def make_sums():
    """Sums of products of three regimes, in which some weights take no part."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(REGIMES, 40, SIZE)) * np.geomspace(1e-3, 1e3, SIZE)
    rows[1, :, 4:9] = rows[2, :, :3] = 0.0
    gram = np.einsum("rni,rnj->rij", rows, rows)
    return gram, np.einsum("rni,rn->ri", rows, rng.normal(size=(REGIMES, 40)))


def slow(w, lam, gram, cross):
    """Value and gradient, one matrix after the other."""
    c = np.linalg.inv(np.diag(lam) + np.tensordot(w, gram, 1))
    b = w @ cross
    m = c @ b
    value = 0.5 * b @ m + 0.5 * np.linalg.slogdet(c)[1]
    by_w = [m @ b - 0.5 * (np.trace(c @ g) + m @ g @ m) for g, b in zip(gram, cross, strict=True)]
    return value, by_w, -0.5 * (np.diag(c) + m**2)


def compile_operation(mode):
    inputs = [pt.dvector(), pt.dvector(), pt.dmatrix(), pt.dmatrix()]
    return pytensor.function(inputs, quadratic_part(*inputs), mode=mode)


@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
def test_value_and_gradient_equal_the_formulas(mode):
    gram, cross = make_sums()
    rng = np.random.default_rng(2)
    w, lam = np.exp(rng.normal(size=REGIMES)), np.exp(3 * rng.normal(size=SIZE))
    packed = np.array([pack(one) for one in gram])
    before = packed.copy()
    found = compile_operation(mode)(w, lam, packed, cross)
    for output, expected in zip(found, slow(w, lam, gram, cross), strict=True):
        assert_allclose(output, expected, rtol=1e-8)
    assert_allclose(packed, before, rtol=0)  # the sums are shared by all chains


def test_gradient_passes_through_the_value_only():
    gram, cross = make_sums()
    w, lam = pt.dvector(), pt.dvector()
    value, *_ = quadratic_part(w, lam, np.array([pack(one) for one in gram]), cross)
    function = pytensor.function([w, lam], pt.grad(3 * value, [w, lam]))
    at = np.array([0.5, 1.0, 2.0]), np.geomspace(0.1, 10, SIZE)
    for found, expected in zip(function(*at), slow(*at, gram, cross)[1:], strict=True):
        assert_allclose(found, 3 * np.asarray(expected), rtol=1e-8)


def test_a_matrix_that_cannot_be_factorised_is_never_taken_for_a_good_one():
    gram = np.array([[[1.0, 2.0], [2.0, 1.0]]])  # indefinite
    outputs = compile_operation("NUMBA")(
        np.ones(1), np.full(2, 0.1), np.array([pack(gram[0])]), np.ones((1, 2))
    )
    assert not any(np.isfinite(output).any() for output in outputs)


@pytest.mark.parametrize("size", [1, 2, 5, 8, 17])
def test_slopes_have_32_bits_and_values_64(size):
    """In even and odd sizes, which are packed in different ways."""
    gram, cross = make_sums()
    gram, cross = gram[:, :size, :size], cross[:, :size]
    rng = np.random.default_rng(3)
    w, lam = np.exp(rng.normal(size=REGIMES)), np.exp(3 * rng.normal(size=size))
    value, by_lam = value_and_slopes(w, lam, np.array([pack(one) for one in gram]), cross.copy())
    expected, _, exact = slow(w, lam, gram, cross)
    assert_allclose(value, expected, rtol=1e-10)
    assert_allclose(by_lam, exact, rtol=1e-5)
    assert size == 1 or not np.array_equal(by_lam, exact)


@pytest.mark.parametrize("size", range(1, 8))
def test_the_diagonal_is_found_in_even_and_odd_sizes(size):
    assert _corners(size).tolist() == diagonal(size).tolist()

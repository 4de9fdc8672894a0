"""The operation behind the speed of NUTS."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from numpy.testing import assert_allclose

from bayes_intgen.model.cholesky_inverse import cholesky_inverse


@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_inverse_of_a_matrix_from_its_factor(mode, order):
    rows = np.random.default_rng(1).normal(size=(40, 7))
    matrix = rows.T @ rows
    x = pt.dmatrix()
    function = pytensor.function([x], cholesky_inverse(x), mode=mode)
    factor = np.asarray(np.linalg.cholesky(matrix), order=order)
    before = factor.copy()
    assert_allclose(function(factor), np.linalg.inv(matrix), rtol=1e-10)
    assert_allclose(factor, before, rtol=0)


def test_a_singular_factor_is_never_taken_for_a_good_one():
    x = pt.dmatrix()
    factor = np.diag([1.0, 0.0, 2.0])
    fast = pytensor.function([x], cholesky_inverse(x), mode="NUMBA")
    assert not np.isfinite(fast(factor)).all()
    plain = pytensor.function([x], cholesky_inverse(x), mode="FAST_COMPILE")
    with pytest.raises(np.linalg.LinAlgError):
        plain(factor)

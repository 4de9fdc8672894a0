"""Polynomial mechanisms: evaluation and averages against sums written out."""

import numpy as np
import pytest

from bayes_intgen.base.errors import ModelError, QueryError
from bayes_intgen.scm import Noise, Polynomial
from bayes_intgen.scm.polynomial_draw import draw_polynomial


def test_polynomial_agrees_with_the_sum_written_out():
    rng = np.random.default_rng(2)
    polynomial = draw_polynomial(4, rng, degree=3)
    x = rng.normal(size=(50, 4))
    products = np.prod(x[:, None, :] ** np.array(polynomial.powers), axis=2)
    np.testing.assert_allclose(polynomial(x), products @ polynomial.coefficients)


def test_average_over_the_last_input_by_hand():
    # 3 a + 2 a c + 5 c^2 with E[c] = 0 and E[c^2] = 0.25
    polynomial = Polynomial(((1, 0), (1, 1), (0, 2)), (3.0, 2.0, 5.0))
    averaged = polynomial.average_last(Noise("logistic", 0.5))
    np.testing.assert_allclose(averaged(np.array([[0.0], [2.0]])), [1.25, 7.25])


def test_polynomial_refuses_bad_arguments():
    for powers, coefficients in [
        ((), ()),
        (((0, 1), (1,)), (1.0, 1.0)),
        (((1, -1),), (1.0,)),
        (((1,),), (1.0, 2.0)),
    ]:
        with pytest.raises(ModelError, match="powers must hold"):
            Polynomial(powers, coefficients)
    with pytest.raises(QueryError, match=r"x must have shape \(n, 2\), got \(3, 1\)"):
        Polynomial(((1, 1),), (1.0,))(np.zeros((3, 1)))

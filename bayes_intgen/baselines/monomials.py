"""Standardised monomials of the actions, from the moments of orthogonal polynomials.

The authors of the paper expand the actions first and standardise after: their features are

    x_j = (m_j - mean m_j) / D_j,     m_j = prod_k a_k^p_jk,     1 <= sum_k p_jk <= degree,

with mean and standard deviation D_j (divisor n) over the rows of the fit. Moments of m itself lose
their digits when an action has a large offset (a, a^2 and a^3 are then all but proportional), and
ridge regression is not invariant to the basis, so the choice matters. Kept are therefore moments
of the Hermite polynomials phi of z_k = (a_k - centre_k) / spread_k, which span the same functions,

    m = t + T phi,     x = D^-1 T (phi - mean phi),     T[j, i] = prod_k T_k[p_jk, p_ik],

where T_k expands the powers of one action (in units of its spread, which x does not see) in the
polynomials of z_k. T and its inverse are products of short sums, each term exact to rounding.
Predictions x'w are phi'c with w = D T'^-1 c, so every penalty on w is a penalty on c.
"""

from dataclasses import dataclass, field
from math import comb, factorial, sqrt
from typing import Self

import numpy as np
from numpy.polynomial import hermite_e

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.polynomial import PolynomialBasis

__all__ = ["Monomials", "powers_of"]

LEAST_VARIANCE = 1e-13  # of a monomial, over that of its terms; below it is constant


@dataclass(frozen=True)
class Monomials:
    """The map between monomials and orthogonal polynomials, in the order of a feature map.

    Parameters
    ----------
    powers
        The power p_jk of each action in each monomial, the constant left out; (monomials, K).
    expansion
        T: monomials in terms of polynomials, both without their constants.
    inverse
        T^-1.
    """

    powers: Indices
    expansion: Array = field(repr=False)
    inverse: Array = field(repr=False)

    @classmethod
    def of(cls, features: FeatureMap) -> Self:
        """Return the map for features that are products of polynomials of single actions.

        Raises
        ------
        ModelError
            If a basis is another one.
        """
        powers = powers_of(features)
        expansion = np.ones((len(powers), len(powers)))
        inverse = expansion.copy()
        for k, basis in enumerate(features.bases.values()):
            assert isinstance(basis, PolynomialBasis)
            ratio = basis.scale.centre / basis.scale.spread
            forward, backward = _expand_powers(ratio, basis.degree)
            rows, columns = powers[:, k, None], powers[None, :, k]
            expansion *= forward[rows, columns]
            inverse *= backward[rows, columns]
        return cls(powers[1:], expansion[1:, 1:], inverse[1:, 1:])

    def spreads(self, moments: CentredMoments) -> Array:
        """Return D, in units of the actions' spreads; zero where a monomial is constant.

        The moments are those of the polynomials without their constant, then of the outcome.
        """
        scatter = moments.scatter[:-1, :-1]
        squares = np.einsum("ji,ik,jk->j", self.expansion, scatter, self.expansion, optimize=True)
        terms = (np.abs(self.expansion) @ np.sqrt(np.diag(scatter))) ** 2
        squares[squares <= LEAST_VARIANCE * terms] = 0.0
        return np.asarray(np.sqrt(squares / moments.weight))


def powers_of(features: FeatureMap) -> Indices:
    """Return the degree of each feature in each action, shape (features, K).

    Raises
    ------
    ModelError
        If a basis is not a polynomial one.
    """
    others = {
        action: basis.to_dict()["kind"]
        for action, basis in features.bases.items()
        if not isinstance(basis, PolynomialBasis)
    }
    if others:
        raise ModelError(
            f"data: a polynomial regression needs moments of polynomials, but the basis of these "
            f"is {others}. Compute them with Moments.from_data(data, basis=Polynomial(degree))."
        )
    powers = np.zeros((len(features.features), len(features.bases)), dtype=np.intp)
    position = {action: k for k, action in enumerate(features.bases)}
    for row, feature in enumerate(features.features):
        for action, degree_less_one in feature.factors:
            powers[row, position[action]] = degree_less_one + 1
    return powers


def _expand_powers(ratio: float, degree: int) -> tuple[Array, Array]:
    """Expand (ratio + z)^p, p = 0..degree, in normalised Hermite polynomials of z, and back."""
    size = degree + 1
    to_hermite, to_powers, shift, unshift = (np.zeros((size, size)) for _ in range(4))
    for p in range(size):
        unit = np.eye(size)[p, : p + 1]
        norms = np.array([sqrt(factorial(d)) for d in range(p + 1)])
        to_hermite[p, : p + 1] = hermite_e.poly2herme(unit) * norms
        to_powers[p, : p + 1] = hermite_e.herme2poly(unit) / norms[p]
        shift[p, : p + 1] = [comb(p, d) * ratio ** (p - d) for d in range(p + 1)]
        unshift[p, : p + 1] = [comb(p, d) * (-ratio) ** (p - d) for d in range(p + 1)]
    return shift @ to_hermite, to_powers @ unshift

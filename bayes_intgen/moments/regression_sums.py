"""Sums of one regime that inference works with: of products, and of squared residuals.

Those of products, for a regression with a constant, follow from moments that were kept centred.
Those of squared residuals hold whether or not the variance model does: with rows phi_i of features,
row weights omega_i and residuals e_i of a first fit, kept are

    sum omega_i^2 e_i^2 phi_i phi_i',      sum omega_i e_i^2 phi_i,      sum omega_i e_i^4,

and sum e_i^2. The first is the middle of the sandwich covariance of White (1980), "A
heteroskedasticity-consistent covariance matrix estimator and a direct test for heteroskedasticity",
Econometrica 48; the next two, with the weighted moments of the features, are those of a regression
of e^2 on the features.
"""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.types import Array, Indices

__all__ = ["RegressionMoments", "ResidualMoments"]


@dataclass(frozen=True)
class RegressionMoments:
    """Sums of products of the features (with the constant) and the outcome in one regime.

    All sums are weighted if the rows are.
    """

    n: int  # number of rows
    gram: Array  # sum phi phi', shape (features, features)
    cross: Array  # sum phi y, shape (features,)
    square: float  # sum y^2, with y in standard units

    @classmethod
    def from_centred(cls, moments: CentredMoments) -> Self:
        """Undo the centring of the moments of (phi without its constant, y)."""
        total = moments.weight
        raw = moments.scatter + total * np.outer(moments.mean, moments.mean)
        sums = total * moments.mean
        gram = np.block(
            [[np.full((1, 1), total), sums[None, :-1]], [sums[:-1, None], raw[:-1, :-1]]]
        )
        return cls(moments.n, gram, np.concatenate([sums[-1:], raw[:-1, -1]]), float(raw[-1, -1]))


@dataclass(frozen=True)
class ResidualMoments:
    """Sums over the rows of one regime, residuals in standard units of the outcome."""

    n: int  # number of rows
    meat: Array = field(repr=False)  # sum omega^2 e^2 phi phi', shape (features, features)
    cross: Array = field(repr=False)  # sum omega e^2 phi, shape (features,)
    fourth: float  # sum omega e^4
    square: float  # sum e^2, not weighted

    @classmethod
    def from_columns(
        cls, phi: Array, residual: Array, row_weights: Array, work: Array | None = None
    ) -> "ResidualMoments":
        """Sum over rows, which are columns here.

        Parameters
        ----------
        phi
            Features, shape (features, n).
        residual, row_weights
            Shape (n,).
        work
            An array of the shape of ``phi`` that may be overwritten.
        """
        scaled = np.multiply(phi, row_weights * residual, out=work)
        squares = residual**2
        weighted = row_weights * squares
        fourth, square = float(weighted @ squares), float(squares.sum())
        return cls(phi.shape[1], scaled @ scaled.T, phi @ weighted, fourth, square)

    def merge(self, other: "ResidualMoments") -> "ResidualMoments":
        """Return the sums over the rows of both."""
        return ResidualMoments(
            self.n + other.n,
            self.meat + other.meat,
            self.cross + other.cross,
            self.fourth + other.fourth,
            self.square + other.square,
        )

    def select(self, columns: Indices) -> "ResidualMoments":
        """Keep some of the features, in the order given."""
        meat = self.meat[np.ix_(columns, columns)]
        return ResidualMoments(self.n, meat, self.cross[columns], self.fourth, self.square)

"""Moments of squared residuals: what inference needs that does not trust the variance model.

With rows phi_i of features, weights omega_i and residuals e_i of a first fit, kept are

    sum omega_i^2 e_i^2 phi_i phi_i',      sum omega_i e_i^2 phi_i,      sum omega_i e_i^4,

and sum e_i^2. The first is the middle of the sandwich covariance of White (1980), "A
heteroskedasticity-consistent covariance matrix estimator and a direct test for heteroskedasticity",
Econometrica 48; the next two, with the weighted moments of the features, are those of a regression
of e^2 on the features.
"""

from dataclasses import dataclass, field

import numpy as np

from bayes_intgen.base.types import Array, Indices

__all__ = ["ResidualMoments"]


@dataclass(frozen=True)
class ResidualMoments:
    """Sums over the rows of one regime, residuals in standard units of the outcome.

    Parameters
    ----------
    n
        Number of rows.
    meat
        sum omega^2 e^2 phi phi', shape (features, features).
    cross
        sum omega e^2 phi, shape (features,).
    fourth
        sum omega e^4.
    square
        sum e^2, not weighted.
    """

    n: int
    meat: Array = field(repr=False)
    cross: Array = field(repr=False)
    fourth: float
    square: float

    @classmethod
    def empty(cls, size: int) -> "ResidualMoments":
        """Return the sums over no rows at all."""
        return cls(0, np.zeros((size, size)), np.zeros(size), 0.0, 0.0)

    @classmethod
    def from_columns(
        cls, phi: Array, residual: Array, weights: Array, work: Array | None = None
    ) -> "ResidualMoments":
        """Sum over rows, which are columns here.

        Parameters
        ----------
        phi
            Features, shape (features, n).
        residual, weights
            Shape (n,).
        work
            An array of the shape of ``phi`` that may be overwritten.
        """
        scaled = np.multiply(phi, weights * residual, out=work)
        squares = residual**2
        weighted = weights * squares
        fourth, square = float(weighted @ squares), float(squares.sum())
        return cls(phi.shape[1], scaled @ scaled.T, phi @ weighted, fourth, square)

    def add(self, other: "ResidualMoments") -> "ResidualMoments":
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

"""Counts, means and centred second moments that can be merged without losing digits.

Raw second moments lose every digit when a column has a large offset. Kept are therefore
the number of rows n, the mean vector and the scatter matrix sum_i (x_i - mean)(x_i - mean)',
merged by the pairwise update of Chan, Golub and LeVeque (1983), "Algorithms for computing the
sample variance", The American Statistician 37. A regression with a constant needs the plain sums of
products, from which the means were not taken; they follow at the end.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy import linalg

from bayes_intgen.base.types import Array, Indices

__all__ = ["CentredMoments", "RegressionMoments"]


@dataclass(frozen=True)
class CentredMoments:
    """The first two moments of some rows.

    Parameters
    ----------
    n
        Number of rows.
    weight
        Sum of their weights; equal to ``n`` when the rows are not weighted.
    mean
        Weighted column means, shape (p,).
    scatter
        Weighted and centred sums of products, shape (p, p).
    """

    n: int
    weight: float
    mean: Array
    scatter: Array

    @classmethod
    def empty(cls, size: int) -> "CentredMoments":
        """Return the moments of no rows at all."""
        return cls(0, 0.0, np.zeros(size), np.zeros((size, size)))

    @classmethod
    def from_rows(cls, rows: Array, weights: Array | None = None) -> "CentredMoments":
        """Compute the moments of an array of shape (n, p), with weights of shape (n,) if any."""
        if len(rows) == 0:
            return cls.empty(rows.shape[1])
        shift = rows[0]
        centred = rows - shift
        total = float(len(rows) if weights is None else weights.sum())
        offset = centred.mean(axis=0) if weights is None else weights @ centred / total
        centred -= offset
        if weights is not None:
            centred *= np.sqrt(weights)[:, None]
        return cls(len(rows), total, shift + offset, centred.T @ centred)

    def merge(self, other: "CentredMoments") -> "CentredMoments":
        """Return the moments of the rows of both."""
        if self.n == 0:
            return other
        if other.n == 0:
            return self
        weight = self.weight + other.weight
        step = other.mean - self.mean
        mean = self.mean + step * (other.weight / weight)
        between = np.outer(step, step) * (self.weight * other.weight / weight)
        scatter = self.scatter + other.scatter + between
        return CentredMoments(self.n + other.n, weight, mean, scatter)

    def select(self, columns: Indices) -> "CentredMoments":
        """Keep some of the columns, in the order given."""
        scatter = self.scatter[np.ix_(columns, columns)]
        return CentredMoments(self.n, self.weight, self.mean[columns], scatter)

    @property
    def covariance(self) -> Array:
        """Covariance matrix with divisor ``weight``, shape (p, p)."""
        return self.scatter / (self.weight or 1.0)

    def residual_share(self) -> float:
        """Return the share of the last column's variance that least squares on the others leaves.

        Zero if the last column is constant, one if there are too few rows (up to two per column) to
        tell.
        """
        if self.scatter[-1, -1] == 0:
            return 0.0
        if self.n <= 2 * len(self.mean):
            return 1.0
        spread = np.sqrt(np.diag(self.scatter))
        spread[spread == 0] = 1.0
        correlation = self.scatter / np.outer(spread, spread)
        inner, outer = correlation[:-1, :-1], correlation[:-1, -1]
        # by pivoted QR: the SVD of nearly singular matrices has been seen not to converge
        solution, *_ = linalg.lstsq(inner, outer, cond=1e-13, lapack_driver="gelsy")
        return float(1 - outer @ solution)


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

    def without(self, products: Array) -> Self:
        """Return the sums less some sums of products of (features, outcome), as a matrix."""
        gram, cross = self.gram - products[:-1, :-1], self.cross - products[:-1, -1]
        return replace(self, gram=gram, cross=cross, square=self.square - float(products[-1, -1]))

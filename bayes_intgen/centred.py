"""Counts, means and centred second moments that can be merged without losing digits.

Raw second moments lose every digit when a column has a large offset. Kept are therefore
the number of rows n, the mean vector and the scatter matrix sum_i (x_i - mean)(x_i - mean)',
merged by the pairwise update of Chan, Golub and LeVeque (1983), "Algorithms for computing the
sample variance", The American Statistician 37.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["CentredMoments"]

type Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CentredMoments:
    """The first two moments of some rows.

    Parameters
    ----------
    n
        Number of rows.
    mean
        Column means, shape (p,).
    scatter
        Centred sums of products, shape (p, p); divide by ``n`` for the covariance.
    """

    n: int
    mean: Array
    scatter: Array

    @classmethod
    def empty(cls, size: int) -> "CentredMoments":
        """Return the moments of no rows at all."""
        return cls(0, np.zeros(size), np.zeros((size, size)))

    @classmethod
    def from_rows(cls, rows: Array) -> "CentredMoments":
        """Compute the moments of an array of shape (n, p)."""
        if len(rows) == 0:
            return cls.empty(rows.shape[1])
        shift = rows[0]
        centred = rows - shift
        offset = centred.mean(axis=0)
        centred -= offset
        return cls(len(rows), shift + offset, centred.T @ centred)

    def merge(self, other: "CentredMoments") -> "CentredMoments":
        """Return the moments of the rows of both."""
        if self.n == 0:
            return other
        if other.n == 0:
            return self
        n = self.n + other.n
        step = other.mean - self.mean
        mean = self.mean + step * (other.n / n)
        scatter = self.scatter + other.scatter + np.outer(step, step) * (self.n * other.n / n)
        return CentredMoments(n, mean, scatter)

    def select(self, columns: npt.NDArray[np.intp]) -> "CentredMoments":
        """Keep some of the columns, in the order given."""
        return CentredMoments(self.n, self.mean[columns], self.scatter[np.ix_(columns, columns)])

    @property
    def covariance(self) -> Array:
        """Covariance matrix with divisor n, shape (p, p)."""
        return self.scatter / max(self.n, 1)

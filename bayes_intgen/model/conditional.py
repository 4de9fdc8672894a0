"""The Gaussian distribution of the weights given the hyperparameters.

    weights ~ N(m, C),      m = P^-1 b,      C = P^-1,

with the precision P of those weights that the data see; the others keep their prior. Everything
follows from the Cholesky factor L of P, which is kept packed.
"""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from bayes_intgen.base.types import Array, Indices
from bayes_intgen.model.packed import Factor, factorise, pack, unpack

__all__ = ["Conditional"]


@dataclass(frozen=True)
class Conditional:
    """The Gaussian distribution of the weights given the hyperparameters."""

    mean: Array  # m, shape (weights,)
    cholesky: Factor = field(repr=False)  # of P, of the weights that are seen
    # prior standard deviations of the weights that are not seen, one for those that are; (weights,)
    scaling: Array = field(repr=False)
    log_det: float  # log|P|, of all weights
    seen: Indices = field(repr=False)  # positions of the weights that the data see

    @classmethod
    def solve(cls, precision: Array, cross: Array) -> Self:
        """Factorise a precision matrix P and solve P m = b."""
        return cls.solve_packed(pack(precision), cross)

    @classmethod
    def solve_packed(cls, precision: Array, cross: Array) -> Self:
        """Factorise a packed precision matrix P and solve P m = b."""
        size = len(cross)
        factor = factorise(precision, size)
        return cls(factor.solve(cross), factor, np.ones(size), factor.log_det, np.arange(size))

    def among(self, seen: Indices, sd: Array) -> Self:
        """Place the weights at some positions among others, which keep their prior of sd ``sd``."""
        if len(seen) == len(sd):
            return self
        mean, scaling = np.zeros(len(sd)), sd.copy()
        mean[seen], scaling[seen] = self.mean, 1.0
        log_det = self.log_det - 2 * float(np.log(np.delete(sd, seen)).sum())
        return replace(self, mean=mean, scaling=scaling, log_det=log_det, seen=seen)

    def without_factor(self) -> Self:
        """Return the same without the factor, which takes memory."""
        return replace(self, cholesky=Factor(np.empty(0), 0))

    @property
    def factor(self) -> Array:
        """The lower Cholesky factor L of D P D for all weights, shape (weights, weights).

        D is the diagonal matrix of ``scaling``.
        """
        factor = np.eye(len(self.mean), order="F")
        factor[np.ix_(self.seen, self.seen)] = self.cholesky.lower
        return factor

    @property
    def covariance_of_seen(self) -> Array:
        """C of the weights that are seen, shape (seen, seen)."""
        return unpack(self.cholesky.inverse(), self.cholesky.size)

    @property
    def covariance(self) -> Array:
        """C = P^-1, shape (weights, weights)."""
        if len(self.seen) == len(self.mean):
            return self.covariance_of_seen
        covariance = np.diag(self.scaling**2)
        covariance[np.ix_(self.seen, self.seen)] = self.covariance_of_seen
        return covariance

    def variance_of(self, rows: Array) -> Array:
        """Return the variances of some linear combinations, (n, weights) to (n,)."""
        half = self.root_of(rows)
        return np.asarray(np.einsum("ij,ij->j", half, half))

    def root_of(self, rows: Array) -> Array:
        """Return H with H'H the covariance of some linear combinations, (n, weights) to (., n)."""
        if len(self.seen) == len(self.mean):
            return self.cholesky.divide(rows, transposed=True).T
        half = rows * self.scaling
        half[:, self.seen] = self.cholesky.divide(half[:, self.seen], transposed=True)
        return np.asarray(half.T)

    def draw(self, size: int, rng: np.random.Generator) -> Array:
        """Draw weights, shape (size, weights)."""
        noise = rng.standard_normal((len(self.mean), size)).T
        if len(self.seen) == len(self.mean):
            return np.asarray(self.mean + self.cholesky.divide(noise))
        noise[:, self.seen] = self.cholesky.divide(noise[:, self.seen])
        return np.asarray(self.mean + self.scaling * noise)

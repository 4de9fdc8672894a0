"""The Gaussian distribution of the weights given the hyperparameters.

By (2) of :mod:`bayes_intgen.model.marginal` it is N(m, C) with C^-1 = P and P m = b. P is scaled to
a unit diagonal and factorised, D P D = L L', so that C = D L^-T L^-1 D. The rows and columns of P
of a weight that the data do not see have nothing off the diagonal: it keeps its prior, independent
of all others, and L is that of the weights that are seen.
"""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from scipy.linalg import lapack

from bayes_intgen.base.types import Array, Indices

__all__ = ["Conditional"]


@dataclass(frozen=True)
class Conditional:
    """The Gaussian distribution of the weights given the hyperparameters."""

    mean: Array  # m = P^-1 b, shape (weights,)
    # lower Cholesky factor of D P D for the weights that are seen, shape (seen, seen)
    block: Array = field(repr=False)
    # the diagonal of D, P_ii^(-1/2), shape (weights,)
    scaling: Array = field(repr=False)
    log_det: float  # log|P|
    seen: Indices = field(repr=False)  # positions of the weights that the data see

    @classmethod
    def solve(cls, precision: Array, cross: Array) -> Self:
        """Factorise a precision matrix P, all of whose weights are seen, and solve P m = b."""
        # Unit diagonal first: prior precisions of weights that nothing needs are huge.
        scaling = 1.0 / np.sqrt(np.diag(precision))
        scaled = np.outer(scaling, scaling)
        scaled *= precision
        factor, info = lapack.dpotrf(scaled.T, lower=1, clean=1, overwrite_a=1)  # symmetric
        if info != 0:
            raise np.linalg.LinAlgError("the precision of the weights is not positive definite")
        solution, _ = lapack.dpotrs(factor, scaling * cross, lower=1)
        log_det = 2 * float(np.log(np.diag(factor)).sum() - np.log(scaling).sum())
        return cls(scaling * solution, factor, scaling, log_det, np.arange(len(cross)))

    def among(self, seen: Indices, sd: Array) -> Self:
        """Return the distribution of these and of further weights that keep their prior.

        ``seen``: the positions of these among all; ``sd``: prior standard deviations of all.
        """
        if len(seen) == len(sd):
            return self
        mean, scaling = np.zeros(len(sd)), sd.copy()
        mean[seen], scaling[seen] = self.mean, self.scaling
        further = -2 * float(np.log(np.delete(sd, seen)).sum())
        log_det = self.log_det + further
        return replace(self, mean=mean, scaling=scaling, log_det=log_det, seen=seen)

    @property
    def factor(self) -> Array:
        """The lower Cholesky factor L of D P D for all weights, shape (weights, weights)."""
        if len(self.seen) == len(self.mean):
            return self.block
        factor = np.eye(len(self.mean), order="F")
        factor[np.ix_(self.seen, self.seen)] = self.block
        return factor

    @property
    def covariance_of_seen(self) -> Array:
        """C of the weights that are seen, shape (seen, seen)."""
        inverse, _ = lapack.dpotri(self.block, lower=1)
        inverse += np.tril(inverse, -1).T
        scaling = self.scaling[self.seen]
        inverse *= np.outer(scaling, scaling)
        return np.asarray(inverse.T)  # symmetric, and in the order of rows

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
        half = (rows * self.scaling).T
        half[self.seen], _ = lapack.dtrtrs(self.block, half[self.seen], lower=1)
        return np.asarray(half)

    def draw(self, size: int, rng: np.random.Generator) -> Array:
        """Draw weights, shape (size, weights)."""
        noise = rng.standard_normal((len(self.mean), size))
        noise[self.seen], _ = lapack.dtrtrs(self.block, noise[self.seen], lower=1, trans=1)
        return np.asarray(self.mean + (self.scaling[:, None] * noise).T)

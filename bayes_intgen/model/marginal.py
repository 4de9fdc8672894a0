"""The marginal likelihood, weights integrated out, and the weights given hyperparameters.

With w_r = sigma_r^-2, prior precisions lambda_i of the weights and the sums of products of each
regime r placed at the positions of the weights (gram G_r, cross b_r, square yy_r):

    (1)  P = diag(lambda) + sum_r w_r G_r,      b = sum_r w_r b_r,
    (2)  weights | rest ~ N(m, C),      m = P^-1 b,      C = P^-1,
    (3)  log p(y | sigma, lambda) = - sum_r n_r (log sigma_r + log(2 pi) / 2) - 1/2 sum_r w_r yy_r
                                    + 1/2 b' P^-1 b - 1/2 log|P| + 1/2 sum_i log lambda_i.

Rows may be weighted: then the sums are, and half the sum of the log weights is added. Lift tests
(:mod:`bayes_intgen.model.lift_likelihood`) add a gram and a cross of their own with weight one,
their standard errors being known, and a constant; no formula below changes for them. The gradient
needs no derivative of the factorisation: it is the expectation of the gradient of the complete-data
log-density under (2) (Fisher's identity),

    (4)  d log p / d log sigma_r = w_r E|y_r - X_r weights|^2 - n_r,
    (5)  d log p / d log sd_i = lambda_i (m_i^2 + C_ii) - 1,      lambda_i = sd_i^-2.

Neither does the Hessian: with V = 1/2 b' P^-1 b - 1/2 log|P| and rho_r = b_r - G_r m,

    (6)  d2V/dw_r dw_s = rho_r' C rho_s + 1/2 tr(C G_r C G_s),
    (7)  d2V/dw_r dlambda_i = 1/2 (C G_r C)_ii - m_i (C rho_r)_i,
    (8)  d2V/dlambda_i dlambda_j = 1/2 C_ij^2 + m_i m_j C_ij.

This is the plain NumPy form; :mod:`bayes_intgen.model.pymc_marginal` writes the same for PyMC.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from math import log, pi
from typing import Self

import numpy as np
from scipy.linalg import lapack

from bayes_intgen.base.centred_moments import RegressionMoments
from bayes_intgen.base.parallel import available_cores, ordered_map
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.design.design import Design
from bayes_intgen.model.centring import Centring
from bayes_intgen.model.lift_likelihood import LiftRows
from bayes_intgen.moments.moments import Moments

__all__ = ["Conditional", "MarginalLikelihood", "threads_for"]

MANY_WEIGHTS = 150  # from here on threads have enough to do
TILE = 2**21
SMALL = 64  # rows of a matrix that LAPACK inverts


def threads_for(weights: int) -> int:
    """Return how many matrices of some number of weights to work on at once.

    With few weights threads would only wait for one another.
    """
    return 1 if weights < MANY_WEIGHTS else available_cores()


@dataclass(frozen=True)
class Conditional:
    """The Gaussian distribution of the weights given the hyperparameters."""

    mean: Array  # m = P^-1 b, shape (weights,)
    # lower Cholesky factor L of D P D, where D = diag(scaling); shape (weights, weights)
    factor: Array = field(repr=False)
    # P_ii^(-1/2), shape (weights,): P is scaled to unit diagonal before it is factorised
    scaling: Array = field(repr=False)
    log_det: float  # log|P|

    @classmethod
    def solve(cls, precision: Array, cross: Array) -> Self:
        """Factorise a precision matrix P and solve P m = b."""
        # Unit diagonal first: prior precisions of weights that nothing needs are huge.
        scaling = 1.0 / np.sqrt(np.diag(precision))
        scaled = np.outer(scaling, scaling)
        scaled *= precision
        factor, info = lapack.dpotrf(scaled.T, lower=1, clean=1, overwrite_a=1)  # symmetric
        if info != 0:
            raise np.linalg.LinAlgError("the precision of the weights is not positive definite")
        solution, _ = lapack.dpotrs(factor, scaling * cross, lower=1)
        log_det = 2 * float(np.log(np.diag(factor)).sum() - np.log(scaling).sum())
        return cls(scaling * solution, factor, scaling, log_det)

    @property
    def covariance(self) -> Array:
        """C = P^-1, shape (weights, weights)."""
        root = _triangular_inverse(self.factor) * self.scaling
        return np.asarray(root.T @ root)

    def variance_of(self, rows: Array) -> Array:
        """Return the variances of some linear combinations, (n, weights) to (n,)."""
        half = self.root_of(rows)
        return np.asarray(np.einsum("ij,ij->j", half, half))

    def root_of(self, rows: Array) -> Array:
        """Return H with H'H the covariance of some linear combinations, (n, weights) to (., n)."""
        half, _ = lapack.dtrtrs(self.factor, (rows * self.scaling).T, lower=1)
        return np.asarray(half)

    def draw(self, size: int, rng: np.random.Generator) -> Array:
        """Draw weights, shape (size, weights)."""
        noise = rng.standard_normal((len(self.mean), size))
        correlated, _ = lapack.dtrtrs(self.factor, noise, lower=1, trans=1)
        return np.asarray(self.mean + (self.scaling[:, None] * correlated).T)


@dataclass(frozen=True)
class MarginalLikelihood:
    """The likelihood of the hyperparameters, with its derivatives, as a function of sums over rows.

    The sums of products of the features of every regime are placed at the positions of the weights:
    those of a feature stand once for each component that uses it; then weights are centred
    (:mod:`bayes_intgen.model.centring`). All weights here are centred ones, except in
    :meth:`log_likelihood`.
    """

    n: Array  # rows of each regime, shape (regimes,)
    # G_r, zero where a weight takes no part in the regime; (regimes, weights, weights)
    gram: Array = field(repr=False)
    cross: Array = field(repr=False)  # b_r, shape (regimes, weights)
    square: Array  # yy_r, shape (regimes,)
    log_weight: Array  # sum of the logarithms of the rows' weights, shape (regimes,)
    centring: Centring
    lifts: LiftRows | None = None  # lift tests of centred weights beside the rows, if there are any

    @classmethod
    def from_moments(
        cls,
        design: Design,
        moments: Moments,
        lifts: LiftRows | None = None,
        centring: Centring | None = None,
    ) -> Self:
        """Place the moments of the features at the positions of the weights.

        ``centring``: that of these moments by default.
        """
        sums = {regime: moments.regression(regime) for regime in moments.regimes}
        logs = np.array([moments.log_weight(regime) for regime in moments.regimes])
        return cls.from_sums(design, sums, logs, lifts, centring)

    @classmethod
    def from_sums(
        cls,
        design: Design,
        sums: Mapping[Regime, RegressionMoments],
        log_weight: Array,
        lifts: LiftRows | None = None,
        centring: Centring | None = None,
    ) -> Self:
        """Place the sums of products of each regime at the positions of the weights.

        ``log_weight``: the sum of the logarithms of the rows' weights, shape (regimes,).
        """
        active = np.array([design.active(regime) for regime in sums], dtype=float)
        rows = design.positions
        # A weight that takes no part in a regime has zeros in its sums: design (2).
        if centring is None:
            centring = Centring.of(design, {regime: one.gram for regime, one in sums.items()})
        gram = np.empty((len(sums), len(rows), len(rows)))
        for of_regime, mask, placed in zip(sums.values(), active, gram, strict=True):
            products = of_regime.gram[np.ix_(rows, rows)]
            placed[:] = centring.to_centred_gram(products * np.outer(mask, mask))
        cross = np.array([of_regime.cross[rows] for of_regime in sums.values()]) * active
        n = np.array([of_regime.n for of_regime in sums.values()], dtype=float)
        square = np.array([of_regime.square for of_regime in sums.values()])
        cross = centring.to_centred_rows(cross)
        return cls(n, gram, cross, square, log_weight, centring).with_lifts(lifts)

    def with_lifts(self, lifts: LiftRows | None) -> Self:
        """Return the same with other lift tests, whose rows are of weights, not centred."""
        rows = replace(lifts, rows=self.centring.to_centred_rows(lifts.rows)) if lifts else None
        return replace(self, lifts=rows)

    def conditional(self, log_sigma: Array, log_sd: Array) -> Conditional:
        """Return the distribution of the weights given log standard deviations, standard units.

        ``log_sigma``: of the residuals of each regime; ``log_sd``: of the prior of each weight.
        """
        w = np.exp(-2 * log_sigma)
        size = len(log_sd)
        precision = (w @ self.gram.reshape(len(w), -1)).reshape(size, size)  # (1)
        precision[np.diag_indices(size)] += np.exp(-2 * log_sd)
        cross = w @ self.cross
        if self.lifts:
            precision += self.lifts.gram
            cross += self.lifts.cross
        return Conditional.solve(precision, cross)

    def log_density(
        self, log_sigma: Array, log_sd: Array, conditional: Conditional | None = None
    ) -> float:
        """Return log p(y | hyperparameters); ``conditional`` spares a factorisation."""
        return self._value(log_sigma, log_sd, conditional or self.conditional(log_sigma, log_sd))

    def value_and_gradient(self, log_sigma: Array, log_sd: Array) -> tuple[float, Array, Array]:
        """Return log p(y | hyperparameters) and its gradient in each of the two arguments."""
        conditional = self.conditional(log_sigma, log_sd)
        value = self._value(log_sigma, log_sd, conditional)
        w = np.exp(-2 * log_sigma)
        # (4) and (5), with second = E[weights weights']
        second = conditional.covariance + np.outer(conditional.mean, conditional.mean)
        residual = self.square - 2 * self.cross @ conditional.mean
        residual += self.gram.reshape(len(w), -1) @ second.ravel()
        return value, w * residual - self.n, np.exp(-2 * log_sd) * np.diag(second) - 1

    def hessian(self, log_sigma: Array, log_sd: Array) -> tuple[Array, Array, Array]:
        """Return the second derivatives of log p(y | hyperparameters).

        Returns
        -------
        by_sigma
            In log_sigma twice, shape (regimes, regimes).
        mixed
            In log_sigma and log_sd, shape (regimes, weights).
        by_sd
            In log_sd twice, shape (weights, weights).
        """
        conditional = self.conditional(log_sigma, log_sd)
        m, c = conditional.mean, conditional.covariance
        w, lam = np.exp(-2 * log_sigma), np.exp(-2 * log_sd)
        products = np.empty_like(self.gram)
        threads = threads_for(len(m))
        deque(ordered_map(partial(_multiply, c, self.gram, products), range(len(w)), threads), 0)
        rho = self.cross - self.gram @ m
        c_rho = rho @ c
        twice_w = c_rho @ rho.T + 0.5 * _traces(products)  # (6)
        spreads = np.array([np.einsum("ij,ij->i", product, c) for product in products])
        w_lam = 0.5 * spreads - m * c_rho  # (7)
        # From w and lambda to their logarithms, by the chain rule; (8) is in the last line.
        second = np.diag(c) + m**2
        squares = self.square - 2 * self.cross @ m + m @ (self.cross - rho).T
        squares += np.array([np.trace(product) for product in products])
        by_sigma = 4 * np.outer(w, w) * twice_w - np.diag(2 * w * squares)
        by_sd = 4 * np.outer(lam, lam) * (0.5 * c + np.outer(m, m)) * c - np.diag(2 * lam * second)
        return by_sigma, 4 * np.outer(w, lam) * w_lam, by_sd

    def _value(self, log_sigma: Array, log_sd: Array, conditional: Conditional) -> float:
        """Return (3), with the log weights of the rows and the lift tests."""
        w = np.exp(-2 * log_sigma)  # (3), line by line
        value = -self.n @ (log_sigma + 0.5 * log(2 * pi)) - 0.5 * w @ self.square
        cross = w @ self.cross
        if self.lifts:
            value += self.lifts.constant
            cross += self.lifts.cross
        value += 0.5 * cross @ conditional.mean - 0.5 * conditional.log_det
        return float(value - np.sum(log_sd) + 0.5 * self.log_weight.sum())

    def log_likelihood(self, weights: Array, sigma: Array) -> Array:
        """Return log p(y_r | weights, sigma_r) of each regime, for the outcome in standard units.

        The weights are those of the design, not centred.

        Shapes (draws, weights) and (draws, regimes) to (draws, regimes).
        """
        columns, centred = [], self.centring.to_centred(weights)
        for r, n in enumerate(self.n):
            squares = self.square[r] - 2 * centred @ self.cross[r]
            squares += np.einsum("di,di->d", centred @ self.gram[r], centred)
            columns.append(-0.5 * squares / sigma[:, r] ** 2 - n * np.log(sigma[:, r]))
        return np.column_stack(columns) + 0.5 * (self.log_weight - self.n * log(2 * pi))


def _triangular_inverse(factor: Array) -> Array:
    """Return the inverse of a lower triangular matrix, half by half.

    Products of matrices, which most of it is, are computed several times as fast as LAPACK inverts
    (0.7 ms instead of 1.1 for the covariance of 231 weights).
    """
    size = len(factor)
    if size <= SMALL:
        return np.asarray(lapack.dtrtri(factor, lower=1)[0])
    half = size // 2
    inverse = np.zeros((size, size))
    first, second = (
        _triangular_inverse(factor[:half, :half]),
        _triangular_inverse(factor[half:, half:]),
    )
    inverse[:half, :half], inverse[half:, half:] = first, second
    inverse[half:, :half] = -second @ (factor[half:, :half] @ first)
    return inverse


def _multiply(c: Array, gram: Array, products: Array, r: int) -> None:
    np.matmul(c, gram[r], out=products[r])


def _traces(products: Array) -> Array:
    """Return tr(A_r A_s) of matrices, shape (n, p, p) to (n, n), some rows of all at a time."""
    n, size, _ = products.shape
    traces = np.zeros((n, n))
    step = max(TILE // (n * size), 1)
    for start in range(0, size, step):
        rows = products[:, start : start + step].reshape(n, -1)
        columns = products[:, :, start : start + step].transpose(0, 2, 1).reshape(n, -1)
        traces += rows @ columns.T  # tr(AB) = sum_ij A_ij B_ji
    return (traces + traces.T) / 2

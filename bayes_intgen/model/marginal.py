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

A weight that takes part in no regime, such as one of the bias of an action that every regime sets,
keeps its prior whatever the others are: its terms in (3) cancel, its derivatives are zero. So
matrices are factorised of the others only, of 295 out of 1101 in a factorial experiment.

This is the plain NumPy form; :mod:`bayes_intgen.model.pymc_marginal` writes the same for PyMC.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import log, pi
from typing import Self

import numpy as np

from bayes_intgen.base.centred_moments import RegressionMoments
from bayes_intgen.base.parallel import one_blas_thread, ordered_map, threads_for
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.shared_work import digest, is_sharing, shared
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.design.design import Design
from bayes_intgen.model.centring import Centring
from bayes_intgen.model.conditional import Conditional, add_square, diagonal, pack, unpack
from bayes_intgen.model.lift_likelihood import LiftRows
from bayes_intgen.moments.moments import Moments

__all__ = ["MarginalLikelihood"]

TILE = 2**21

type Slopes = tuple[Array, Array]
type Bends = tuple[Array, Array, Array]


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
        grams = {regime: one.gram for regime, one in sums.items()}
        if centring is None and is_sharing():
            key = ("placed", id(design), *grams, digest(*grams.values()))
            gram, centring, _ = shared(key, lambda: (*_place(design, grams), design), _size)
        else:
            gram, centring = _place(design, grams, centring)
        cross = np.array([one.cross[design.positions] for one in sums.values()]) * active
        n = np.array([of_regime.n for of_regime in sums.values()], dtype=float)
        square = np.array([of_regime.square for of_regime in sums.values()])
        cross = centring.to_centred_rows(cross)
        return cls(n, gram, cross, square, log_weight, centring).with_lifts(lifts)

    def with_lifts(self, lifts: LiftRows | None) -> Self:
        """Return the same with other lift tests, whose rows are of weights, not centred."""
        rows = replace(lifts, rows=self.centring.to_centred_rows(lifts.rows)) if lifts else None
        return replace(self, lifts=rows)

    @cached_property
    def seen(self) -> Indices:
        """Positions of the weights that take part in a regime, or in a lift test."""
        of_lifts = np.diag(self.lifts.gram) if self.lifts else 0.0
        return np.flatnonzero(np.einsum("rii->i", self.gram) + of_lifts)

    @cached_property
    def packed_gram(self) -> Array:
        """G_r of the weights that are seen, packed, to sum P from; of lift tests the last."""
        seen = self.seen
        whole = len(seen) == self.gram.shape[-1]
        grams = [*self.gram, self.lifts.gram] if self.lifts else [*self.gram]

        def compute() -> tuple[Array, Array]:
            block = np.ix_(seen, seen)
            packed = np.array([pack(gram if whole else gram[block]) for gram in grams])
            return packed, self.gram  # whose identity is in the key

        if self.lifts:
            return compute()[0]
        return shared(("packed", id(self.gram)), compute, _size)[0]

    def conditional(self, log_sigma: Array, log_sd: Array) -> Conditional:
        """Return the distribution of the weights given log standard deviations, standard units.

        ``log_sigma``: of the residuals of each regime; ``log_sd``: of the prior of each weight.
        """
        seen, w = self.seen, np.exp(-2 * log_sigma)
        cross = (w @ self.cross)[seen]
        if self.lifts:
            w = np.append(w, 1.0)
            cross += self.lifts.cross[seen]
        precision = w @ self.packed_gram  # (1)
        precision[diagonal(len(seen))] += np.exp(-2 * log_sd[seen])
        return Conditional.solve_packed(precision, cross).among(seen, np.exp(log_sd))

    def log_density(
        self, log_sigma: Array, log_sd: Array, conditional: Conditional | None = None
    ) -> float:
        """Return log p(y | hyperparameters); ``conditional`` spares a factorisation."""
        return self._value(log_sigma, log_sd, conditional or self.conditional(log_sigma, log_sd))

    def value_and_gradient(self, log_sigma: Array, log_sd: Array) -> tuple[float, Array, Array]:
        """Return log p(y | hyperparameters) and its gradient in each of the two arguments."""
        return self._gradient(log_sigma, log_sd, self.conditional(log_sigma, log_sd))[0]

    def _gradient(
        self, log_sigma: Array, log_sd: Array, conditional: Conditional
    ) -> tuple[tuple[float, Array, Array], Array]:
        """Return value and gradient, and C of the weights that are seen, packed."""
        value = self._value(log_sigma, log_sd, conditional)
        w, seen = np.exp(-2 * log_sigma), self.seen
        mean, corners = conditional.mean[seen], diagonal(len(seen))
        # (4) and (5), with second = E[weights weights'], of which the packed half counts twice
        inverse = conditional.cholesky.inverse()
        second = add_square(inverse, mean)
        squares = second[corners]
        residual = self.square - 2 * self.cross[:, seen] @ mean + self._traces(second)
        by_sd = np.zeros(len(log_sd))
        by_sd[seen] = np.exp(-2 * log_sd[seen]) * squares - 1
        return (value, w * residual - self.n, by_sd), inverse

    def _traces(self, packed: Array) -> Array:
        """Return tr(A G_r) of a packed matrix, of which one half counts twice; (regimes,)."""
        corners, gram = diagonal(len(self.seen)), self.packed_gram[: len(self.n)]
        return np.asarray(2 * (gram @ packed) - gram[:, corners] @ packed[corners])

    def traces(self, conditional: Conditional) -> Array:
        """Return tr(C G_r), shape (regimes,)."""
        return self._traces(conditional.cholesky.inverse())

    def derivatives(self, log_sigma: Array, log_sd: Array) -> tuple[float, Slopes, Bends]:
        """Return log p(y | hyperparameters) with its first and second derivatives.

        Returns
        -------
        value
            As :meth:`log_density`.
        slopes
            In log_sigma, shape (regimes,), and in log_sd, shape (weights,).
        bends
            In log_sigma twice, shape (regimes, regimes); in log_sigma and log_sd, shape (regimes,
            weights); and in log_sd twice, shape (weights, weights).
        """
        conditional, seen = self.conditional(log_sigma, log_sd), self.seen
        (value, *slopes), inverse = self._gradient(log_sigma, log_sd, conditional)
        m, c = conditional.mean[seen], unpack(inverse, len(seen))
        w, lam = np.exp(-2 * log_sigma), np.exp(-2 * log_sd[seen])
        whole, cross = len(seen) == len(log_sd), self.cross[:, seen]
        products, spreads = np.zeros((len(w), *c.shape)), np.empty(cross.shape)
        rho = np.empty(cross.shape)

        def multiply(r: int) -> None:
            gram = self.gram[r] if whole else self.gram[r][np.ix_(seen, seen)]
            rho[r] = cross[r] - gram @ m
            own = np.flatnonzero(np.diag(gram))  # the weights that take part; zeros elsewhere
            if len(own) == len(seen):
                np.matmul(c, gram, out=products[r])
            else:
                products[r][:, own] = c[:, own] @ gram[np.ix_(own, own)]
            np.einsum("ij,ij->i", products[r], c, out=spreads[r])

        with one_blas_thread():  # a regime each
            deque(ordered_map(multiply, range(len(w)), threads_for(len(m))), 0)
        c_rho = rho @ c
        twice_w = c_rho @ rho.T + 0.5 * _paired_traces(products)  # (6)
        w_lam = 0.5 * spreads - m * c_rho  # (7)
        # From w and lambda to their logarithms, by the chain rule; (8) is in the last lines.
        second = np.diag(c) + m**2
        squares = self.square - 2 * cross @ m + m @ (cross - rho).T
        squares += np.array([np.trace(product) for product in products])
        by_sigma = 4 * np.outer(w, w) * twice_w - np.diag(2 * w * squares)
        mixed = np.zeros((len(w), len(log_sd)))
        mixed[:, seen] = 4 * np.outer(w, lam) * w_lam
        by_sd = np.zeros((len(log_sd), len(log_sd)))
        by_sd[np.ix_(seen, seen)] = 4 * np.outer(lam, lam) * (0.5 * c + np.outer(m, m)) * c
        by_sd[seen, seen] -= 2 * lam * second
        return value, (slopes[0], slopes[1]), (by_sigma, mixed, by_sd)

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


def _place(
    design: Design, grams: Mapping[Regime, Array], centring: Centring | None = None
) -> tuple[Array, Centring]:
    """Place the sums of products of each regime at the positions of the weights, and centre."""
    # A weight that takes no part in a regime has zeros in its sums: design (2).
    centring = centring or Centring.of(design, grams)
    rows = design.positions
    gram = np.empty((len(grams), len(rows), len(rows)))
    for (regime, products), placed in zip(grams.items(), gram, strict=True):
        active = design.active(regime)
        found = products[np.ix_(rows, rows)]
        found[~active] = 0.0
        found[:, ~active] = 0.0
        placed[:] = centring.to_centred_gram(found)
    gram.flags.writeable = False
    return gram, centring


def _size(placed: tuple[Array, *tuple[object, ...]]) -> int:
    return placed[0].nbytes


def _paired_traces(products: Array) -> Array:
    """Return tr(A_r A_s) of matrices, shape (n, p, p) to (n, n), some rows of all at a time."""
    n, size, _ = products.shape
    traces = np.zeros((n, n))
    step = max(TILE // (n * size), 1)
    for start in range(0, size, step):
        rows = products[:, start : start + step].reshape(n, -1)
        columns = products[:, :, start : start + step].transpose(0, 2, 1).reshape(n, -1)
        traces += rows @ columns.T  # tr(AB) = sum_ij A_ij B_ji
    return (traces + traces.T) / 2

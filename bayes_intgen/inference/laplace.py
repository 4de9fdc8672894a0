"""Laplace approximation to the posterior of the hyperparameters.

The log posterior density of the hyperparameters x is maximised with its analytic gradient and
approximated by the Gaussian with the analytic Hessian at the mode. Weights are then drawn exactly,
as for NUTS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import optimize, stats

from bayes_intgen.base.parallel import one_blas_thread
from bayes_intgen.base.types import Array
from bayes_intgen.inference.problem import Problem

__all__ = ["LaplaceMode", "find_mode"]

MAX_NEWTON_STEPS = 20
MAX_STEP = 2.0  # in units of about one standard deviation
NEAR = 0.5  # decrement of a Newton step of one standard deviation
TOLERANCE, PRECISE = 1e-6, 1e-12  # of decrements: that of a mode, and one without need of more

type Objective = Callable[[Array], tuple[float, Array]]


@dataclass(frozen=True)
class LaplaceMode:
    """The Gaussian approximation at the mode."""

    mode: Array  # x at the maximum, shape (hyperparameters,)
    covariance: Array  # inverse of minus the Hessian there
    # the Newton decrement at the mode, squared and halved: how far below the maximum of its own
    # quadratic approximation the log density still is
    decrement: float

    @property
    def converged(self) -> bool:
        """Whether the log density is within 1e-6 of its maximum."""
        return self.decrement <= TOLERANCE

    def draw(self, size: int, rng: np.random.Generator) -> Array:
        """Draw hyperparameters, shape (size, hyperparameters)."""
        return rng.multivariate_normal(self.mode, self.covariance, size, method="cholesky")

    def log_density(self, x: Array) -> Array:
        """Return the log density of the Gaussian at rows of x, shape (size,)."""
        return np.asarray(stats.multivariate_normal.logpdf(x, self.mode, self.covariance))


@dataclass(frozen=True)
class Target:
    """Minus the log posterior density of standardised hyperparameters, and its gradient.

    The argument is z = (x - prior mean) / unit, with units of about one posterior standard
    deviation for log sigma, so that the optimiser meets similar curvature everywhere.
    """

    problem: Problem  # whose density it is
    # of the hyperparameters, shape (hyperparameters,)
    centre: Array
    unit: Array
    # root mean square of the outcome in each regime, standard units, shape (regimes,)
    spread: Array

    @classmethod
    def of(cls, problem: Problem) -> "Target":
        """Choose the units."""
        prior, likelihood = problem.hyperpriors, problem.likelihood
        rows = likelihood.n
        unit = np.concatenate([1 / np.sqrt(2 * rows), prior.sd[len(rows) :]])
        spread = np.sqrt(np.maximum(likelihood.square / rows, 1e-12))
        return cls(problem, prior.mean, unit, spread)

    @cached_property
    def shares(self) -> Array:
        """The part of its variance that least squares leave, one if there are too few rows to tell.

        Shape (regimes,).
        """
        moments = self.problem.moments
        shares = np.array([moments.residual_share(regime) for regime in moments.regimes])
        return np.asarray(np.maximum(shares, 1e-10))

    def __call__(self, z: Array) -> tuple[float, Array]:
        value, gradient = self.problem.log_posterior(self.centre + self.unit * z)
        return -value, -gradient * self.unit

    def start(self) -> Array:
        """Start from the prior medians, and sigma from what least squares leave in each regime."""
        return self._standardise(np.log(self.spread * np.sqrt(self.shares)))

    def bounds(self) -> optimize.Bounds:
        """Keep the search where nothing overflows.

        Within ten prior standard deviations, and at most e^10 times the prior median, beyond which
        redundant features cannot be told apart; sigma from a tenth of what least squares leave, or
        with too few rows to tell from a millionth of the outcome's spread, to ten times the spread.
        """
        known = self.shares < 1
        least = np.where(known, np.sqrt(self.shares) / 10, 1e-6)
        edges = np.array([np.full(len(self.centre), -10.0), 10 / np.maximum(self.unit, 1.0)])
        regimes = len(self.shares)
        edges[0, :regimes] = self._standardise(np.log(self.spread * least))[:regimes]
        edges[1, :regimes] = self._standardise(np.log(self.spread * 10))[:regimes]
        return optimize.Bounds(*edges)

    def _standardise(self, log_sigma: Array) -> Array:
        """Return z for the prior medians and some log residual standard deviations."""
        x = self.centre.copy()
        x[: len(log_sigma)] = log_sigma
        return (x - self.centre) / self.unit

    def derivatives(self, z: Array) -> tuple[float, Array, Array]:
        """Return value, gradient and Hessian at z."""
        value, gradient, hessian = self.problem.derivatives(self.centre + self.unit * z)
        return -value, -gradient * self.unit, -hessian * np.outer(self.unit, self.unit)

    def value(self, z: Array) -> float:
        """Return the value alone; infinite where matrices cannot be factorised."""
        x = self.centre + self.unit * z
        try:
            return -self.problem.log_density(x, self.problem.conditional(x))
        except np.linalg.LinAlgError:
            return np.inf


def find_mode(problem: Problem, start: Array | None = None) -> LaplaceMode:
    """Maximise the posterior density of the hyperparameters.

    A quasi-Newton search, from ``start`` if a mode nearby is known, is followed by Newton steps
    until the maximum of the quadratic approximation is less than 1e-6 above the log density, and by
    a last one, which squares what was missing. So the mode is the same to about 1e-6 standard
    deviations, wherever the search came from. Where the quadratic approximation has its maximum
    close to ``start``, Newton steps are taken from there.
    """
    with one_blas_thread():
        return _find_mode(Target.of(problem), start)


def _find_mode(target: Target, known: Array | None) -> LaplaceMode:
    z = target.start() if known is None else (known - target.centre) / target.unit
    local = None if known is None else _Local.near(target, z)
    if local is None:
        search = optimize.minimize(
            _guard(target, z),
            z,
            jac=True,
            method="L-BFGS-B",
            bounds=target.bounds(),
            options={"maxiter": 2000},
        )
        local = _Local.at(target, search.x)
    for _ in range(MAX_NEWTON_STEPS):  # L-BFGS stops short of the maximum; Newton steps do not
        if local.decrement <= PRECISE:
            break
        close = local.decrement <= TOLERANCE
        # so close to the maximum rounding hides which of two values is less
        moved = local.z - local.step if close else _line_search(target, local)
        if moved is None:
            break
        local = _Local.at(target, moved)
        if close:
            break
    covariance = np.linalg.inv(local.hessian) * np.outer(target.unit, target.unit)
    return LaplaceMode(target.centre + target.unit * local.z, covariance, local.decrement)


@dataclass(frozen=True)
class _Local:
    """The target near a point: its quadratic approximation, and the step to the minimum of that."""

    z: Array
    value: float
    hessian: Array  # with its small eigenvalues raised
    step: Array  # to be subtracted
    decrement: float  # how far below the value that minimum is

    @classmethod
    def at(cls, target: Target, z: Array) -> "_Local":
        value, gradient, hessian = target.derivatives(z)
        positive = _positive(hessian)
        step = np.linalg.solve(positive, gradient)
        return cls(z, value, positive, step, 0.5 * float(gradient @ step))

    @classmethod
    def near(cls, target: Target, z: Array) -> "_Local | None":
        """Return it if the minimum is less than a standard deviation away; otherwise None."""
        try:
            local = cls.at(target, z)
        except np.linalg.LinAlgError:
            return None
        return local if local.decrement <= NEAR else None


def _guard(target: Target, start: Array) -> Objective:
    """Return the target with a bowl around the start where its matrices cannot be factorised.

    A trial step of the search may go where sigma is all but zero and scales are huge, so that
    redundant features are singular to rounding. The bowl lies above every accepted value and leads
    back.
    """
    worst, _ = target(start)

    def evaluate(z: Array) -> tuple[float, Array]:
        try:
            return target(z)
        except np.linalg.LinAlgError:
            away = z - start
            return worst + 0.5 * float(away @ away), away

    return evaluate


def _line_search(target: Target, local: _Local) -> Array | None:
    step = local.step * min(1.0, MAX_STEP / np.abs(local.step).max())
    for halvings in range(30):
        moved = local.z - step * 0.5**halvings
        if target.value(moved) < local.value:
            return np.asarray(moved)
    return None


def _positive(matrix: Array) -> Array:
    """Raise small eigenvalues to a tenth: the priors of the scales alone have curvature one."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 0.1)) @ vectors.T)

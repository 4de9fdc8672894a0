"""Laplace approximation to the posterior of the hyperparameters.

The log posterior density of the hyperparameters x is maximised with its analytic gradient and
approximated by the Gaussian with the analytic Hessian at the mode. Weights are then drawn exactly,
as for NUTS.

A Hessian takes a product of two matrices of all weights for every regime, a gradient the inverse of
one. So few Hessians are made: near the maximum the last of them is corrected by what gradients say
along the steps (Broyden, Fletcher, Goldfarb and Shanno; Nocedal and Wright 2006, chapter 6), and
only where that leads no further another is made. Mostly these are two, where the steps begin and at
the mode, or one if the mode alone is wanted; Newton's steps take three to five.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import optimize, stats

from bayes_intgen.base.parallel import blas_threads_for
from bayes_intgen.base.types import Array
from bayes_intgen.inference.problem import Problem

__all__ = ["LaplaceMode", "find_maximum", "find_mode"]

MAX_HESSIANS = 20
MAX_STEPS = 20  # by gradients, from one Hessian
MAX_STEP = 2.0  # in units of about one standard deviation
NEAR = 20.0  # decrement of a Newton step of six standard deviations
LEAST_BEND = 0.1  # of what was expected, for a Hessian to be corrected
# of decrements: that of a mode, one without need of more, and one to which steps go on by gradients
TOLERANCE, PRECISE, WITHOUT_HESSIAN = 1e-6, 1e-12, 1e-14

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


def find_mode(problem: Problem, start: Array | None = None) -> LaplaceMode:
    """Maximise the posterior density of the hyperparameters.

    A quasi-Newton search, from ``start`` if a mode nearby is known, is followed by steps to the
    maximum of the quadratic approximation, until that is 1e-12 above the log density or less: then
    the mode is the same to about 1e-6 standard deviations, wherever the search came from. Where
    rounding or hardly any curvature is in the way, 1e-6 is enough. Where the quadratic
    approximation has its maximum close to ``start``, these steps are taken from there.
    """
    with blas_threads_for(len(problem.design.weights)):
        target = Target.of(problem)
        local = _minimise(target, start)
    covariance = np.linalg.inv(local.hessian) * np.outer(target.unit, target.unit)
    return LaplaceMode(target.centre + target.unit * local.z, covariance, local.decrement)


def find_maximum(problem: Problem, start: Array | None = None) -> Array:
    """Return the mode alone, as :func:`find_mode` finds it, and spare the last Hessian there."""
    with blas_threads_for(len(problem.design.weights)):
        target = Target.of(problem)
        local = _minimise(target, start, with_hessian=False)
    return np.asarray(target.centre + target.unit * local.z)


def _minimise(target: Target, known: Array | None, *, with_hessian: bool = True) -> "_Local":
    local, close = _start(target, known), False
    for _ in range(MAX_HESSIANS):
        if local.decrement <= PRECISE or close:
            break
        close = local.decrement <= TOLERANCE
        moved = _descend(target, local)
        if moved is local or (moved.decrement <= PRECISE and not with_hessian):
            return moved
        local = _Local.at(target, moved.z)
    return local


def _start(target: Target, known: Array | None) -> "_Local":
    """Return what is known if that is near the minimum, otherwise where a search ends."""
    z = target.start() if known is None else (known - target.centre) / target.unit
    local = None if known is None else _Local.near(target, z)
    if local is not None:
        return local
    search = optimize.minimize(
        _guard(target, z),
        z,
        jac=True,
        method="L-BFGS-B",
        bounds=target.bounds(),
        options={"maxiter": 2000},
    )
    return _Local.at(target, search.x)


def _descend(target: Target, local: "_Local") -> "_Local":
    """Step to the minimum of quadratic approximations, each corrected by the gradient it led to.

    Returns the same if no step leads down.
    """
    for _ in range(MAX_STEPS):
        if local.decrement <= WITHOUT_HESSIAN:
            break
        if local.decrement > TOLERANCE:
            moved = _step_down(target, local)
        else:  # so close to the minimum rounding hides which of two values is less
            moved = local.moved(target, local.z - local.step)
            moved = moved if moved and moved.decrement < local.decrement else None
        if moved is None:
            break
        local = moved
    return local


@dataclass(frozen=True)
class _Local:
    """The target near a point: its quadratic approximation, and the step to the minimum of that."""

    z: Array
    value: float
    gradient: Array
    hessian: Array  # with its small eigenvalues raised
    step: Array  # to be subtracted
    decrement: float  # how far below the value that minimum is

    @classmethod
    def at(cls, target: Target, z: Array) -> "_Local":
        value, gradient, hessian = target.derivatives(z)
        return cls.of(z, value, gradient, _positive(hessian))

    @classmethod
    def of(cls, z: Array, value: float, gradient: Array, hessian: Array) -> "_Local":
        step = np.linalg.solve(hessian, gradient)
        return cls(z, value, gradient, hessian, step, 0.5 * float(gradient @ step))

    @classmethod
    def near(cls, target: Target, z: Array) -> "_Local | None":
        """Return it if the minimum is less than six standard deviations away; otherwise None."""
        try:
            local = cls.at(target, z)
        except np.linalg.LinAlgError:
            return None
        return local if local.decrement <= NEAR else None

    def moved(self, target: Target, z: Array) -> "_Local | None":
        """Return it at another point, the Hessian corrected by the gradient there.

        None where there is no gradient.
        """
        try:
            value, gradient = target(z)
        except np.linalg.LinAlgError:
            return None
        if not np.isfinite(gradient).all():
            return None
        step, change, hessian = z - self.z, gradient - self.gradient, self.hessian
        pulled = hessian @ step
        if step @ change > LEAST_BEND * (step @ pulled):
            hessian = hessian + np.outer(change, change) / (step @ change)
            hessian -= np.outer(pulled, pulled) / (step @ pulled)
        return self.of(z, value, gradient, hessian)


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


def _step_down(target: Target, local: _Local) -> _Local | None:
    """Return where the step leads, halved until the value is less; None if it never is."""
    step = local.step * min(1.0, MAX_STEP / np.abs(local.step).max())
    for halvings in range(30):
        moved = local.moved(target, local.z - step * 0.5**halvings)
        if moved is not None and moved.value < local.value:
            return moved
    return None


def _positive(matrix: Array) -> Array:
    """Raise small eigenvalues to a tenth: the priors of the scales alone have curvature one."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 0.1)) @ vectors.T)

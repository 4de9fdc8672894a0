"""Laplace approximation to the posterior of the hyperparameters.

The log posterior density of x = (log sigma, log scale) is maximised with its analytic gradient
and approximated by the Gaussian with the Hessian at the mode, found by central differences of the
gradient. Weights are then drawn exactly, as for NUTS.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize

from bayes_intgen.marginal import MarginalLikelihood
from bayes_intgen.priors import Priors

__all__ = ["LaplaceMode", "find_mode"]

MAX_NEWTON_STEPS = 20
TOLERANCE = 1e-6

type Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LaplaceMode:
    """The Gaussian approximation at the mode.

    Parameters
    ----------
    mode
        x at the maximum, shape (regimes + groups,).
    covariance
        Inverse of minus the Hessian there.
    decrement
        The Newton decrement at the mode, squared and halved: how far below the maximum of its own
        quadratic approximation the log density still is.
    """

    mode: Array
    covariance: Array
    decrement: float

    @property
    def converged(self) -> bool:
        """Whether the log density is within 1e-6 of its maximum."""
        return self.decrement <= TOLERANCE

    def draw(self, size: int, rng: np.random.Generator) -> Array:
        """Draw hyperparameters, shape (size, regimes + groups)."""
        return rng.multivariate_normal(self.mode, self.covariance, size, method="cholesky")


@dataclass(frozen=True)
class LogPosterior:
    """Minus the log posterior density of standardised hyperparameters, and its gradient.

    The argument is z = (x - prior mean) / unit, with units of about one posterior standard
    deviation for log sigma, so that the optimiser meets similar curvature everywhere.
    """

    likelihood: MarginalLikelihood
    prior_mean: Array
    prior_sd: Array
    unit: Array

    @classmethod
    def build(
        cls, likelihood: MarginalLikelihood, priors: Priors, groups: tuple[str, ...]
    ) -> "LogPosterior":
        """Combine the marginal likelihood with the priors."""
        mean, sd = priors.locations(len(likelihood.n), groups)
        unit = np.concatenate([1 / np.sqrt(2 * likelihood.n), np.ones(len(groups))])
        return cls(likelihood, mean, sd, unit)

    def __call__(self, z: Array) -> tuple[float, Array]:
        x = self.prior_mean + self.unit * z
        split = len(self.likelihood.n)
        value, by_sigma, by_scale = self.likelihood.value_and_gradient(x[:split], x[split:])
        pull = (x - self.prior_mean) / self.prior_sd**2
        value -= 0.5 * float((x - self.prior_mean) @ pull)
        return -value, (pull - np.concatenate([by_sigma, by_scale])) * self.unit

    def hessian(self, z: Array, step: float = 1e-3) -> Array:
        """Differentiate the gradient by central differences."""
        columns = []
        for i in range(len(z)):
            move = np.zeros_like(z)
            move[i] = step
            columns.append((self(z + move)[1] - self(z - move)[1]) / (2 * step))
        matrix = np.array(columns)
        return 0.5 * (matrix + matrix.T)


def find_mode(
    likelihood: MarginalLikelihood, priors: Priors, groups: tuple[str, ...]
) -> LaplaceMode:
    """Maximise the posterior density of the hyperparameters.

    A quasi-Newton search is followed by Newton steps until the maximum of the quadratic
    approximation is less than 1e-6 above the current log density.
    """
    target = LogPosterior.build(likelihood, priors, groups)
    search = optimize.minimize(
        target, _start(target), jac=True, method="L-BFGS-B", options={"maxiter": 2000}
    )
    z, decrement = search.x, np.inf
    hessian = _positive(target.hessian(z))
    for _ in range(MAX_NEWTON_STEPS):
        value, gradient = target(z)
        step = np.linalg.solve(hessian, gradient)
        decrement = 0.5 * float(gradient @ step)
        if decrement <= TOLERANCE:
            break
        z, accepted = _line_search(target, z, step, value)
        if not accepted:
            break
        hessian = _positive(target.hessian(z))
    covariance = np.linalg.inv(hessian) * np.outer(target.unit, target.unit)
    return LaplaceMode(target.prior_mean + target.unit * z, covariance, decrement)


def _start(target: LogPosterior) -> Array:
    """Start from the prior medians, and sigma from the outcome's own spread in each regime."""
    likelihood = target.likelihood
    split = len(likelihood.n)
    x = target.prior_mean.copy()
    x[:split] = 0.5 * np.log(np.maximum(likelihood.square / likelihood.n, 1e-12))
    return (x - target.prior_mean) / target.unit


def _line_search(target: LogPosterior, z: Array, step: Array, value: float) -> tuple[Array, bool]:
    for halvings in range(30):
        moved = z - step * 0.5**halvings
        if target(moved)[0] < value:
            return moved, True
    return z, False


def _positive(matrix: Array) -> Array:
    """Raise tiny eigenvalues to a thousandth; the curvature of the priors alone is about one."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 1e-3)) @ vectors.T)

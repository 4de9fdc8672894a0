"""How far the Laplace approximation is from the posterior, where it matters: in E[Y | do(a)].

Points drawn from the Gaussian at the mode are reweighted by the ratio of the posterior density to
that Gaussian. Given the hyperparameters, E[Y | do(a)] is normal with known mean mu_s and variance
v_s, so that its posterior mean and variance with and without the weights are

    mean = sum_s w_s mu_s,      variance = sum_s w_s (v_s + mu_s^2) - mean^2.

If the weights change them, so would NUTS. In thirty dimensions a few points carry most of the
weight, whether or not the answer is sound (which is why Pareto k is no alarm here); weights are
therefore truncated at sqrt(S) times their mean.

References
----------
Ionides (2008), "Truncated importance sampling", Journal of Computational and Graphical
Statistics 17.
"""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from bayes_intgen.base.types import Array
from bayes_intgen.inference.laplace import LaplaceMode
from bayes_intgen.inference.problem import Problem, conditionals

__all__ = ["LaplaceError", "laplace_error"]

LEAST_POINTS, MOST_POINTS = 128, 1024
WORK = 4e9  # operations spent on factorisations


@dataclass(frozen=True)
class LaplaceError:
    """The largest changes that reweighting makes, over some settings of the actions.

    Parameters
    ----------
    shift
        Of a posterior mean of E[Y | do(a)], in posterior standard deviations.
    ratio
        Of a posterior standard deviation: the factor, or one over it, whichever is larger.
    """

    shift: float
    ratio: float


def laplace_error(
    problem: Problem, mode: LaplaceMode, asked: Array, rng: np.random.Generator
) -> LaplaceError:
    """Compare the approximation with itself, reweighted.

    Parameters
    ----------
    problem, mode
        The posterior and the Gaussian at its mode.
    asked
        Rows that turn weights into the quantities asked for, shape (settings, weights).
    rng
        Source of the points.
    """
    size = int(np.clip(WORK / asked.shape[1] ** 3, LEAST_POINTS, MOST_POINTS))
    points = mode.draw(size, rng)
    means, variances, densities = [], [], []
    with threadpool_limits(1):
        for x, given in zip(points, conditionals(problem, points), strict=True):
            means.append(asked @ given.mean)
            variances.append(given.variance_of(asked))
            densities.append(problem.log_density(x, given))
    log_weights = np.array(densities) - mode.log_density(points)
    weights = np.exp(log_weights - log_weights.max())
    weights = np.minimum(weights, weights.mean() * np.sqrt(size))
    equal = np.full(size, 1 / size)
    mean, sd = _summary(equal, np.array(means), np.array(variances))
    moved, other = _summary(weights / weights.sum(), np.array(means), np.array(variances))
    shift = float((np.abs(moved - mean) / sd).max())
    ratio = float(np.maximum(other / sd, sd / other).max())
    return LaplaceError(shift, ratio)


def _summary(weights: Array, means: Array, variances: Array) -> tuple[Array, Array]:
    mean = weights @ means
    return mean, np.sqrt(weights @ (variances + (means - mean) ** 2))

"""Laws of a positive, skewed outcome with a given mean m and variance v: gamma or lognormal.

With the coefficient of variation c = sqrt(v) / m the gamma law has shape 1 / c^2, the lognormal law
a log-variance of log(1 + c^2). A mass at zero is at most v / (v + m^2), which it is if the rest is
one value; with k in [0, 1], one number for all settings, it is

    (1)  p_0 = k v / (v + m^2),

and the rest follows the law with mean m / (1 - p_0) and second moment (v + m^2) / (1 - p_0). A mean
below a tenth of the standard deviation, or below zero, is raised to that.
"""

from typing import Literal

import numpy as np
from scipy import stats

from bayes_intgen.base.types import Array

__all__ = ["PositiveShape", "draw_positive", "log_density_positive"]

MOST_VARIATION = 10.0
LEAST_VARIATION = 1e-6
TINY = np.finfo(float).tiny

type PositiveShape = Literal["gamma", "lognormal"]


def zero_share(mean: Array, variance: Array) -> Array:
    """Return v / (v + m^2), the mass (1) with k = 1."""
    return np.asarray(variance / (variance + _raise(mean, variance) ** 2))


def draw_positive(
    mean: Array, variance: Array, shape: PositiveShape, at_zero: float, rng: np.random.Generator
) -> Array:
    """Draw positive values, or zeros; ``at_zero`` is k."""
    p0, m, c2 = _parameters(mean, variance, at_zero)
    if shape == "gamma":
        y = rng.gamma(1 / c2, m * c2)
    else:
        s2 = np.log1p(c2)
        y = np.exp(np.log(m) - s2 / 2 + np.sqrt(s2) * rng.standard_normal(m.shape))
    y = np.maximum(y, TINY)
    return np.where(rng.random(m.shape) < p0, 0.0, y) if at_zero else y


def log_density_positive(
    y: Array, mean: Array, variance: Array, shape: PositiveShape, at_zero: float
) -> Array:
    """Return the log density, or at zero the log probability if there is mass."""
    p0, m, c2 = _parameters(mean, variance, at_zero)
    x = np.maximum(y, TINY)
    if shape == "gamma":
        inside = stats.gamma.logpdf(x, 1 / c2, scale=m * c2)
    else:
        s2 = np.log1p(c2)
        inside = stats.norm.logpdf(np.log(x), np.log(m) - s2 / 2, np.sqrt(s2)) - np.log(x)
    with np.errstate(divide="ignore"):
        return np.where(y <= 0, np.log(p0), np.log1p(-p0) + inside)


def _raise(mean: Array, variance: Array) -> Array:
    return np.maximum(mean, np.sqrt(variance) / MOST_VARIATION)


def _parameters(mean: Array, variance: Array, at_zero: float) -> tuple[Array, Array, Array]:
    m, v = np.broadcast_arrays(_raise(mean, variance), variance)
    p0 = at_zero * v / (v + m**2)  # (1)
    c2 = np.maximum((1 - p0) * (v + m**2) / m**2 - 1, LEAST_VARIATION**2)
    return p0, m / (1 - p0), c2

"""Laws of proportions with a given mean m and variance v: beta, with masses at 0 and at 1.

The variance of a proportion is at most m (1 - m), which it has if all mass lies at the ends. With
rho = v / (m (1 - m)) and k_0, k_1 in [0, 1] the masses are

    (1)  p_0 = k_0 rho (1 - m),    p_1 = k_1 rho m,

and the rest, of probability q = 1 - p_0 - p_1, follows the beta law that gives mean and variance of
the whole:

    (2)  m' = (m - p_1) / q,    v' = (v + m^2 - p_1) / q - m'^2.

That v' lies between 0 and m' (1 - m') comes down to (1 - k_0 rho)(1 - k_1 rho) >= (1 - rho) q,
which is bilinear in (k_0, k_1) and true at the four corners. So any k_0 and k_1 can be had, which
are two numbers for all settings: the shares of rows at the ends relative to (1) with k = 1. Without
rows at 0 or 1 it is the beta law with m and v.
"""

import numpy as np
from scipy import stats

from bayes_intgen.base.types import Array

__all__ = ["draw_proportions", "log_density_proportions"]

LEAST = 1e-9  # distance of a mean from 0 and 1
LEAST_SHARE, MOST_SHARE = 1e-9, 1 - 1e-6  # of m (1 - m), which the variance has
INSIDE = (np.finfo(float).tiny, 1 - np.finfo(float).epsneg)


def end_shares(mean: Array, variance: Array) -> tuple[Array, Array]:
    """Return rho (1 - m) and rho m, the masses (1) with k = 1."""
    m, rho = _read(mean, variance)
    return rho * (1 - m), rho * m


def draw_proportions(
    mean: Array, variance: Array, at_zero: float, at_one: float, rng: np.random.Generator
) -> Array:
    """Draw proportions; ``at_zero`` and ``at_one`` are k_0 and k_1."""
    p0, p1, a, b = _parameters(mean, variance, at_zero, at_one)
    inside = np.clip(rng.beta(a, b), *INSIDE)
    u = rng.random(a.shape)
    return np.where(u < p0, 0.0, np.where(u >= 1 - p1, 1.0, inside))


def log_density_proportions(
    y: Array, mean: Array, variance: Array, at_zero: float, at_one: float
) -> Array:
    """Return the log density, or at 0 and 1 the log probability if there is mass."""
    p0, p1, a, b = _parameters(mean, variance, at_zero, at_one)
    with np.errstate(divide="ignore"):
        inside = np.log1p(-p0 - p1) + stats.beta.logpdf(np.clip(y, *INSIDE), a, b)
        return np.where(y == 0, np.log(p0), np.where(y == 1, np.log(p1), inside))


def _read(mean: Array, variance: Array) -> tuple[Array, Array]:
    m = np.clip(mean, LEAST, 1 - LEAST)
    return m, np.clip(variance / (m * (1 - m)), LEAST_SHARE, MOST_SHARE)


def _parameters(
    mean: Array, variance: Array, at_zero: float, at_one: float
) -> tuple[Array, Array, Array, Array]:
    m, rho = _read(mean, variance)
    m, rho = np.broadcast_arrays(m, rho)
    p0, p1 = at_zero * rho * (1 - m), at_one * rho * m  # (1)
    q = 1 - p0 - p1
    inner = m * (1 - at_one * rho) / q  # m' of (2)
    # v' of (2) over m' (1 - m'), in a form that subtracts no near equals
    share = 1 - (1 - rho) * q / ((1 - at_one * rho) * (1 - at_zero * rho))
    share = np.clip(share, LEAST_SHARE, MOST_SHARE)
    size = 1 / share - 1
    return p0, p1, inner * size, (1 - inner) * size

"""Laws of counts with a given mean m and variance v.

v > m
    Negative binomial: Poisson with a mean that follows a gamma law of mean m and variance v - m.
v = m
    Poisson.
v < m
    A mixture of two laws with mean m, in the share that gives v. Of the binomial laws
    Bin(n, m / n), with variances m - m^2 / n, the two whose variances enclose v are mixed. If v is
    less than that of the smallest n >= m, that one is mixed with the law on the two whole numbers
    next to m, which has the least variance that is possible, f (1 - f) with f the fraction of m;
    a smaller v is raised to it. One draw in ten thousand is Poisson, and the others have as much
    less variance: so no count is impossible, as it would be beyond n for ever.

A mean below zero counts as zero, where the only law is that of zero itself.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from bayes_intgen.base.types import Array

__all__ = ["draw_counts", "log_mass_counts"]

NEARLY_POISSON = 1e-9  # of the mean, by which the variance differs
MOST_TRIALS = 2**40
POISSON_SHARE = 1e-4  # where the variance is less than that of Poisson


@dataclass(frozen=True)
class Mixture:
    """Two laws of which the narrower has n - 1 trials, or is on two numbers, the other n trials."""

    trials: npt.NDArray[np.int64]  # n
    two_point: npt.NDArray[np.bool_]  # whether the narrower is the law on two numbers
    wide: Array  # the share of the wider


def draw_counts(mean: Array, variance: Array, rng: np.random.Generator) -> Array:
    """Draw counts, in the shape that mean and variance have together."""
    m, v = _read(mean, variance)
    y = np.zeros(m.shape)
    over, under = v > m * (1 + NEARLY_POISSON), _is_under(m, v)
    rate = m.copy()
    rate[over] = rng.gamma(m[over] ** 2 / (v - m)[over], ((v - m)[over]) / m[over])
    y[~under] = rng.poisson(rate[~under])
    if under.any():
        y[under] = _draw_under(m[under], v[under], rng)
    return y


def log_mass_counts(y: Array, mean: Array, variance: Array) -> Array:
    """Return the log probability of counts y under the law with given mean and variance."""
    m, v = _read(mean, variance)
    y, m, v = np.broadcast_arrays(np.asarray(y, dtype=float), m, v)
    log_mass = np.where(y == 0, 0.0, -np.inf)
    over, under = v > m * (1 + NEARLY_POISSON), _is_under(m, v)
    some = over & (m > 0)
    size = m[some] ** 2 / (v - m)[some]
    log_mass[some] = stats.nbinom.logpmf(y[some], size, size / (size + m[some]))
    some = ~over & ~under & (m > 0)
    log_mass[some] = stats.poisson.logpmf(y[some], m[some])
    if under.any():
        log_mass[under] = _log_mass_under(y[under], m[under], v[under])
    return log_mass


def _read(mean: Array, variance: Array) -> tuple[Array, Array]:
    m, v = np.broadcast_arrays(np.maximum(mean, 0.0), variance)
    return np.array(m, dtype=float), np.where(m > 0, v, 0.0)


def _is_under(m: Array, v: Array) -> npt.NDArray[np.bool_]:
    """Say where the variance is too small for Poisson, or for a binomial with countless trials."""
    return np.asarray((v < m * (1 - NEARLY_POISSON)) & (m**2 < (m - v) * MOST_TRIALS))


def _mix(m: Array, v: Array) -> Mixture:
    exact = m**2 / (m - v)  # trials of the binomial with variance v
    least = np.maximum(np.ceil(m), 1.0)
    two_point = np.floor(exact) < least
    trials = np.where(two_point, least, np.floor(exact) + 1)
    fraction = m - np.floor(m)
    narrow = np.where(
        two_point, fraction * (1 - fraction), m - m**2 / np.maximum(trials - 1, least)
    )
    step = m - m**2 / trials - narrow
    wide = np.divide(v - narrow, step, out=np.zeros_like(m), where=step > 0)
    return Mixture(trials.astype(np.int64), two_point, np.clip(wide, 0.0, 1.0))


def _rest(m: Array, v: Array) -> Array:
    """Return the variance of what is not Poisson."""
    return np.maximum((v - POISSON_SHARE * m) / (1 - POISSON_SHARE), 0.0)


def _draw_under(m: Array, v: Array, rng: np.random.Generator) -> Array:
    mixed = _mix(m, _rest(m, v))
    is_wide = rng.random(m.shape) < mixed.wide
    trials = np.where(is_wide | mixed.two_point, mixed.trials, mixed.trials - 1)
    binomial = rng.binomial(trials, np.minimum(m / trials, 1.0)).astype(float)
    floor = np.floor(m)
    nearest = floor + (rng.random(m.shape) < m - floor)
    inside = np.where(mixed.two_point & ~is_wide, nearest, binomial)
    return np.where(rng.random(m.shape) < POISSON_SHARE, rng.poisson(m), inside)


def _log_mass_under(y: Array, m: Array, v: Array) -> Array:
    mixed = _mix(m, _rest(m, v))
    floor = np.floor(m)
    fraction = m - floor
    mass = np.where(y == floor, 1 - fraction, np.where(y == floor + 1, fraction, 0.0))
    fewer = np.maximum(mixed.trials - 1, 1)
    with np.errstate(divide="ignore"):
        narrow = np.where(
            mixed.two_point, np.log(mass), _binomial(y, fewer, np.minimum(m / fewer, 1.0))
        )
        wide = _binomial(y, mixed.trials, np.minimum(m / mixed.trials, 1.0))
        both = np.logaddexp(np.log1p(-mixed.wide) + narrow, np.log(mixed.wide) + wide)
    poisson = np.log(POISSON_SHARE) + stats.poisson.logpmf(y, m)
    return np.asarray(np.logaddexp(np.log1p(-POISSON_SHARE) + both, poisson))


def _binomial(y: Array, trials: npt.NDArray[np.int64], p: Array) -> Array:
    inside = np.clip(y, 0, trials)
    choices = -special.betaln(1 + trials - inside, 1 + inside) - np.log1p(trials)
    log_mass = choices + special.xlogy(inside, p) + special.xlog1py(trials - inside, -p)
    return np.where((y >= 0) & (y <= trials) & (y == np.rint(y)), log_mass, -np.inf)

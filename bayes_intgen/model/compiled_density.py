"""The posterior density of the hyperparameters, compiled, in the coordinates that NUTS moves in.

These are z of x = centre + root z, in which the Gaussian approximation N(centre, root root') is
standard normal; the determinant of the map is constant and left out. The density is that of
:mod:`bayes_intgen.model.marginal`, :mod:`bayes_intgen.model.priors` and
:mod:`bayes_intgen.model.distributions`, whose NumPy forms are its oracle. It runs without holding
the interpreter, so that chains do not wait for one another; and the compiled code is kept in a
file, so that no fit but the first waits for the compiler. :mod:`bayes_intgen.model.block_density`
has the same for an approximation in a fraction of the time, and
:mod:`bayes_intgen.model.each_draw` what is computed once for each draw.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import log, pi
from typing import Any, Self

import numba
import numpy as np

from bayes_intgen.base.types import Array, Indices
from bayes_intgen.model.distributions import HyperPriors
from bayes_intgen.model.marginal import MarginalLikelihood
from bayes_intgen.model.priors import LEAST_LOG_SD, PriorScales
from bayes_intgen.model.quadratic_part import value_and_gradient

__all__ = [
    "CompiledDensity",
    "chain_rule",
    "log_sds_at",
    "normal_priors",
    "position",
    "scale_arrays",
    "with_prior",
]


@numba.njit(nogil=True, cache=True)
def position(z, centre, root):  # type: ignore[no-untyped-def]  # numba infers types
    """Return x = centre + root z; the root is a Cholesky factor."""
    x = centre.copy()
    for i in range(len(z)):
        for j in range(i + 1):
            x[i] += root[i, j] * z[j]
    return x


@numba.njit(nogil=True, cache=True)
def log_sds_at(x, regimes, scales):  # type: ignore[no-untyped-def]  # numba infers types
    """Return log sd of each weight, and its derivatives in the log lengthscales.

    Shapes (weights,) and (weights, lengthscales).
    """
    group_index, is_wave, squared_frequency, smoothness, log_peak, log_constant = scales
    weights, lengths = is_wave.shape
    groups = len(x) - regimes - lengths
    log_scale = np.append(x[regimes : regimes + groups], log_constant)
    log_length = x[regimes + groups :]
    log_sd, slopes = np.empty(weights), np.zeros((weights, lengths))
    for i in range(weights):
        value = log_scale[group_index[i]]
        for k in range(lengths):
            if is_wave[i, k] == 0.0:
                continue
            value += 0.5 * (log_peak[k] + log_length[k])
            square, nu = squared_frequency[i, k] * np.exp(2 * log_length[k]), smoothness[k]
            if np.isinf(nu):
                value -= square / 4
                slopes[i, k] = 0.5 - square / 2
            else:
                part = square / (2 * nu)
                value -= (nu / 2 + 0.25) * np.log1p(part)
                slopes[i, k] = 0.5 - (nu + 0.5) * part / (1 + part)
        log_sd[i] = max(value, LEAST_LOG_SD)
    return log_sd, slopes


@numba.njit(nogil=True, cache=True)
def chain_rule(by_log_sd, slopes, group_index, regimes, size):  # type: ignore[no-untyped-def]  # numba infers types
    """Turn a slope in log sd of the weights into one in x, zero in log sigma; shape (size,)."""
    slope, lengths = np.zeros(size), slopes.shape[1]
    for i in range(len(by_log_sd)):
        if group_index[i] < size - regimes - lengths:  # the constant has no scale to be found
            slope[regimes + group_index[i]] += by_log_sd[i]
        for k in range(lengths):
            slope[size - lengths + k] += by_log_sd[i] * slopes[i, k]
    return slope


@numba.njit(nogil=True, cache=True)
def with_prior(value, slope, x, root, prior):  # type: ignore[no-untyped-def]  # numba infers types
    """Add priors that are normal in x to a value and its slope in x; return the slope in z."""
    mean, sd = prior
    gradient = np.zeros(len(x))
    for i in range(len(x)):
        step = (x[i] - mean[i]) / sd[i]
        value -= 0.5 * step**2
        for j in range(i + 1):
            gradient[j] += root[i, j] * (slope[i] - step / sd[i])
    return value, gradient


@numba.njit(nogil=True, cache=True)
def _log_density(z, map_, sums, scales, prior, constant):  # type: ignore[no-untyped-def]  # numba infers types
    """Return the log density at z and its gradient, for priors that are all normal in x."""
    n, gram, cross, square = sums
    regimes = len(n)
    x = position(z, *map_)
    log_sd, slopes = log_sds_at(x, regimes, scales)
    w = np.ones(len(cross))  # of lift tests the precision is one
    w[:regimes] = np.exp(-2 * x[:regimes])
    lam = np.exp(-2 * log_sd)
    value, by_w, by_lam = value_and_gradient(w, lam, gram, cross)
    slope = chain_rule(-2 * lam * by_lam - 1, slopes, scales[0], regimes, len(z))
    total = value[()] + constant - np.sum(log_sd)
    for r in range(regimes):
        total -= n[r] * x[r] + 0.5 * w[r] * square[r]
        slope[r] = w[r] * (square[r] - 2 * by_w[r]) - n[r]
    return with_prior(total, slope, x, map_[1], prior)


@dataclass(frozen=True)
class CompiledDensity:
    """A log density of z, and what to steer by: its gradient."""

    priors: HyperPriors
    centre: Array  # shape (hyperparameters,)
    root: Array  # lower triangular, shape (hyperparameters, hyperparameters)
    function: Callable[..., tuple[float, Array]] = field(repr=False)  # compiled
    arguments: tuple[Any, ...] = field(repr=False)  # of the compiled function, behind z

    @classmethod
    def of(
        cls,
        likelihood: MarginalLikelihood,
        scales: PriorScales,
        priors: HyperPriors,
        centre: Array,
        root: Array,
    ) -> Self:
        """Lay out sums of products, scales and priors as the compiled function reads them.

        The density is that of the posterior, up to the evidence.
        """
        seen = likelihood.seen  # the others keep their prior, and change nothing
        cross = likelihood.cross[:, seen]
        constant = 0.5 * float(np.sum(likelihood.log_weight - likelihood.n * log(2 * pi)))
        if likelihood.lifts:  # one more row of sums
            cross = np.vstack([cross, likelihood.lifts.cross[seen]])
            constant += likelihood.lifts.constant
        mean, sd = normal_priors(priors)
        constant -= float(np.sum(np.log(sd[np.isfinite(sd)] * np.sqrt(2 * pi))))
        layout = (
            (centre, np.ascontiguousarray(root)),
            (likelihood.n, likelihood.packed_gram, np.ascontiguousarray(cross), likelihood.square),
            scale_arrays(scales, seen),
            (mean, sd),
            constant,
        )
        return cls(priors, centre, root, _log_density, layout)

    def __call__(self, z: Array) -> tuple[float, Array]:
        """Return the log density and its gradient; NaN where P is not positive definite."""
        value, gradient = self.function(np.ascontiguousarray(z), *self.arguments)
        if self.priors.blocks:
            x, slope = self.centre + self.root @ z, np.zeros(len(z))
            for block in self.priors.blocks:
                density, slope[block.entries], _ = block.compiled(x[block.entries])
                value += float(density.sum())
            gradient = gradient + self.root.T @ slope
        return value, gradient


def scale_arrays(scales: PriorScales, weights: Indices) -> tuple[Any, ...]:
    """Return the scales of some weights, in their order, as compiled functions read them."""
    return (
        scales.group_index[weights].astype(np.int64),
        np.ascontiguousarray(scales.is_wave[weights]),
        np.ascontiguousarray(scales.squared_frequency[weights]),
        scales.smoothness.astype(float),
        scales.log_peak,
        log(scales.constant_scale),
    )


def normal_priors(priors: HyperPriors) -> tuple[Array, Array]:
    """Return means and standard deviations, infinite where a prior is not normal in x.

    There it has neither value nor slope, and PyTensor adds them.
    """
    sd = priors.sd.copy()
    for block in priors.blocks:
        sd[block.entries] = np.inf
    return priors.mean, sd

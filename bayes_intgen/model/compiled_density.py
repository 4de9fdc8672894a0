"""The posterior density of the hyperparameters, compiled: what NUTS evaluates some 30,000 times.

The coordinates are z of x = centre + root z, in which the Gaussian approximation N(centre, root
root') is standard normal; the determinant of the map is constant and left out. The density is that
of :mod:`bayes_intgen.model.marginal`, :mod:`bayes_intgen.model.priors` and
:mod:`bayes_intgen.model.distributions`, whose NumPy forms are its oracle. It runs without holding
the interpreter, so that chains do not wait for one another; and the compiled code is kept in a
file, so that no fit but the first waits for the compiler. Values have 64 bits, gradients 32, which
is enough to steer by (:mod:`bayes_intgen.model.quadratic_part`).
"""

from dataclasses import dataclass, field
from math import log, pi
from typing import Any, Self

import numba
import numpy as np

from bayes_intgen.base.types import Array
from bayes_intgen.model.distributions import HyperPriors
from bayes_intgen.model.marginal import MarginalLikelihood
from bayes_intgen.model.priors import LEAST_LOG_SD, PriorScales
from bayes_intgen.model.quadratic_part import value_and_gradient

__all__ = ["CompiledDensity"]


@numba.njit(nogil=True, cache=True)
def _log_sd(log_scale, log_length, scales):  # type: ignore[no-untyped-def]  # numba infers types
    """Return log sd of each weight, and its derivatives in the log lengthscales.

    Shapes (weights,) and (weights, lengthscales).
    """
    group_index, is_wave, squared_frequency, smoothness, log_peak = scales
    weights, lengths = is_wave.shape
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
def _log_density(z, map_, sums, scales, prior, constants):  # type: ignore[no-untyped-def]  # numba infers types
    """Return the log density at z and its gradient, for priors that are all normal in x."""
    centre, root = map_
    n, gram, cross, square = sums
    mean, sd = prior
    constant_scale, constant = constants
    size, regimes = len(z), len(n)
    x = centre.copy()
    for i in range(size):
        for j in range(i + 1):  # a Cholesky factor
            x[i] += root[i, j] * z[j]
    lengths = scales[1].shape[1]
    groups = size - regimes - lengths
    log_scale = np.append(x[regimes : regimes + groups], constant_scale)
    log_sd, slopes = _log_sd(log_scale, x[regimes + groups :], scales)
    w = np.ones(len(cross))  # of lift tests the precision is one
    w[:regimes] = np.exp(-2 * x[:regimes])
    lam = np.exp(-2 * log_sd)
    value, by_w, by_lam = value_and_gradient(w, lam, gram, cross, True)
    total = value[()] + constant
    slope = np.zeros(size)
    for r in range(regimes):
        total -= n[r] * x[r] + 0.5 * w[r] * square[r]
        slope[r] = w[r] * (square[r] - 2 * by_w[r]) - n[r]
    for i in range(len(lam)):
        by_sd = -2 * lam[i] * by_lam[i] - 1
        total -= log_sd[i]
        group = scales[0][i]
        if group < groups:
            slope[regimes + group] += by_sd
        for k in range(lengths):
            slope[regimes + groups + k] += by_sd * slopes[i, k]
    for i in range(size):
        step = (x[i] - mean[i]) / sd[i]
        total -= 0.5 * step**2
        slope[i] -= step / sd[i]
    gradient = np.zeros(size)
    for i in range(size):
        for j in range(i + 1):
            gradient[j] += root[i, j] * slope[i]
    return total, gradient


@dataclass(frozen=True)
class CompiledDensity:
    """The log posterior density of z, up to a constant, and its gradient."""

    priors: HyperPriors
    centre: Array  # shape (hyperparameters,)
    root: Array  # lower triangular, shape (hyperparameters, hyperparameters)
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
        """Lay out sums of products, scales and priors as the compiled function reads them."""
        seen = likelihood.seen  # the others keep their prior, and change nothing
        cross = likelihood.cross[:, seen]
        constant = 0.5 * float(np.sum(likelihood.log_weight - likelihood.n * log(2 * pi)))
        if likelihood.lifts:  # one more row of sums
            cross = np.vstack([cross, likelihood.lifts.cross[seen]])
            constant += likelihood.lifts.constant
        sd = priors.sd.copy()
        for block in priors.blocks:
            sd[block.entries] = np.inf  # neither value nor slope; added by PyTensor
        constant -= float(np.sum(np.log(sd[np.isfinite(sd)] * np.sqrt(2 * pi))))
        layout = (
            (centre, np.ascontiguousarray(root)),
            (likelihood.n, likelihood.packed_gram, np.ascontiguousarray(cross), likelihood.square),
            (
                scales.group_index[seen].astype(np.int64),
                np.ascontiguousarray(scales.is_wave[seen]),
                np.ascontiguousarray(scales.squared_frequency[seen]),
                scales.smoothness.astype(float),
                scales.log_peak,
            ),
            (priors.mean, sd),
            (log(scales.constant_scale), constant),
        )
        return cls(priors, centre, root, layout)

    def __call__(self, z: Array) -> tuple[float, Array]:
        """Return the log density and its gradient; NaN where P is not positive definite."""
        value, gradient = _log_density(np.ascontiguousarray(z), *self.arguments)
        if self.priors.blocks:
            x, slope = self.centre + self.root @ z, np.zeros(len(z))
            for block in self.priors.blocks:
                density, slope[block.entries], _ = block.compiled(x[block.entries])
                value += float(density.sum())
            gradient = gradient + self.root.T @ slope
        return value, gradient

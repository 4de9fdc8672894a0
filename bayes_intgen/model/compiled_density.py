"""The posterior density of the hyperparameters, compiled: what NUTS evaluates some 30,000 times.

The coordinates are z of x = centre + root z, in which the Gaussian approximation N(centre, root
root') is standard normal; the determinant of the map is constant and left out. The density is that
of :mod:`bayes_intgen.model.marginal`, :mod:`bayes_intgen.model.priors` and
:mod:`bayes_intgen.model.distributions`, whose NumPy forms are its oracle. It runs without holding
the interpreter, so that chains do not wait for one another; and the compiled code is kept in a
file, so that no fit but the first waits for the compiler. The weights given each draw are drawn by
compiled code too (:func:`draw_weights_of_each`).

Values are exact. What comes with them in place of the gradient is what a trajectory is steered by,
any function of the position (:mod:`bayes_intgen.model.quadratic_part`): exact to 32 bits in log
scales and log lengthscales, and in the log sigma of each regime, whose posterior is close to normal
and whose derivatives take as long as all others, the gradient of the Gaussian approximation.
"""

from dataclasses import dataclass, field
from math import log, pi
from typing import Any, Self

import numba
import numpy as np
from scipy.linalg import solve_triangular

from bayes_intgen.base.parallel import ordered_map, stretches
from bayes_intgen.base.types import Array
from bayes_intgen.model.distributions import HyperPriors
from bayes_intgen.model.marginal import MarginalLikelihood
from bayes_intgen.model.priors import LEAST_LOG_SD, PriorScales
from bayes_intgen.model.quadratic_part import draw_each, value_and_gradient, value_and_slopes

__all__ = ["CompiledDensity", "draw_weights_of_each"]

DRAWS_AT_ONCE = 50
FEW_ROWS = 100


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
    """Return the log density at z and a slope to steer by, for priors that are all normal in x."""
    centre, root, steering = map_
    n, gram, cross, square = sums
    mean, sd = prior
    constant_scale, constant, exact = constants
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
    if exact:
        value, by_w, by_lam = value_and_gradient(w, lam, gram, cross)
    else:
        value, by_lam = value_and_slopes(w, lam, gram, cross)
    total = value[()] + constant
    slope = np.zeros(size)
    for r in range(regimes):
        total -= n[r] * x[r] + 0.5 * w[r] * square[r]
        if exact:
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
        if i < regimes and not exact:
            slope[i] = -np.dot(steering[i], z)
        else:
            slope[i] -= step / sd[i]
    gradient = np.zeros(size)
    for i in range(size):
        for j in range(i + 1):
            gradient[j] += root[i, j] * slope[i]
    return total, gradient


@dataclass(frozen=True)
class CompiledDensity:
    """The log posterior density of z, up to a constant, and a slope to steer by."""

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
        # rows of root^-T: minus these times z is the gradient of the Gaussian in log sigma
        regimes = np.eye(len(root), len(likelihood.n))
        steering = np.ascontiguousarray(solve_triangular(root, regimes, lower=True).T)
        layout = (
            (centre, np.ascontiguousarray(root), steering),
            (likelihood.n, likelihood.packed_gram, np.ascontiguousarray(cross), likelihood.square),
            (
                scales.group_index[seen].astype(np.int64),
                np.ascontiguousarray(scales.is_wave[seen]),
                np.ascontiguousarray(scales.squared_frequency[seen]),
                scales.smoothness.astype(float),
                scales.log_peak,
            ),
            (priors.mean, sd),
            (log(scales.constant_scale), constant, bool(likelihood.n.min() < FEW_ROWS)),
        )
        return cls(priors, centre, root, layout)

    @property
    def is_exact(self) -> bool:
        """Whether the slope is the gradient."""
        return bool(self.arguments[-1][-1])

    def __call__(self, z: Array) -> tuple[float, Array]:
        """Return the log density and the slope; NaN where P is not positive definite."""
        value, gradient = _log_density(np.ascontiguousarray(z), *self.arguments)
        if self.priors.blocks:
            x, slope = self.centre + self.root @ z, np.zeros(len(z))
            for block in self.priors.blocks:
                density, slope[block.entries], _ = block.compiled(x[block.entries])
                value += float(density.sum())
            if not self.is_exact:
                slope[: len(self.arguments[1][0])] = 0.0  # of log sigma is in it already
            gradient = gradient + self.root.T @ slope
        return value, gradient


def draw_weights_of_each(
    likelihood: MarginalLikelihood, log_sigma: Array, log_sd: Array, noise: Array
) -> Array:
    """Draw the centred weights given each row of log standard deviations, on all cores.

    Parameters
    ----------
    likelihood
        Which must see all weights.
    log_sigma, log_sd
        Of the residuals of each regime, and of the prior of each weight; shapes (draws, regimes)
        and (draws, weights), standard units.
    noise
        Standard normal, shape (draws, weights).

    Raises
    ------
    numpy.linalg.LinAlgError
        If a precision is not positive definite.
    ValueError
        If the data do not see all weights: compiled code would read past the end of their sums.
    """
    if len(likelihood.seen) < log_sd.shape[1]:
        raise ValueError("likelihood: it must see all weights; draw from its conditionals instead.")
    shape = (len(noise), likelihood.cross.shape[1])
    if not noise.shape == log_sd.shape == shape or log_sigma.shape != (shape[0], len(likelihood.n)):
        raise ValueError(f"noise, log_sd, log_sigma: shapes must go with {shape}, one row a draw.")
    w, cross = np.exp(-2 * log_sigma), likelihood.cross
    if likelihood.lifts:
        w = np.column_stack([w, np.ones(len(w))])
        cross = np.vstack([cross, likelihood.lifts.cross])
    sums = likelihood.packed_gram, np.ascontiguousarray(cross)

    def draw(rows: slice) -> Array:
        return np.asarray(draw_each(w[rows], np.exp(-2 * log_sd[rows]), *sums, noise[rows]))

    drawn = np.concatenate([*ordered_map(draw, stretches(len(w), DRAWS_AT_ONCE))])
    if np.isnan(drawn).any():
        raise np.linalg.LinAlgError("the precision of the weights is not positive definite")
    return drawn

"""From hyperparameters to the prior standard deviation of every weight.

The logarithm is linear in the log scales of the groups and, for eigenfunctions of frequency w of an
action with lengthscale l, adds half the log spectral density of a unit squared-exponential kernel:

    log sd_i = log scale_g(i) + sum over factors of ( log(2 pi)/4 + log(l)/2 - (w l)^2 / 4 ).

and for a Matern kernel of smoothness nu

    ( log c_nu + log(l) ) / 2 - (nu / 2 + 1 / 4) log(1 + (w l)^2 / (2 nu)),
    c_nu = 2 sqrt(pi) Gamma(nu + 1/2) / (Gamma(nu) sqrt(2 nu)).

A product of eigenfunctions has one such term per factor. Constants have a fixed scale. Below
exp(-40) a weight is zero for every purpose, and its prior scale is held there to avoid overflow.
"""

from dataclasses import dataclass
from functools import cached_property
from math import isinf, lgamma, log, pi
from typing import Self

import numpy as np
import numpy.typing as npt

from bayes_intgen.design import Design

__all__ = ["LEAST_LOG_SD", "PriorScales"]

LEAST_LOG_SD = -40.0

type Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PriorScales:
    """How prior standard deviations follow from the hyperparameters.

    Parameters
    ----------
    group_index
        Prior group of each weight; constants have the number of groups; shape (weights,).
    n_groups
        Number of groups.
    is_wave
        Whether a weight's feature has an eigenfunction of a variable; (weights, lengthscales).
    squared_frequency
        Its squared frequency, zero where there is none; (weights, lengthscales).
    smoothness
        nu of each Matern kernel, infinite for a squared-exponential one; (lengthscales,).
    constant_scale
        Prior standard deviation of the constants, in standard units of the outcome.
    """

    group_index: npt.NDArray[np.intp]
    n_groups: int
    is_wave: Array
    squared_frequency: Array
    smoothness: Array
    constant_scale: float

    @classmethod
    def from_design(cls, design: Design, constant_scale: float) -> Self:
        """Read groups and frequencies off a design."""
        frequency = design.frequencies
        return cls(
            design.group_index,
            len(design.groups),
            (frequency > 0).astype(float),
            frequency**2,
            np.array([waves.smoothness for waves in design.waves]),
            constant_scale,
        )

    def log_sd(self, log_scale: Array, log_length: Array) -> Array:
        """Return the log prior standard deviation of every weight, shape (weights,)."""
        by_group = np.append(log_scale, log(self.constant_scale))[self.group_index]
        waves = self.is_wave @ (self.log_peak / 2 + log_length / 2)
        decay, _, _ = self._decay(log_length)
        return np.asarray(np.maximum(by_group + waves - decay.sum(axis=1), LEAST_LOG_SD))

    def pull_back(self, by_log_sd: Array, log_length: Array) -> tuple[Array, Array]:
        """Turn a gradient in log sd into one in log scale and in log lengthscale."""
        by_group = np.bincount(self.group_index, weights=by_log_sd, minlength=self.n_groups + 1)
        _, slope, _ = self._decay(log_length)
        return by_group[: self.n_groups], by_log_sd @ (0.5 * self.is_wave - slope)

    def slopes(self, log_length: Array) -> Array:
        """Return the derivatives of log sd in (log scale, log lengthscale).

        Shape (weights, groups + lengthscales).
        """
        groups = np.eye(self.n_groups + 1)[self.group_index, : self.n_groups]
        _, slope, _ = self._decay(log_length)
        return np.column_stack([groups, 0.5 * self.is_wave - slope])

    def curvature(self, by_log_sd: Array, log_length: Array) -> Array:
        """Return sum_i by_log_sd_i d2(log sd_i)/d(log lengthscale)2, shape (lengthscales,)."""
        _, _, bend = self._decay(log_length)
        return np.asarray(-(by_log_sd @ bend))

    @cached_property
    def log_peak(self) -> Array:
        """The logarithm of S(0) / l of each kernel, shape (lengthscales,)."""
        found = [
            log(2 * pi) / 2
            if isinf(nu)
            else log(2) + log(pi) / 2 + lgamma(nu + 0.5) - lgamma(nu) - log(2 * nu) / 2
            for nu in self.smoothness
        ]
        return np.array(found)

    def _decay(self, log_length: Array) -> tuple[Array, Array, Array]:
        """Return the decay of log sd with frequency, and its derivatives in log lengthscale.

        Each of shape (weights, lengthscales).
        """
        squares = self.squared_frequency * np.exp(2 * log_length)
        decay, slope, bend = squares / 4, squares / 2, squares.copy()
        for k in np.flatnonzero(np.isfinite(self.smoothness)):
            nu = self.smoothness[k]
            u = squares[:, k] / (2 * nu)
            decay[:, k] = (nu / 2 + 0.25) * np.log1p(u)
            slope[:, k] = (nu + 0.5) * u / (1 + u)
            bend[:, k] = (2 * nu + 1) * u / (1 + u) ** 2
        return decay, slope, bend

"""From hyperparameters to the prior standard deviation of every weight.

The logarithm is linear in the log scales of the groups and, for eigenfunctions of frequency w of an
action with lengthscale l, adds half the log spectral density of a unit squared-exponential kernel:

    log sd_i = log scale_g(i) + sum over factors of ( log(2 pi)/4 + log(l)/2 - (w l)^2 / 4 ).

A product of eigenfunctions has one such term per factor. Constants have a fixed scale. Below
exp(-40) a weight is zero for every purpose, and its prior scale is held there to avoid overflow.
"""

from dataclasses import dataclass
from math import log, pi
from typing import Self

import numpy as np

from bayes_intgen.base.types import Array, Indices
from bayes_intgen.design.design import Design

__all__ = ["LEAST_LOG_SD", "PriorScales"]

LEAST_LOG_SD = -40.0


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
    constant_scale
        Prior standard deviation of the constants, in standard units of the outcome.
    """

    group_index: Indices
    n_groups: int
    is_wave: Array
    squared_frequency: Array
    constant_scale: float

    @classmethod
    def from_design(cls, design: Design, constant_scale: float) -> Self:
        """Read groups and frequencies off a design."""
        smooth = [design.variables.index(name) for name in design.smooth_actions]
        frequency = design.frequencies[:, smooth]
        return cls(
            design.group_index,
            len(design.groups),
            (frequency > 0).astype(float),
            frequency**2,
            constant_scale,
        )

    def log_sd(self, log_scale: Array, log_length: Array) -> Array:
        """Return the log prior standard deviation of every weight, shape (weights,)."""
        by_group = np.append(log_scale, log(self.constant_scale))[self.group_index]
        waves = self.is_wave @ (log(2 * pi) / 4 + log_length / 2)
        decay = self.squared_frequency @ np.exp(2 * log_length) / 4
        return np.asarray(np.maximum(by_group + waves - decay, LEAST_LOG_SD))

    def pull_back(self, by_log_sd: Array, log_length: Array) -> tuple[Array, Array]:
        """Turn a gradient in log sd into one in log scale and in log lengthscale."""
        by_group = np.bincount(self.group_index, weights=by_log_sd, minlength=self.n_groups + 1)
        decay = by_log_sd @ self.squared_frequency * np.exp(2 * log_length)
        return by_group[: self.n_groups], 0.5 * (by_log_sd @ self.is_wave - decay)

    def slopes(self, log_length: Array) -> Array:
        """Return the derivatives of log sd in (log scale, log lengthscale).

        Shape (weights, groups + lengthscales).
        """
        groups = np.eye(self.n_groups + 1)[self.group_index, : self.n_groups]
        decay = self.squared_frequency * np.exp(2 * log_length)
        return np.column_stack([groups, 0.5 * (self.is_wave - decay)])

    def curvature(self, by_log_sd: Array, log_length: Array) -> Array:
        """Return sum_i by_log_sd_i d2(log sd_i)/d(log lengthscale)2, shape (lengthscales,)."""
        return np.asarray(-(by_log_sd @ self.squared_frequency) * np.exp(2 * log_length))

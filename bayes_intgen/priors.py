"""Prior distributions of the hyperparameters, in standard units of the outcome.

The outcome is centred and divided by its spread before the model sees it, so the numbers below
mean the same at any scale. Each group of weights (the linear or the wiggly part of one action, a
pair of actions, everything of higher order; separately for the causal part and for the bias of
each action) has a prior scale of its own, log-normal, so that pieces the data do not need shrink
away by themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Gamma", "LogNormal", "Priors"]


@dataclass(frozen=True)
class LogNormal:
    """A log-normal distribution.

    Parameters
    ----------
    median
        Its median.
    log_sd
        Standard deviation of its logarithm.
    """

    median: float
    log_sd: float


@dataclass(frozen=True)
class Gamma:
    """A gamma distribution.

    Parameters
    ----------
    shape
        Its shape.
    rate
        One over its scale.
    """

    shape: float
    rate: float


@dataclass(frozen=True)
class Priors:
    """Priors of every hyperparameter.

    Parameters
    ----------
    sigma
        Residual standard deviation of a regime.
    linear, wiggly
        Scale of the weights of a single action.
    pair
        Scale of the weights of products of two actions.
    higher
        Scale of the weights of products of three actions or more.
    lengthscale
        Lengthscale of an action's eigenfunctions, in half-widths of its data.
    constant
        Standard deviation of the constant of each component (normal, mean zero).
    tail
        Degrees of freedom of a Student-t likelihood, less two.
    variance
        Scale of the log-variance function of a regime, if it is inferred with the means.
    """

    sigma: LogNormal = LogNormal(0.6, 1.0)
    linear: LogNormal = LogNormal(0.3, 1.0)
    wiggly: LogNormal = LogNormal(0.1, 1.0)
    pair: LogNormal = LogNormal(0.1, 1.0)
    higher: LogNormal = LogNormal(0.05, 1.0)
    lengthscale: LogNormal = LogNormal(0.6, 0.42)
    constant: float = 3.0
    tail: Gamma = Gamma(2.0, 0.1)
    variance: LogNormal = LogNormal(0.3, 1.0)

    def locations(
        self, n_regimes: int, group_kinds: Sequence[str], n_lengths: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return mean and sd of (log sigma, log scale, log lengthscale), joined end to end."""
        scales = {"linear": self.linear, "wiggly": self.wiggly, "pair": self.pair}
        parts = [self.sigma] * n_regimes
        parts += [scales.get(kind, self.higher) for kind in group_kinds]
        parts += [self.lengthscale] * n_lengths
        mean = np.array([np.log(part.median) for part in parts])
        return mean, np.array([part.log_sd for part in parts])

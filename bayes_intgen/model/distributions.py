"""Distributions of one positive number: log-normal, known, or any of PyMC's."""

from dataclasses import dataclass, fields
from math import exp, inf
from typing import Any

import numpy as np
import pymc as pm
from pymc.printing import str_for_dist
from pytensor.tensor import TensorVariable
from scipy import stats

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array

__all__ = [
    "Gamma",
    "LogNormal",
    "Prior",
    "check_positive",
    "check_prior",
    "describe_prior",
    "log_location",
]

KNOWN_LOG_SD = 1e-3
TRIAL_DRAWS = 2000

type Prior = LogNormal | float | TensorVariable


@dataclass(frozen=True)
class LogNormal:
    """A log-normal distribution.

    Parameters
    ----------
    median
        Its median.
    log_sd
        Standard deviation of its logarithm.

    Raises
    ------
    ModelError
        If one of them is not a positive finite number.

    Examples
    --------
    >>> LogNormal(median=0.5, log_sd=0.4)
    LogNormal(median=0.5, log_sd=0.4)
    """

    median: float
    log_sd: float

    def __post_init__(self) -> None:
        for field in fields(self):
            check_positive(getattr(self, field.name), field.name)


@dataclass(frozen=True)
class Gamma:
    """A gamma distribution.

    Parameters
    ----------
    shape
        Its shape.
    rate
        One over its scale.

    Raises
    ------
    ModelError
        If one of them is not a positive finite number.
    """

    shape: float
    rate: float

    def __post_init__(self) -> None:
        for field in fields(self):
            check_positive(getattr(self, field.name), field.name)


def describe_prior(prior: Prior | Gamma) -> str:
    """Write a prior as text, with the range that holds 90% of it."""
    if not isinstance(prior, LogNormal | Gamma | TensorVariable):
        return f"{prior} (known)"
    if isinstance(prior, Gamma):
        low, high = stats.gamma.ppf([0.05, 0.95], prior.shape, scale=1 / prior.rate)
        text = str(prior)
    elif isinstance(prior, LogNormal):
        reach = exp(1.6449 * prior.log_sd)
        low, high, text = prior.median / reach, prior.median * reach, str(prior)
    else:
        low, high = np.quantile(_trial_draws(prior), [0.05, 0.95])
        text = str_for_dist(prior)
    return f"{text}: 90% within {low:.3g} to {high:.3g}"


def _trial_draws(distribution: TensorVariable) -> Array:
    """Draw from a PyMC distribution, always the same draws."""
    return np.asarray(pm.draw(distribution, TRIAL_DRAWS, random_seed=1), dtype=float)


def log_location(prior: Prior) -> tuple[float, float]:
    """Return the mean and the standard deviation of the logarithm."""
    if isinstance(prior, LogNormal):
        return float(np.log(prior.median)), prior.log_sd
    if isinstance(prior, TensorVariable):
        logs = np.log(_trial_draws(prior))
        return float(logs.mean()), float(logs.std())
    return float(np.log(prior)), KNOWN_LOG_SD


def check_prior(prior: object, name: str) -> None:
    """Raise a ModelError unless a prior is one of the three kinds and positive."""
    if isinstance(prior, TensorVariable):
        _check_distribution(prior, name)
    elif not isinstance(prior, LogNormal):
        check_positive(prior, name, ", a LogNormal(median, log_sd), or a PyMC distribution")


def check_positive(value: Any, name: str, alternatives: str = "") -> None:
    """Raise a ModelError unless a value is a positive finite number."""
    number = isinstance(value, float | int | np.number) and not isinstance(value, bool)
    if not (number and 0 < float(value) < inf):
        raise ModelError(
            f"priors: {name} must be a positive finite number{alternatives}; got {value!r}."
        )


def _check_distribution(value: TensorVariable, name: str) -> None:
    hint = "use a distribution of one positive number, such as pm.HalfNormal.dist(1)"
    if value.ndim:
        raise ModelError(f"priors: {name} has shape {value.type.shape}; {hint}.")
    try:
        draws = _trial_draws(value)
    except Exception as error:  # whatever PyTensor says of a variable that cannot be drawn
        raise ModelError(f"priors: {name} cannot be drawn from ({error}); {hint}.") from error
    if not (np.isfinite(draws) & (draws > 0)).all() or np.ptp(draws) == 0:
        raise ModelError(
            f"priors: {name} = {str_for_dist(value)} gives values that are not positive and "
            f"finite, or all the same, such as {draws.min():.3g}; {hint}."
        )

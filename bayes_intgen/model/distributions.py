"""Prior distributions: of one positive number, and of all hyperparameters jointly.

A prior of one positive number is log-normal, known, or any of PyMC's. The entries of the
hyperparameters x = (log sigma, log scale, log lengthscale) are independent. Those with log-normal
priors are normal; a PyMC distribution with density p gives x the density p(e^x) e^x, whose
derivatives PyTensor finds. The same joint prior stands here as NumPy functions (for the Laplace
approximation) and as variables of a PyMC model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from math import exp, inf, log, pi
from typing import Any, Self

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pymc.distributions.shape_utils import change_dist_size
from pymc.printing import str_for_dist
from pytensor.tensor import TensorVariable
from scipy import stats

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array, Indices

__all__ = [
    "Gamma",
    "HyperPriors",
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
        for each in fields(self):
            check_positive(getattr(self, each.name), each.name)


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
        for each in fields(self):
            check_positive(getattr(self, each.name), each.name)


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


@dataclass(frozen=True)
class Block:
    """The entries of x that share one PyMC distribution of their exponential."""

    distribution: TensorVariable
    entries: Indices

    def log_density(self, x: Any) -> Any:
        """Write the log density of some x in PyTensor."""
        return pm.logp(self.distribution, pt.exp(x)) + x

    @cached_property
    def compiled(self) -> Any:
        """The log density and its first two derivatives, elementwise."""
        x = pt.dvector("x")
        value = self.log_density(x)
        slope = pt.grad(value.sum(), x)
        bend = pt.grad(slope.sum(), x)
        return pytensor.function([x], [value, slope, bend], mode="FAST_COMPILE")


@dataclass(frozen=True)
class HyperPriors:
    """Independent priors of the entries of x."""

    # mean and standard deviation of each entry; the prior is normal with these, but for the entries
    # of ``blocks``, for which they only tell the scale
    mean: Array
    sd: Array
    blocks: tuple[Block, ...] = field(default=())  # entries with other distributions

    @classmethod
    def of(cls, priors: Sequence[Prior]) -> Self:
        """Join one prior per entry of exp(x)."""
        kinds = {id(prior): prior for prior in priors}
        locations = {key: log_location(prior) for key, prior in kinds.items()}
        mean, sd = np.array([locations[id(prior)] for prior in priors]).T
        blocks = []
        for key, prior in kinds.items():
            if isinstance(prior, TensorVariable):
                entries = np.flatnonzero([id(other) == key for other in priors])
                blocks.append(Block(prior, entries))
        return cls(mean, sd, tuple(blocks))

    def log_density(self, x: Array) -> Array:
        """Return the log density of each entry; x may have leading dimensions."""
        density = -0.5 * ((x - self.mean) / self.sd) ** 2 - np.log(self.sd) - 0.5 * log(2 * pi)
        for block in self.blocks:
            chosen = x[..., block.entries]
            density[..., block.entries] = block.compiled(chosen.ravel())[0].reshape(chosen.shape)
        return density

    def derivatives(self, x: Array) -> tuple[Array, Array]:
        """Return the first two derivatives of the log density of each entry of a vector x."""
        slope, bend = (self.mean - x) / self.sd**2, -(self.sd**-2)
        for block in self.blocks:
            _, slope[block.entries], bend[block.entries] = block.compiled(x[block.entries])
        return slope, bend

    def draw(self, size: int, rng: np.random.Generator) -> Array:
        """Draw from the prior, shape (size, entries)."""
        x = self.mean + self.sd * rng.standard_normal((size, len(self.mean)))
        for block in self.blocks:
            seed = int(rng.integers(2**31))
            shape = (size, len(block.entries))
            values = pm.draw(block.distribution, size * len(block.entries), random_seed=seed)
            x[:, block.entries] = np.log(np.reshape(values, shape))
        return x

    def select(self, start: int, stop: int) -> "HyperPriors":
        """Keep a range of entries."""
        inside = []
        for block in self.blocks:
            entries = block.entries[(start <= block.entries) & (block.entries < stop)]
            if len(entries):
                inside.append(Block(block.distribution, entries - start))
        return HyperPriors(self.mean[start:stop], self.sd[start:stop], tuple(inside))

    def variable(self, name: str, dims: str, transform: Any = None) -> TensorVariable:
        """Add all entries to the PyMC model of the context, as one vector.

        ``transform``: to the coordinates in which it is sampled; x itself by default.
        """
        given = {} if transform is None else {"transform": transform}
        if not self.blocks:
            return pm.Normal(name, self.mean, self.sd, dims=dims, **given)
        return pm.CustomDist(name, dist=self._join, dims=dims, **given)

    def _join(self, size: Any) -> TensorVariable:
        """Write x as the logarithms of independent variables, whose density PyMC derives."""
        blocks = {int(entry): block for block in self.blocks for entry in block.entries}
        variables = []
        for entry, (mean, sd) in enumerate(zip(self.mean, self.sd, strict=True)):
            if entry in blocks:
                variables.append(pt.log(change_dist_size(blocks[entry].distribution, (1,))))
            else:
                variables.append(pm.Normal.dist(mean, sd, shape=1))
        return pt.concatenate(variables)

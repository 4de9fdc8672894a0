"""What is to be inferred: one vector x = (log sigma, log scale, log lengthscale)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pymc as pm

from bayes_intgen.design import Design
from bayes_intgen.marginal import Conditional, MarginalLikelihood
from bayes_intgen.model import build_model
from bayes_intgen.moments import Moments
from bayes_intgen.priors import Priors
from bayes_intgen.scales import PriorScales

__all__ = ["Problem"]

type Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """The design, the data and the priors, and the density they define.

    Parameters
    ----------
    design
        Features, components and prior groups.
    moments
        The data, with the features of the design.
    priors
        Priors of the hyperparameters.
    """

    design: Design
    moments: Moments
    priors: Priors

    @cached_property
    def likelihood(self) -> MarginalLikelihood:
        """Sums of products over the weights."""
        return MarginalLikelihood.from_moments(self.design, self.moments)

    @cached_property
    def scales(self) -> PriorScales:
        """How prior standard deviations follow from the hyperparameters."""
        return PriorScales.from_design(self.design, self.priors.constant)

    @cached_property
    def locations(self) -> tuple[Array, Array]:
        """Prior mean and standard deviation of x."""
        regimes, lengths = len(self.moments.regimes), len(self.design.smooth_actions)
        return self.priors.locations(regimes, self.design.group_kinds, lengths)

    def split(self, x: Array) -> tuple[Array, Array, Array]:
        """Cut x, of shape (..., hyperparameters), into its three parts."""
        regimes = len(self.moments.regimes)
        groups = regimes + len(self.design.groups)
        return x[..., :regimes], x[..., regimes:groups], x[..., groups:]

    def conditional(self, x: Array) -> Conditional:
        """Return the distribution of the weights given x."""
        log_sigma, log_scale, log_length = self.split(x)
        return self.likelihood.conditional(log_sigma, self.scales.log_sd(log_scale, log_length))

    def log_posterior(self, x: Array) -> tuple[float, Array]:
        """Return the log posterior density of x, up to a constant, and its gradient."""
        log_sigma, log_scale, log_length = self.split(x)
        log_sd = self.scales.log_sd(log_scale, log_length)
        value, by_sigma, by_sd = self.likelihood.value_and_gradient(log_sigma, log_sd)
        mean, sd = self.locations
        pull = (x - mean) / sd**2
        value -= 0.5 * float((x - mean) @ pull)
        by_scale, by_length = self.scales.pull_back(by_sd, log_length)
        return value, np.concatenate([by_sigma, by_scale, by_length]) - pull

    def build(self) -> pm.Model:
        """Write the PyMC model, without sampling."""
        return build_model(self.design, self.moments, self.likelihood, self.scales, self.priors)

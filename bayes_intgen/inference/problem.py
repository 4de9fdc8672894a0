"""What is to be inferred: one vector x = (log sigma, log scale, log lengthscale)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pymc as pm

from bayes_intgen.design import Design
from bayes_intgen.hyperpriors import HyperPriors
from bayes_intgen.lift_rows import LiftRows
from bayes_intgen.marginal import Conditional, MarginalLikelihood, threads_for
from bayes_intgen.model import build_model
from bayes_intgen.moments import Moments
from bayes_intgen.priors import Priors
from bayes_intgen.scales import PriorScales
from bayes_intgen.threads import ordered_map

__all__ = ["Problem", "conditionals"]

FEW_ROWS = 150  # of experiments on an action
LEAST_IN_GAP = 0.01  # of the rows, so that the sum of effect and bias is seen there

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
    lifts
        Lift tests beside the rows, if there are any.
    """

    design: Design
    moments: Moments
    priors: Priors
    lifts: LiftRows | None = None

    @cached_property
    def likelihood(self) -> MarginalLikelihood:
        """Sums of products over the weights."""
        return MarginalLikelihood.from_moments(self.design, self.moments, self.lifts)

    @cached_property
    def scales(self) -> PriorScales:
        """How prior standard deviations follow from the hyperparameters."""
        return PriorScales.from_design(self.design, self.priors.constant)

    @cached_property
    def hyperpriors(self) -> HyperPriors:
        """The prior of x."""
        regimes, design = self.moments.regimes, self.design
        summary = self.moments.summary
        unset = {*design.actions}.difference(*regimes)
        rows = {
            name: sum(part.moments.n for r, part in summary.regimes.items() if name in r)
            for name in design.actions
        }
        gapped = {
            name
            for name in design.actions
            if rows[name] < FEW_ROWS or any(gap.share > LEAST_IN_GAP for gap in summary.gaps(name))
        }
        kinds = design.group_kinds(unset, gapped), design.length_kinds(unset)
        return HyperPriors.of(self.priors.of_each(len(regimes), *kinds))

    def split(self, x: Array) -> tuple[Array, Array, Array]:
        """Cut x, of shape (..., hyperparameters), into its three parts."""
        regimes = len(self.moments.regimes)
        groups = regimes + len(self.design.groups)
        return x[..., :regimes], x[..., regimes:groups], x[..., groups:]

    def conditional(self, x: Array) -> Conditional:
        """Return the distribution of the weights given x."""
        log_sigma, log_scale, log_length = self.split(x)
        return self.likelihood.conditional(log_sigma, self.scales.log_sd(log_scale, log_length))

    def log_density(self, x: Array, given: Conditional) -> float:
        """Return the log posterior density of x, with the weights given x at hand."""
        log_sigma, log_scale, log_length = self.split(x)
        log_sd = self.scales.log_sd(log_scale, log_length)
        prior = float(self.hyperpriors.log_density(x).sum())
        return prior + self.likelihood.log_density(log_sigma, log_sd, given)

    def log_posterior(self, x: Array) -> tuple[float, Array]:
        """Return the log posterior density of x, up to the evidence, and its gradient."""
        log_sigma, log_scale, log_length = self.split(x)
        log_sd = self.scales.log_sd(log_scale, log_length)
        value, by_sigma, by_sd = self.likelihood.value_and_gradient(log_sigma, log_sd)
        value += float(self.hyperpriors.log_density(x).sum())
        slope, _ = self.hyperpriors.derivatives(x)
        by_scale, by_length = self.scales.pull_back(by_sd, log_length)
        return value, np.concatenate([by_sigma, by_scale, by_length]) + slope

    def hessian(self, x: Array) -> Array:
        """Return the Hessian of the log posterior density at x."""
        log_sigma, log_scale, log_length = self.split(x)
        log_sd = self.scales.log_sd(log_scale, log_length)
        _, _, by_sd = self.likelihood.value_and_gradient(log_sigma, log_sd)
        sigma_sigma, sigma_sd, sd_sd = self.likelihood.hessian(log_sigma, log_sd)
        slopes = self.scales.slopes(log_length)
        mixed = sigma_sd @ slopes
        hessian = np.block([[sigma_sigma, mixed], [mixed.T, slopes.T @ sd_sd @ slopes]])
        bends = self.scales.curvature(by_sd, log_length)
        ends = np.arange(len(x) - len(bends), len(x))
        hessian[ends, ends] += bends
        hessian[np.diag_indices(len(x))] += self.hyperpriors.derivatives(x)[1]
        return np.asarray(hessian)

    def with_lifts(self, lifts: LiftRows | None) -> "Problem":
        """Return the same problem with other lift tests; what does not depend on them is shared."""
        other = replace(self, lifts=lifts)
        vars(other)["likelihood"] = replace(self.likelihood, lifts=lifts)
        vars(other)["scales"] = self.scales
        vars(other)["hyperpriors"] = self.hyperpriors
        return other

    def build(self) -> pm.Model:
        """Write the PyMC model, without sampling."""
        return build_model(
            self.design, self.moments, self.likelihood, self.scales, self.hyperpriors
        )


def conditionals(problem: Problem, points: Array) -> Iterator[Conditional]:
    """Yield the distribution of the weights given each row of hyperparameters.

    Many weights are worth a thread per core; each factorisation keeps to its own.
    """
    threads = threads_for(len(problem.design.weights))
    return ordered_map(problem.conditional, points, threads)

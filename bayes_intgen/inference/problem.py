"""The posterior density of the hyperparameters x = (log sigma, log scale, log lengthscale).

The log density is the log marginal likelihood of :mod:`bayes_intgen.model.marginal`, whose second
argument, the log prior standard deviations of the weights, is a function of x
(:mod:`bayes_intgen.model.priors`), plus the log prior of x. Its derivatives follow by the
chain rule:

    (1)  d log p / dx = d log p / d(log sd) * d(log sd) / dx,     entries of sigma beside it,
    (2)  d2 log p / dx2 = J' H J + sum_i (d log p / d(log sd)_i) d2(log sd)_i / dx2.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pymc as pm

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.parallel import ordered_map, threads_for
from bayes_intgen.base.shared_work import shared
from bayes_intgen.base.types import Array
from bayes_intgen.design.components import kinds_of_lengthscales
from bayes_intgen.design.design import Design
from bayes_intgen.model.centring import Centring
from bayes_intgen.model.conditional import Conditional
from bayes_intgen.model.distributions import HyperPriors
from bayes_intgen.model.lift_likelihood import LiftRows
from bayes_intgen.model.marginal import MarginalLikelihood
from bayes_intgen.model.priors import Priors, PriorScales
from bayes_intgen.model.pymc_marginal import build_model
from bayes_intgen.moments.moments import Moments

__all__ = ["Problem", "WeightsGiven", "conditionals", "explain_singular"]

FEW_ROWS = 150  # of experiments on an action
LEAST_IN_GAP = 0.01  # of the rows, so that the sum of effect and bias is seen there


@dataclass(frozen=True)
class WeightsGiven:
    """The Gaussian distribution of the weights of the design given the hyperparameters."""

    centred: Conditional  # that of the centred weights
    precision: Array  # lambda, the prior precisions of these, shape (weights,)
    centring: Centring

    @property
    def mean(self) -> Array:
        """Shape (weights,)."""
        return self.centring.to_weights(self.centred.mean)

    @property
    def covariance(self) -> Array:
        """Shape (weights, weights)."""
        return self.centring.to_weights(self.centring.to_weights(self.centred.covariance).T)

    def variance_of(self, rows: Array) -> Array:
        """Return the variances of some linear combinations, (n, weights) to (n,)."""
        return self.centred.variance_of(self.centring.to_centred_rows(rows))

    def root_of(self, rows: Array) -> Array:
        """Return H with H'H the covariance of some linear combinations, (n, weights) to (., n)."""
        return self.centred.root_of(self.centring.to_centred_rows(rows))

    def prior_part(self, rows: Array) -> Array:
        """Return t'C Lambda C t of some linear combinations t, (n, weights) to (n, n).

        Lambda is the prior precision of the weights: with C G C, where G is what the rows of the
        data hold, it adds up to the covariance t'C t.
        """
        # of centred weights, of which Lambda is diagonal: some precisions are huge
        root = self.centring.to_centred_rows(rows) @ self.centred.covariance
        return np.asarray((root * self.precision) @ root.T)

    def draw(self, size: int, rng: np.random.Generator) -> Array:
        """Draw weights, shape (size, weights)."""
        return self.centring.to_weights(self.centred.draw(size, rng))


@dataclass(frozen=True)
class Problem:
    """The design, the data and the priors, and the density they define."""

    design: Design
    moments: Moments  # the data, with the features of the design
    priors: Priors
    lifts: LiftRows | None = None  # lift tests beside the rows, if there are any

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
        rows = {name: sum(part.n for part in summary.showing(name)) for name in design.actions}
        warped = {waves.variable for waves in design.waves if waves.coordinate}
        gapped = {
            name
            for name in warped.intersection(design.actions)
            if rows[name] < FEW_ROWS or any(gap.share > LEAST_IN_GAP for gap in summary.gaps[name])
        }
        key = ("kinds of groups", id(design), frozenset(unset), frozenset(gapped))
        groups, _ = shared(key, lambda: (design.group_kinds(unset, gapped), design))
        kinds = groups, kinds_of_lengthscales(design.waves, unset)
        return HyperPriors.of(self.priors.of_each(len(regimes), *kinds))

    def split(self, x: Array) -> tuple[Array, Array, Array]:
        """Cut x, of shape (..., hyperparameters), into log sigma, log scale and log lengthscale."""
        regimes = len(self.moments.regimes)
        groups = regimes + len(self.design.groups)
        return x[..., :regimes], x[..., regimes:groups], x[..., groups:]

    def log_sds(self, x: Array) -> tuple[Array, Array]:
        """Return log sigma of each regime, and the log prior sd of each weight.

        ``x``, of shape (..., hyperparameters), may be many points at once.
        """
        log_sigma, log_scale, log_length = self.split(x)
        return log_sigma, self.scales.log_sd(log_scale, log_length)

    def conditional(self, x: Array) -> WeightsGiven:
        """Return the distribution of the weights given x."""
        return self.conditional_on(*self.log_sds(x))

    def conditional_on(self, log_sigma: Array, log_sd: Array) -> WeightsGiven:
        """Return the distribution of the weights given what :meth:`log_sds` makes of x."""
        centred = self.likelihood.conditional(log_sigma, log_sd)
        return WeightsGiven(centred, np.exp(-2 * log_sd), self.likelihood.centring)

    def effective_parameters(self, x: Array, given: WeightsGiven | None = None) -> Array:
        """Return how many parameters the rows of each regime determine, w_r tr(C G_r); (regimes,).

        Their squared residuals are too small by as many. ``given``: the weights given x, if known.
        """
        centred = (given or self.conditional(x)).centred
        return np.asarray(np.exp(-2 * self.split(x)[0]) * self.likelihood.traces(centred))

    def log_density(self, x: Array, given: WeightsGiven) -> float:
        """Return the log posterior density of x, with the weights given x at hand."""
        prior = float(self.hyperpriors.log_density(x).sum())
        return prior + self.likelihood.log_density(*self.log_sds(x), given.centred)

    def log_posterior(self, x: Array) -> tuple[float, Array]:
        """Return the log posterior density of x, up to the evidence, and its gradient."""
        value, *slopes = self.likelihood.value_and_gradient(*self.log_sds(x))
        value += float(self.hyperpriors.log_density(x).sum())
        return value, self._pull_back(x, *slopes)

    def _pull_back(self, x: Array, by_sigma: Array, by_sd: Array) -> Array:
        """Return the gradient in x, (1), with that of the prior."""
        by_scale, by_length = self.scales.pull_back(by_sd, self.split(x)[2])
        slope, _ = self.hyperpriors.derivatives(x)
        return np.concatenate([by_sigma, by_scale, by_length]) + slope

    def derivatives(self, x: Array) -> tuple[float, Array, Array]:
        """Return what :meth:`log_posterior` does, and the Hessian."""
        log_sds, log_length = self.log_sds(x), self.split(x)[2]
        value, first, (sigma_sigma, sigma_sd, sd_sd) = self.likelihood.derivatives(*log_sds)
        value += float(self.hyperpriors.log_density(x).sum())
        slopes = self.scales.slopes(log_length)  # J of (2)
        mixed = sigma_sd @ slopes
        hessian = np.block([[sigma_sigma, mixed], [mixed.T, slopes.T @ sd_sd @ slopes]])
        bends = self.scales.curvature(first[1], log_length)
        ends = np.arange(len(x) - len(bends), len(x))
        hessian[ends, ends] += bends
        hessian[np.diag_indices(len(x))] += self.hyperpriors.derivatives(x)[1]
        return value, self._pull_back(x, *first), hessian

    def with_lifts(self, lifts: LiftRows | None) -> "Problem":
        """Return the same problem with other lift tests; what does not depend on them is shared."""
        other = replace(self, lifts=lifts)
        vars(other)["likelihood"] = self.likelihood.with_lifts(lifts)
        vars(other)["scales"] = self.scales
        vars(other)["hyperpriors"] = self.hyperpriors
        return other

    def with_moments(self, moments: Moments) -> "Problem":
        """Return the same problem with other sums over the same rows; priors stay."""
        other = replace(self, moments=moments)
        vars(other)["scales"] = self.scales
        vars(other)["hyperpriors"] = self.hyperpriors
        return other

    def with_rows(self, moments: Moments) -> "Problem":
        """Return the same problem with rows that are weighted in another way; centring stays."""
        other, centring = self.with_moments(moments), self.likelihood.centring
        vars(other)["likelihood"] = MarginalLikelihood.from_moments(
            self.design, moments, self.lifts, centring
        )
        return other

    def without_group_sums(self) -> "Problem":
        """Return the same without the features' sums over groups, which its likelihood holds."""
        groups = {regime: own.without_features() for regime, own in self.moments.clusters.items()}
        other = replace(self, moments=replace(self.moments, clusters=groups))
        vars(other)["likelihood"] = self.likelihood
        return other

    def build(self) -> pm.Model:
        """Write the PyMC model, without sampling."""
        return build_model(
            self.design, self.moments, self.likelihood, self.scales, self.hyperpriors
        )


def conditionals(problem: Problem, points: Array) -> Iterator[WeightsGiven]:
    """Yield the distribution of the weights given each row of hyperparameters.

    Many weights are worth a thread per core; each factorisation keeps to its own.
    """
    threads = threads_for(len(problem.design.weights))
    pairs = zip(*problem.log_sds(points), strict=True)
    return ordered_map(lambda pair: problem.conditional_on(*pair), pairs, threads)


@contextmanager
def explain_singular(further: str = "") -> Iterator[None]:
    """Say what may be wrong with data whose regression cannot be factorised.

    Raises
    ------
    ModelError
        With ``further`` at its end.
    """
    try:
        yield
    except np.linalg.LinAlgError as error:
        raise ModelError(
            f"data: the regression is numerically singular ({error}); look for columns that are "
            f"copies of one another, or values of wildly different size.{further}"
        ) from error

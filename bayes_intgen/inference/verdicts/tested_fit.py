"""What the tests of lack of fit in all regimes take from the fit."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np

from bayes_intgen.base.types import Array, Indices, Mask
from bayes_intgen.data.summary import Summary
from bayes_intgen.inference.problem import Problem, WeightsGiven
from bayes_intgen.moments.meat import meat
from bayes_intgen.moments.moments import Moments

__all__ = ["TestedFit"]


@dataclass(frozen=True)
class TestedFit:
    """What the tests of all regimes take from the fit."""

    problem: Problem
    moments: Moments
    given: WeightsGiven
    covariance: Array = field(repr=False)  # of the centred weights
    log_sigma: Array
    taken: Array  # effective parameters of each regime
    total: Array = field(repr=False)  # the sum of w^2 e^2 x x' over all rows of all regimes

    @classmethod
    def at(cls, problem: Problem, mode: Array, moments: Moments) -> Self:
        """Take it from a problem, its hyperparameters at the mode, and the moments of residuals."""
        given, log_sigma = problem.conditional(mode), problem.split(mode)[0]
        covariance, taken = given.centred.covariance, problem.effective_parameters(mode, given)
        size = len(problem.design.weights)
        fit = cls(problem, moments, given, covariance, log_sigma, taken, np.zeros((size, size)))
        for r in range(len(moments.regimes)):
            np.add(fit.total, fit.meat(r), out=fit.total)
        return fit

    @property
    def summary(self) -> Summary:
        """That of the rows."""
        return self.moments.summary

    def meat(self, r: int) -> Array:
        """Return the sum of w^2 e^2 x x' over all rows of a regime, shape (weights, weights)."""
        regime, where = self.moments.regimes[r], self.places
        active = self.problem.design.active(regime)
        placed: Array = meat(self.moments, regime)[np.ix_(where, where)]
        placed *= np.exp(-4 * self.log_sigma[r]) * self.inflation(r)
        placed[~active] = 0.0
        placed[:, ~active] = 0.0
        return placed

    @cached_property
    def places(self) -> Indices:
        """Where the feature of each weight stands among those of the moments, shape (weights,)."""
        order = {factors: i for i, factors in enumerate(self.moments.features.factors)}
        return np.array([order[weight.feature.factors] for weight in self.problem.design.weights])

    def inflation(self, r: int) -> float:
        """Return n / (n - edf): the fit took as many degrees of freedom out of the residuals."""
        n = self.summary.regimes[self.moments.regimes[r]].n
        return float(n / max(n - self.taken[r], 1.0))

    def spread(self, by_feature: Array, active: Mask) -> Array:
        """Place sums over pairs of features at the pairs of weights that are active."""
        positions = self.problem.design.positions
        placed: Array = by_feature[np.ix_(positions, positions)]
        placed[~active] = 0.0
        placed[:, ~active] = 0.0
        return placed

"""What the tests of lack of fit take from the fit, and from the rows of a sample.

The precision of the rows of a group with row weights v is diag(v) - c v v' in units of one of them
(:mod:`bayes_intgen.moments.cluster_sums`), so that multiplied by it some columns A are

    (1)  v (A - c sum v A),    c = lambda / (1 + lambda sum v).

Sums over independent units, clusters or blocks of times, are over the rows of each, which stand
side by side.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np

from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices, Mask
from bayes_intgen.data.grouping import relative_units, unit_keys
from bayes_intgen.data.regime_summary import ThinnedSample
from bayes_intgen.data.summary import Summary
from bayes_intgen.inference.problem import Problem, WeightsGiven
from bayes_intgen.moments.keyed_rows import group_rows
from bayes_intgen.moments.meat import meat, units_are_blocks
from bayes_intgen.moments.moments import Moments

__all__ = ["SampledUnits", "TestedFit"]


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


@dataclass(frozen=True)
class SampledUnits:
    """The groups and units of the rows of a sample, put in their order."""

    order: Indices  # of the rows
    weights: Array  # v, shape (rows,)
    ratio: float  # lambda; zero without groups
    groups: Indices  # the first row of each group
    units: Indices  # the first row of each unit

    @classmethod
    def of(cls, moments: Moments, regime: Regime, sample: ThinnedSample) -> Self:
        """Read the marks of the rows; every row is a unit if there are none."""
        n, marks = len(sample.rows), sample.marks
        weights = None if marks is None else relative_units(marks, moments.mean_units)
        weights = np.ones(n) if weights is None else weights
        if moments.grouping is None or marks is None:
            return cls(np.arange(n), weights, 0.0, np.arange(n), np.arange(n))
        keys = moments.grouping.keys(regime, sample.rows, marks)
        order, groups = group_rows(keys)
        owners = unit_keys(keys[order][groups], units_are_blocks(moments))
        units = groups[np.append(True, np.any(owners[1:] != owners[:-1], axis=1))]
        return cls(order, weights[order], moments.ratios.get(regime, 0.0), groups, units)

    @property
    def grouped(self) -> bool:
        """Whether units have several rows."""
        return len(self.units) < len(self.order)

    def take_out(self, columns: Array) -> Array:
        """Return columns, shape (rows,) or (rows, columns), without random intercepts: (1) / v."""
        if not self.ratio:
            return columns
        along = (slice(None), *[None] * (columns.ndim - 1))
        total = np.add.reduceat(self.weights, self.groups)
        shrinkage = self.ratio / (1 + self.ratio * total)
        shared = np.add.reduceat(self.weights[along] * columns, self.groups, axis=0)
        sizes = np.diff(self.groups, append=len(self.order))
        left = np.repeat(shrinkage[along] * shared, sizes, axis=0)
        return np.asarray(np.subtract(columns, left, out=left))

    def add(self, columns: Array) -> Array:
        """Return sums over the rows of each unit, shape (rows, columns) to (units, columns)."""
        return np.add.reduceat(columns, self.units, axis=0) if self.grouped else columns

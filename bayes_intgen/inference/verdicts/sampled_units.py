"""Which rows of a sample depend on one another, and their random intercepts.

The precision of the rows of a group with row weights v is diag(v) - c v v' in units of one of them
(:mod:`bayes_intgen.moments.cluster_sums`), so that multiplied by it some columns A are

    (1)  v (A - c sum v A),    c = lambda / (1 + lambda sum v).

Sums over independent units, clusters or blocks of times, are over the rows of each, which stand
side by side here.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.data.grouping import relative_units, unit_keys
from bayes_intgen.data.regime_summary import ThinnedSample
from bayes_intgen.moments.keyed_rows import group_rows
from bayes_intgen.moments.meat import units_are_blocks
from bayes_intgen.moments.moments import Moments

__all__ = ["SampledUnits"]


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

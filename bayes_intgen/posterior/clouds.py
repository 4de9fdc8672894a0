"""The cloud of the rows of a regime in some columns: within its ellipsoid, and near its rows.

A point lies within the ellipsoid of rows with mean m and covariance V if

    (1)  (x - m)' V^-1 (x - m) <= the 99.9% quantile of chi-square,

and, of several columns, rows lie near it. Levels must have been seen together, and then there is an
ellipsoid, and there are rows, for each of them.

Ranges and covariances cannot see a hole: between two clouds, within a ring, or at the empty corner
of a factorial, a point is near the mean and far from every row. With rows x_i of a regime, each
column in units of its standard deviation, and r_k(x) the distance of x from the k-th nearest of
them, k = 3, a point counts as near if

    (2)  r_k(x) <= max(1.25 q, 0.36 sqrt(d)),

where q is the 99.9% quantile of r_k(x_i) among the rows, each of which leaves itself out, and d the
number of columns. The factor keeps a new row of a small regime from being told apart from the rows
themselves, the largest of whose distances q is. The second term is the distance from the middle of
a cell to its corners on a grid of five equally frequent levels per action; single experiments have
a gap too where levels are farther apart (:meth:`bayes_intgen.data.summary.Summary.gaps`). The rows
are not whitened, since that would stretch a thin cloud until the rows within it lie as far apart as
two such clouds; whether a point lies beside a band is what the ellipsoid sees.

Of rows drawn from the regime itself (normal, log-normal, Student, uniform, counts and levels; two
to five columns), (2) leaves out, beyond those outside the ellipsoid, at most 1.6% where there are
20 rows, 0.8% of 50 and 0.3% of 200 or more. Fewer than 20 rows say nothing about holes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats
from scipy.spatial import cKDTree

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.data.regime_summary import RegimeSummary
from bayes_intgen.data.summary import Summary

__all__ = ["Cloud", "InClouds", "NearRows", "has_rows_near", "near_rows"]

PROBABILITY = 0.999
ROWS_PER_DIMENSION = 10
LEAST_WIDTH = 1e-6  # of a cloud in any direction, in standard deviations of the actions
NEIGHBOURS = 3
QUANTILE = 0.999
SLACK = 1.25
LEAST_RADIUS = 0.36  # in standard deviations, times the root of the number of columns
LEAST_ROWS = 20


def has_rows_near(
    values: Array,
    columns: Sequence[int],
    part: RegimeSummary,
    cloud: CentredMoments | None = None,
    level: tuple[int, int] | None = None,
) -> Mask:
    """Say of each point whether rows of a regime lie near it in some numeric columns.

    All points do if the summary holds too few rows to tell.

    Parameters
    ----------
    values
        The points, in all variables, shape (points, variables).
    columns
        The columns that count.
    part
        The regime.
    cloud
        Moments of the rows that are compared; those of the regime by default.
    level
        Column and code of a level: only rows at that level count.
    """
    search = near_rows(columns, part, cloud, level)
    if search is None:
        return np.ones(len(values), dtype=bool)
    return search.is_near(values[:, columns])


def near_rows(
    columns: Sequence[int],
    part: RegimeSummary,
    cloud: CentredMoments | None = None,
    level: tuple[int, int] | None = None,
) -> "NearRows | None":
    """Return the rows of a regime near which points may be sought; None if they are too few.

    The arguments are those of :func:`has_rows_near`.
    """
    key = (tuple(columns), level)
    if key not in part.searches:
        rows, (mean, sd) = part.near, part.near_scale
        rows = mean + rows * sd
        if level is not None:
            rows = rows[np.rint(rows[:, level[0]]) == level[1]]
        moments = (cloud or part.moments).select(np.array(columns, dtype=int))
        part.searches[key] = NearRows.of(rows[:, columns], moments)
    search: NearRows | None = part.searches[key]
    return search


@dataclass(frozen=True)
class NearRows:
    """Rows of a regime in a search tree, and the radius (2)."""

    unit: Array  # the standard deviation of each column
    tree: cKDTree  # of the rows in that unit
    radius: float

    @classmethod
    def of(cls, rows: Array, moments: CentredMoments) -> "NearRows | None":
        """Make the tree of some rows, whose cloud has these moments; None if they are too few."""
        if len(rows) < LEAST_ROWS:
            return None
        sd = np.sqrt(np.diag(moments.covariance))
        unit = np.where(sd > 0, sd, 1.0)
        tree = cKDTree(rows / unit)
        own = tree.query(rows / unit, NEIGHBOURS + 1)[0][:, -1]
        widest = float(np.quantile(own, QUANTILE))
        return cls(unit, tree, max(SLACK * widest, LEAST_RADIUS * sqrt(rows.shape[1])))

    def is_near(self, points: Array) -> Mask:
        """Say which points lie near rows."""
        return np.asarray(self.tree.query(points / self.unit, NEIGHBOURS)[0][:, -1] <= self.radius)


@dataclass(frozen=True)
class Cloud:
    """An ellipsoid, and the rows one of which must lie near; None if they are too few to tell.

    ``mean`` and ``unit``, in which ``covariance`` is, have shape (columns,).
    """

    mean: Array
    unit: Array
    covariance: Array
    radius: float  # the quantile of (1)
    rows: NearRows | None

    @classmethod
    def of(
        cls,
        columns: Sequence[int],
        moments: CentredMoments,
        summary: Summary,
        rows: NearRows | None,
    ) -> "Cloud":
        """Make the cloud of rows with these moments."""
        unit = np.array([summary.scales[summary.columns[k]].spread for k in columns])
        part = moments.select(np.array(columns, dtype=int))
        covariance = part.covariance / np.outer(unit, unit) + LEAST_WIDTH**2 * np.eye(len(columns))
        radius = float(stats.chi2.ppf(PROBABILITY, len(columns)))
        return cls(part.mean, unit, covariance, radius, rows)

    def holds(self, values: Array) -> Mask:
        """Say which points lie within, shape (points, columns)."""
        centred = (values - self.mean) / self.unit
        distance = (centred * np.linalg.solve(self.covariance, centred.T).T).sum(axis=1)  # (1)
        within = np.asarray(distance <= self.radius)
        if self.rows is not None:
            within[within] = self.rows.is_near(values[within])
        return within


@dataclass(frozen=True)
class InClouds:
    """That some columns of a point lie within the cloud of at least one of some regimes."""

    columns: tuple[int, ...]
    summary: Summary
    regimes: list[RegimeSummary]

    @property
    def coded(self) -> list[int]:
        """The columns of them that are categorical."""
        return [k for k in self.columns if self.summary.columns[k] in self.summary.levels]

    @property
    def numeric(self) -> list[int]:
        """The others."""
        coded = self.coded
        return [k for k in self.columns if k not in coded]

    def holds(self, values: Array) -> Mask:
        """Say of which points it holds; ``values`` in all variables, shape (points, variables)."""
        inside = np.zeros(len(values), dtype=bool)
        coded, numeric = self.coded, self.numeric
        combinations, which = np.zeros((1, 0)), np.zeros(len(values), dtype=int)
        if coded:
            combinations, which = np.unique(values[:, coded], axis=0, return_inverse=True)
        for part in self.regimes:
            for i, codes in enumerate(combinations.astype(int).tolist()):
                clouds = self.clouds(part, codes)
                if clouds is not None:
                    points = np.flatnonzero((which.ravel() == i) & ~inside)
                    own = np.ones(len(points), dtype=bool)
                    for cloud in clouds:
                        own[own] = cloud.holds(values[points[own]][:, numeric])
                    inside[points] = own
        return inside

    def clouds(self, part: RegimeSummary, codes: Sequence[int]) -> list[Cloud] | None:
        """Return the clouds of a regime that a point with these levels must all lie in.

        None if the levels were not seen together, so that it lies in none.
        """
        coded, numeric = self.coded, self.numeric
        if not coded:
            rows = near_rows(numeric, part) if len(numeric) > 1 else None
            return [Cloud.of(numeric, part.moments, self.summary, rows)] if numeric else []
        at = dict(zip(coded, codes, strict=True))
        for k in coded:
            together = part.levels[k][at[k]].together
            if not all(together[other][at[other]] > 0 for other in coded):
                return None
        if not numeric:
            return []
        found = []
        for k in coded:
            own = part.levels[k][at[k]].moments
            if own.n >= ROWS_PER_DIMENSION * (len(numeric) + 1):
                rows = near_rows(numeric, part, own, (k, at[k]))
                found.append(Cloud.of(numeric, own, self.summary, rows))
            else:  # a level of few rows draws no border of its own
                rows = near_rows(numeric, part)
                found.append(Cloud.of(numeric, part.moments, self.summary, rows))
        return found

"""Whether rows lie near a point, in several columns at once.

Ranges and covariances cannot see a hole: between two clouds, within a ring, or at the empty corner
of a factorial, a point is near the mean and far from every row. With rows x_i of a regime, each
column in units of its standard deviation, and r_k(x) the distance of x from the k-th nearest of
them, k = 3, a point counts as near if

    (1)  r_k(x) <= max(1.25 q, 0.36 sqrt(d)),

where q is the 99.9% quantile of r_k(x_i) among the rows, each of which leaves itself out, and d the
number of columns. The factor keeps a new row of a small regime from being told apart from the rows
themselves, the largest of whose distances q is. The second term is the distance from the middle of
a cell to its corners on a grid of five equally frequent levels per action; single experiments have
a gap too where levels are farther apart (:meth:`bayes_intgen.data.summary.Summary.gaps`). The rows
are not whitened, since that would stretch a thin cloud until the rows within it lie as far apart as
two such clouds; whether a point lies beside a band is what the ellipsoid sees.

Of rows drawn from the regime itself (normal, log-normal, Student, uniform, counts and levels; two
to five columns), (1) leaves out, beyond those outside the ellipsoid, at most 1.6% where there are
20 rows, 0.8% of 50 and 0.3% of 200 or more. Fewer than 20 rows say nothing about holes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.spatial import cKDTree

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.data.regime_summary import RegimeSummary

__all__ = ["NearRows", "has_rows_near", "near_rows"]

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
    """Rows of a regime in a search tree, and the radius (1)."""

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

"""The cloud of the rows of a regime in some columns: within its ellipsoid, and near its rows.

A point lies within the ellipsoid of rows with mean m and covariance V if

    (1)  (x - m)' V^-1 (x - m) <= the 99.9% quantile of chi-square,

and, of several columns, rows lie near it (:mod:`bayes_intgen.posterior.near_rows`). Levels must
have been seen together, and then there is an ellipsoid, and there are rows, for each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.data.regime_summary import RegimeSummary
from bayes_intgen.data.summary import Summary
from bayes_intgen.posterior.near_rows import NearRows, near_rows

__all__ = ["Cloud", "InClouds"]

PROBABILITY = 0.999
ROWS_PER_DIMENSION = 10
LEAST_WIDTH = 1e-6  # of a cloud in any direction, in standard deviations of the actions


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

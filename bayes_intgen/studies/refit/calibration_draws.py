"""Truths beside posterior means, sds and quantiles of many data sets, and statistics of them.

:mod:`bayes_intgen.studies.refit.interval_calibration` derives what is computed here.
"""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import stats

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.studies.refit.unit import LEVELS
from bayes_intgen.studies.runner.unit import Row

__all__ = ["ALARM", "CalibrationDraws"]

ALARM = 0.05


@dataclass(frozen=True)
class CalibrationDraws:
    """What an :class:`IntervalCalibration` consists of, which describes the parameters."""

    source: str
    names: tuple[str, ...]
    truth: Array = field(repr=False)
    mean: Array = field(repr=False)
    sd: Array = field(repr=False)
    quantiles: Array = field(repr=False)
    independent: float
    converged: Mask = field(repr=False)
    support: tuple[str, ...] = field(default=(), repr=False)
    failures: int = 0

    @classmethod
    def from_rows(
        cls,
        source: str,
        rows: list[Row],
        independent: float,
        support: tuple[str, ...],
        failures: int,
    ) -> Self:
        """Gather the rows of all data sets.

        Examples
        --------
        >>> row = {"quantity": "effect", "truth": 0.5, "mean": 0.0, "sd": 1.0, "converged": 1.0}
        >>> rows = [row | {"quantiles": list(range(79))}]
        >>> found = ig.IntervalCalibration.from_rows("posterior", rows, 1.0, ("supported",), 0)
        >>> found.n, found.z.tolist()
        (1, [[0.5]])
        """
        names = tuple(dict.fromkeys(str(row["quantity"]) for row in rows))
        shape = (len(rows) // len(names), len(names))

        def column(name: str) -> Array:
            return np.array([row[name] for row in rows], dtype=float).reshape(*shape, -1)

        truth, mean, sd = (column(name)[..., 0] for name in ("truth", "mean", "sd"))
        converged = column("converged")[:, 0, 0] > 0
        flags = (*support, *[""] * (len(names) - len(support)))
        quantiles = column("quantiles")
        return cls(
            source, names, truth, mean, sd, quantiles, independent, converged, flags, failures
        )

    @property
    def n(self) -> int:
        """Number of data sets that were fitted."""
        return len(self.truth)

    @property
    def z(self) -> Array:
        """Truth less posterior mean, in posterior standard deviations; (data sets, quantities)."""
        return (self.truth - self.mean) / self.sd

    @property
    def ranks(self) -> Array:
        """Share of posterior draws below the truth, in steps of 1/80; (data sets, quantities).

        Between quantiles it is interpolated.
        """
        ends = np.concatenate([[0.0], LEVELS, [1.0]])
        found = np.empty_like(self.truth)
        for i, j in np.ndindex(*self.truth.shape):
            q = self.quantiles[i, j]
            edges = np.concatenate([[2 * q[0] - q[1]], q, [2 * q[-1] - q[-2]]])
            found[i, j] = np.interp(self.truth[i, j], edges, ends)
        return found

    @property
    def ratio(self) -> float:
        """Root mean square of z: above one, intervals are too narrow."""
        return float(np.sqrt(np.mean(self.z**2)))

    @property
    def ratio_interval(self) -> tuple[float, float]:
        """The 95% confidence interval of the ratio."""
        degrees = self.n * self.independent
        ends = stats.chi2.ppf([1 - ALARM / 2, ALARM / 2], degrees)
        low, high = np.sqrt(self.ratio**2 * degrees / ends)
        return float(low), float(high)

    def stretch(self, factor: float) -> Self:
        """Return what would have been found with every posterior wider by a factor.

        Draws are moved away from their mean: a factor of 0.7 makes intervals 30% too narrow of
        those that are right, and a calibration that does not see it has too few data sets.

        Parameters
        ----------
        factor
            Positive.

        Raises
        ------
        ModelError
            If it is not.

        Examples
        --------
        >>> found = ig.refit_calibration(posterior, data, n=3, progressbar=False)
        >>> round(found.stretch(0.5).ratio / found.ratio, 6)
        2.0
        """
        if not factor > 0:
            raise ModelError(f"factor must be positive, got {factor!r}; 1 changes nothing.")
        centre = self.mean[..., None]
        quantiles = centre + factor * (self.quantiles - centre)
        return replace(self, sd=factor * self.sd, quantiles=quantiles)

    def take(self, sets: npt.ArrayLike) -> Self:
        """Return some of the data sets, by their positions.

        Examples
        --------
        >>> ig.refit_calibration(posterior, data, n=3, progressbar=False).take([0, 2]).n
        2
        """
        chosen = np.asarray(sets, dtype=int)
        parts = {
            name: getattr(self, name)[chosen]
            for name in ("truth", "mean", "sd", "quantiles", "converged")
        }
        return replace(self, **parts)

    def inside(self, probability: float) -> Mask:
        """Say of every truth whether the central interval of a probability holds it.

        Examples
        --------
        >>> row = {"quantity": "effect", "truth": 39.5, "mean": 39.0, "sd": 20.0, "converged": 1.0}
        >>> rows = [row | {"quantiles": list(range(79))}]
        >>> found = ig.IntervalCalibration.from_rows("posterior", rows, 1.0, ("supported",), 0)
        >>> found.inside(0.9).tolist()
        [[True]]
        """
        columns = [int(np.argmin(np.abs(LEVELS - (1 + s * probability) / 2))) for s in (-1, 1)]
        lower, upper = (self.quantiles[..., column] for column in columns)
        return np.asarray((lower <= self.truth) & (self.truth <= upper))

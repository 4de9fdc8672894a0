"""Whether intervals hold what they promise over simulated data sets, and how far they are off.

For quantity j of data set i let t_ij be the truth and m_ij, s_ij the posterior mean and standard
deviation. If the posterior is right, z_ij = (t_ij - m_ij) / s_ij has mean square one. Its root,

    ratio = sqrt(mean of z_ij^2),

is the factor by which errors exceed what the posterior says, bias included: above one, intervals
are too narrow. Data sets are independent, quantities of one are not: with R the correlations of the
p quantities in the posterior at hand, the mean of z^2 over them varies as that of
d = p^2 / sum_jk R_jk^2 independent normal ones, so that over n data sets

    n d mean(z^2) / ratio^2 ~ chi-square with n d degrees of freedom,

which gives the interval of the ratio. The share of draws below the truth is uniform if all is well;
coverage at level p is the share of truths within the central interval, with its standard error over
data sets.
"""

from dataclasses import dataclass, field, replace
from math import sqrt

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from scipy import stats

from bayes_intgen.errors import ModelError
from bayes_intgen.experiments.refit_unit import LEVELS
from bayes_intgen.experiments.unit import Row
from bayes_intgen.plots import plot_coverage
from bayes_intgen.plots_trust import plot_ranks

__all__ = ["IntervalCalibration"]

NOMINAL = (0.5, 0.8, 0.9, 0.95)
ALARM = 0.05
TOLERATED = 1.1

type Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class IntervalCalibration:
    """The result of :func:`refit_calibration` or :func:`simulation_based_calibration`.

    Parameters
    ----------
    source
        What the truths were drawn from: ``"posterior"`` or ``"prior"``.
    names
        Names of the quantities.
    truth, mean, sd
        True values, posterior means and standard deviations; shape (data sets, quantities), in the
        unit of each quantity.
    quantiles
        79 posterior quantiles, shape (data sets, quantities, 79).
    independent
        How many independent quantities these are worth.
    converged
        Whether each fit converged, shape (data sets,).
    support
        The flag of each effect, empty for other quantities.
    failures
        How many data sets could not be fitted.
    """

    source: str
    names: tuple[str, ...]
    truth: Array = field(repr=False)
    mean: Array = field(repr=False)
    sd: Array = field(repr=False)
    quantiles: Array = field(repr=False)
    independent: float
    converged: npt.NDArray[np.bool_] = field(repr=False)
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
    ) -> "IntervalCalibration":
        """Gather the rows of all data sets."""
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

    @property
    def coverage(self) -> pd.DataFrame:
        """Coverage by nominal probability, over all quantities.

        Columns ``coverage`` and ``se``, its standard error over data sets (NaN for one).
        """
        parts = {p: self._inside(p).mean(axis=1) for p in NOMINAL}
        return pd.DataFrame(
            {
                "coverage": {p: part.mean() for p, part in parts.items()},
                "se": {p: _error(part) for p, part in parts.items()},
            }
        ).rename_axis("probability")

    @property
    def table(self) -> pd.DataFrame:
        """A row per quantity.

        ``bias`` (mean of posterior mean less truth, its unit) with ``bias_se``, ``sd`` (mean
        posterior standard deviation), ``rmse``, ``ratio`` (root mean square of z), ``coverage_90``
        with ``coverage_se``, ``rank_p`` (of uniform ranks, Kolmogorov and Smirnov) and ``support``.
        """
        error, inside, ranks = self.mean - self.truth, self._inside(0.9), self.ranks
        columns = {
            "bias": error.mean(axis=0),
            "bias_se": [_error(part) for part in error.T],
            "sd": self.sd.mean(axis=0),
            "rmse": np.sqrt(np.mean(error**2, axis=0)),
            "ratio": np.sqrt(np.mean(self.z**2, axis=0)),
            "coverage_90": inside.mean(axis=0),
            "coverage_se": [_error(part) for part in inside.T.astype(float)],
            "rank_p": [stats.kstest(part, "uniform").pvalue for part in ranks.T],
            "support": self.support or [""] * len(self.names),
        }
        return pd.DataFrame(columns, index=pd.Index(self.names, name="quantity"))

    @property
    def verdict(self) -> str:
        """``"consistent"``, ``"too narrow"`` or ``"too wide"``; of the prior ``"not uniform"``.

        Of the posterior: the 95% interval of the ratio leaves out one, and the ratio is beyond 1.1
        or below 1 / 1.1. Of the prior: the ranks of a quantity are not uniform (level 5% over all
        quantities, by Bonferroni).
        """
        if self.source == "prior":
            least = float(self.table["rank_p"].min()) * len(self.names)
            return "not uniform" if least < ALARM else "consistent"
        low, high = self.ratio_interval
        if low > 1 and self.ratio > TOLERATED:
            return "too narrow"
        return "too wide" if high < 1 and self.ratio < 1 / TOLERATED else "consistent"

    @property
    def passed(self) -> bool:
        """Whether nothing was found wrong with the intervals."""
        return self.verdict == "consistent"

    def stretch(self, factor: float) -> "IntervalCalibration":
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
        """
        if not factor > 0:
            raise ModelError(f"factor must be positive, got {factor!r}; 1 changes nothing.")
        centre = self.mean[..., None]
        quantiles = centre + factor * (self.quantiles - centre)
        return replace(self, sd=factor * self.sd, quantiles=quantiles)

    def take(self, sets: npt.ArrayLike) -> "IntervalCalibration":
        """Return some of the data sets, by their positions."""
        chosen = np.asarray(sets, dtype=int)
        parts = {
            name: getattr(self, name)[chosen]
            for name in ("truth", "mean", "sd", "quantiles", "converged")
        }
        return replace(self, **parts)

    def plot(self, axes: tuple[Axes, Axes] | None = None) -> tuple[Axes, Axes]:
        """Draw coverage by nominal probability, and the ranks of the truths.

        Parameters
        ----------
        axes
            Where to draw the two; a new figure by default.
        """
        if axes is None:
            _, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
        else:
            left, right = axes
        found = self.coverage
        name = f"{self.n} data sets drawn from the {self.source}"
        series = {name: found["coverage"].to_numpy()}
        plot_coverage(left, NOMINAL, series, {name: found["se"].to_numpy()})
        plot_ranks(right, dict(zip(self.names, self.ranks.T, strict=True)))
        return left, right

    def _inside(self, probability: float) -> npt.NDArray[np.bool_]:
        columns = [int(np.argmin(np.abs(LEVELS - (1 + s * probability) / 2))) for s in (-1, 1)]
        lower, upper = (self.quantiles[..., column] for column in columns)
        return np.asarray((lower <= self.truth) & (self.truth <= upper))

    def _sentence(self) -> str:
        low, high = self.ratio_interval
        size = f"{self.ratio:.2f} times what they claim (95% interval {low:.2f} to {high:.2f})"
        if self.source == "prior":
            least = self.table["rank_p"].idxmin()
            p_value = float(self.table["rank_p"].min())
            return (
                f"Ranks {'ARE NOT UNIFORM' if not self.passed else 'are consistent with uniform'}: "
                f"least p {p_value:.2g} ({least}) of {len(self.names)} quantities."
            )
        if self.passed:
            return f"Intervals are CONSISTENT with what they promise: errors are {size}."
        return (
            f"Intervals are {self.verdict.upper()}: errors are {size}; intervals {self.ratio:.2f} "
            f"times as wide would do."
        )

    def _bias_note(self) -> list[str]:
        """Name the largest bias that is beyond chance (by Bonferroni over the quantities)."""
        z = self.z
        errors = np.array([_error(part) for part in z.T])
        limit = stats.norm.isf(ALARM / 2 / len(self.names))
        mean = z.mean(axis=0)
        sure = np.flatnonzero(np.abs(mean) > limit * errors)
        if self.source == "prior" or not len(sure):
            return []
        worst = sure[np.argmax(np.abs(mean[sure]))]
        way = "low" if mean[worst] > 0 else "high"
        return [
            f"Biased beyond chance: {len(sure)} of {len(self.names)}, most of all "
            f"{self.names[worst]}, too {way} by {abs(mean[worst]):.2f} of its sd."
        ]

    def __str__(self) -> str:
        shares = ", ".join(
            f"{row['coverage']:.1%} ± {row['se']:.1%} of {p:.0%}"
            for p, row in self.coverage.iterrows()
        )
        notes = [*self._bias_note()]
        if not self.converged.all():
            notes.append(f"{int((~self.converged).sum())} of {self.n} fits did not converge.")
        if self.failures:
            notes.append(f"{self.failures} data sets could not be fitted and are left out.")
        return "\n".join(
            [
                self._sentence(),
                f"{self.n} data sets drawn from the {self.source}; coverage {shares}.",
                *notes,
                self.table.to_string(float_format=lambda x: f"{x:.3g}"),
                "A promise about data that the model itself makes: that the model is right is not "
                "tested.",
            ]
        )

    def _repr_html_(self) -> str:
        coverage = self.coverage.to_html(float_format=lambda x: f"{x:.3f}")
        table = self.table.to_html(float_format=lambda x: f"{x:.3g}")
        return f"<p>{self._sentence()}</p>{coverage}{table}"


def _error(values: Array) -> float:
    n = len(values)
    return float(np.std(values, ddof=1) / sqrt(n)) if n > 1 else float("nan")

"""Calibration of credible intervals over simulated data sets: ratio, ranks and coverage.

For quantity j of data set i let t_ij be the truth and m_ij, s_ij the posterior mean and standard
deviation. If the posterior is right, z_ij = (t_ij - m_ij) / s_ij has mean square one. Its root,

    ratio = sqrt(mean of z_ij^2),                                                               (1)

is the factor by which errors exceed what the posterior says, bias included: above one, intervals
are too narrow. Data sets are independent, quantities of one are not: with R the correlations of the
p quantities in the posterior at hand, the mean of z^2 over them varies as that of
d = p^2 / sum_jk R_jk^2 independent normal ones, so that over n data sets

    n d mean(z^2) / ratio^2 ~ chi-square with n d degrees of freedom,                           (2)

which gives the interval of the ratio. The share of draws below the truth is uniform if all is well;
coverage at level p is the share of truths within the central interval, with its standard error over
data sets.
"""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from scipy import stats

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.html import html_block, html_frame
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.plots.calibration_and_tipping import plot_ranks
from bayes_intgen.plots.studies import plot_coverage
from bayes_intgen.studies.refit import calibration_text as text
from bayes_intgen.studies.refit.unit import LEVELS, rank_among_quantiles
from bayes_intgen.studies.runner.unit import Row

__all__ = ["IntervalCalibration"]

NOMINAL = (0.5, 0.8, 0.9, 0.95)
ALARM = 0.05
TOLERATED = 1.1


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

    Examples
    --------
    >>> calibration = ig.refit_calibration(posterior, data, n=4, progressbar=False)
    >>> shapes = calibration.z.shape, calibration.ranks.shape
    >>> calibration.n, shapes, calibration.coverage.index.to_list()
    (4, ((4, 2), (4, 2)), [0.5, 0.8, 0.9, 0.95])
    >>> low, high = calibration.ratio_interval
    >>> low < calibration.ratio < high, calibration.passed == (calibration.verdict == "consistent")
    (True, True)
    >>> calibration.table["support"].to_list()
    ['supported', 'supported']
    """

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
        >>> flags = ("supported",)
        >>> calibration = ig.IntervalCalibration.from_rows("posterior", rows, 1.0, flags, 0)
        >>> calibration.n, calibration.z.tolist()
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
        return rank_among_quantiles(self.truth, self.quantiles)

    @property
    def ratio(self) -> float:
        """Root mean square of z: above one, intervals are too narrow."""
        return float(np.sqrt(np.mean(self.z**2)))  # (1)

    @property
    def ratio_interval(self) -> tuple[float, float]:
        """The 95% confidence interval of the ratio."""
        degrees = self.n * self.independent
        ends = stats.chi2.ppf([1 - ALARM / 2, ALARM / 2], degrees)  # (2)
        low, high = np.sqrt(self.ratio**2 * degrees / ends)
        return float(low), float(high)

    @property
    def coverage(self) -> pd.DataFrame:
        """Coverage by nominal probability, over all quantities.

        Columns ``coverage`` and ``se``, its standard error over data sets (NaN for one).
        """
        shares = {p: self.inside(p).mean(axis=1) for p in NOMINAL}
        rows = {p: (share.mean(), text.standard_error(share)) for p, share in shares.items()}
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["coverage", "se"])
        return table.rename_axis("probability")

    @property
    def table(self) -> pd.DataFrame:
        """A row per quantity.

        ``bias`` (mean of posterior mean less truth, its unit) with ``bias_se``, ``sd`` (mean
        posterior standard deviation), ``rmse``, ``ratio`` (root mean square of z), ``coverage_90``
        with ``coverage_se``, ``rank_p`` (of uniform ranks, Kolmogorov and Smirnov) and ``support``.
        """
        error, inside, ranks = self.mean - self.truth, self.inside(0.9), self.ranks
        columns = {
            "bias": error.mean(axis=0),
            "bias_se": [text.standard_error(column) for column in error.T],
            "sd": self.sd.mean(axis=0),
            "rmse": np.sqrt(np.mean(error**2, axis=0)),
            "ratio": np.sqrt(np.mean(self.z**2, axis=0)),
            "coverage_90": inside.mean(axis=0),
            "coverage_se": [text.standard_error(column) for column in inside.T.astype(float)],
            "rank_p": [stats.kstest(column, "uniform").pvalue for column in ranks.T],
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

    def inside(self, probability: float) -> Mask:
        """Say of every truth whether the central interval of a probability holds it.

        Examples
        --------
        >>> row = {"quantity": "effect", "truth": 39.5, "mean": 39.0, "sd": 20.0, "converged": 1.0}
        >>> rows = [row | {"quantiles": list(range(79))}]
        >>> flags = ("supported",)
        >>> calibration = ig.IntervalCalibration.from_rows("posterior", rows, 1.0, flags, 0)
        >>> calibration.inside(0.9).tolist()
        [[True]]
        """
        columns = [int(np.argmin(np.abs(LEVELS - (1 + s * probability) / 2))) for s in (-1, 1)]
        lower, upper = (self.quantiles[..., column] for column in columns)
        return np.asarray((lower <= self.truth) & (self.truth <= upper))

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
        >>> calibration = ig.refit_calibration(posterior, data, n=3, progressbar=False)
        >>> round(calibration.stretch(0.5).ratio / calibration.ratio, 6)
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
        >>> calibration = ig.refit_calibration(posterior, data, n=3, progressbar=False)
        >>> calibration.take([0, 2]).n
        2
        """
        chosen = np.asarray(sets, dtype=int)
        by_set = ("truth", "mean", "sd", "quantiles", "converged")
        return replace(self, **{name: getattr(self, name)[chosen] for name in by_set})

    def plot(self, axes: tuple[Axes, Axes] | None = None) -> tuple[Axes, Axes]:
        """Draw coverage by nominal probability, and the ranks of the truths.

        Parameters
        ----------
        axes
            Where to draw the two; a new figure by default.

        Examples
        --------
        >>> calibration = ig.refit_calibration(posterior, data, n=4, progressbar=False)
        >>> left, right = calibration.plot()
        >>> left.get_xlabel(), right.get_xlabel()
        ('probability of the interval', 'rank of the truth among the draws')
        >>> plt.close()
        """
        if axes is None:
            _, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
        else:
            left, right = axes
        coverage, name = self.coverage, f"{self.n} data sets drawn from the {self.source}"
        shares, errors = ({name: coverage[column].to_numpy()} for column in ("coverage", "se"))
        plot_coverage(left, NOMINAL, shares, errors)
        plot_ranks(right, dict(zip(self.names, self.ranks.T, strict=True)))
        return left, right

    def _sentences(self) -> list[str]:
        """Say in words what was found, the verdict first."""
        table, drawn = self.table, f"{self.n} data sets drawn from the {self.source}"
        if self.source == "prior":
            lines = [text.describe_ranks(table["rank_p"], self.passed)]
            notes = []
        else:
            lines = [text.describe_ratio(self.ratio, self.ratio_interval, self.verdict)]
            notes = text.describe_bias(self.names, self.z, ALARM)
        lines += [f"{drawn}; coverage {text.describe_coverage(self.coverage)}.", *notes]
        if not self.converged.all():
            lines.append(f"{int((~self.converged).sum())} of {self.n} fits did not converge.")
        if self.failures:
            lines.append(f"{self.failures} data sets could not be fitted and are left out.")
        return lines

    def __str__(self) -> str:
        table = self.table.to_string(float_format=lambda x: f"{x:.3g}")
        return "\n".join([*self._sentences(), table, text.CAVEAT])

    def _repr_html_(self) -> str:
        title, *lines = self._sentences()
        tables = [html_frame(self.coverage), html_frame(self.table)]
        return html_block(title, [*lines, text.CAVEAT], tables)

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

from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from scipy import stats

from bayes_intgen.base.types import Array
from bayes_intgen.plots.calibration_and_tipping import plot_ranks
from bayes_intgen.plots.studies import plot_coverage
from bayes_intgen.studies.refit.calibration_draws import ALARM, CalibrationDraws

__all__ = ["IntervalCalibration"]

NOMINAL = (0.5, 0.8, 0.9, 0.95)
TOLERATED = 1.1


@dataclass(frozen=True)
class IntervalCalibration(CalibrationDraws):
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
    >>> found = ig.refit_calibration(posterior, data, n=4, progressbar=False)
    >>> found.n, found.z.shape, found.ranks.shape, found.coverage.index.to_list()
    (4, (4, 2), (4, 2), [0.5, 0.8, 0.9, 0.95])
    >>> low, high = found.ratio_interval
    >>> low < found.ratio < high, found.passed == (found.verdict == "consistent")
    (True, True)
    >>> found.inside(0.9).shape
    (4, 2)
    >>> found.table["support"].to_list()
    ['supported', 'supported']
    """

    @property
    def coverage(self) -> pd.DataFrame:
        """Coverage by nominal probability, over all quantities.

        Columns ``coverage`` and ``se``, its standard error over data sets (NaN for one).
        """
        parts = {p: self.inside(p).mean(axis=1) for p in NOMINAL}
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
        error, inside, ranks = self.mean - self.truth, self.inside(0.9), self.ranks
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

    def plot(self, axes: tuple[Axes, Axes] | None = None) -> tuple[Axes, Axes]:
        """Draw coverage by nominal probability, and the ranks of the truths.

        Parameters
        ----------
        axes
            Where to draw the two; a new figure by default.

        Examples
        --------
        >>> found = ig.refit_calibration(posterior, data, n=4, progressbar=False)
        >>> left, right = found.plot()
        >>> left.get_xlabel(), right.get_xlabel()
        ('probability of the interval', 'rank of the truth among the draws')
        >>> plt.close()
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

"""Whether rows that are near one another in the order of the table depend on one another.

With standardised residuals e_t of a regime in the order of its rows, and

    (1)  z_k = sum_t e_t e_(t+k) / (sum_t e_t^2 e_(t+k)^2)^(1/2)        for k = 1 ... 64,

each z_k is standard normal if rows are independent, whatever their variances. Tested are the
largest, and the sums of the first 4, 16 and 64 over the root of their number, one-sided, since what
rows share makes them alike; p-values are multiplied by the number of tests over all regimes. Level
1%. The order of a regime that is sorted by the outcome says nothing about this; where settings are
in common, residuals follow the clusters: neither is tested.

Where dependence is found and no column says what rows share, blocks of adjacent rows stand in for
it (:mod:`bayes_intgen.data.implied_groups`). They are as long as blocks of as many times, and
longer by halves while the sums S_b of the residuals over blocks still depend on their neighbours,
in the mean over regimes:

    (2)  sum_b S_b S_(b+1) / sum_b S_b^2 > 0.2.

Of sums over blocks of the length of clusters that start anywhere it is up to 0.25. No regime has
blocks of more than a twentieth of its rows. Of 24 systems with 20 undeclared clusters in each
regime (the family `clustered`), 90% intervals of levels hold 76% where rows are taken as
independent, 91% with these blocks; 87% with 18 rows in all blocks, 93% with 60; 94% if the clusters
are named. Taking the length of which an intercept for each block is likeliest was tried: where
clusters differ much it stays short, since blocks that end elsewhere fit worse.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from bayes_intgen.base.parallel import one_blas_thread
from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.grouping import LEAST_LENGTH, MOST_BLOCKS, block_length
from bayes_intgen.data.implied_groups import SETTINGS
from bayes_intgen.inference.problem import Problem
from bayes_intgen.inference.verdicts.dependence_result import OrderTest
from bayes_intgen.model.log_variance import LogVariance
from bayes_intgen.moments.moments import Moments

__all__ = ["LEAST_ROWS", "MOST_ROWS", "RowOrder", "block_correlation", "is_sorted", "lag_scores"]

MOST_LAG, SUMS = 64, (4, 16, 64)
MOST_ROWS = 2**14
LEAST_ROWS = 20
SORTED, LEAST_STEPS = 0.99, 10  # of the steps from row to row go one way, of so many
LONGER, LEAST_BLOCKS = 1.5, 20  # blocks that are tried, times the last; of a regime
MUCH = 0.2  # correlation of adjacent blocks, (2)


@dataclass(frozen=True)
class RowOrder:
    """Residuals of each regime in the order of its rows, standardised and centred."""

    residuals: Mapping[Regime, Array]  # of rows that are a stride apart
    strides: Mapping[Regime, int]
    rows: Mapping[Regime, int]  # number of all rows, of all regimes
    is_known: bool  # whether no regime is sorted by the outcome

    @classmethod
    def of(
        cls,
        problem: Problem,
        mode: Array,
        moments: Moments,
        log_variances: Mapping[Regime, LogVariance] | None,
        left_out: Collection[str] = (),
    ) -> "RowOrder":
        """Take the residuals of the rows that are kept; of none where there is no order to test.

        Parameters
        ----------
        problem, mode, log_variances
            What was fitted, its hyperparameters at the mode, and by what rows were weighted.
        moments
            Those of the fit.
        left_out
            Labels of regimes whose rows have their settings in common.
        """
        parts = moments.summary.regimes
        counts = {regime: part.n for regime, part in parts.items()}
        samples = {regime: part.sample.rows[:MOST_ROWS] for regime, part in parts.items()}
        ranked = {regime for regime, rows in samples.items() if is_sorted(rows[:, -1])}
        declared = moments.clusters and moments.marks.cluster != (SETTINGS,)
        if declared or not all(map(len, samples.values())):
            return cls({}, {}, counts, not ranked)
        design = problem.design
        with one_blas_thread():
            mean = problem.conditional(mode).mean
        residuals = {}
        for regime, rows in samples.items():
            skipped = regime in ranked or format_regime(regime) in left_out
            if skipped or len(rows) < LEAST_ROWS:
                continue
            phi = design.features.evaluate_rows(rows[:, :-1])
            residual = moments.outcome_scale.standardise(rows[:, -1])
            residual = residual - phi @ design.collect(mean, design.active(regime))
            if log_variances and regime in log_variances:
                residual = residual * np.exp(log_variances[regime].log_weights(phi) / 2)
            residuals[regime] = residual - residual.mean()
        strides = {regime: parts[regime].sample.stride for regime in residuals}
        return cls(residuals, strides, counts, not ranked)

    def test(self) -> tuple[OrderTest, ...]:
        """Return the clearest sign of dependence of each regime."""
        found = []
        for regime, residual in self.residuals.items():
            z = lag_scores(residual)
            sums = [float(z[:k].sum() / np.sqrt(k)) for k in SUMS if k <= len(z)]
            lag = int(z.argmax()) + 1
            p_value = float(special.ndtr(-max([*(sums or [0.0]), z.max()])))
            tests = (len(sums) + len(z)) * len(self.residuals)
            shared, spread = float(residual[:-lag] @ residual[lag:]), float(residual @ residual)
            correlation = shared / (spread or 1.0)
            label = format_regime(regime)
            found.append(OrderTest(label, lag, correlation, min(1.0, p_value * tests)))
        return tuple(found)

    def block_rows(self) -> dict[Regime, int]:
        """Return the number of adjacent rows in a block of each regime, by (2).

        Empty if a regime is sorted by the outcome, since blocks would take it for what they share.
        """
        if not self.is_known:
            return {}
        longest = max(self.rows[regime] for regime in self.residuals) / LEAST_BLOCKS
        length = block_length(float(np.median([*self.rows.values()])))
        while length * LONGER <= longest and self._is_short(length):
            length = int(length * LONGER)
        lengths = {}
        for regime, n in self.rows.items():
            most = max(n // LEAST_BLOCKS, LEAST_LENGTH)
            lengths[regime] = max(min(max(length, block_length(n)), most), -(-n // MOST_BLOCKS))
        return lengths

    def _is_short(self, length: int) -> bool:
        parts = [
            block_correlation(residual, max(length // self.strides[regime], 1))
            for regime, residual in self.residuals.items()
            if length * LEAST_BLOCKS <= self.rows[regime]
        ]
        return bool(parts) and float(np.mean(parts)) > MUCH


def is_sorted(values: Array) -> bool:
    """Say whether values go one way but for a few.

    Examples
    --------
    >>> is_sorted(np.arange(50.0) // 2), is_sorted(np.arange(50.0) % 2), is_sorted(np.zeros(50))
    (True, False, False)
    """
    steps = np.diff(values)
    steps = steps[steps != 0]
    up = float(np.mean(steps > 0)) if len(steps) >= LEAST_STEPS else 0.5
    return max(up, 1 - up) >= SORTED


def lag_scores(residual: Array) -> Array:
    """Return z_k of (1), shape (lags,); at most a quarter of the rows apart.

    Examples
    --------
    >>> lag_scores(np.tile([1.0, -1.0], 10)).round(1)  # lags 1 to 5
    array([-4.4,  4.2, -4.1,  4. , -3.9])
    """
    lags = range(1, min(MOST_LAG, len(residual) // 4) + 1)
    products = [residual[:-k] * residual[k:] for k in lags]
    return np.array([own.sum() / (np.sqrt(own @ own) or 1.0) for own in products])


def block_correlation(residual: Array, length: int) -> float:
    """Return (2) of one regime, for blocks of so many rows.

    Examples
    --------
    >>> e = np.repeat(np.random.default_rng(1).normal(size=500), 20)
    >>> [round(block_correlation(e, length), 1) for length in (1, 10, 20, 40)]
    [0.9, 0.5, -0.1, -0.1]
    """
    blocks = len(residual) // length
    sums = residual[: blocks * length].reshape(blocks, length).sum(axis=1)
    square = float(sums @ sums)
    return float(sums[:-1] @ sums[1:]) / square if square else 0.0

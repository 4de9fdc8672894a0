"""Log-variance functions: how the spread of the outcome depends on the actions, in each regime.

Since f_k(A_k, C_k) makes Var(Y | a) depend on a, one sigma per regime wastes precision where the
spread is small and overstates it where it is large. With residuals e of a first fit, the logarithm
log e^2 = log v_r(a) + noise is regressed on the smoothest features psi of the actions,

    (1) log v_r(a) = gamma_r' (psi(a) - mean of psi in regime r),     gamma_r ~ N(0, tau_r^2 D^2),

where D holds the relative prior scales of the features and tau_r maximises the evidence. If its
Bayes factor against a constant variance is too small,

    (2)  2 log p(log e^2 | tau_r) - 2 log p(log e^2 | tau = 0) <= 6,

(positive, not strong evidence in the words of Kass and Raftery, 1995), gamma_r is zero and the rows
of the regime count the same. For log e^2 is noisy, its standard deviation 2.2 where the spread is
constant, and few rows always hold some pattern: weights learned from it give the rows that the fit
happened to meet a weight that they do not deserve, and intervals that are too narrow. One pass
over the rows gives the moments of (psi, log e^2); a second gives moments weighted by 1 / v_r. Only
the relation of the weights within a regime matters: sigma_r is still inferred.

References
----------
Harvey (1976), "Estimating regression models with multiplicative heteroscedasticity",
Econometrica 44.
Kass and Raftery (1995), "Bayes factors", Journal of the American Statistical Association 90.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import log, sqrt

import numpy as np

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices, Scale
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.data.row_pass import Chunk, sum_chunks
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.moments.block_moments import BlockMoments, block_rows

__all__ = ["LogVariance", "VarianceFeatures", "fit_log_variances"]

REACH = 3.0
FLOOR = 1e-6
LEAST_EVIDENCE = 6.0  # twice the log Bayes factor against a constant variance
PAIR_FUNCTIONS = 2


@dataclass(frozen=True)
class VarianceFeatures:
    """The features psi of log-variance functions."""

    columns: Indices  # their positions in the feature map
    relative: Array  # their relative prior scales D

    @classmethod
    def of(cls, features: FeatureMap) -> "VarianceFeatures":
        """Choose all features of one action, and the smoothest products of two."""
        columns = features.smooth_columns(PAIR_FUNCTIONS)
        relative = [features.relative_scale(column) for column in columns]
        return cls(columns, np.array(relative))


@dataclass(frozen=True)
class LogVariance:
    """The log-variance function of one regime."""

    columns: Indices  # positions of the features psi in the feature map
    centre: Array  # their means in the regime
    gamma: Array  # their coefficients
    # largest absolute value: three standard deviations of the function over the regime's rows
    bound: float

    @classmethod
    def from_moments(
        cls, moments: CentredMoments, columns: Indices, relative: Array, effect: float = 1.0
    ) -> "LogVariance":
        """Regress log e^2, given the moments of (psi, log e^2), on features psi.

        The function is zero if the evidence does not ask for one, (2). ``columns`` and
        ``relative``: the positions of psi and their prior scales D. ``effect``: of how many rows
        one tells as much as an independent one.
        """
        scatter = moments.scatter[:-1, :-1] * np.outer(relative, relative) / effect
        noise = max(moments.scatter[-1, -1] / moments.n, 1e-12)
        # in the eigenvectors of D (scatter of psi) D the Bayes factor (2) is a sum over directions
        values, vectors = np.linalg.eigh(scatter)
        strengths = np.maximum(values, 0.0)
        pull = vectors.T @ (relative * moments.scatter[:-1, -1]) / effect
        grid = np.exp(2 * np.linspace(log(1e-3), log(10), 60))
        signal = np.multiply.outer(grid, strengths) / noise
        evidence = (grid / noise**2) * ((pull**2 / (1 + signal)).sum(axis=1))
        evidence -= np.log1p(signal).sum(axis=1)
        if evidence.max() <= LEAST_EVIDENCE:
            return cls(columns, moments.mean[:-1], np.zeros(len(columns)), 0.0)
        best = grid[int(np.argmax(evidence))]
        gamma = relative * (vectors @ (best / (noise + best * strengths) * pull))
        spread = sqrt(max(float(gamma @ moments.covariance[:-1, :-1] @ gamma), 0.0))
        return cls(columns, moments.mean[:-1], gamma, REACH * spread)

    def log_weights(self, phi: Array) -> Array:
        """Return - log v at rows of features, shape (n, features) to (n,)."""
        if not self.bound:  # it is constant
            return np.zeros(len(phi))
        spread_out = np.zeros(phi.shape[1])
        spread_out[self.columns] = self.gamma
        log_variance = phi @ spread_out - self.centre @ self.gamma  # (1)
        return np.asarray(-np.clip(log_variance, -self.bound, self.bound))


def fit_log_variances(
    data: RegimeData,
    features: FeatureMap,
    outcome_scale: Scale,
    theta: Mapping[Regime, Array],
    sigma: Mapping[Regime, float],
    effects: Mapping[Regime, float] | None = None,
) -> dict[Regime, LogVariance]:
    """Fit the log-variance function of every regime in one pass over the rows.

    ``effects``: of how many rows of each regime one tells as much as an independent one, one by
    default. ``theta``
    and ``sigma``: from a first fit, the coefficients of the features in the mean of each
    regime, and its residual standard deviation in standard units.
    """
    psi = VarianceFeatures.of(features)
    floor = {regime: FLOOR * spread**2 for regime, spread in sigma.items()}
    unit = data.summary.mean_units
    job = _LogSquares(features, outcome_scale, psi.columns, theta, floor, unit)
    moments = sum_chunks(data, job, n_folds=1)
    return {
        regime: LogVariance.from_moments(
            rows, psi.columns, psi.relative, (effects or {}).get(regime, 1.0)
        )
        for regime, rows in moments.items()
    }


@dataclass(frozen=True)
class _LogSquares:
    """Moments of (psi, log e^2) over a chunk of rows: see :func:`fit_log_variances`.

    ``columns`` are the positions of psi among the features, and ``floor`` is what keeps the
    logarithm of e^2 from running away.
    """

    features: FeatureMap
    outcome_scale: Scale
    columns: Indices
    theta: Mapping[Regime, Array]
    floor: Mapping[Regime, float]
    mean_units: float = 1.0  # that a row stands for

    def __call__(self, chunk: Chunk) -> CentredMoments:
        """Return the moments of the rows of a chunk; folds play no part."""
        regime, _, values, marks = chunk
        size, width = len(self.features.features), len(self.columns) + 1
        step = min(block_rows(size + width), len(values))
        phi = np.empty((size, step))
        moments = BlockMoments(width)
        for start in range(0, len(values), step):
            block = values[start : start + step]
            features, key = self.features.fill(block[:, :-1], phi[:, : len(block)])
            y = self.outcome_scale.standardise(block[:, -1])
            residual = y - self.theta[regime] @ features
            squares = residual**2
            if marks.weights is not None:
                squares *= marks.weights[start : start + step] / self.mean_units
            logs = np.log(squares + self.floor[regime])
            psi = partial(self._psi, features)
            moments.add(psi, logs, key=None if key is None else ("psi", key))
        return moments.result()

    def _psi(self, phi: Array) -> Array:
        """Return (1, psi) from phi, rows of features each."""
        return np.concatenate([np.ones((1, phi.shape[1])), phi[self.columns]])

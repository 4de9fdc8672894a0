"""The variance of the outcome as a function of the actions: row weights, and draws of it.

Before the weights of the mean are final, rows are weighted by variances that a first fit with one
sigma per regime leads to (:mod:`bayes_intgen.model.log_variance`), but only if the mean fits. One
that is wrong is the best approximation to the truth over the rows, each by its weight: where all
count the same it is right on average, and learned weights draw it to where the spread is small. So
where the test of additivity (:mod:`bayes_intgen.inference.verdicts.additivity`) finds an
interaction that the model lacks, at a level of 0.0001, and with an effect of at least a twentieth
of the residual standard deviation, below which a misfit can do little, the rows of every regime
count the same, which takes one more pass over them. With the mean sin(a1) + a2 / 2 + r a1 a2,
fitted without interactions, and a log spread of a2 (regimes obs, a1 and a2 of 2000 rows, 8 tables),
the error of the effect of a1 at the mean of a2 is

    r                   0      0.1     0.3     1
    learned weights   0.023   0.057   0.099   0.082
    equal weights     0.035   0.036   0.040   0.061
    by this rule      0.023   0.036   0.040   0.061

After that the variance functions are drawn by the model of the mean once more. Squared residuals of
the first fit have the mean Var_S(a), which is linear in weights with the masks of
:mod:`bayes_intgen.model.variance_sum_rule`. They are regressed on the actions from sums that the
last pass over the rows takes along: one residual sigma per regime, prior scales and lengthscales at
their mode (empirical Bayes, default priors), weights drawn from their Gaussian distribution given
those. A regime's squared residuals are first multiplied by

    (1)  n / (n - edf),     edf = w_r tr(G_r C),

as its fit has taken edf degrees of freedom out of them (G_r, C of
:mod:`bayes_intgen.model.marginal`).

The squared residual of a row with variance v has a variance of about 2 v^2, but rows count by the
row weights of the mean, proportional to 1 / v. Their squares gain little where v is estimated well
(the paper's systems, K = 3: relative error of Var_do 0.040 instead of 0.047) and lose much where it
is not, because the rows that count most are then those whose variance was taken too small
(models/polynomial.py, cubic features, 16,000 rows per regime: 0.112 instead of 0.065).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from math import log, sqrt
from typing import Self

import numpy as np
import xarray as xr

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices, Scale
from bayes_intgen.data.independent_rows import shared_setting
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.design import Design
from bayes_intgen.design.interactions import Interactions
from bayes_intgen.inference.laplace import find_maximum
from bayes_intgen.inference.problem import Problem, WeightsGiven
from bayes_intgen.inference.verdicts.additivity_result import Additivity
from bayes_intgen.model.log_variance import LogVariance, VarianceFeatures, fit_log_variances
from bayes_intgen.model.priors import Priors
from bayes_intgen.model.variance_sum_rule import FLOOR
from bayes_intgen.moments.feature_sums import ResidualMoments
from bayes_intgen.moments.moments import Moments

__all__ = [
    "FirstFit",
    "draw_variance_functions",
    "fit_variance_functions",
    "name_misfit",
    "variance_design",
]

MISFIT_LEVEL = 1e-4  # over all tests
LEAST_MISFIT = 0.05  # of the residual standard deviation


@dataclass(frozen=True)
class FirstFit:
    """A fit with one sigma per regime, and the pass over the rows that its residuals lead to."""

    design: Design
    moments: Moments  # that were fitted, without the sums of the features
    mode: Array  # of its hyperparameters
    theta: Mapping[Regime, Array]  # weights of the features in the mean of each regime

    @classmethod
    def of(cls, problem: Problem) -> Self:
        """Fit."""
        mode = find_maximum(problem)
        weights, design = problem.conditional(mode).mean, problem.design
        regimes = problem.moments.regimes
        theta = {regime: design.collect(weights, design.active(regime)) for regime in regimes}
        moments = replace(problem.moments, folds=dict.fromkeys(regimes, ()))  # for want of memory
        return cls(design, moments, mode, theta)

    def log_variances(self, data: RegimeData) -> dict[Regime, LogVariance]:
        """Estimate how the variance of the rows of each regime depends on the actions."""
        moments = self.moments
        sigma = dict(zip(moments.regimes, np.exp(self.mode[: len(self.theta)]), strict=True))
        effects = {regime: design_effect(moments, regime) for regime in moments.regimes}
        of_mean = (self.design.features, moments.outcome_scale, self.theta)
        return fit_log_variances(data, *of_mean, sigma, effects)

    def sum_rows(
        self, data: RegimeData, probes: FeatureMap, variances: Mapping[Regime, LogVariance] | None
    ) -> Moments:
        """Pass over the rows for the sums of the features, then of the probes, and of residuals.

        Rows are weighted by their variances, if there are any, or count the same within a regime.
        """
        own, known = self.design.features, self.moments
        features = own.union(probes)
        # the further features take no part in the fit, whose residuals are wanted
        further = np.zeros(len(features.features) - len(own.features))
        full = {regime: np.concatenate([theta, further]) for regime, theta in self.theta.items()}
        chosen = (known.summary, features, known.outcome_scale, variances, full)
        return Moments.compute(data, *chosen, n_folds=1, like=known).with_intercepts(known.ratios)

    def mode_near(self, moments: Moments) -> Array:
        """Say about where the mode is with rows so weighted: each sigma in its new unit."""
        near, sums = self.mode.copy(), _residuals(moments)
        near[: len(sums)] += [0.5 * log(part.cross[0] / part.square) for part in sums.values()]
        return near


def design_effect(moments: Moments, regime: Regime) -> float:
    """Return of how many rows one tells as much of the variance as an independent one.

    For rows in groups of m, whose residuals have the correlation rho and whose settings rho_a, it
    is 1 + (m - 1) rho^2 rho_a, since squares of normal variables have the squared correlation.
    """
    ratio = moments.ratios.get(regime, 0.0)
    if not ratio:
        return 1.0
    rows = moments.clusters[regime].rows
    size = float(rows @ rows / rows.sum())
    setting = shared_setting(regime, moments.summary.regimes[regime].sample, moments.grouping)
    return 1 + (size - 1) * (ratio / (1 + ratio)) ** 2 * setting


def name_misfit(design: Design, moments: Moments, found: Additivity) -> str:
    """Name the clearest interaction that a fit lacks; empty if it lacks none that matters.

    Parameters
    ----------
    design
        That was fitted.
    moments
        Of weighted rows, with those of the residuals of the first fit.
    found
        What their test of additivity says.
    """
    least = LEAST_MISFIT * sqrt(float(np.mean(_mean_squares(moments))))
    clear = [
        test
        for test in found.tests
        if test.p_value <= MISFIT_LEVEL / len(found.tests)
        and test.effect >= least * moments.outcome_scale.spread
        and design.lacks(test.terms)
    ]
    return str(min(clear, key=lambda test: test.p_value)) if clear else ""


def variance_design(design: Design) -> Design:
    """Return the design of the variance that goes with one of the mean.

    Of products of two actions only the smoothest take part, and none of three or more.
    """
    smooth = [0, *VarianceFeatures.of(design.features).columns]
    kept: tuple[Interactions, ...] = ("all", "learned")
    masks: Interactions = design.interactions if design.interactions in kept else "none"
    full = replace(design, features=_keep(design.features, smooth), interactions=masks)
    return replace(full, features=_keep(full.features, np.unique(full.positions)))


def _keep(features: FeatureMap, columns: Iterable[int]) -> FeatureMap:
    return FeatureMap(features.bases, tuple(features.features[i] for i in columns))


def fit_variance_functions(problem: Problem, mode: Array) -> tuple[Problem, WeightsGiven]:
    """Regress the squared residuals on the actions.

    ``problem``: that of the mean, whose moments include those of residuals; ``mode``: of its
    hyperparameters.

    Returns
    -------
    Problem
        That of the variance; the spread of its outcome's scale is the unit of its weights, in
        squared standard units of the outcome.
    WeightsGiven
        The distribution of its weights.
    """
    moments = problem.moments
    design = variance_design(problem.design)
    order = {feature.factors: i for i, feature in enumerate(moments.features.features)}
    columns = np.array([order[feature.factors] for feature in design.features.features])
    unit = sqrt(2) * float(np.mean(_mean_squares(moments)))  # about the spread of e^2
    by_regime = {
        regime: (_with_squares(moments, regime, columns, factor / unit),)
        for regime, factor in zip(moments.regimes, _inflation(problem, mode), strict=True)
    }
    scale = Scale(0.0, unit)
    sums = Moments(moments.summary, design.features, scale, by_regime, moments.log_weights)
    variance = Problem(design, sums, Priors())
    return variance, variance.conditional(find_maximum(variance))


def draw_variance_functions(
    problem: Problem, mode: Array, chain: xr.DataArray, draw: xr.DataArray, random_seed: int
) -> xr.Dataset:
    """Draw the variance functions, for draws with the labels ``chain`` and ``draw`` of the mean.

    Returns
    -------
    xarray.Dataset
        ``weight`` (chain, draw, variance_term) and ``least``, the floor of a variance: a hundredth
        of the least residual variance of a regime. Both in the squared unit of the outcome.
    """
    variance, given = fit_variance_functions(problem, mode)
    rng = np.random.default_rng([random_seed, 5])
    square = problem.moments.outcome_scale.spread**2
    weights = given.draw(chain.size * draw.size, rng)
    weights *= variance.moments.outcome_scale.spread * square
    coords = {
        "chain": chain.to_numpy(),
        "draw": draw.to_numpy(),
        "variance_term": [weight.name for weight in variance.design.weights],
    }
    labelled = (tuple(coords), weights.reshape(chain.size, draw.size, -1))
    least = FLOOR * square * min(_mean_squares(problem.moments))
    return xr.Dataset({"weight": labelled, "least": ((), least)}, coords=coords)


def _residuals(moments: Moments) -> Mapping[Regime, ResidualMoments]:
    if moments.residuals is None:
        raise ValueError("moments: those of the residuals are needed.")
    return moments.residuals


def _mean_squares(moments: Moments) -> list[float]:
    """Return the mean squared residual of each regime, in squared standard units."""
    return [part.square / part.n for part in _residuals(moments).values()]


def _with_squares(
    moments: Moments, regime: Regime, columns: Indices, factor: float
) -> CentredMoments:
    """Return weighted moments of some features and of the squared residuals times a factor.

    ``columns`` are positions among the features, the constant first.
    """
    rows = reduce(CentredMoments.merge, moments.folds[regime]).select(columns[1:] - 1)
    residuals = _residuals(moments)[regime]
    mean = residuals.cross[0] / rows.weight
    cross = residuals.cross[columns[1:]] - rows.weight * mean * rows.mean
    square = residuals.fourth - rows.weight * mean**2
    scatter = np.block(
        [
            [rows.scatter, factor * cross[:, None]],
            [factor * cross[None], np.full((1, 1), factor**2 * square)],
        ]
    )
    return CentredMoments(rows.n, rows.weight, np.append(rows.mean, factor * mean), scatter)


def _inflation(problem: Problem, mode: Array) -> list[float]:
    """Return (1) of each regime."""
    rows, taken = problem.likelihood.n, problem.effective_parameters(mode)
    return [float(n / max(n - k, 1.0)) for n, k in zip(rows, taken, strict=True)]

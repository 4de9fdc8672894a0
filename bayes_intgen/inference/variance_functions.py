"""The variance of the outcome as a function of the actions: row weights, and draws of it.

Before the weights of the mean are final, rows are weighted by variances that a first fit with one
sigma per regime leads to (:mod:`bayes_intgen.model.log_variance`).

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

from collections.abc import Mapping
from functools import reduce
from math import sqrt

import numpy as np
import xarray as xr

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices, Scale
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.problem import Problem
from bayes_intgen.model.log_variance import fit_log_variances
from bayes_intgen.model.marginal import Conditional
from bayes_intgen.model.priors import Priors
from bayes_intgen.model.variance_sum_rule import FLOOR, variance_design
from bayes_intgen.moments.feature_sums import ResidualMoments
from bayes_intgen.moments.moments import Moments

__all__ = ["draw_variance_functions", "fit_variance_functions", "weighted_moments"]


def weighted_moments(
    problem: Problem, data: RegimeData, probes: FeatureMap, learn_variance: bool
) -> Moments:
    """Fit once with one sigma per regime, then weight the rows by their estimated variances.

    Parameters
    ----------
    problem, data
        The unweighted problem, and its rows, which are read once or twice more.
    probes
        Further features whose moments are wanted beside those of the problem.
    learn_variance
        Whether to estimate how the variance depends on the actions; otherwise all rows of a regime
        count the same.

    Returns
    -------
    Moments
        Of the features of the problem, then of the further ones, with those of the residuals.
    """
    mode = find_mode(problem).mode
    weights = problem.conditional(mode).mean
    log_sigma, _, _ = problem.split(mode)
    design, moments = problem.design, problem.moments
    regimes, scale = moments.regimes, moments.outcome_scale
    theta = {r: design.collect(weights, design.active(r)) for r in regimes}
    variances = None
    if learn_variance:
        sigma = dict(zip(regimes, np.exp(log_sigma).tolist(), strict=True))
        variances = fit_log_variances(data, design.features, scale, theta, sigma)
    features = design.features.union(probes)
    further = np.zeros(len(features.features) - len(design.features.features))
    # the further features take no part in the first fit, whose residuals are wanted
    full = {r: np.concatenate([known, further]) for r, known in theta.items()}
    return Moments.compute(data, moments.summary, features, scale, variances, full, n_folds=1)


def fit_variance_functions(problem: Problem, mode: Array) -> tuple[Problem, Conditional]:
    """Regress the squared residuals on the actions.

    ``problem``: that of the mean, whose moments include those of residuals; ``mode``: of its
    hyperparameters.

    Returns
    -------
    Problem
        That of the variance; the spread of its outcome's scale is the unit of its weights, in
        squared standard units of the outcome.
    Conditional
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
    return variance, variance.conditional(find_mode(variance).mode)


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
    covariance = problem.conditional(mode).covariance
    precision = np.exp(-2 * problem.split(mode)[0])
    edf = [
        w * float(np.vdot(gram, covariance))
        for w, gram in zip(precision, problem.likelihood.gram, strict=True)
    ]
    return [
        n / max(n - taken, 1.0) for n, taken in zip(problem.likelihood.n.tolist(), edf, strict=True)
    ]

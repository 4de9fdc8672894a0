"""Draws of the variance functions: the model of the mean once more, for squared residuals.

Squared residuals of a first fit have the mean Var_S(a), which is linear in weights with the masks
of :mod:`bayes_intgen.variance_identity`. They are regressed on the actions by the very model of the
mean: one residual sigma per regime, rows weighted by a squared preliminary precision, prior scales
and lengthscales at their mode (empirical Bayes, default priors), weights drawn from their Gaussian
distribution given those. A regime's squared residuals are first multiplied by n / (n - edf), as its
fit has taken edf degrees of freedom out of them.
"""

from dataclasses import replace
from math import sqrt

import numpy as np
import numpy.typing as npt
import xarray as xr

from bayes_intgen.centred import CentredMoments
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.problem import Problem
from bayes_intgen.marginal import Conditional
from bayes_intgen.moments import Moments
from bayes_intgen.priors import Priors
from bayes_intgen.regimes import Regime
from bayes_intgen.summary import Scale
from bayes_intgen.variance_identity import variance_design

__all__ = ["draw_variance_functions", "fit_variance_functions"]

FLOOR = 0.01

type Array = npt.NDArray[np.float64]


def fit_variance_functions(problem: Problem, mode: Array) -> tuple[Problem, Conditional]:
    """Regress the squared residuals on the actions.

    Parameters
    ----------
    problem, mode
        The problem of the mean, whose moments hold squared residuals, and its hyperparameters at
        the mode.

    Returns
    -------
    Problem
        That of the variance; the spread of its outcome's scale is the unit of its weights, in
        squared standard units of the outcome.
    Conditional
        The distribution of its weights.
    """
    moments = problem.moments
    squares = moments.squares
    if squares is None:
        raise ValueError("moments: those of the squared residuals are needed.")
    inflation = _inflation(problem, mode)
    typical = list(_mean_squares(moments).values())
    unit = sqrt(2) * float(np.mean(typical))  # about the standard deviation of e^2
    parts = {
        regime: (_rescale_last(part, inflation[r] / unit),)
        for r, (regime, part) in enumerate(squares.parts.items())
    }
    scale, zeros = Scale(0.0, unit), dict.fromkeys(parts, 0.0)
    sums = Moments(moments.summary, squares.features, scale, parts, zeros)
    variance = Problem(variance_design(problem.design), sums, Priors())
    return variance, variance.conditional(find_mode(variance).mode)


def draw_variance_functions(
    problem: Problem, mode: Array, chain: xr.DataArray, draw: xr.DataArray, random_seed: int
) -> xr.Dataset:
    """Draw the variance functions.

    Parameters
    ----------
    problem, mode
        As in :func:`fit_variance_functions`.
    chain, draw
        Labels of the draws, those of the mean.
    random_seed
        Seed of the draws.

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
    least = FLOOR * square * min(_mean_squares(problem.moments).values())
    return xr.Dataset({"weight": labelled, "least": ((), least)}, coords=coords)


def _mean_squares(moments: Moments) -> dict[Regime, float]:
    """Return the mean squared residual of each regime, in squared standard units."""
    if moments.residuals is None:
        raise ValueError("moments: those of the residuals are needed.")
    return {r: float(part.cross[0]) / part.n for r, part in moments.residuals.items()}


def _inflation(problem: Problem, mode: Array) -> list[float]:
    """Return n / (n - edf) of each regime, with edf = w_r tr(G_r C)."""
    covariance = problem.conditional(mode).covariance
    precision = np.exp(-2 * problem.split(mode)[0])
    edf = [
        w * float(np.vdot(gram, covariance))
        for w, gram in zip(precision, problem.likelihood.gram, strict=True)
    ]
    return [
        n / max(n - taken, 1.0) for n, taken in zip(problem.likelihood.n.tolist(), edf, strict=True)
    ]


def _rescale_last(moments: CentredMoments, factor: float) -> CentredMoments:
    """Multiply the last column by a factor."""
    factors = np.append(np.ones(len(moments.mean) - 1), factor)
    scatter = moments.scatter * np.outer(factors, factors)
    return replace(moments, mean=moments.mean * factors, scatter=scatter)

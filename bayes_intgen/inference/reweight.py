"""The third pass: rows that count by their own variance, and moments of the residuals."""

import numpy as np

from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.problem import Problem
from bayes_intgen.model.log_variance import fit_log_variances
from bayes_intgen.moments.moments import Moments

__all__ = ["reweight"]


def reweight(
    problem: Problem, data: RegimeData, probes: FeatureMap, learn_variance: bool
) -> Moments:
    """Fit once with one sigma per regime, then weigh the rows by their estimated variances.

    Parameters
    ----------
    problem
        The unweighted problem.
    data
        Its rows, which are read once or twice more.
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
    full = {r: np.concatenate([part, further]) for r, part in theta.items()}
    return Moments.compute(data, moments.summary, features, scale, variances, full, folds=1)

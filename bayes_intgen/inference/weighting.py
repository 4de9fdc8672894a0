"""The weighted pass: moments in which each row counts by its own variance."""

import numpy as np
from threadpoolctl import threadpool_limits

from bayes_intgen.data import RegimeData
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.problem import Problem
from bayes_intgen.moments import Moments
from bayes_intgen.variance import fit_log_variances

__all__ = ["reweight"]


def reweight(problem: Problem, data: RegimeData) -> Problem:
    """Fit once with one sigma per regime, then weigh the rows by their estimated variances.

    Parameters
    ----------
    problem
        The unweighted problem.
    data
        Its rows, which are read twice more.

    Returns
    -------
    Problem
        The same design and priors with weighted moments.
    """
    with threadpool_limits(1):
        mode = find_mode(problem).mode
        weights = problem.conditional(mode).mean
    log_sigma, _, _ = problem.split(mode)
    design, moments = problem.design, problem.moments
    regimes = moments.regimes
    theta = {r: design.collect(weights, design.active(r)) for r in regimes}
    sigma = dict(zip(regimes, np.exp(log_sigma).tolist(), strict=True))
    scale = moments.outcome_scale
    variances = fit_log_variances(data, design.features, scale, theta, sigma)
    weighted = Moments.compute(data, moments.summary, design.features, scale, variances)
    return Problem(design, weighted, problem.priors)

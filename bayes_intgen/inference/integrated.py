"""Sampling with the weights integrated out: hyperparameters, then weights, then a verdict.

Variance functions are drawn too, if they were learned.
"""

import numpy as np
import xarray as xr

from bayes_intgen.base.types import Array
from bayes_intgen.inference.draws_tree import build_tree, hyperparameters
from bayes_intgen.inference.hyper_draws import sample_laplace, sample_nuts
from bayes_intgen.inference.laplace import LaplaceMode
from bayes_intgen.inference.options import Sampling
from bayes_intgen.inference.problem import Problem
from bayes_intgen.inference.variance_draws import draw_variance_functions
from bayes_intgen.inference.verdicts.convergence import Convergence, check_laplace, check_nuts
from bayes_intgen.inference.verdicts.laplace_error import laplace_error

__all__ = ["sample_integrated"]


def sample_integrated(
    problem: Problem,
    mode: LaplaceMode,
    sampling: Sampling,
    asked: Array,
    variance: bool = False,
) -> tuple[xr.DataTree, Convergence]:
    """Draw from the posterior and judge the draws.

    Parameters
    ----------
    problem, mode
        The posterior and the mode of its hyperparameters.
    sampling
        NUTS or Laplace, and their options.
    asked
        What the Laplace approximation is judged by: rows that turn weights into means of interest,
        shape (settings, weights).
    variance
        Whether the variance of the outcome was learned as a function of the actions; then it is
        drawn too, in the group ``variance`` of the tree.
    """
    seed = sampling.random_seed
    if sampling.method == "nuts":
        hyper = sample_nuts(problem, mode, sampling)
        verdict = check_nuts(hyperparameters(problem, hyper), hyper.sample_stats)
    else:
        hyper = sample_laplace(problem, mode, sampling.draws, seed)
        error = laplace_error(problem, mode, asked, np.random.default_rng([seed, 3]))
        verdict = check_laplace(hyper.converged, error)
    tree = build_tree(problem, hyper, seed)
    if variance:
        draws = tree["posterior"].dataset
        tree["variance"] = xr.DataTree(
            draw_variance_functions(problem, mode.mode, draws.chain, draws.draw, seed)
        )
    return tree, verdict

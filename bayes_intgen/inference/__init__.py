"""Inference: hyperparameters by NUTS or Laplace and weights exactly, or all of them by NUTS.

Convergence is checked after every fit.
"""

from bayes_intgen.inference.convergence import Convergence, check_laplace, check_nuts
from bayes_intgen.inference.hyper import HyperDraws, sample_laplace, sample_nuts, sample_prior
from bayes_intgen.inference.integrated import sample_integrated
from bayes_intgen.inference.laplace import LaplaceMode, find_mode
from bayes_intgen.inference.laplace_error import LaplaceError, laplace_error
from bayes_intgen.inference.lift_conflicts import check_lifts
from bayes_intgen.inference.posterior_tree import build_tree, hyperparameters
from bayes_intgen.inference.problem import Problem
from bayes_intgen.inference.rowwise import RowwiseProblem, sample_rowwise
from bayes_intgen.inference.sampling import Sampling
from bayes_intgen.inference.variance_functions import (
    draw_variance_functions,
    fit_variance_functions,
)
from bayes_intgen.inference.weighting import reweight

__all__ = [
    "Convergence",
    "HyperDraws",
    "LaplaceError",
    "LaplaceMode",
    "Problem",
    "RowwiseProblem",
    "Sampling",
    "build_tree",
    "check_laplace",
    "check_lifts",
    "check_nuts",
    "draw_variance_functions",
    "find_mode",
    "fit_variance_functions",
    "hyperparameters",
    "laplace_error",
    "reweight",
    "sample_integrated",
    "sample_laplace",
    "sample_nuts",
    "sample_prior",
    "sample_rowwise",
]

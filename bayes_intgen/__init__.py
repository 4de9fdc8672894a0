"""Bayesian intervention generalization.

The effect of setting several actions at once, from observational data and experiments that each
set one action.
"""

from bayes_intgen import scm
from bayes_intgen.basis import HSGP, Categorical, Polynomial
from bayes_intgen.checks import Checks, check
from bayes_intgen.data import RegimeData
from bayes_intgen.distributions import LogNormal
from bayes_intgen.errors import (
    BayesIntgenError,
    ConvergenceWarning,
    DataError,
    FileError,
    ModelError,
    NotIdentifiedError,
    QueryError,
    RegimeError,
)
from bayes_intgen.identify import identify
from bayes_intgen.intervention_model import InterventionModel, load
from bayes_intgen.moments import Moments
from bayes_intgen.posterior import Posterior
from bayes_intgen.priors import Priors
from bayes_intgen.ridge import JointRidge, ObservationalRidge, PooledRidge, RidgeEstimator

__all__ = [
    "HSGP",
    "BayesIntgenError",
    "Categorical",
    "Checks",
    "ConvergenceWarning",
    "DataError",
    "FileError",
    "InterventionModel",
    "JointRidge",
    "LogNormal",
    "ModelError",
    "Moments",
    "NotIdentifiedError",
    "ObservationalRidge",
    "Polynomial",
    "PooledRidge",
    "Posterior",
    "Priors",
    "QueryError",
    "RegimeData",
    "RegimeError",
    "RidgeEstimator",
    "check",
    "identify",
    "load",
    "scm",
]

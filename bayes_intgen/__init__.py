"""Bayesian intervention generalization.

The effect of setting several actions at once, from observational data and experiments that each
set one action.
"""

from bayes_intgen import examples, scm
from bayes_intgen.basis import HSGP, Categorical, Polynomial
from bayes_intgen.checks import Checks, check
from bayes_intgen.data import RegimeData
from bayes_intgen.distributions import LogNormal
from bayes_intgen.errors import (
    BayesIntgenError,
    ConflictWarning,
    ConvergenceWarning,
    DataError,
    FileError,
    ModelError,
    NotIdentifiedError,
    QueryError,
    RegimeError,
)
from bayes_intgen.experiments import (
    IntervalCalibration,
    refit_calibration,
    simulation_based_calibration,
)
from bayes_intgen.identify import identify
from bayes_intgen.intervention_model import InterventionModel
from bayes_intgen.lift_tests import LiftTests
from bayes_intgen.moments import Moments
from bayes_intgen.posterior import Posterior, load
from bayes_intgen.priors import Priors
from bayes_intgen.ridge import JointRidge, ObservationalRidge, PooledRidge, RidgeEstimator
from bayes_intgen.sensitivity import Sensitivity, sensitivity

__all__ = [
    "HSGP",
    "BayesIntgenError",
    "Categorical",
    "Checks",
    "ConflictWarning",
    "ConvergenceWarning",
    "DataError",
    "FileError",
    "IntervalCalibration",
    "InterventionModel",
    "JointRidge",
    "LiftTests",
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
    "Sensitivity",
    "check",
    "examples",
    "identify",
    "load",
    "refit_calibration",
    "scm",
    "sensitivity",
    "simulation_based_calibration",
]

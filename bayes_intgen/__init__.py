"""Bayesian intervention generalization.

The effect of setting several actions at once, from observational data and experiments that each
set one action.
"""

from bayes_intgen import scm
from bayes_intgen.base.errors import (
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
from bayes_intgen.baselines.ridge import JointRidge, ObservationalRidge, PooledRidge, RidgeEstimator
from bayes_intgen.checks.result import Checks
from bayes_intgen.checks.sensitivity.analysis import sensitivity
from bayes_intgen.checks.sensitivity.result import Sensitivity
from bayes_intgen.checks.suite import check
from bayes_intgen.data.lift_tests import LiftTests
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.categorical import Categorical
from bayes_intgen.design.basis.hsgp import HSGP
from bayes_intgen.design.basis.polynomial import Polynomial
from bayes_intgen.design.identification.identify import identify
from bayes_intgen.intervention_model import InterventionModel
from bayes_intgen.model.distributions import LogNormal
from bayes_intgen.model.priors import Priors
from bayes_intgen.moments.moments import Moments
from bayes_intgen.posterior.posterior import Posterior, load
from bayes_intgen.scm import examples
from bayes_intgen.studies.refit.calibration import refit_calibration, simulation_based_calibration
from bayes_intgen.studies.refit.interval_calibration import IntervalCalibration

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

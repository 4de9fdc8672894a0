# The public names and where each is defined; read by type checkers, and by __init__.py to load a
# name when it is first used.

from . import plots, scm
from .base.errors import (
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
from .baselines.additive_noise import AdditiveNoise
from .baselines.aggregation import CausalAggregation
from .baselines.factor_model import FactorModel
from .baselines.ridge import JointRidge, ObservationalRidge, PooledRidge, RidgeEstimator
from .checks.result import Checks
from .checks.sensitivity.analysis import sensitivity
from .checks.sensitivity.result import Sensitivity
from .checks.suite import check
from .data.lift_tests import LiftTests
from .data.many_outcomes import ManyOutcomes
from .data.regime_data import RegimeData
from .design.basis.categorical import Categorical
from .design.basis.hsgp import HSGP
from .design.basis.polynomial import Polynomial
from .design.identification.identify import identify
from .intervention_model import InterventionModel
from .model.distributions import LogNormal
from .model.priors import Priors
from .moments.moments import Moments
from .posterior.posterior import Posterior, load
from .scm import examples
from .studies.many_outcomes.fit_outcomes import fit_outcomes
from .studies.many_outcomes.load_outcomes import load_outcomes
from .studies.many_outcomes.outcome_fits import OutcomeFits
from .studies.refit.calibration import refit_calibration, simulation_based_calibration
from .studies.refit.interval_calibration import IntervalCalibration

__all__ = [
    "HSGP",
    "AdditiveNoise",
    "BayesIntgenError",
    "Categorical",
    "CausalAggregation",
    "Checks",
    "ConflictWarning",
    "ConvergenceWarning",
    "DataError",
    "FactorModel",
    "FileError",
    "IntervalCalibration",
    "InterventionModel",
    "JointRidge",
    "LiftTests",
    "LogNormal",
    "ManyOutcomes",
    "ModelError",
    "Moments",
    "NotIdentifiedError",
    "ObservationalRidge",
    "OutcomeFits",
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
    "fit_outcomes",
    "identify",
    "load",
    "load_outcomes",
    "plots",
    "refit_calibration",
    "scm",
    "sensitivity",
    "simulation_based_calibration",
]

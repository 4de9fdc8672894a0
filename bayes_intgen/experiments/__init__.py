"""Studies over many synthetic systems: resumable, in parallel, the same whatever runs them."""

from bayes_intgen.experiments.calibration import FAMILIES, CalibrationUnit
from bayes_intgen.experiments.interval_calibration import IntervalCalibration
from bayes_intgen.experiments.pool import Pool, local_processes
from bayes_intgen.experiments.refit import refit_calibration, simulation_based_calibration
from bayes_intgen.experiments.reproduce_plans import FIGURES, plan_units
from bayes_intgen.experiments.reproduce_unit import ESTIMATORS, ReproduceUnit
from bayes_intgen.experiments.sweep import Failure, SweepResult, run_sweep
from bayes_intgen.experiments.unit import Unit, unit_key

__all__ = [
    "ESTIMATORS",
    "FAMILIES",
    "FIGURES",
    "CalibrationUnit",
    "Failure",
    "IntervalCalibration",
    "Pool",
    "ReproduceUnit",
    "SweepResult",
    "Unit",
    "local_processes",
    "plan_units",
    "refit_calibration",
    "run_sweep",
    "simulation_based_calibration",
    "unit_key",
]

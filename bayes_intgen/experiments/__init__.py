"""Studies over many synthetic systems: resumable, in parallel, the same whatever runs them."""

from bayes_intgen.experiments.calibration import FAMILIES, CalibrationUnit
from bayes_intgen.experiments.pool import Pool, local_processes
from bayes_intgen.experiments.sweep import Failure, SweepResult, run_sweep
from bayes_intgen.experiments.unit import Unit, unit_key

__all__ = [
    "FAMILIES",
    "CalibrationUnit",
    "Failure",
    "Pool",
    "SweepResult",
    "Unit",
    "local_processes",
    "run_sweep",
    "unit_key",
]

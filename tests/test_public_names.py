"""What users can import, and that each of it is documented."""

import inspect
from itertools import pairwise

import pytest

import bayes_intgen as ig

NAMES = [
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

SCM_NAMES = [
    "SCM",
    "DiscreteMechanism",
    "DiscreteNoise",
    "DiscreteSCM",
    "Noise",
    "PartitionSCM",
    "Polynomial",
    "PolynomialSCM",
    "Seed",
    "indistinguishable_scms",
    "sample_common_support_scm",
    "sample_discrete_scm",
    "sample_linear_scm",
    "sample_partition_scm",
    "sample_polynomial_scm",
]

EXAMPLE_NAMES = ["Example", "dose_combination", "marketing"]

PUBLIC = {
    **{name: getattr(ig, name) for name in NAMES},
    **{f"scm.{name}": getattr(ig.scm, name) for name in SCM_NAMES},
    **{f"examples.{name}": getattr(ig.examples, name) for name in EXAMPLE_NAMES},
}
DOCUMENTED = [name for name in PUBLIC if name != "scm.Seed"]  # a type, which holds no docstring


def test_the_public_names_are_these():
    assert ig.__all__ == NAMES
    assert ig.scm.__all__ == SCM_NAMES
    assert ig.examples.__all__ == EXAMPLE_NAMES


def described(subject):
    """Return the names in the Parameters section of a numpydoc docstring."""
    _, _, section = inspect.getdoc(subject).partition("\nParameters\n----------\n")
    names = []
    for line, following in pairwise(section.splitlines()):
        if following.startswith("---"):
            break
        if line and not line.startswith(" "):
            names += line.split(", ")
    return names


@pytest.mark.parametrize("name", DOCUMENTED)
def test_everything_public_has_a_docstring(name):
    subject = PUBLIC[name]
    assert inspect.getdoc(subject).splitlines()[0].endswith(".")
    for attribute in vars(subject):
        member = getattr(subject, attribute)
        if not attribute.startswith("_") and (callable(member) or isinstance(member, property)):
            assert inspect.getdoc(member), f"{name}.{attribute}"


TAKING_ARGUMENTS = [
    name
    for name in DOCUMENTED
    if not (inspect.ismodule(PUBLIC[name]) or name.endswith(("Error", "Warning", ".SCM")))
]


@pytest.mark.parametrize("name", TAKING_ARGUMENTS)
def test_every_argument_of_a_public_name_is_described(name):
    assert described(PUBLIC[name]) == list(inspect.signature(PUBLIC[name]).parameters)

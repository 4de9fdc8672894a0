"""What users can import, and that each of it is documented."""

import ast
import dataclasses
import doctest
import inspect
import re
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import pytest

import bayes_intgen as ig
from bayes_intgen import plots

NAMES = [
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
    "SharedNoiseSCM",
    "indistinguishable_scms",
    "sample_common_support_scm",
    "sample_correlated_noise_scm",
    "sample_discrete_scm",
    "sample_linear_scm",
    "sample_partition_scm",
    "sample_polynomial_scm",
    "sample_shared_confounder_scm",
]

POSTERIOR_NAMES = [
    "actions",
    "additive_scale",
    "additivity",
    "average_contrast",
    "average_outcome",
    "best_action",
    "component",
    "contrast",
    "convergence",
    "covariates",
    "decomposition",
    "dependence",
    "design",
    "dose_response",
    "effects",
    "expected_outcome",
    "idata",
    "interactions",
    "lack_of_fit",
    "learned",
    "lifts",
    "outcome",
    "outcome_scale",
    "plan",
    "plot_budget",
    "plot_contrasts",
    "plot_decomposition",
    "plot_dose_response",
    "plot_structure",
    "plot_support",
    "plot_surface",
    "predict",
    "predictive_check",
    "prior_sensitivity",
    "probability",
    "report",
    "rows_needed",
    "save",
    "summary",
    "synergy",
    "table",
    "target",
]

EXAMPLE_NAMES = ["Example", "dose_combination", "marketing"]

PUBLIC = {
    **{name: getattr(ig, name) for name in NAMES},
    **{f"scm.{name}": getattr(ig.scm, name) for name in SCM_NAMES},
    **{f"examples.{name}": getattr(ig.examples, name) for name in EXAMPLE_NAMES},
}
DOCUMENTED = [name for name in PUBLIC if name != "scm.Seed"]  # a type, which holds no docstring


def test_type_checkers_and_completion_see_every_name():
    stub = ast.parse(Path(ig.__file__).with_suffix(".pyi").read_text())
    imported = [alias.name for n in stub.body if isinstance(n, ast.ImportFrom) for alias in n.names]
    (exported,) = (node.value for node in stub.body if isinstance(node, ast.Assign))
    assert sorted(imported) == sorted(ast.literal_eval(exported)) == sorted(NAMES)
    assert dir(ig) == sorted(NAMES)
    with pytest.raises(AttributeError, match="absent"):
        _ = ig.absent


def test_the_public_names_are_these():
    assert ig.__all__ == sorted(NAMES)
    assert ig.scm.__all__ == SCM_NAMES
    assert ig.examples.__all__ == EXAMPLE_NAMES


def test_a_posterior_has_these_attributes_and_no_internal_ones():
    fields = {field.name for field in dataclasses.fields(ig.Posterior)}
    shown = {name for name in dir(ig.Posterior) if not name.startswith("_")}
    assert sorted(fields | shown) == POSTERIOR_NAMES


@pytest.mark.parametrize("name", POSTERIOR_NAMES)
def test_arguments_of_a_method_are_described_and_the_fit_is_not_among_them(name):
    method = getattr(ig.Posterior, name, None)
    if inspect.isfunction(method):
        first, *arguments = inspect.signature(method).parameters
        assert first == "fit"
        assert sorted(described(method)) == sorted(arguments)


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


def examples(subject):
    """Return the code of the examples in a docstring."""
    found = doctest.DocTestParser().get_examples(inspect.getdoc(subject) or "")
    return "".join(example.source for example in found)


def members(subject):
    """Return the public methods and properties of a class that the library defines itself."""
    for name in dir(subject):
        owner = next((c for c in subject.__mro__ if name in vars(c)), object)
        if not name.startswith("_") and owner.__module__.startswith("bayes_intgen"):
            member = inspect.getattr_static(subject, name)
            if isinstance(member, property | cached_property):
                yield name, "property", member
            elif inspect.isroutine(member) or isinstance(member, classmethod | staticmethod):
                yield name, "method", getattr(subject, name)


PICTURES = {f"plots.{name}": getattr(plots, name) for name in plots.__all__ if name.islower()}
SHOWN = {name: PUBLIC[name] for name in DOCUMENTED if not inspect.ismodule(PUBLIC[name])} | PICTURES


@pytest.mark.parametrize("name", SHOWN)
def test_everything_public_has_an_example(name):
    assert examples(SHOWN[name])


@pytest.mark.parametrize("name", [name for name in SHOWN if inspect.isclass(SHOWN[name])])
def test_every_public_method_and_property_has_an_example(name):
    """That of a property may stand with the class or with one of its methods."""
    found = list(members(SHOWN[name]))
    everywhere = examples(SHOWN[name]) + "".join(examples(member) for _, _, member in found)
    lacking = [
        member
        for member, kind, subject in found
        if not (
            examples(subject) or (kind == "property" and re.search(rf"\.{member}\b", everywhere))
        )
    ]
    assert lacking == []


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_describe_their_arguments(name):
    assert described(PICTURES[name]) == list(inspect.signature(PICTURES[name]).parameters)


def test_examples_are_run(request):
    """The examples above are collected by every run of the suite."""
    assert "--doctest-modules" in request.config.getini("addopts")
    assert "bayes_intgen" in request.config.getini("testpaths")


def test_the_search_for_examples_can_fail():
    class Bare:
        """A class.

        >>> 1
        1
        """

        __module__ = "bayes_intgen.bare"

        def method(self):
            """Do."""

        @property
        def shown(self):
            """See."""

    assert {name for name, _, _ in members(Bare)} == {"method", "shown"}
    assert not examples(Bare.method)
    assert examples(Bare)

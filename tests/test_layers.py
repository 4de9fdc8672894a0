"""Imports point downwards only, and PyMC and its relatives appear from `priors` up."""

import ast
from pathlib import Path

import pytest

import bayes_intgen

ROOT = Path(bayes_intgen.__file__).parent

# From top to bottom. A module may import from its own layer and from those below.
LAYERS = [
    {"cli"},
    {"experiments"},
    {"dask_files"},
    {"intervention_model", "choices"},
    {"checks", "sensitivity"},
    {"same_data"},
    {"posterior"},
    {"trust", "pictures", "curve_pictures"},
    {
        "comparisons",
        "policies",
        "question",
        "prior_sensitivity",
        "predictive_check",
        "support_picture",
    },
    {"estimands"},
    {"predictive"},
    {"fitted", "fit_record", "report", "storage", "posing"},
    {"plots"},
    {"additivity"},
    {"inference"},
    {"rowwise"},
    {"model", "cholesky_inverse", "whitening"},
    {"priors", "hyperpriors", "distributions"},
    {
        "marginal",
        "rows",
        "variance_rows",
        "scales",
        "variance",
        "variance_identity",
        "affine",
        "identify",
        "rank",
        "determined",
        "lift_rows",
        "lift_check",
        "completion",
        "allocation",
        "metrics",
        "moves",
        "support",
        "tested_values",
        "components",
        "departures",
        "quadratic_form",
        "ridge",
        "fitted_ridge",
        "penalised",
        "lasso",
        "monomials",
        "polynomial_moments",
    },
    {"moments", "pilot"},
    {
        "kept_moments",
        "moment_sums",
        "row_pass",
        "moments_file",
        "moments_text",
        "structure",
        "structure_learning",
    },
    {"feature_sums"},
    {"design"},
    {"weights"},
    {"basis"},
    {"summary", "lift_tests"},
    {"folds"},
    {"data", "regression", "residuals"},
    {"regime_summary"},
    {"level_rows"},
    {"centred"},
    {"blocks"},
    {"regimes", "errors", "files", "threads", "display", "validation", "digest"},
]
RANK = {module: rank for rank, layer in enumerate(LAYERS) for module in layer}
SCM_IMPORTS = {"scm", "data", "regimes", "errors", "validation"}
SCM_IMPORTED_BY = {"scm", "examples", "cli", "experiments"}
EXAMPLES_IMPORTS = {"examples", "scm", "data", "regimes", "errors", "validation"}
PROBABILISTIC = {"pymc", "pytensor", "arviz", "nutpie"}

FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def module_of(path):
    """Return the top-level subpackage or module that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(tree):
    """Return the dotted names that a file imports, e.g. bayes_intgen.data.points.Points."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def problems(module, tree):
    """Return what is wrong with the imports of a file of some module."""
    found = []
    for name in imports(tree):
        package, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if package in PROBABILISTIC and not RANK.get(module, len(LAYERS)) <= RANK["priors"]:
            found.append(f"{module} imports {package}")
        elif package == "bayes_intgen" and not may_import(module, other):
            found.append(f"{module} imports {other or 'the whole package'}")
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inner = [n for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom)]
            found += [f"{module} imports inside a function, line {node.lineno}" for node in inner]
    return found


def may_import(module, other):
    if module == "scm":
        return other in SCM_IMPORTS
    if module == "examples":
        return other in EXAMPLES_IMPORTS
    if other == "scm":
        return module in SCM_IMPORTED_BY
    return other in RANK and RANK[module] <= RANK[other]


def test_every_module_has_a_layer():
    assert {module_of(path) for path in FILES} == set(RANK) | {"scm", "examples"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path):
    assert problems(module_of(path), ast.parse(path.read_text())) == []


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("data", "from bayes_intgen.summary import Summary"),
        ("design", "import bayes_intgen.moments"),
        ("design", "import bayes_intgen"),
        ("design", "from bayes_intgen import Moments"),
        ("moments", "from bayes_intgen.scm import Noise"),
        ("scm", "from bayes_intgen.summary import Scale"),
        ("scm", "import pymc as pm"),
        ("scm", "from bayes_intgen.examples import marketing"),
        ("examples", "from bayes_intgen.moments import Moments"),
        ("posterior", "from bayes_intgen.examples import marketing"),
        ("marginal", "from pytensor.gradient import disconnected_grad"),
        ("moments", "if True:\n    import arviz"),
        ("cli", "def run():\n    import json"),
        ("experiments", "from bayes_intgen.cli import options"),
    ],
)
def test_the_check_finds_what_is_forbidden(module, code):
    assert len(problems(module, ast.parse(code))) == 1

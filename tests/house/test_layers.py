"""The house: rooms in order, imports pointing down, few loose modules, short files."""

import ast
import inspect
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import bayes_intgen

ROOT = Path(bayes_intgen.__file__).parent

# From bottom to top. A room imports from itself and from the floors below it.
FLOORS = [
    {"base"},
    {"plots", "data"},
    {"design", "scm"},
    {"moments"},
    {"model", "baselines"},
    {"inference"},
    {"posterior"},
    {"intervention_model", "checks"},
    {"studies"},
    {"cli"},
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
PROBABILISTIC = {"pymc", "pytensor", "arviz", "nutpie"}  # appear from the room `model` up
SLOW = "# slow to import"  # what a line says that imports inside a function
MOST_LINES = 320
MOST_PARENTS = 3

OUTSIDE = {"__init__", "conftest"}  # the front door, and the names of the examples
FILES = sorted(ROOT.rglob("*.py"))


def room_of(path):
    """Return the folder or module at the top of the package that a file belongs to."""
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


def problems(room, text):
    """Return what is wrong with the imports of a file of some room.

    Inside a function only slow libraries are imported, and by commands also the package itself,
    from whose floors below no cycle can lead back.
    """
    found = []
    tree, lines = ast.parse(text), text.splitlines()
    for name in imports(tree):
        package, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if package in PROBABILISTIC and FLOOR[room] < FLOOR["model"]:
            found.append(f"{room} imports {package}")
        elif package == "bayes_intgen" and not may_import(room, other):
            found.append(f"{room} imports {other or 'the whole package'}")
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for node in ast.walk(function):
                if not isinstance(node, ast.Import | ast.ImportFrom):
                    continue
                own = any(name.startswith("bayes_intgen") for name in imports(node))
                if SLOW not in lines[node.lineno - 1] or (own and room != "cli"):
                    found.append(f"{room} imports inside a function, line {node.lineno}")
    return found


def may_import(room, other):
    if room == "cli" and not other:
        return True  # the front door, behind which names are loaded when they are used
    return other == room or (other in FLOOR and FLOOR[other] < FLOOR[room])


def test_every_room_has_a_floor():
    assert {room_of(path) for path in FILES} - OUTSIDE == set(FLOOR)


def test_the_house_is_small_enough_to_find_things_in():
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"__pycache__"}
    loose = {path.name for path in ROOT.glob("*.py")} - {"__init__.py"}
    assert len(folders) <= 13
    assert len(loose) <= 2
    assert len(FLOORS) <= 11


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_concept_and_imports_point_down(path):
    text = path.read_text()
    assert text.count("\n") <= MOST_LINES
    if room_of(path) not in OUTSIDE:
        assert problems(room_of(path), text) == []


def test_every_class_stands_nearly_alone():
    """No class has more than three classes above it that the package defines."""
    deep = []
    for module in pkgutil.walk_packages(bayes_intgen.__path__, "bayes_intgen."):
        for name, cls in inspect.getmembers(import_module(module.name), inspect.isclass):
            own = [c for c in cls.__mro__[1:] if c.__module__.startswith("bayes_intgen")]
            if cls.__module__ == module.name and len(own) > MOST_PARENTS:
                deep.append(name)
    assert deep == []


@pytest.mark.parametrize(
    ("room", "code"),
    [
        ("data", "from bayes_intgen.moments.moments import Moments"),
        ("design", "import bayes_intgen.moments"),
        ("design", "import bayes_intgen"),
        ("design", "from bayes_intgen import Moments"),
        ("design", "from bayes_intgen.scm import Noise"),
        ("scm", "from bayes_intgen.design.design import Design"),
        ("scm", "import pymc as pm"),
        ("plots", "from bayes_intgen.data.points import Points"),
        ("checks", "from bayes_intgen.intervention_model import InterventionModel"),
        ("posterior", "from bayes_intgen.checks.suite import check"),
        ("moments", "if True:\n    import arviz"),
        ("cli", "def run():\n    import json"),
        ("data", "def run():\n    from bayes_intgen.base import files  # slow to import: no"),
        ("studies", "from bayes_intgen.cli import options"),
    ],
)
def test_the_check_finds_what_is_forbidden(room, code):
    assert len(problems(room, code)) == 1


@pytest.mark.parametrize(
    ("room", "code"),
    [
        ("inference", "def run():\n    import arviz as az  # slow to import: laplace needs it not"),
        ("cli", "def run():\n    from bayes_intgen.data import points  # slow to import: help"),
        ("cli", "import bayes_intgen as ig"),
    ],
)
def test_what_is_slow_may_be_imported_late(room, code):
    assert problems(room, code) == []

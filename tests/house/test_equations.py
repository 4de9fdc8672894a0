"""The table of equations in the package docstring names what exists."""

import ast
import re
from pathlib import Path

import pytest

import bayes_intgen

ROOT = Path(bayes_intgen.__file__).parent
PLACES = re.findall(r"(\S+\.py):(\S+)", bayes_intgen.__doc__)


def defined(path):
    """Return the dotted names of all functions and classes of a file, with methods."""
    names = set()

    def visit(node, prefix):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                names.add(prefix + child.name)
                visit(child, f"{prefix}{child.name}.")

    visit(ast.parse((ROOT / path).read_text()), "")
    return names


def test_the_table_is_read():
    assert len(PLACES) >= 25


@pytest.mark.parametrize(("path", "name"), PLACES)
def test_each_place_exists(path, name):
    assert name in defined(path)

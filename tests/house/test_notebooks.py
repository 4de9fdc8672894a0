"""The notebooks: kept with their outputs, and executed again, for real, at a small size."""

import json
import re

import nbformat
import pytest

from notebooks.execute import FOLDER, METADATA, execute, notebooks

PATHS = notebooks()
MOST_BYTES = 700_000
MACHINE = re.compile(r"/(work|tmp|root|home|Users)\b|object at 0x[0-9a-f]+")

in_every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def texts(output):
    """Return all text that an output shows."""
    return [output.get("text", ""), *(v for v in output.get("data", {}).values() if v)]


def complaints(notebook):
    """Return errors, and everything on the error stream: warnings and progress among it."""
    return [
        output.get("text") or output.get("evalue")
        for output in outputs(notebook)
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


def test_there_are_nine():
    assert [path.name[:2] for path in PATHS] == [f"0{number}" for number in range(1, 10)]
    assert all(path.name in (FOLDER / "README.md").read_text() for path in PATHS)


@in_every_notebook
def test_what_is_kept_is_whole(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert complaints(notebook) == []
    assert any("image/png" in output.get("data", {}) for output in outputs(notebook))
    assert path.stat().st_size < MOST_BYTES


@in_every_notebook
def test_what_is_kept_names_no_machine(path):
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata == METADATA
    shown = [text for output in outputs(notebook) for text in texts(output)]
    shown += [cell.source for cell in notebook.cells]
    shown = [text for text in shown if not str(text).startswith("iVBOR")]  # pictures
    assert [text for text in shown if MACHINE.search(json.dumps(text))] == []


@pytest.mark.slow
@in_every_notebook
def test_it_runs(path):
    done = execute(path, "small")
    assert complaints(done) == []
    assert any("image/png" in output.get("data", {}) for output in outputs(done))

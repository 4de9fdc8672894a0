"""Execute the notebooks in place, from the first cell to the last.

    uv run python notebooks/execute.py             # all of them
    uv run python notebooks/execute.py 02 05       # some of them, by the start of their name

With ``BAYES_INTGEN_NOTEBOOK_SIZE=small`` in the environment they take fewer rows and draws, and
the tests run them so. What is kept is the full size.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
SIZE = "BAYES_INTGEN_NOTEBOOK_SIZE"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebooks(starts: list[str] | None = None) -> list[Path]:
    """Return the notebooks, in order; those whose name starts with one of the texts, if any."""
    found = sorted(FOLDER.glob("*.ipynb"))
    return [path for path in found if not starts or path.name.startswith(tuple(starts))]


def execute(path: Path, size: str, timeout: int = 600) -> nbformat.NotebookNode:
    """Run a notebook in a fresh kernel and return it with its outputs.

    Parameters
    ----------
    path
        The notebook, which is not changed.
    size
        ``"small"`` or ``"full"``.
    timeout
        Seconds that one cell may take.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as settings:
        client = NotebookClient(
            notebook,
            timeout=timeout,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": str(path.parent)}},
        )
        client.execute(env={**os.environ, SIZE: size, "IPYTHONDIR": settings})
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id, cell.metadata = f"cell-{number:02d}", nbformat.from_dict({})
    return notebook


def main() -> None:
    """Execute the notebooks that are asked for and write them."""
    for path in notebooks(sys.argv[1:]):
        done = execute(path, os.environ.get(SIZE, "full"))
        nbformat.write(done, path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

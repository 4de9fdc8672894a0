"""Files that commands read and write: tables, query points, pictures, and paths checked early."""

import argparse
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayes_intgen.base.errors import FileError
from bayes_intgen.base.files import is_file, is_folder, replacing

__all__ = ["figure_of", "keep_apart", "read_points", "save_figure", "save_table", "writable"]


def writable(text: str) -> Path:
    """Read a path to write to; that it can be written to is known before any work is done."""
    path = Path(text)
    if is_folder(path):
        raise argparse.ArgumentTypeError(f"{text!r} is a folder; give the name of a file")
    if not is_folder(path.parent):
        raise argparse.ArgumentTypeError(f"the folder {str(path.parent)!r} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"the folder {str(path.parent)!r} cannot be written to")
    return path


def keep_apart(source: str | Path, out: Path | None) -> None:
    """Raise a FileError if the output would replace the input."""
    if out is not None and Path(source).resolve() == out.resolve():
        raise FileError(f"--out: {str(out)!r} is the input itself; choose another name.")


def read_points(path: Path, categorical: Iterable[str]) -> pa.Table:
    """Read a table; a row with a field too many or too few is an error, never a guess.

    Levels are read as the text they are, whatever they look like.
    """
    if not is_file(path):
        raise FileError(f"--points: there is no file {str(path)!r}.")
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pyarrow.parquet.read_table(path)
        texts = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(categorical, pa.string()))
        return pyarrow.csv.read_csv(path, convert_options=texts)
    except (pa.ArrowInvalid, UnicodeDecodeError, OSError) as error:
        raise FileError(f"--points: {str(path)!r} cannot be read as a table: {error}") from error


def save_table(table: pd.DataFrame, path: Path, index: bool = False, **options: Any) -> None:
    """Write a table as CSV, whole or not at all."""
    with replacing(path) as draft:
        table.to_csv(draft, index=index, **options)


def save_figure(figure: Figure, *paths: Path, dpi: float = 130) -> None:
    """Write a figure to files, each whole or not at all, and close it.

    The kind of a file follows from its name; the same figure gives the same PDF on every day.
    """
    undated = {".pdf": {"CreationDate": None}}
    for path in paths:
        with replacing(path) as draft:
            figure.savefig(draft, dpi=dpi, metadata=undated.get(path.suffix))
    plt.close(figure)


def figure_of(axes: Axes) -> Figure:
    """Return the figure that holds the axes."""
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure

"""Files that commands read and write: tables, query points and pictures."""

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
from bayes_intgen.base.files import is_file, replacing

__all__ = ["figure_of", "read_points", "save_figure", "save_table"]


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

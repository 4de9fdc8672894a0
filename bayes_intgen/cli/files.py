"""Files that commands read and write: tables, query points and pictures."""

from dataclasses import dataclass, field
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
from bayes_intgen.data.csv_format import CsvFormat, plain_words, refuse_spreadsheet
from bayes_intgen.data.summary import Summary

__all__ = ["PointsTable", "figure_of", "read_points", "save_figure", "save_table"]


@dataclass(frozen=True)
class PointsTable:
    """A table of query points, and how its file is written."""

    table: pa.Table
    variables: tuple[str, ...]  # those whose values are points
    format: CsvFormat = field(default_factory=CsvFormat)  # how a CSV file is written

    def labelled(self) -> pd.DataFrame:
        """Return the points, labelled by their column ``name``, or the first texts that differ."""
        points: pd.DataFrame = self.table.to_pandas()
        others = [name for name in points if name not in self.variables]
        texts = [n for n in others if n == "name" or not pd.api.types.is_numeric_dtype(points[n])]
        for name in sorted(texts, key=lambda own: own != "name"):
            if points[name].is_unique and points[name].notna().all():
                return points.set_index(name)
        return points

    def beside(self, answer: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
        """Put an answer, whose rows are those of the table, beside the other columns.

        These keep their place. Returned are also the names of columns which the answer has too.
        """
        others = self.table.to_pandas()
        own = [name for name in answer if name not in others]
        columns = {name: answer[name] if name in answer else others[name] for name in others}
        replaced = [str(n) for n in others if n in answer and n not in self.variables]
        left = {name: columns[name].to_numpy() for name in columns if name not in replaced}
        right = {name: answer[name].to_numpy() for name in answer if name in [*own, *replaced]}
        return pd.DataFrame({**left, **right}), replaced


def read_points(path: Path, summary: Summary, option: str = "--points") -> PointsTable:
    """Read a table; a row with a field too many or too few is an error, never a guess.

    Levels, and columns that are no points, are read as the text they are, whatever they look like.
    """
    if not is_file(path):
        raise FileError(f"{option}: there is no file {str(path)!r}.")
    refuse_spreadsheet(path, option)
    variables = summary.variables
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return PointsTable(pyarrow.parquet.read_table(path), variables)
        numeric = [name for name in variables if name not in summary.levels]
        written = CsvFormat.recognise(path, variables, option, numeric)
        texts = [name for name in written.header if name not in numeric]
        types = written.convert(dict.fromkeys([*texts, *summary.levels], pa.string()))
        table = pyarrow.csv.read_csv(path, parse_options=written.parse, convert_options=types)
        return PointsTable(table, variables, written)
    except FileError:
        raise
    except (pa.ArrowInvalid, UnicodeDecodeError, OSError) as error:
        raise FileError(
            f"{option}: {str(path)!r} cannot be read as a table: {plain_words(error)}"
        ) from error


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

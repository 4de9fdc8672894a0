"""How a CSV file is written: what stands between fields, and what between units and tenths.

Where a comma writes decimals, as in most of Europe, spreadsheets put semicolons between fields.
Both are seen in the first rows of a file; what is ambiguous is refused, never guessed.
"""

import csv
import io
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from bayes_intgen.base.errors import FileError

__all__ = ["SPREADSHEETS", "CsvFormat", "plain_words", "refuse_spreadsheet"]

SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods")
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
FIRST_BYTES, FIRST_ROWS = 2**18, 1000
NUMBER = r"\s*[-+]?\d*{}\d+([eE][-+]?\d+)?\s*"
COMMA, POINT = re.compile(NUMBER.format(",")), re.compile(NUMBER.format(r"\."))
THOUSANDS = re.compile(r"\s*[-+]?[1-9]\d{0,2}(,\d{3})+\s*")


@dataclass(frozen=True)
class CsvFormat:
    """The character between fields, and the decimal mark."""

    delimiter: str = ","
    decimal: str = "."
    header: tuple[str, ...] = ()  # the names of the columns, as far as they can be read

    @classmethod
    def recognise(
        cls,
        path: Path,
        used: Collection[str],
        argument: str,
        numeric: Collection[str] | None = None,
    ) -> "CsvFormat":
        r"""Look at the first rows of a file.

        Parameters
        ----------
        path
            The file.
        used
            The columns that are wanted: what separates fields is that by which the header has
            them.
        argument
            What an error begins with.
        numeric
            Those of them that hold numbers, by which decimal commas are known; all by default.

        Raises
        ------
        FileError
            If decimal commas and points are mixed, or commas may be either decimal or thousands.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "prices.csv"
        ...     _ = path.write_text("price;sales\n9,95;120\n")
        ...     CsvFormat.recognise(path, ["price", "sales"], "frame").decimal
        ','
        """
        with path.open("rb") as file:
            start = file.read(FIRST_BYTES)
        text = start.decode("utf-8-sig", errors="replace")
        if len(start) == FIRST_BYTES:  # the last line is cut
            text = text.rpartition("\n")[0]
        best, rows = ",", _rows(text, ",")
        for delimiter in DELIMITERS:
            other = _rows(text, delimiter)
            if _fits(other, used) > _fits(rows, used):
                best, rows = delimiter, other
        header = tuple(rows[0]) if rows else ()
        columns = [
            header.index(name) for name in (used if numeric is None else numeric) if name in header
        ]
        cells = [row[k] for row in rows[1:] for k in columns if k < len(row)]
        decimal = _decimal(cells, best, f"{argument}: {str(path)!r}")
        return cls(best, decimal, header)

    @property
    def parse(self) -> Any:
        """How fields are told apart."""
        return pyarrow.csv.ParseOptions(delimiter=self.delimiter)

    def convert(self, types: dict[str, pa.DataType]) -> Any:
        """How fields are read."""
        return pyarrow.csv.ConvertOptions(column_types=types, decimal_point=self.decimal)

    @property
    def is_plain(self) -> bool:
        """Whether it is what everybody expects: commas, and decimal points."""
        return (self.delimiter, self.decimal) == (",", ".")

    def __str__(self) -> str:
        decimal = " and decimal commas" if self.decimal == "," else ""
        return f"{DELIMITERS[self.delimiter]} between the columns{decimal}"


def _rows(text: str, delimiter: str) -> list[list[str]]:
    try:
        return list(islice(csv.reader(io.StringIO(text), delimiter=delimiter), FIRST_ROWS))
    except csv.Error:  # such as a field of a megabyte
        return []


def _fits(rows: list[list[str]], used: Collection[str]) -> tuple[int, bool]:
    """Rank a delimiter: by how many of the columns it finds, then by whether it finds several."""
    header = rows[0] if rows else []
    return sum(name in header for name in used), len(header) > 1


def _decimal(cells: Iterable[str], delimiter: str, where: str) -> str:
    commas = [cell for cell in cells if COMMA.fullmatch(cell)]
    if not commas:
        return "."
    point = next((cell for cell in cells if POINT.fullmatch(cell)), None)
    if point is not None:
        raise FileError(
            f"{where} has numbers with a comma, such as {commas[0]!r}, and with a point, such as "
            f"{point!r}; write all decimals alike, and no separators of thousands."
        )
    if delimiter == "," and all(THOUSANDS.fullmatch(cell) for cell in commas):
        raise FileError(
            f"{where} has numbers such as {commas[0]!r}, whose comma may stand before decimals or "
            f"thousands; write them with a decimal point, and without separators of thousands."
        )
    return ","


def refuse_spreadsheet(path: Path, argument: str) -> None:
    """Raise a FileError if a path leads to the file of a spreadsheet."""
    if path.suffix.lower() in SPREADSHEETS:
        raise FileError(
            f"{argument}: {str(path)!r} is a spreadsheet, of which there may be several sheets; "
            f"save the sheet as CSV (in most programs: Save As, CSV UTF-8) and give that file."
        )


def plain_words(error: Exception) -> str:
    """Say what is wrong with a table in other words than those of what reads it.

    Examples
    --------
    >>> plain_words(ValueError("CSV parse error: Row #7: Expected 2 columns, got 4: 1,5,2,5"))
    'row 7 has 4 fields, the header 2: 1,5,2,5 (a decimal comma, or a separator within a text?)'
    """
    text = str(error)
    ragged = re.search(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+): (.*)", text, re.DOTALL)
    if ragged:
        row = f"row {ragged[1]}" if ragged[1] else "a row"
        return (
            f"{row} has {ragged[3]} fields, the header {ragged[2]}: {ragged[4].strip()[:80]} (a "
            f"decimal comma, or a separator within a text?)"
        )
    for pattern, words in WORDS.items():
        if re.search(pattern, text):
            return words
    value = re.search(r"(Row #\d+: )?CSV conversion error to \w+: invalid value (.*)", text)
    if value:
        return f"{value[1] or ''}invalid value {value[2]}"
    return re.sub(r"CSV parse error: |^Error tokenizing data\. C error: |\bpyarrow\b ?", "", text)


WORDS = {
    "Empty CSV|No columns to parse|Cannot read an empty|file size is 0": "the file is empty",
    "magic bytes|Not an Arrow file|not a Feather|Not a Feather": "its contents are of another kind",
    "cannot mix|straddling|CSV parser got out of sync": "a row or a text in it does not end",
    "codec can't decode|invalid UTF8|UTF-?8": "it is not UTF-8 text; save it as UTF-8",
}

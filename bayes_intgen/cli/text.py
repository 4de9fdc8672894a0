"""How commands write: lines that fit the terminal, tables with four digits, JSON without NaN."""

import json
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from bayes_intgen.cli.words import verdict_words

if TYPE_CHECKING:
    import pandas as pd

    from bayes_intgen.posterior.posterior import Posterior

__all__ = ["fit_terminal", "records", "report_verdicts", "show_json", "show_table"]

COLUMNS = 80


def fit_terminal(text: str, width: int | None = None) -> str:
    """Break long lines of a text; lines of a table, which hold several spaces in a row, are kept.

    Arguments of Python that it names are written as options. A line is long if it exceeds the
    width, by default that of the terminal, or 80 without one.

    Examples
    --------
    >>> print(fit_terminal("one two three four", width=10))
    one two
      three
      four
    """
    most = width or shutil.get_terminal_size((COLUMNS, 24)).columns
    lines = []
    for line in verdict_words(text).splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        if len(line) <= most or "  " in line.strip():
            lines.append(line)
        else:
            lines += textwrap.wrap(line, most, subsequent_indent=f"{indent}  ")
    return "\n".join(lines)


def show_table(table: "pd.DataFrame") -> str:
    """Write a table with four digits; columns beyond the width of the terminal follow below.

    Examples
    --------
    >>> print(show_table(pd.DataFrame({"a": [0.123456], "support": ["outside"]})))
         a support
    0.1235 outside
    """
    width = shutil.get_terminal_size((COLUMNS, 24)).columns
    return table.to_string(index=False, float_format=lambda x: f"{x:.4g}", line_width=width)


def records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the rows of a table as JSON types, with None for what is not a number.

    Examples
    --------
    >>> records(pd.DataFrame({"mean": [1.0, float("nan")]}))
    [{'mean': 1.0}, {'mean': None}]
    """
    known = table.astype(object).where(table.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in known.to_dict("records")]


def show_json(content: Any) -> None:
    """Print JSON; values that are no JSON type, such as dates, as their text."""
    print(json.dumps(content, indent=2, default=str, allow_nan=False))


def report_verdicts(posterior: "Posterior", command: str) -> int:
    """Print each verdict on a fit that is not sound, and return the exit code of a command."""
    for verdict in (
        posterior.convergence,
        posterior.additivity,
        posterior.additive_scale,
        posterior.dependence,
        posterior.lack_of_fit,
        posterior.lifts,
    ):
        if verdict is not None and not verdict.ok:
            print(f"bayes-intgen {command}: {verdict_words(str(verdict))}", file=sys.stderr)
    return 0 if posterior.convergence.ok else 1

"""HTML of objects in a notebook: a title, warnings first, lines, compact tables.

Plain HTML without scripts, style sheets or anything to be fetched. Every text is escaped, so that
names of columns and levels, which come from users' tables, are shown and never interpreted.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from numbers import Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["html_block", "html_choices", "html_frame", "html_table"]

MOST_ROWS = 40
WARNING = "border-left: 4px solid #D55E00; padding-left: 0.6em; margin: 0.3em 0"


def html_block(
    title: str,
    lines: Iterable[str] = (),
    tables: Iterable[str] = (),
    warnings: Iterable[str] = (),
) -> str:
    """Put one display together: warnings, title, sentences, tables.

    All are plain text, in which line breaks are kept, but for the tables: these are HTML of
    :func:`html_table` or :func:`html_frame`.

    Examples
    --------
    >>> html_block("Fit of <y>", ["4 chains"])
    '<div><p><strong>Fit of &lt;y&gt;</strong></p><p>4 chains</p></div>'
    """
    shown = [f'<p style="{WARNING}"><strong>{_text(text)}</strong></p>' for text in warnings]
    shown.append(f"<p><strong>{_text(title)}</strong></p>")
    shown += [f"<p>{_text(line)}</p>" for line in lines]
    return f"<div>{''.join([*shown, *tables])}</div>"


def html_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Write a table; numbers get four digits, and of many rows the first 40 are shown.

    Examples
    --------
    >>> html_table(["a<b", "mean"], [["x", 0.123456]])
    '<table><thead><tr><th>a&lt;b</th><th>mean</th></tr></thead><tbody><tr><td>x</td>\
<td>0.1235</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{_text(name)}</th>" for name in columns)
    lines = ["".join(f"<td>{_text(_cell(cell))}</td>" for cell in row) for row in rows]
    hidden = len(lines) - MOST_ROWS
    more = f"<p>and {hidden:,} more rows</p>" if hidden > 0 else ""
    body = "".join(f"<tr>{line}</tr>" for line in lines[:MOST_ROWS])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def html_frame(frame: "pd.DataFrame", index: bool = True) -> str:
    """Write a data frame as :func:`html_table` does, with or without its index as first column."""
    titles = [*([str(frame.index.name or "")] if index else []), *map(str, frame.columns)]
    return html_table(titles, (row if index else row[1:] for row in frame.itertuples()))


def _cell(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    number = float(value)
    if number != number:
        return "-"
    return f"{number:,.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:.4g}"


def _text(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def html_choices(chosen: Mapping[str, object], standard: Mapping[str, object]) -> str:
    """Return a table of arguments that says which differ from the standard ones."""
    rows = [(k, str(v), "" if v == standard[k] else "chosen") for k, v in chosen.items()]
    return html_table(["argument", "value", ""], rows)

"""Paths that commands are given, checked before any work is done."""

import argparse
import os
from pathlib import Path

from bayes_intgen.base.errors import FileError
from bayes_intgen.base.files import is_folder

OTHER_TABLES = (".xlsx", ".xls", ".xlsm", ".ods", ".parquet", ".pq", ".feather", ".json")

__all__ = ["keep_apart", "writable", "writable_or_folder", "writable_table"]


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


def writable_table(text: str) -> Path:
    """Read a path to write a CSV table to; a name that says it is of another kind is refused."""
    path = writable(text)
    if path.suffix.lower() in OTHER_TABLES:
        raise argparse.ArgumentTypeError(
            f"tables are written as CSV, which spreadsheets open, not as {path.suffix}; write "
            f"{str(path.with_suffix('.csv'))!r}"
        )
    return path


def writable_or_folder(text: str) -> Path:
    """Read a path to write to, which may be a folder that is there already."""
    path = Path(text)
    return path if is_folder(path) and os.access(path, os.W_OK) else writable(text)


def keep_apart(source: str | Path, out: Path | None) -> None:
    """Raise a FileError if the output would replace the input."""
    if out is not None and Path(source).resolve() == out.resolve():
        raise FileError(f"--out: {str(out)!r} is the input itself; choose another name.")

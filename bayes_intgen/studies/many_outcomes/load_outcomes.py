"""The folder of finished fits of many outcomes, opened again."""

import json
from pathlib import Path

import pandas as pd

from bayes_intgen.base.arguments import read_path
from bayes_intgen.base.errors import FileError
from bayes_intgen.base.files import is_file
from bayes_intgen.studies.many_outcomes.outcome_fits import OutcomeFits

__all__ = ["LISTED", "load_outcomes"]

LISTED = "bayes_intgen outcomes, format 1"


def load_outcomes(folder: str | Path) -> OutcomeFits:
    """Open the fits in a folder that :func:`bayes_intgen.fit_outcomes` has filled.

    Parameters
    ----------
    folder
        Its ``out``. Nothing in it is executed.

    Raises
    ------
    FileError
        If it is no such folder, or not all outcomes have been fitted yet.

    Examples
    --------
    >>> ig.load_outcomes("nowhere")
    Traceback (most recent call last):
    ...
    bayes_intgen.base.errors.FileError: ...
    """
    path = read_path(folder, "folder")
    listed = path / "outcomes.json"
    if not is_file(listed):
        raise FileError(
            f"folder: {str(path)!r} holds no finished fits of many outcomes (there is no "
            f"outcomes.json); call fit_outcomes, which goes on where it was stopped."
        )
    try:
        state = json.loads(listed.read_text(encoding="utf-8"))
        if state["format"] != LISTED:
            raise ValueError(f"its format is {state['format']!r}, not {LISTED!r}")
        rows = [row for row in state["outcomes"] if not row["failed"]]
        table = pd.DataFrame(rows).set_index("outcome").drop(columns=["failed", "file"])
        failed = {row["outcome"]: row["failed"] for row in state["outcomes"] if row["failed"]}
        files = tuple(str(row["file"]) for row in rows)
        return OutcomeFits(path, table, failed, state["excluded"], files)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"folder: {str(listed)!r} is damaged ({error!r}); fit again.") from error

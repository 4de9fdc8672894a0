"""Arguments that several commands share, and how their text is read."""

import argparse
import os
from pathlib import Path
from typing import Any

from bayes_intgen.base.errors import DataError, FileError
from bayes_intgen.base.files import is_folder
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.structure import Structure

__all__ = [
    "add_assumptions",
    "add_columns",
    "add_inference",
    "add_regime",
    "add_table",
    "keep_apart",
    "names",
    "need_columns",
    "read_table",
    "sampling",
    "structure",
    "writable",
]


def names(text: str) -> list[str]:
    """Split ``a,b`` into names.

    Examples
    --------
    >>> names("price, tv")
    ['price', 'tv']
    """
    return [name.strip() for name in text.split(",") if name.strip()]


def structure(text: str) -> Structure:
    """Read ``learned``, ``full`` or edges written as ``a>b,b>c``.

    Examples
    --------
    >>> structure("a>b, b>c")
    [('a', 'b'), ('b', 'c')]
    """
    if ">" not in text:
        return text
    edges = []
    for edge in names(text):
        parent, arrow, child = edge.partition(">")
        if not (arrow and parent.strip() and child.strip()):
            raise argparse.ArgumentTypeError(f"write edges as a>b,b>c; cannot read {edge!r}")
        edges.append((parent.strip(), child.strip()))
    return edges


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


def sampling(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of ``fit`` that :func:`add_inference` read."""
    names = ("method", "draws", "tune", "chains", "cores")
    chosen = {name: getattr(options, name) for name in names}
    return {**chosen, "random_seed": options.seed}


def add_inference(parser: argparse.ArgumentParser, seed: int = 1) -> None:
    """Add the options of the sampler."""
    group = parser.add_argument_group("inference")
    group.add_argument(
        "--method",
        choices=["nuts", "laplace"],
        default="nuts",
        help="nuts: sample the hyperparameters (default); laplace: a Gaussian at their mode, "
        "in about a second",
    )
    for name, default, text in (
        ("draws", 1000, "draws per chain"),
        ("tune", None, "draws per chain before those, to adapt"),
        ("chains", 4, "NUTS chains"),
        ("cores", None, "chains run at once"),
        ("seed", seed, "random seed"),
    ):
        shown = "the sampler's or machine's own" if default is None else default
        group.add_argument(
            f"--{name}", type=int, default=default, metavar="N", help=f"{text} ({shown})"
        )


def add_table(parser: argparse.ArgumentParser) -> None:
    """Add the table and the names of its columns."""
    parser.add_argument("data", metavar="DATA", help="CSV or Parquet file")
    add_columns(parser)
    parser.add_argument(
        "--drop", type=names, default=[], metavar="R,R", help="regimes to leave out"
    )


def add_columns(parser: argparse.ArgumentParser) -> None:
    """Add the names of the columns; whether some are needed, :func:`need_columns` says."""
    parser.add_argument("--outcome", metavar="Y", help="column of the outcome (required)")
    parser.add_argument(
        "--actions", type=names, metavar="A,B", help="columns of the actions (required)"
    )
    parser.add_argument(
        "--categorical",
        type=names,
        default=[],
        metavar="A,B",
        help="actions and covariates whose values are levels, such as text (none)",
    )
    parser.add_argument(
        "--covariates",
        type=names,
        default=[],
        metavar="Z,Z",
        help="columns settled before any action, which may influence the actions and modify their "
        "effects; every answer is then at given values of them (none)",
    )
    add_regime(parser)


def add_regime(parser: argparse.ArgumentParser) -> None:
    """Add what says which experiment a row comes from."""
    parser.add_argument(
        "--regime",
        default="regime",
        type=regime_columns,
        metavar="COL",
        help="column of the labels (regime); or a flag per action, as in tv=tv_test,web=web_test: "
        "columns that are true, or 1, in the rows of the experiment on it",
    )


def regime_columns(text: str) -> str | dict[str, str]:
    """Read the name of a column, or the names of flags by action.

    Examples
    --------
    >>> regime_columns("experiment"), regime_columns("tv=tv_test, web=web_test")
    ('experiment', {'tv': 'tv_test', 'web': 'web_test'})
    """
    if "=" not in text:
        return text
    pairs = [pair.partition("=") for pair in names(text)]
    return {action.strip(): column.strip() for action, _, column in pairs}


def need_columns(options: argparse.Namespace) -> None:
    """Raise a DataError if the columns of a table are not named."""
    missing = [f"--{name}" for name in ("outcome", "actions") if not getattr(options, name)]
    if missing:
        raise DataError(f"{', '.join(missing)}: name the columns of the table.")


def add_assumptions(parser: argparse._ActionsContainer) -> None:
    """Add what may depend on what, and what may share a confounder."""
    parser.add_argument(
        "--structure",
        type=structure,
        default="learned",
        metavar="S",
        help='which actions may depend on which: "learned" from the experiments (default), '
        '"full", or edges "a>b,b>c"',
    )
    parser.add_argument(
        "--blocks",
        type=names,
        metavar="A+B,C",
        help="actions that may share a confounder and interact, joined by '+' (each on its own: a "
        "comma separates blocks, so that A,B joins nothing); needed are experiments that set all "
        "of a block",
    )


def read_table(options: argparse.Namespace) -> RegimeData:
    """Read the table that :func:`add_table` describes."""
    need_columns(options)
    data = RegimeData.from_frame(
        options.data,
        outcome=options.outcome,
        actions=options.actions,
        regime=options.regime,
        categorical=options.categorical,
        covariates=options.covariates,
    )
    return data.drop(options.drop) if options.drop else data

"""Arguments that several commands share, and how their text is read."""

import argparse
import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bayes_intgen as ig
from bayes_intgen.base.choices import CHOICES
from bayes_intgen.base.errors import DataError, ModelError, QueryError
from bayes_intgen.cli.databases import add_database, rows_of
from bayes_intgen.cli.lists import cut, names, pairs, split, unquote, whole_number
from bayes_intgen.cli.marks import add_marks, marks
from bayes_intgen.cli.paths import writable

if TYPE_CHECKING:
    from bayes_intgen.design.structure import Structure

__all__ = [
    "CORES",
    "add_assumptions",
    "add_columns",
    "add_do",
    "add_fit",
    "add_folder",
    "add_inference",
    "add_interactions",
    "add_laplace",
    "add_moments_file",
    "add_names",
    "add_numbers",
    "add_regime",
    "add_table",
    "import_dask",
    "need_columns",
    "read_do",
    "read_table",
    "sampling",
    "structure",
]

CORES = os.cpu_count() or 1


def add_numbers(
    parser: argparse._ActionsContainer, *numbers: tuple[str, int | None, str], none: str = ""
) -> None:
    """Add options that take a whole number: name, default and help of each.

    ``none`` says in words what a default of None means.
    """
    for name, default, text in numbers:
        shown = none if default is None else default
        parser.add_argument(
            f"--{name}", type=whole_number, default=default, metavar="N", help=f"{text} ({shown})"
        )


def add_names(
    parser: argparse._ActionsContainer,
    argument: str,
    metavar: str,
    help: str,
    default: list[str] | None = None,
) -> None:
    """Add an argument that takes names, separated by commas."""
    parser.add_argument(argument, type=names, default=default, metavar=metavar, help=help)


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Add the folder of a study."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder")


def add_fit(parser: argparse.ArgumentParser) -> None:
    """Add the file of a fit."""
    parser.add_argument("fit", metavar="FIT.nc", help="file written by bayes-intgen fit")


def add_moments_file(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """Add the file that moments are written to, and what it holds."""
    parser.add_argument(
        "--out", required=required, type=writable, metavar="MOMENTS.npz", help="file to write"
    )
    parser.add_argument(
        "--no-rows",
        action="store_true",
        help="keep no single rows in the file; a fit then takes --structure",
    )


def add_laplace(parser: argparse.ArgumentParser, of: str = "of inference") -> None:
    """Add the method of the many fits of a study, by default the fast one."""
    parser.add_argument(
        "--method", choices=["laplace", "nuts"], default="laplace", help=f"{of} (laplace)"
    )


def add_interactions(
    parser: argparse._ActionsContainer, text: str, default: str | None = "learned"
) -> None:
    """Add the interactions that a model has room for."""
    parser.add_argument("--interactions", choices=CHOICES, default=default, help=text)


def add_do(parser: argparse.ArgumentParser) -> None:
    """Add the actions that a query sets."""
    add_names(parser, "--do", "A,B", "actions that are set (all), or none")


def read_do(options: argparse.Namespace) -> list[str] | None:
    """Return the actions that :func:`add_do` read; None for all of them."""
    if options.do == []:
        raise QueryError("--do: name the actions that are set, or write none.")
    return [] if options.do == ["none"] else options.do


def import_dask(module: str) -> Any:
    """Import a module that needs Dask, which is an optional dependency.

    Raises
    ------
    ModelError
        If Dask is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModelError(
            f"--scheduler needs Dask, and {error.name!r} is not installed; install it with "
            f"pip install 'bayes-intgen[dask]', or leave --scheduler out to run on this machine."
        ) from error


def structure(text: str) -> "Structure":
    """Read ``learned``, ``full``, ``none`` or edges written as ``a>b,b>c``.

    Examples
    --------
    >>> structure("a>b, b>c"), structure("none")
    ([('a', 'b'), ('b', 'c')], [])
    """
    if text.strip() in ("", "none"):
        return []
    if ">" not in text:
        return text
    edges = []
    for edge in split(text, ","):
        parent, arrow, child = cut(edge, ">")
        if not (arrow and parent and child):
            raise argparse.ArgumentTypeError(f"write edges as a>b,b>c; cannot read {edge!r}")
        edges.append((parent, child))
    return edges


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
    add_numbers(
        group,
        ("draws", 1000, "draws per chain"),
        ("tune", None, "draws per chain before those, to adapt"),
        ("chains", 4, "NUTS chains"),
        ("cores", None, "chains run at once"),
        ("seed", seed, "random seed"),
        none="the sampler's or machine's own",
    )


def add_table(parser: argparse.ArgumentParser) -> None:
    """Add the table and the names of its columns."""
    parser.add_argument(
        "data",
        metavar="DATA",
        nargs="?",
        help="CSV or Parquet file; semicolons between columns and decimal commas are recognised",
    )
    add_database(parser)
    add_columns(parser)
    add_names(parser, "--drop", "R,R", "regimes to leave out", default=[])


def add_columns(parser: argparse.ArgumentParser) -> None:
    """Add the names of the columns; whether some are needed, :func:`need_columns` says."""
    parser.add_argument("--outcome", metavar="Y", help="column of the outcome (required)")
    add_names(
        parser,
        "--actions",
        "A,B",
        "columns of the actions (required); here and in every list, a name that holds a comma "
        "stands in double quotes, as in 'price,\"TV, GRP\"'",
    )
    add_names(
        parser,
        "--categorical",
        "A,B",
        "actions and covariates whose values are levels, such as text (none)",
        default=[],
    )
    add_names(
        parser,
        "--covariates",
        "Z,Z",
        "columns settled before any action, which may influence the actions and modify their "
        "effects; every answer is then at given values of them (none)",
        default=[],
    )
    add_regime(parser)
    add_marks(parser)


def add_regime(parser: argparse.ArgumentParser, default: str | None = "regime") -> None:
    """Add what says which experiment a row comes from; by default that of a fit if it is None."""
    parser.add_argument(
        "--regime",
        default=default,
        type=regime_columns,
        metavar="COL",
        help=f"column of the labels ({default or 'that of the fit'}); or a flag per action, as in "
        "tv=tv_test,web=web_test: columns that are true, or 1, in the rows of the experiment on it",
    )
    parser.add_argument(
        "--labels",
        type=pairs,
        action=Pairs,
        default={},
        metavar="L=R,L=R",
        help="what labels mean that are spelt otherwise, as in 'history=obs,price test=price' "
        "(may be repeated)",
    )


class Pairs(argparse.Action):
    """Add the pairs of an option that is repeated to those before."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: Any = None) -> None:
        """Keep both."""
        setattr(namespace, self.dest, {**getattr(namespace, self.dest), **values})


def regime_columns(text: str) -> str | dict[str, str]:
    """Read the name of a column, or the names of flags by action.

    Examples
    --------
    >>> regime_columns("experiment"), regime_columns("tv=tv_test, web=web_test")
    ('experiment', {'tv': 'tv_test', 'web': 'web_test'})
    """
    return pairs(text) if cut(text, "=")[1] else unquote(text)


def need_columns(options: argparse.Namespace) -> None:
    """Raise a DataError that names all that is missing: the table, its columns, the output."""
    table = not options.data and getattr(options, "sql", None) is None
    missing = ["DATA"] if table and getattr(options, "database", None) is None else []
    missing += [f"--{name}" for name in ("outcome", "actions") if not getattr(options, name)]
    missing += ["--out"] if getattr(options, "out", "") is None else []
    if missing:
        out = " --out FILE" if hasattr(options, "out") else ""
        raise DataError(
            f"{', '.join(missing)}: name the columns of the table, and whatever else is missing, "
            f"as in bayes-intgen {options.command} DATA.csv --outcome Y --actions A,B{out}."
        )


def add_assumptions(parser: argparse._ActionsContainer) -> None:
    """Add what may depend on what, and what may share a confounder."""
    parser.add_argument(
        "--structure",
        type=structure,
        default="learned",
        metavar="S",
        help='which actions may depend on which: "learned" from the experiments (default), '
        '"full", "none", or edges "a>b,b>c"',
    )
    add_names(
        parser,
        "--blocks",
        "A+B,C",
        "actions that may share a confounder and interact, joined by '+' (each on its own: a "
        "comma separates blocks, so that A,B joins nothing); needed are experiments that set all "
        "of a block",
    )


def read_table(
    options: argparse.Namespace, source: Any = None, outcomes: list[str] | None = None
) -> Any:
    """Read the table that :func:`add_table` describes, or another with the same columns.

    With several ``outcomes`` these are ManyOutcomes, otherwise RegimeData.
    """
    need_columns(options)
    data = ig.RegimeData.from_frame(
        rows_of(options) if source is None else source,
        outcome=options.outcome if outcomes is None else outcomes,
        actions=options.actions,
        regime=options.regime,
        categorical=options.categorical,
        covariates=options.covariates,
        labels=options.labels,
        **marks(options),
    )
    dropped = getattr(options, "drop", [])
    return data.drop(dropped) if dropped else data

"""``bayes-intgen query``: expected outcomes from a saved fit."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from bayes_intgen.base.errors import FileError, QueryError
from bayes_intgen.base.files import is_file, replacing
from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.base.support_flags import BEYOND, OUTSIDE, SUPPORTED
from bayes_intgen.cli.options import keep_apart, names, writable
from bayes_intgen.cli.text import records, show_json, show_table
from bayes_intgen.posterior.posterior import load
from bayes_intgen.posterior.predictive import predictive_interval

__all__ = ["add_parser", "read_points", "run"]

DESCRIPTION = """\
Posterior of the expected outcome at given points.

POINTS is a CSV or Parquet table with a column for EVERY action and covariate. By default
all actions are set: E[Y | do(a, b)]. With --do a only a is set and the others are
conditioned on: E[Y | do(a), b]; --do none gives the observational mean. Covariates are
always conditioned on: E[Y | do(a, b), z].

  bayes-intgen query fit.nc --points points.csv                       printed
  bayes-intgen query fit.nc --points points.csv --out effects.csv     all digits
  bayes-intgen query fit.nc --points points.csv --do price --predict --json

The column support says whether the data support the answer: supported, extrapolated
(beyond their joint support), outside (an observed range) or beyond (the box of the curves).
Exit code 0: done; 1: done, but the fit had not converged; 2: the points cannot be used.
"""


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "query",
        help="ask a saved fit for expected outcomes",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("fit", metavar="FIT.nc", help="file written by bayes-intgen fit")
    parser.add_argument(
        "--points", required=True, type=Path, metavar="POINTS", help="table of query points"
    )
    parser.add_argument(
        "--do", type=names, default=None, metavar="A,B", help="actions that are set (all), or none"
    )
    parser.add_argument(
        "--interval",
        type=float,
        default=INTERVAL,
        metavar="P",
        help=f"probability of the credible interval ({INTERVAL})",
    )
    parser.add_argument(
        "--beyond",
        choices=["error", "clamp"],
        default="error",
        help="points beyond the box of the curves: refuse them (default), or hold the wiggly part "
        "of the curves at its edge",
    )
    parser.add_argument(
        "--predict",
        action="store_true",
        help="also give the interval of a single outcome: columns predicted_lower and "
        "predicted_upper",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="seed of the predicted outcomes (1)"
    )
    parser.add_argument(
        "--out", type=writable, metavar="CSV", help="file for the table; printed if left out"
    )
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Load, evaluate and write or print."""
    for source in (options.fit, options.points):
        keep_apart(source, options.out)
    posterior = load(options.fit)
    points = read_points(options.points, posterior.summary.levels)
    do = [] if options.do == ["none"] else options.do
    if options.do == []:
        raise QueryError("--do: name the actions that are set, or write none.")
    table = posterior.table(points, do, options.interval, options.beyond)
    if options.predict:
        lower, upper = predictive_interval(
            posterior, points, do, options.interval, options.seed, options.beyond
        )
        table["predicted_lower"], table["predicted_upper"] = lower, upper
    if options.json:
        show_json(records(table))
    elif options.out is None:
        print(show_table(table))
    if options.out is not None:
        with replacing(options.out) as draft:
            table.to_csv(draft, index=False)
        if not options.json:
            counts = table["support"].value_counts()
            found = ", ".join(f"{n:,} {flag}" for flag, n in counts.items())
            print(f"{len(table):,} points ({found}) written to {options.out}")
    beyond = int((table["support"] != SUPPORTED).sum())
    if beyond:
        far = int(table["support"].isin([OUTSIDE, BEYOND]).sum())
        print(
            f"{beyond:,} of {len(table):,} points lie beyond the support of the data "
            f"({far:,} of them outside an observed range): there the answer rests on "
            f"the form of the curves.",
            file=sys.stderr,
        )
    if posterior.additivity is not None and not posterior.additivity.ok:
        print(f"bayes-intgen query: {posterior.additivity}", file=sys.stderr)
    if posterior.lifts is not None and not posterior.lifts.ok:
        print(f"bayes-intgen query: {posterior.lifts}", file=sys.stderr)
    if not posterior.convergence.ok:
        print(f"bayes-intgen query: {posterior.convergence}", file=sys.stderr)
        return 1
    return 0


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

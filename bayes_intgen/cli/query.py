"""``bayes-intgen query``: expected outcomes from a saved fit."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import bayes_intgen as ig
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.files import is_folder
from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.base.support_flags import BEYOND, IMPOSSIBLE, MISFIT, OUTSIDE, SUPPORTED
from bayes_intgen.cli import arguments
from bayes_intgen.cli.lists import number
from bayes_intgen.cli.many_outcomes import query_many
from bayes_intgen.cli.paths import keep_apart, writable_table
from bayes_intgen.cli.text import records, report_verdicts, show_json, show_table

if TYPE_CHECKING:
    from bayes_intgen.cli.files import PointsTable

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Posterior of the expected outcome at given points.

POINTS is a CSV or Parquet table with a column for EVERY action and covariate; the answer
keeps its other columns, and is written as it is (such as with decimal commas). By default
all actions are set: E[Y | do(a, b)]. With --do a only a is set and the others are
conditioned on: E[Y | do(a), b]; --do none gives the observational mean. Covariates are
always conditioned on: E[Y | do(a, b), z].

  bayes-intgen query fit.nc --points points.csv                       printed
  bayes-intgen query fit.nc --points points.csv --out effects.csv     all digits
  bayes-intgen query fit.nc --points points.csv --do price --predict --json

With --average ROWS the columns of POINTS are set in all rows of another table, and the
outcome is averaged over them: covariates, and actions that POINTS does not hold, are as in
these rows. The column supported then has the share of rows that are supported.

  bayes-intgen query fit.nc --points prices.csv --average customers.csv

FIT may be the folder of many outcomes; the table then has a row per outcome and point.

The column support says whether the data support the answer: supported, misfit
(the fit misses its own data by much against the interval), extrapolated (beyond their joint
support), outside (an observed range) or beyond (the box of the curves).
Exit code 0: done; 1: done, but the fit had not converged; 2: the points cannot be used.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    arguments.add_fit(parser)
    parser.add_argument(
        "--points", required=True, type=Path, metavar="POINTS", help="table of query points"
    )
    arguments.add_do(parser)
    parser.add_argument(
        "--interval",
        type=number,
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
        "--average", type=Path, metavar="ROWS", help="table of rows over which to average"
    )
    parser.add_argument(
        "--predict",
        action="store_true",
        help="also give the interval of a single outcome: columns predicted_lower and "
        "predicted_upper",
    )
    arguments.add_numbers(parser, ("seed", 1, "seed of the predicted outcomes"))
    parser.add_argument(
        "--out", type=writable_table, metavar="CSV", help="file for the table; printed if left out"
    )
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def run(options: argparse.Namespace) -> int:
    """Load, evaluate and write or print."""
    from bayes_intgen.cli.files import read_points, save_table  # slow to import: --help need not

    if is_folder(Path(options.fit)):
        return query_many(options)
    for source in (options.fit, options.points, options.average):
        if source is not None:
            keep_apart(source, options.out)
    posterior = ig.load(options.fit)
    points = read_points(options.points, posterior.summary)
    do = arguments.read_do(options)
    if options.average is not None:
        return _average(posterior, points, options)
    table = posterior.table(points.table, do, options.interval, options.beyond)
    if options.predict:
        from bayes_intgen.posterior.predictive import predictive_interval  # slow to import

        lower, upper = predictive_interval(
            posterior, points.table, do, options.interval, options.seed, options.beyond
        )
        table["predicted_lower"], table["predicted_upper"] = lower, upper
    table, replaced = points.beside(table)
    if replaced:
        print(
            f"the columns {replaced} of {options.points} are those of the answer now.",
            file=sys.stderr,
        )
    if options.json:
        show_json(records(table))
    elif options.out is None:
        print(show_table(table))
    if options.out is not None:
        written = points.format
        save_table(table, options.out, sep=written.delimiter, decimal=written.decimal)
        if not options.json:
            counts = table["support"].value_counts()
            by_flag = ", ".join(f"{n:,} {flag}" for flag, n in counts.items())
            print(f"{len(table):,} points ({by_flag}) written to {options.out}")
    impossible = int((table["support"] == IMPOSSIBLE).sum())
    if impossible:
        low, high = posterior.summary.outcome_range.limits
        print(
            f"{impossible:,} of {len(table):,} expected outcomes are impossible: below {low:g} or "
            f"above {high:g}.",
            file=sys.stderr,
        )
    missed = int((table["support"] == MISFIT).sum())
    if missed:
        print(
            f"{missed:,} of {len(table):,} points lie within the data, but the fit misses these by "
            f"much against the interval: it may not hold the truth.",
            file=sys.stderr,
        )
    beyond = int((~table["support"].isin([SUPPORTED, MISFIT, IMPOSSIBLE])).sum())
    if beyond:
        far = int(table["support"].isin([OUTSIDE, BEYOND]).sum())
        print(
            f"{beyond:,} of {len(table):,} points lie beyond the support of the data "
            f"({far:,} of them outside an observed range): there the answer rests on "
            f"the form of the curves.",
            file=sys.stderr,
        )
    return report_verdicts(posterior, "query")


def _average(posterior: "ig.Posterior", points: "PointsTable", options: argparse.Namespace) -> int:
    """Write or print averages over the rows of a table."""
    from bayes_intgen.cli.average import average_over  # slow to import: --help need not
    from bayes_intgen.cli.files import read_points, save_table  # slow to import, too

    if options.predict or options.beyond != "error":
        raise QueryError("--average: it goes without --predict and --beyond; leave these out.")
    rows = read_points(options.average, posterior.summary, "--average").table.to_pandas()
    do, wanted = arguments.read_do(options), points.table.to_pandas()
    table, _ = points.beside(average_over(posterior, wanted, rows, do, options.interval))
    if options.json:
        show_json(records(table))
    elif options.out is None:
        print(show_table(table))
    if options.out is not None:
        save_table(table, options.out, sep=points.format.delimiter, decimal=points.format.decimal)
        if not options.json:
            print(f"{len(table):,} averages over {len(rows):,} rows written to {options.out}")
    share = float(table["supported"].min())
    if share < 1:
        print(
            f"at some points as few as {share:.0%} of the rows lie within the support of the data: "
            f"for the others the answer rests on the form of the curves.",
            file=sys.stderr,
        )
    return report_verdicts(posterior, "query")

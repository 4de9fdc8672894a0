"""``bayes-intgen recalibrate``: the intervals of a fit, judged on data drawn from it."""

import argparse
import sys
from pathlib import Path

import bayes_intgen as ig
from bayes_intgen.cli import arguments
from bayes_intgen.cli.fitted_rows import add_fitted_columns, read_fitted_rows
from bayes_intgen.cli.marks import add_marks, marks

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Draw data sets from a saved fit (its effects, your experiments and row counts), fit each,
and see how often the intervals hold the effects that the data sets were drawn from.

By default that is the effect of moving each action from mean - sd to mean + sd;
with --points it is the expected outcome at the rows of a table.

Every data set that is done is kept in DIR/.units; started again, the study goes on where
it was stopped. DIR gets recalibration.csv (a row per quantity) and recalibration.png.

  bayes-intgen recalibrate fit.nc sales.csv --out recalibration

Exit code 0: intervals are consistent with what they promise; 1: too narrow, too wide, or
some data sets could not be fitted.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    arguments.add_fit(parser)
    parser.add_argument(
        "data", metavar="DATA", help="the table it was fitted to; the fit knows its columns"
    )
    add_fitted_columns(parser)
    add_marks(parser)
    parser.add_argument("--points", type=Path, metavar="POINTS", help="table of query points")
    arguments.add_do(parser)
    arguments.add_folder(parser)
    arguments.add_numbers(
        parser,
        ("sets", 100, "data sets"),
        ("seed", 1, "random seed"),
        ("workers", arguments.CORES, "data sets at a time, each in a process of its own"),
    )
    arguments.add_laplace(parser)


def run(options: argparse.Namespace) -> int:
    """Run the study, save and print what it says."""
    from bayes_intgen.cli import files  # slow to import: --help need not

    posterior = ig.load(options.fit)
    data = read_fitted_rows(posterior, options.data, options, marks(options))
    at = (
        None
        if options.points is None
        else files.read_points(options.points, posterior.summary).table
    )
    calibration = ig.refit_calibration(
        posterior,
        data,
        at,
        do=arguments.read_do(options),
        n=options.sets,
        method=options.method,
        random_seed=options.seed,
        out=options.out,
        workers=options.workers,
    )
    files.save_table(calibration.table, options.out / "recalibration.csv", index=True)
    files.save_figure(files.figure_of(calibration.plot()[0]), options.out / "recalibration.png")
    print(calibration)
    if calibration.failures:
        print(f"bayes-intgen recalibrate: {calibration.failures} data sets failed", file=sys.stderr)
    return 0 if calibration.passed and not calibration.failures else 1

"""``bayes-intgen recalibrate``: the intervals of a fit, judged on data drawn from it."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.files import replacing
from bayes_intgen.cli.options import add_regime, names
from bayes_intgen.cli.query import read_points
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.posterior.posterior import load
from bayes_intgen.studies.refit.calibration import refit_calibration

__all__ = ["add_parser", "run"]

DESCRIPTION = """\
Draw data sets from a saved fit (its effects, your experiments and row counts), fit each,
and see how often the intervals hold the effects that the data sets were drawn from.

By default the question is the effect of moving each action from mean - sd to mean + sd;
with --points it is the expected outcome at the rows of a table.

Every data set that is done is kept in DIR/.units; started again, the study goes on where
it was stopped. DIR gets recalibration.csv (a row per quantity) and recalibration.png.

  bayes-intgen recalibrate fit.nc sales.csv --out recalibration

Exit code 0: intervals are consistent with what they promise; 1: too narrow, too wide, or
some data sets could not be fitted.
"""


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "recalibrate",
        help="judge the intervals of a fit on data drawn from it",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("fit", metavar="FIT.nc", help="file written by bayes-intgen fit")
    parser.add_argument("data", metavar="DATA", help="the table it was fitted to")
    add_regime(parser)
    parser.add_argument(
        "--drop", type=names, default=[], metavar="R,R", help="regimes that the fit left out"
    )
    parser.add_argument("--points", type=Path, metavar="POINTS", help="table of query points")
    parser.add_argument(
        "--do", type=names, default=None, metavar="A,B", help="actions that are set (all), or none"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder")
    for name, default, text in (
        ("sets", 100, "data sets"),
        ("seed", 1, "random seed"),
        ("workers", os.cpu_count() or 1, "data sets at a time, each in a process of its own"),
    ):
        parser.add_argument(
            f"--{name}", type=int, default=default, metavar="N", help=f"{text} ({default})"
        )
    parser.add_argument(
        "--method", choices=["laplace", "nuts"], default="laplace", help="of inference (laplace)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the study, save and print what it says."""
    posterior = load(options.fit)
    data = RegimeData.from_frame(
        options.data,
        outcome=posterior.outcome,
        actions=posterior.actions,
        regime=options.regime,
        categorical=list(posterior.summary.levels),
        covariates=posterior.covariates,
    )
    if options.drop:
        data = data.drop(options.drop)
    at = None if options.points is None else read_points(options.points, posterior.summary.levels)
    do = [] if options.do == ["none"] else options.do
    if options.do == []:
        raise QueryError("--do: name the actions that are set, or write none.")
    found = refit_calibration(
        posterior,
        data,
        at,
        do=do,
        n=options.sets,
        method=options.method,
        random_seed=options.seed,
        out=options.out,
        workers=options.workers,
    )
    with replacing(options.out / "recalibration.csv") as draft:
        found.table.to_csv(draft)
    with replacing(options.out / "recalibration.png") as draft:
        axes, _ = found.plot()
        figure = axes.get_figure(root=True)
        if figure is not None:
            figure.savefig(draft, dpi=130)
            plt.close(figure)
    print(found)
    if found.failures:
        print(f"bayes-intgen recalibrate: {found.failures} data sets failed", file=sys.stderr)
    return 0 if found.passed and not found.failures else 1

"""``bayes-intgen reproduce``: the figures of the paper, with our model beside its estimators."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd

from bayes_intgen.base.errors import ModelError
from bayes_intgen.cli import arguments, lists
from bayes_intgen.cli.files import save_figure, save_table
from bayes_intgen.studies.paper.figures import draw_figure
from bayes_intgen.studies.paper.plans import FIGURES, RATIOS, default_sizes, plan_units
from bayes_intgen.studies.paper.report import average, format_report
from bayes_intgen.studies.paper.unit import COLUMNS, ESTIMATORS, ReproduceUnit
from bayes_intgen.studies.runner.pool import Pool, local_processes
from bayes_intgen.studies.runner.sweep import run_sweep

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Repeat an experiment of Kekic, Garrido Mejia and Schoelkopf (ICML 2025) on random systems,
with the Bayesian model beside their estimator and its baselines:

  fig2a   error of each estimator                         (10^6 rows per regime, K=5)
  fig2b   error against the split of a fixed number of rows   (10^4 per regime on average)
  fig2c   error against the number of rows                (up to 10^6 per regime)
  figA    fig2c for several numbers of actions K
  figB    fig2b for several numbers of actions K and of rows

The defaults are the paper's settings; 80% of the rows are for fitting, and the errors are
those at the other 20% of the joint rows, to the outcome (rmse_outcome, the paper's) and to
the true E[Y | do(a)] (rmse_effect). The joint estimator has n_obs joint rows in fig2a, and
as many as the others have in all, n_obs + K n_sint, in the other figures.

Every system that is done is kept in DIR/.units; started again, the study goes on where it
was stopped. DIR gets FIGURE.csv, a row per system, setting and estimator, FIGURE.png and
FIGURE.pdf. All columns of the table but `seconds` are the same however often the study was
stopped and whatever it ran on, down to the last digit on one kind of processor.

  bayes-intgen reproduce fig2a --scms 24 --n 10000 --out paper
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    parser.add_argument("figure", choices=list(FIGURES), help="what to repeat")
    arguments.add_folder(parser)
    arguments.add_numbers(
        parser,
        ("scms", 100, "systems for each number of actions"),
        ("seed", 1, "random seed"),
        ("degree", 3, "of the polynomials of the paper's estimators"),
    )
    parser.add_argument(
        "--n",
        type=lists.whole_number,
        metavar="ROWS",
        help="rows per regime before the split, the largest number where it varies (the paper's)",
    )
    parser.add_argument(
        "--sizes",
        type=lists.whole_numbers,
        metavar="N,N",
        help="rows per regime where their number varies, instead of steps below --n: two per "
        "decade down to 100 for fig2c and figA, one per decade for figB",
    )
    parser.add_argument(
        "--n-actions",
        type=lists.whole_numbers,
        metavar="K,K",
        help="numbers of actions, several for figA and figB (5, and 2,5,8)",
    )
    parser.add_argument(
        "--ratios",
        type=lists.numbers,
        default=RATIOS,
        metavar="R,R",
        help=f"rows of each experiment per observational row, for fig2b and figB "
        f"({','.join(f'{ratio:g}' for ratio in RATIOS)})",
    )
    arguments.add_names(
        parser,
        "--estimators",
        "E,E",
        f"out of {', '.join(ESTIMATORS)} (those of the figure, and bayes)",
    )
    text = "how actions may interact in the Bayesian model (none, the paper's class)"
    arguments.add_interactions(parser, text, default="none")
    arguments.add_laplace(parser, of="of inference in the Bayesian model")
    parser.add_argument(
        "--edge-probability",
        type=lists.number,
        default=0.3,
        metavar="P",
        help="that an action depends on an earlier one (0.3)",
    )
    arguments.add_numbers(
        parser,
        ("workers", None, "units at a time, each in a process of its own"),
        none="as many as processors",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="run on the Dask cluster of this scheduler instead, such as tcp://host:8786",
    )


def run(options: argparse.Namespace) -> int:
    """Run the study, save and print what it says; 1 if a unit failed."""
    figure = options.figure
    settings = FIGURES[figure]
    estimators = settings.estimators if options.estimators is None else tuple(options.estimators)
    sizes = default_sizes(figure, options.n) if options.sizes is None else options.sizes
    if options.n is not None and options.sizes is not None:
        raise ModelError("--n and --sizes exclude each other; give one of them.")
    prototype = ReproduceUnit(
        figure=figure,
        scm=0,
        n_obs=settings.n,
        n_sint=settings.n,
        n_jint=settings.n,
        seed=options.seed,
        estimators=estimators,
        degree=options.degree,
        interactions=options.interactions,
        method=options.method,
        edge_probability=options.edge_probability,
    )
    n_actions = settings.n_actions if options.n_actions is None else options.n_actions
    units = plan_units(figure, prototype, options.scms, sizes, n_actions, options.ratios)
    with _pool(options.scheduler, options.workers) as pool:
        result = run_sweep(units, options.out, pool)
    if result.rows:
        rows = pd.DataFrame(result.rows)
        save_table(rows[list(COLUMNS)], options.out / f"{figure}.csv", na_rep="NaN")
        means = average(rows)
        pictures = (options.out / f"{figure}.{kind}" for kind in ("png", "pdf"))
        save_figure(draw_figure(figure, means), *pictures)
        print(format_report(figure, means))
        print(f"\n{figure}.csv, {figure}.png and {figure}.pdf are in {options.out}")
    if result.failures:
        count = f"{len(result.failures)} of {len(units)} units failed, see above"
        print(f"bayes-intgen reproduce: {count}", file=sys.stderr)
    return 1 if result.failures else 0


@contextmanager
def _pool(scheduler: str | None, workers: int | None) -> Iterator[Pool]:
    """Get processes of this machine, or the workers of a Dask cluster."""
    if scheduler is None:
        yield local_processes(arguments.CORES if workers is None else workers)
        return
    dask = arguments.import_dask("bayes_intgen.studies.runner.dask_cluster")
    with dask.dask_cluster(scheduler, workers) as pool:
        yield pool

"""``bayes-intgen plan``: which experiments to run next, how large, and what they are worth."""

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import Any

import bayes_intgen as ig
from bayes_intgen.base.errors import QueryError
from bayes_intgen.cli import arguments, values
from bayes_intgen.cli.lists import pairs
from bayes_intgen.cli.paths import keep_apart, writable
from bayes_intgen.cli.text import fit_terminal, report_verdicts, show_json

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Say which experiments to run next and how large, from a saved fit: those that leave
expected outcomes, or their contrasts with a baseline, least uncertain, or those that are
worth most for the choice of the best setting.

  bayes-intgen plan fit.nc --points points.csv --rows 5000
  bayes-intgen plan fit.nc --points points.csv --baseline today.csv --budget 20000 \\
      --cost obs=1,tv=20 --options obs,price,tv,price+tv --out plan.csv
  bayes-intgen plan fit.nc --bounds price=8:12,tv=3:18 --value 100000 --cost obs=1,tv=20

POINTS and BASELINE are tables as for bayes-intgen query; goals have the names in a column
"name" of POINTS. Fits with --cluster, --time or --weights cannot be planned from: what a row
tells depends there on the rows that it depends on. The options are regimes, with or
without rows so far. Costs are per row (1), --fixed per experiment (0). With --bounds the goal
is the best setting, and without --rows or --budget as much is run as pays at --value per unit
of the outcome.

Exit code 0: done; 1: done, but the fit had not converged; 2: the plan cannot be made.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    arguments.add_fit(parser)
    goal = parser.add_mutually_exclusive_group(required=True)
    goal.add_argument("--points", type=Path, metavar="POINTS", help="table of points to be known")
    goal.add_argument(
        "--bounds",
        type=values.bounds,
        metavar="A=L:H,B",
        help="actions whose best setting is sought",
    )
    parser.add_argument("--baseline", type=Path, metavar="B", help="table to compare points with")
    parser.add_argument("--average", action="store_true", help="average over the points")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--rows", type=int, metavar="N", help="rows in all")
    amount.add_argument("--budget", type=float, metavar="B", help="what the rows may cost")
    parser.add_argument("--cost", type=pairs, metavar="R=C", help="cost of a row (1)")
    parser.add_argument(
        "--fixed", type=pairs, metavar="R=C", help="cost of an experiment besides (0)"
    )
    parser.add_argument(
        "--settings",
        type=values.bounds,
        metavar="A=V:V",
        help="values at which the options set an action, each in as many rows (those of the rows "
        "so far)",
    )
    arguments.add_names(parser, "--options", "R,R", "regimes that may be run (obs, each action)")
    parser.add_argument(
        "--value", type=float, default=1.0, metavar="V", help="of a unit of the outcome (1)"
    )
    parser.add_argument("--minimize", action="store_true", help="the smallest outcome is the best")
    arguments.add_do(parser)
    arguments.add_numbers(parser, ("seed", 1, "seed of rows that are made up"))
    parser.add_argument(
        "--out", type=writable, metavar="CSV", help="file for the table, or all of it if .json"
    )
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")


def run(options: argparse.Namespace) -> int:
    """Load, plan, and say what to run."""
    from bayes_intgen.cli.files import read_points  # slow to import: --help need not

    for source in (options.fit, options.points, options.baseline):
        if source is not None:
            keep_apart(source, options.out)
    posterior = ig.load(options.fit)
    levels = posterior.summary.levels
    if options.points is None and (options.baseline is not None or options.average):
        raise QueryError("--baseline: it is compared with --points; --bounds has no use for it.")
    do, best, points, baseline = arguments.read_do(options), None, None, None
    if options.bounds is not None:
        best = {"bounds": values.read_bounds(options.bounds, levels), "do": do}
        best["minimize"] = options.minimize
    else:
        points = read_points(options.points, posterior.summary).labelled()
        if options.baseline is not None:
            baseline = read_points(options.baseline, posterior.summary).table
    plan = posterior.plan(
        points,
        baseline,
        options.options,
        options.rows,
        options.budget,
        _costs(options.cost, "--cost"),
        options.seed,
        best=best,
        value=options.value,
        do=None if best else do,
        average=options.average,
        fixed=_costs(options.fixed, "--fixed"),
        settings=None if options.settings is None else _settings(options.settings, levels),
    )
    if options.out is not None:
        plan.save(options.out)
    if options.json:
        show_json(plan.to_dict())
    else:
        print(fit_terminal(str(plan)))
        if options.out is not None:
            print(f"\nplan written to {options.out}")
    return report_verdicts(posterior, "plan")


def _settings(texts: dict[str, list[str]], levels: Collection[str]) -> dict[str, list[Any]]:
    """Return the values, or levels, at which actions are set."""
    return {
        name: [values.read_values({name: text}, levels, "--settings")[name] for text in own]
        for name, own in texts.items()
    }


def _costs(texts: dict[str, str] | None, option: str) -> dict[str, Any] | None:
    """Return costs by regime as numbers."""
    return None if texts is None else values.read_values(texts, (), option)

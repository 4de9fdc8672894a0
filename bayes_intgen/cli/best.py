"""``bayes-intgen best``: the best joint action under bounds and a budget."""

import argparse
from typing import TYPE_CHECKING, Any

import bayes_intgen as ig
from bayes_intgen.cli import arguments, lists, values
from bayes_intgen.cli.paths import keep_apart, writable_table
from bayes_intgen.cli.text import fit_terminal, records, report_verdicts, show_json

if TYPE_CHECKING:
    from bayes_intgen.posterior.estimands.best_result import BestAction

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Find the joint action with the best expected outcome under bounds and a budget, how sure it
is to be the best, and what it may fall short.

  bayes-intgen best fit.nc
  bayes-intgen best fit.nc --bounds price=8:12,tv=3:18
  bayes-intgen best fit.nc --bounds price=8:12,tv,channel=web:mail --budget 15 \\
      --cost price=0,tv=1,channel[web]=2 --out candidates.csv

Without bounds an action may take the core range of values that its experiments set, or, if
its rows hold seven values at most (such as 0 and 1), one of these: --grid 41 searches in
between. Costs are per unit of an action (1), or per level (0), and add up to the budget at
most; they are shown if --cost or --budget is given.

Exit code 0: done; 1: done, but the fit had not converged; 2: bounds or costs cannot be used.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    arguments.add_fit(parser)
    parser.add_argument(
        "--bounds",
        type=values.bounds,
        metavar="A=L:H,B",
        help="actions to choose, with the lowest and highest value, or the levels that are allowed "
        "(all actions that are set)",
    )
    parser.add_argument(
        "--budget", type=lists.number, metavar="B", help="limit of the costs (none)"
    )
    parser.add_argument(
        "--cost", type=lists.pairs, metavar="A=C,B=C", help="cost per unit, or A[LEVEL]=C (1)"
    )
    parser.add_argument(
        "--grid",
        type=lists.whole_number,
        metavar="N",
        help="values tried of each action (41, or fewer)",
    )
    parser.add_argument("--minimize", action="store_true", help="look for the smallest outcome")
    arguments.add_do(parser)
    parser.add_argument(
        "--at",
        type=lists.pairs,
        default={},
        metavar="A=V,Z=V",
        help="values of actions that are not chosen, and of covariates (the mean of the regimes' "
        "means, the more frequent of two values, or the most frequent level)",
    )
    parser.add_argument(
        "--out", type=writable_table, metavar="CSV", help="file for the settings best in most draws"
    )
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")


def run(options: argparse.Namespace) -> int:
    """Load, search, and say what is best and how sure that is."""
    from bayes_intgen.cli.files import save_table  # slow to import: --help need not

    keep_apart(options.fit, options.out)
    posterior = ig.load(options.fit)
    categorical = posterior.summary.levels
    best = posterior.best_action(
        None if options.bounds is None else values.read_bounds(options.bounds, categorical),
        options.budget,
        None if options.cost is None else values.read_costs(options.cost, categorical),
        options.grid,
        options.minimize,
        arguments.read_do(options),
        values.read_values(options.at, categorical),
    )
    if options.out is not None:
        save_table(best.candidates, options.out)
    if options.json:
        show_json(_to_json(best))
    else:
        print(fit_terminal(str(best)))
        if options.out is not None:
            print(f"\n{len(best.candidates)} settings written to {options.out}")
    return report_verdicts(posterior, "best")


def _to_json(best: "BestAction") -> dict[str, Any]:
    """Return the recommendation and its rivals as JSON types."""
    return {
        "do": best.do,
        "recommended": dict(best.recommended),
        "expected_outcome": float(best.draws["outcome"].mean()),
        "probability": best.probability,
        "regret": best.regret,
        "cost": best.cost if best.priced else None,
        "held": dict(best.held),
        "budget": best.budget,
        "support": best.support,
        "warnings": [str(gap) for gap in best.untested],
        "candidates": records(best.candidates),
        "method": best.method,
    }

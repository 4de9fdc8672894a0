"""``bayes-intgen demo``: the whole way, on synthetic data whose truth is known."""

import argparse
from pathlib import Path

from bayes_intgen.cli import arguments
from bayes_intgen.cli.lists import whole_number

__all__ = ["DESCRIPTION", "add_arguments", "run"]

SEED = 15  # chosen for its picture; the README says how it ranks among others
DESCRIPTION = """\
Draw a confounded system of the paper's kind, sample observational rows and one experiment
per action, fit the posterior of setting ALL actions at once, and compare it with the truth
and with a regression on the observational rows.

  bayes-intgen demo                                    a minute; see DIR/demo.png
  bayes-intgen demo --method laplace --seed 3          seconds, another system
  bayes-intgen fit bayes-intgen-demo/data.csv --outcome y --actions a1,a2,a3 --out fit.nc
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("bayes-intgen-demo"),
        metavar="DIR",
        help="folder for data, fit, table and picture (bayes-intgen-demo)",
    )
    parser.add_argument(
        "--n-actions", type=whole_number, default=3, metavar="K", help="number of actions (3)"
    )
    arguments.add_numbers(parser, ("rows", 5000, "rows in each regime"))
    arguments.add_inference(parser, seed=SEED)


def run(options: argparse.Namespace) -> int:
    """Sample, fit, compare, save, and say in three lines what was found."""
    from bayes_intgen.cli.demonstration import demonstrate  # slow to import: --help need not

    return demonstrate(options)

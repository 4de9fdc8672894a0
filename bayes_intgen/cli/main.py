"""``bayes-intgen``: fit a table, query a fit, or see it all on synthetic data.

Exit codes: 0 done; 1 done, but the sampler did not converge, a check failed or a part of a study
failed; 2 the input cannot be used.
"""

import argparse
import sys
import warnings
from collections.abc import Sequence

from bayes_intgen.cli import (
    calibrate,
    check,
    demo,
    fit,
    merge,
    moments,
    query,
    recalibrate,
    reproduce,
)
from bayes_intgen.errors import BayesIntgenError, ConvergenceWarning

__all__ = ["main"]

DESCRIPTION = """\
What happens when several levers are set at once, if each experiment set only one?

  bayes-intgen demo                     see it on synthetic data whose truth is known
  bayes-intgen fit data.csv ... --out fit.nc
  bayes-intgen query fit.nc --points points.csv --out effects.csv
  bayes-intgen check data.csv ...       do the data contradict the assumptions?
  bayes-intgen recalibrate fit.nc data.csv --out DIR   do this fit's intervals hold their promise?
  bayes-intgen moments data.parquet ... --out day1.npz   many rows: sum them up, then fit that
  bayes-intgen merge day1.npz day2.npz --out both.npz
  bayes-intgen calibrate --out DIR      how good are errors and intervals, over many systems?
  bayes-intgen reproduce fig2a --out DIR   the figures of the paper
"""


def build_parser() -> argparse.ArgumentParser:
    """Describe all commands."""
    parser = argparse.ArgumentParser(
        prog="bayes-intgen",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for module in (demo, fit, query, check, recalibrate, moments, merge, calibrate, reproduce):
        module.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the commands print the verdict
            return int(options.run(options))
    except BayesIntgenError as error:
        print(f"bayes-intgen {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            f"bayes-intgen {options.command}: interrupted; no file is half written", file=sys.stderr
        )
        return 130


if __name__ == "__main__":
    sys.exit(main())

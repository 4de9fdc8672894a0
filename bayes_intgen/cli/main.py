"""``bayes-intgen``: fit a table, query a fit, or see it all on synthetic data.

Exit codes are listed in :data:`CODES`, which the help of ``bayes-intgen`` shows.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence

from bayes_intgen.base.errors import BayesIntgenError, ConflictWarning, ConvergenceWarning
from bayes_intgen.cli import (
    calibrate,
    check,
    demo,
    fit,
    identify,
    merge,
    moments,
    plot,
    query,
    recalibrate,
    reproduce,
)

__all__ = ["main"]

COMMANDS = (
    *(demo, fit, plot, query, check, identify, recalibrate),
    *(moments, merge, calibrate, reproduce),
)

DESCRIPTION = """\
What happens when several actions are set at once, if each experiment set only one?

  bayes-intgen demo                     see it on synthetic data whose truth is known
  bayes-intgen fit data.csv ... --out fit.nc
  bayes-intgen plot fit.nc --out joint.png
  bayes-intgen query fit.nc --points points.csv --out effects.csv
  bayes-intgen check data.csv ...       do the data contradict the assumptions?
  bayes-intgen identify obs,a,b a+b     what follows from which experiments?
  bayes-intgen recalibrate fit.nc data.csv --out DIR   do this fit's intervals hold their promise?
  bayes-intgen moments data.parquet ... --out day1.npz   many rows: sum them up, then fit that
  bayes-intgen merge day1.npz day2.npz --out both.npz
  bayes-intgen calibrate --out DIR      how good are errors and intervals, over many systems?
  bayes-intgen reproduce fig2a --out DIR   the figures of the paper

`bayes-intgen COMMAND --help` explains each command with examples.
"""
CODES = """\
exit codes:
  0    done, and nothing was found wrong
  1    done, but the sampler did not converge, a check failed, something is not
       identified, or a part of a study failed
  2    the input cannot be used; one line says what is wrong and the way out
  130  interrupted
"""


def build_parser() -> argparse.ArgumentParser:
    """Describe all commands."""
    parser = argparse.ArgumentParser(
        prog="bayes-intgen",
        description=DESCRIPTION,
        epilog=CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for module in COMMANDS:
        command = commands.add_parser(
            module.__name__.rpartition(".")[2],
            help=module.HELP,
            description=module.DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            # the commands print these verdicts
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", ConflictWarning)
            code = int(options.run(options))
            sys.stdout.flush()
            return code
    except BayesIntgenError as error:
        print(f"bayes-intgen {options.command}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"bayes-intgen {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            f"bayes-intgen {options.command}: interrupted; no file is half written", file=sys.stderr
        )
        return 130


if __name__ == "__main__":
    sys.exit(main())

"""``bayes-intgen``: fit a table, query a fit, or see it all on synthetic data.

Each command is a module of its own, loaded when it is asked for: what most of them build on takes
seconds to import, and help and ``identify`` need none of it. Exit codes are listed in
:data:`CODES`, which the help of ``bayes-intgen`` shows.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module

from bayes_intgen.base.errors import BayesIntgenError, ConflictWarning, ConvergenceWarning
from bayes_intgen.cli.words import option_words

__all__ = ["main"]

# name and help of each command
COMMANDS = {
    "demo": "draw a synthetic system, fit it, and compare with its truth",
    "fit": "fit the posterior to a CSV or Parquet table",
    "plot": "draw a saved fit",
    "query": "ask a saved fit for expected outcomes",
    "best": "find the best joint action under bounds and a budget",
    "report": "write a page to send, which answers offline",
    "plan": "say which experiments to run next, and how large",
    "check": "look for evidence against the assumptions",
    "identify": "say what follows from which experiments",
    "recalibrate": "judge the intervals of a fit on data drawn from it",
    "moments": "sum up tables of any size, for a fit without the rows",
    "merge": "merge moments of several tables",
    "calibrate": "judge errors and intervals over many synthetic systems",
    "reproduce": "repeat the paper's experiments on random systems",
    "compare": "compare the model with the methods of related work",
}

DESCRIPTION = """\
What happens when several actions are set at once, if each experiment set only one?

  bayes-intgen demo                     see it on synthetic data whose truth is known
  bayes-intgen fit data.csv ... --out fit.nc
  bayes-intgen plot fit.nc --out joint.png
  bayes-intgen query fit.nc --points points.csv --out effects.csv
  bayes-intgen best fit.nc --bounds price=8:12,tv=3:18   which joint action is best?
  bayes-intgen report fit.nc --out report.html   a page to send, which answers offline
  bayes-intgen plan fit.nc --points points.csv --rows 5000   which experiment next?
  bayes-intgen check data.csv ...       do the data contradict the assumptions?
  bayes-intgen identify obs,a,b a+b     what follows from which experiments?
  bayes-intgen recalibrate fit.nc data.csv --out DIR   do this fit's intervals hold their promise?
  bayes-intgen moments data.parquet ... --out day1.npz   many rows: sum them up, then fit that
  bayes-intgen merge day1.npz day2.npz --out both.npz
  bayes-intgen calibrate --out DIR      how good are errors and intervals, over many systems?
  bayes-intgen reproduce fig2a --out DIR   the figures of the paper
  bayes-intgen compare --out DIR        when is which method right?

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


class ShowVersion(argparse.Action):
    """Print the version, which is looked up only if it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print and leave."""
        from importlib.metadata import version  # slow to import: half of what --help takes

        print(f"bayes-intgen {version('bayes-intgen')}")
        parser.exit()


def build_parser(chosen: str | None) -> argparse.ArgumentParser:
    """Describe all commands, and what the chosen one takes."""
    parser = argparse.ArgumentParser(
        prog="bayes-intgen",
        description=DESCRIPTION,
        epilog=CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=ShowVersion, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    raw = argparse.RawDescriptionHelpFormatter
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, formatter_class=raw)
        if name == chosen:
            module = import_module(f"bayes_intgen.cli.{name}")
            command.description = module.DESCRIPTION
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    # before the command there are only flags, which take no value
    chosen = next((argument for argument in given if not argument.startswith("-")), None)
    options = build_parser(chosen).parse_args(given)
    try:
        with warnings.catch_warnings():
            # the commands print these verdicts
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", ConflictWarning)
            code = int(options.run(options))
            sys.stdout.flush()
            return code
    except BayesIntgenError as error:
        said = option_words(str(error), options.command, vars(options))
        print(f"bayes-intgen {options.command}: {said}", file=sys.stderr)
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

"""``bayes-intgen report``: one HTML page that answers offline."""

import argparse
from pathlib import Path

import bayes_intgen as ig
from bayes_intgen.cli import arguments
from bayes_intgen.cli.fitted_rows import add_fitted_columns, read_fitted_rows
from bayes_intgen.cli.lists import pairs
from bayes_intgen.cli.paths import keep_apart, writable
from bayes_intgen.cli.text import report_verdicts
from bayes_intgen.cli.values import read_values

__all__ = ["DESCRIPTION", "add_arguments", "run"]

FORMATS = (".html", ".htm")
DESCRIPTION = """\
Write a saved fit as one HTML page, to be sent to whoever decides: it opens in any browser
without a network. Sliders and buttons set the actions; the expected outcome, its interval
and whether the data support it follow at once, from the draws in the page. A baseline,
curves, the best setting under a budget, verdicts, assumptions and data as CSV are there.

  bayes-intgen report fit.nc --out report.html
  bayes-intgen report fit.nc --check sales.csv --out report.html
  bayes-intgen report fit.nc --at price=10,region=north --out north.html

Covariates stay at their means (each regime counts the same) or most frequent levels, unless
--at says otherwise. With --check the table of the fit is read again and put to the checks of
bayes-intgen check, for the verdict on falsification; it takes about as long as the fit.

Exit code 0: written; 1: written, but the fit had not converged (which the page says first).
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    arguments.add_fit(parser)
    parser.add_argument("--out", required=True, type=page, metavar="PAGE", help="a .html file")
    arguments.add_do(parser)
    parser.add_argument(
        "--at",
        type=pairs,
        default={},
        metavar="A=V,Z=V",
        help="where controls and baseline start, and where covariates are held (means or most "
        "frequent levels)",
    )

    parser.add_argument(
        "--check", type=Path, metavar="DATA", help="the table of the fit, to be checked as well"
    )
    add_fitted_columns(parser)


def page(text: str) -> Path:
    """Read the path of a page, whose ending says what it is."""
    if Path(text).suffix.lower() not in FORMATS:
        raise argparse.ArgumentTypeError(f"{text!r} must end in {', '.join(FORMATS)}")
    return writable(text)


def run(options: argparse.Namespace) -> int:
    """Load and write."""
    for source in (options.fit, options.check):
        if source is not None:
            keep_apart(source, options.out)
    posterior = ig.load(options.fit)
    at = read_values(options.at, posterior.summary.levels)
    checks = None
    if options.check is not None:
        checks = ig.check(read_fitted_rows(posterior, options.check, options), posterior)
    posterior.report(options.out, do=arguments.read_do(options), at=at, checks=checks)
    print(f"report written to {options.out}: one file, which opens without a network")
    return report_verdicts(posterior, "report")

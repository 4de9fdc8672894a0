"""``bayes-intgen merge``: the moments of several tables as those of one."""

import argparse
from functools import reduce

from bayes_intgen.cli.files import writable
from bayes_intgen.moments.moments import Moments

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "merge moments of several tables"
DESCRIPTION = """\
Merge moments that share one frozen basis: those of further tables are made with --like.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    parser.add_argument("moments", nargs="+", metavar="MOMENTS.npz", help="files to merge")
    parser.add_argument(
        "--out", required=True, type=writable, metavar="MOMENTS.npz", help="file to write"
    )
    parser.add_argument(
        "--no-rows",
        action="store_true",
        help="keep no single rows in the file; a fit then takes --structure",
    )


def run(options: argparse.Namespace) -> int:
    """Load, merge and save; the output may be one of the inputs."""
    merged = reduce(Moments.merge, map(Moments.load, options.moments))
    merged.save(options.out, rows=not options.no_rows)
    print(merged)
    print(f"\nSaved to {options.out}")
    return 0

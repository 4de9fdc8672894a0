"""``bayes-intgen merge``: the moments of several tables as those of one."""

import argparse
from functools import reduce
from typing import Any

from bayes_intgen.cli.options import writable
from bayes_intgen.moments.moments import Moments

__all__ = ["add_parser", "run"]


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "merge",
        help="merge moments of several tables",
        description="Merge moments that share one frozen basis: those of further tables are made "
        "with --like.",
    )
    parser.add_argument("moments", nargs="+", metavar="MOMENTS.npz", help="files to merge")
    parser.add_argument(
        "--out", required=True, type=writable, metavar="MOMENTS.npz", help="file to write"
    )
    parser.add_argument(
        "--no-rows",
        action="store_true",
        help="keep no single rows in the file; a fit then takes --structure",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Load, merge and save; the output may be one of the inputs."""
    merged = reduce(Moments.merge, map(Moments.load, options.moments))
    merged.save(options.out, rows=not options.no_rows)
    print(merged)
    print(f"\nSaved to {options.out}")
    return 0

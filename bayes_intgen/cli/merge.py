"""``bayes-intgen merge``: the moments of several tables as those of one."""

import argparse
from functools import reduce

import bayes_intgen as ig
from bayes_intgen.cli import arguments

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Merge moments that share one frozen basis: those of further tables are made with --like.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    parser.add_argument("moments", nargs="+", metavar="MOMENTS.npz", help="files to merge")
    arguments.add_moments_file(parser, required=True)


def run(options: argparse.Namespace) -> int:
    """Load, merge and save; the output may be one of the inputs."""
    merged = reduce(ig.Moments.merge, map(ig.Moments.load, options.moments))
    merged.save(options.out, rows=not options.no_rows)
    print(merged)
    print(f"\nSaved to {options.out}")
    return 0

"""Options that say how rows depend on one another, and how many units each stands for."""

import argparse
from typing import Any

__all__ = ["add_marks", "marks"]


def add_marks(parser: argparse.ArgumentParser) -> None:
    """Add what says how rows depend on one another, and how many units each stands for."""
    group = parser.add_argument_group("rows that depend on one another, or stand for many")
    group.add_argument(
        "--cluster",
        type=lambda text: [name.strip() for name in text.split(",")],
        default=[],
        metavar="C,C",
        help="columns of what groups rows that depend on one another, such as a region or a user",
    )
    group.add_argument("--time", metavar="T", help="column of the time of each row")
    group.add_argument(
        "--weights", metavar="W", help="column of the number of units that a row is the mean of"
    )


def marks(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of ``from_frame`` that :func:`add_marks` read."""
    return {name: getattr(options, name) or None for name in ("cluster", "time", "weights")}

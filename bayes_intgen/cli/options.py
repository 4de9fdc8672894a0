"""Arguments that several commands share, and how their text is read."""

import argparse
from pathlib import Path

from bayes_intgen.structure import Structure

__all__ = ["add_inference", "names", "structure", "writable"]


def names(text: str) -> list[str]:
    """Split ``a,b`` into names.

    Examples
    --------
    >>> names("price, tv")
    ['price', 'tv']
    """
    return [name.strip() for name in text.split(",") if name.strip()]


def structure(text: str) -> Structure:
    """Read ``full`` or edges written as ``a>b,b>c``.

    Examples
    --------
    >>> structure("a>b, b>c")
    [('a', 'b'), ('b', 'c')]
    """
    if ">" not in text:
        return text
    edges = []
    for edge in names(text):
        parent, arrow, child = edge.partition(">")
        if not (arrow and parent.strip() and child.strip()):
            raise argparse.ArgumentTypeError(f"write edges as a>b,b>c; cannot read {edge!r}")
        edges.append((parent.strip(), child.strip()))
    return edges


def writable(text: str) -> Path:
    """Read a path to write to; its folder must exist before any work is done."""
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"the folder {str(path.parent)!r} does not exist")
    return path


def add_inference(parser: argparse.ArgumentParser) -> None:
    """Add the options of the sampler."""
    group = parser.add_argument_group("inference")
    group.add_argument(
        "--method",
        choices=["nuts", "laplace"],
        default="nuts",
        help="nuts: sample the hyperparameters (default); laplace: a Gaussian at their mode, "
        "in about a second",
    )
    group.add_argument(
        "--draws", type=int, default=1000, metavar="N", help="draws per chain (1000)"
    )
    group.add_argument("--chains", type=int, default=4, metavar="N", help="NUTS chains (4)")
    group.add_argument("--seed", type=int, default=1, metavar="N", help="random seed (1)")

"""``bayes-intgen plot``: a picture of a saved fit."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import bayes_intgen as ig
from bayes_intgen.base.errors import QueryError
from bayes_intgen.cli import arguments, lists
from bayes_intgen.cli.paths import keep_apart, writable
from bayes_intgen.cli.text import report_verdicts
from bayes_intgen.cli.values import read_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DESCRIPTION", "add_arguments", "run"]

KINDS = ("surface", "response", "decomposition", "contrasts", "structure")
FORMATS = (".png", ".pdf", ".svg")
DESCRIPTION = """\
Draw a saved fit.

  surface        joint effect of two actions and how well it is known (default)
  response       expected outcome along one action
  decomposition  causal effect and confounding of each action
  contrasts      effect of a move of each action, with intervals
  structure      which action may depend on which

Where the data do not support an answer the picture is hatched. Other actions stay at
their means (each regime counts the same), of two values at the more frequent one, or at
their most frequent levels, unless --at says otherwise.

  bayes-intgen plot fit.nc --out joint.png
  bayes-intgen plot fit.nc --actions price,tv --at mail=2 --out joint.png
  bayes-intgen plot fit.nc --kind response --actions price --units price=EUR --out price.pdf
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    arguments.add_fit(parser)
    parser.add_argument(
        "--out", required=True, type=picture, metavar="PICTURE", help="a .png, .pdf or .svg file"
    )
    parser.add_argument("--kind", choices=KINDS, default="surface", help="what to draw (surface)")
    arguments.add_names(
        parser,
        "--actions",
        "A,B",
        "two actions of a surface, one of a response (the first ones of the fit), some of a "
        "decomposition (all)",
        default=[],
    )
    parser.add_argument(
        "--at", type=lists.pairs, default={}, metavar="A=V,B=V", help="values of other actions"
    )
    arguments.add_do(parser)
    parser.add_argument(
        "--units",
        type=lists.pairs,
        default={},
        metavar="A=U,Y=U",
        help="units of columns, for labels",
    )


def picture(text: str) -> Path:
    """Read the path of a picture, whose ending says its format."""
    if Path(text).suffix.lower() not in FORMATS:
        raise argparse.ArgumentTypeError(f"{text!r} must end in {', '.join(FORMATS)}")
    return writable(text)


def run(options: argparse.Namespace) -> int:
    """Load, draw and save."""
    from bayes_intgen.cli.files import figure_of, save_figure  # slow to import: --help need not

    keep_apart(options.fit, options.out)
    posterior = ig.load(options.fit)
    save_figure(figure_of(_draw(posterior, options)), options.out, dpi=150)
    print(f"{options.kind} saved to {options.out}")
    return report_verdicts(posterior, "plot")


def _draw(posterior: "ig.Posterior", options: argparse.Namespace) -> "Axes":
    """Draw what was asked for, in a new figure."""
    needed = {"surface": 2, "response": 1}.get(options.kind)
    chosen = options.actions or list(posterior.actions[:needed])
    if needed is not None and len(chosen) != needed:
        raise QueryError(
            f"--actions: --kind {options.kind} takes {needed} of {list(posterior.actions)}, got "
            f"{chosen}; or choose another --kind."
        )
    do = arguments.read_do(options)
    at, units = read_values(options.at, posterior.summary.levels), options.units
    axes: Axes
    match options.kind:
        case "surface":
            axes = posterior.plot_surface(chosen[0], chosen[1], at, do=do, units=units)[0]
        case "response":
            axes = posterior.plot_dose_response(chosen[0], at=at, do=do, units=units)
        case "decomposition":
            axes = posterior.plot_decomposition(chosen, at=at, units=units)[0]
        case "contrasts":
            axes = posterior.plot_contrasts(do=do, units=units)
        case _:
            axes = posterior.plot_structure()
    return axes

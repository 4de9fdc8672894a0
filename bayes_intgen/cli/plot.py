"""``bayes-intgen plot``: a picture of a saved fit."""

import argparse
import sys
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.files import replacing
from bayes_intgen.cli.options import keep_apart, names, writable
from bayes_intgen.posterior.posterior import Posterior, load

__all__ = ["add_parser", "run"]

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
their means or most frequent levels, unless --at says otherwise.

  bayes-intgen plot fit.nc --out joint.png
  bayes-intgen plot fit.nc --actions price,tv --at mail=2 --out joint.png
  bayes-intgen plot fit.nc --kind response --actions price --units price=EUR --out price.pdf
"""


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "plot",
        help="draw a saved fit",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("fit", metavar="FIT.nc", help="file written by bayes-intgen fit")
    parser.add_argument(
        "--out", required=True, type=picture, metavar="PICTURE", help="a .png, .pdf or .svg file"
    )
    parser.add_argument("--kind", choices=KINDS, default="surface", help="what to draw (surface)")
    parser.add_argument(
        "--actions",
        type=names,
        default=[],
        metavar="A,B",
        help="two actions of a surface, one of a response (the first ones of the fit), some of a "
        "decomposition (all)",
    )
    parser.add_argument(
        "--at", type=pairs, default={}, metavar="A=V,B=V", help="values of other actions"
    )
    parser.add_argument(
        "--do", type=names, metavar="A,B", help="actions that are set (all), or none"
    )
    parser.add_argument(
        "--units", type=pairs, default={}, metavar="A=U,Y=U", help="units of columns, for labels"
    )
    parser.set_defaults(run=run)


def picture(text: str) -> Path:
    """Read the path of a picture, whose ending says its format."""
    if Path(text).suffix.lower() not in FORMATS:
        raise argparse.ArgumentTypeError(f"{text!r} must end in {', '.join(FORMATS)}")
    return writable(text)


def pairs(text: str) -> dict[str, str]:
    """Read ``a=1,b=x`` as a mapping.

    Examples
    --------
    >>> pairs("price=2, tv=on")
    {'price': '2', 'tv': 'on'}
    """
    found = {}
    for part in names(text):
        name, sign, value = part.partition("=")
        if not (sign and name.strip() and value.strip()):
            raise argparse.ArgumentTypeError(f"write pairs as a=1,b=2; cannot read {part!r}")
        found[name.strip()] = value.strip()
    return found


def run(options: argparse.Namespace) -> int:
    """Load, draw and save."""
    keep_apart(options.fit, options.out)
    posterior = load(options.fit)
    figure = _draw(posterior, options)
    with replacing(options.out) as draft:
        figure.savefig(draft, dpi=150)
    plt.close(figure)
    print(f"{options.kind} saved to {options.out}")
    for verdict in (posterior.convergence, posterior.additivity, posterior.lifts):
        if verdict is not None and not verdict.ok:
            print(f"bayes-intgen plot: {verdict}", file=sys.stderr)
    return 0 if posterior.convergence.ok else 1


def _draw(posterior: Posterior, options: argparse.Namespace) -> Figure:
    """Draw what was asked for, in a new figure."""
    needed = {"surface": 2, "response": 1}.get(options.kind)
    chosen = options.actions or list(posterior.actions[:needed])
    if needed is not None and len(chosen) != needed:
        raise QueryError(
            f"--actions: --kind {options.kind} takes {needed} of {list(posterior.actions)}, got "
            f"{chosen}; or choose another --kind."
        )
    do = [] if options.do == ["none"] else options.do
    if options.do == []:
        raise QueryError("--do: name the actions that are set, or write none.")
    at, units = _values(posterior, options.at), options.units
    if options.kind == "surface":
        axes = posterior.plot_surface(chosen[0], chosen[1], at, do=do, units=units)[0]
    elif options.kind == "response":
        axes = posterior.plot_dose_response(chosen[0], at=at, do=do, units=units)
    elif options.kind == "decomposition":
        axes = posterior.plot_decomposition(chosen, at=at, units=units)[0]
    elif options.kind == "contrasts":
        axes = posterior.plot_contrasts(do=do, units=units)
    else:
        axes = posterior.plot_structure()
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def _values(posterior: Posterior, at: dict[str, str]) -> dict[str, Any]:
    """Turn texts into numbers, but for levels."""
    found: dict[str, Any] = {}
    for name, text in at.items():
        if name in posterior.summary.levels:
            found[name] = text
            continue
        try:
            found[name] = float(text)
        except ValueError as error:
            raise QueryError(f"--at: {name}={text}: the value must be a number.") from error
    return found

"""``bayes-intgen identify``: what follows from which experiments, before there are any data."""

import argparse
from typing import TYPE_CHECKING, Any

import bayes_intgen as ig
from bayes_intgen.base.regimes import format_regime
from bayes_intgen.cli import arguments
from bayes_intgen.cli.text import fit_terminal, show_json

if TYPE_CHECKING:
    from bayes_intgen.design.identification.identify import Identification

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Say whether the mean outcome under TARGET follows from some experiments, or which
experiment is missing. Takes no data: ask before you run an experiment.

Experiments are labels with commas between them: "obs" for observational rows, the name
of the action that is set, or several joined by "+".

  bayes-intgen identify obs,price,tv price+tv
  bayes-intgen identify obs,price price+tv
  bayes-intgen identify obs,price+tv,mail price+tv+mail --blocks price+tv

Exit code 0: identified; 1: something is missing; 2: the labels cannot be read.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    arguments.add_names(parser, "experiments", "EXPERIMENTS", "the experiments at hand")
    parser.add_argument("target", metavar="TARGET", help="the actions that are set, or obs")
    arguments.add_names(
        parser,
        "--blocks",
        "A+B,C",
        "actions that may share a confounder, joined by '+' (each on its own)",
    )
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(options: argparse.Namespace) -> int:
    """Ask, and say what follows or is missing."""
    answer = ig.identify(options.experiments, options.target, options.blocks)
    if options.json:
        show_json(_to_json(answer))
    else:
        print(fit_terminal(str(answer)))
    return 0 if answer.identified else 1


def _to_json(answer: "Identification") -> dict[str, Any]:
    return {
        "target": format_regime(answer.target),
        "identified": answer.identified,
        "weights": {format_regime(regime): w for regime, w in answer.weights.items()},
        "missing": [format_regime(regime) for regime in answer.missing],
    }

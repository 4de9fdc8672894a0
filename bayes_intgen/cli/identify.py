"""``bayes-intgen identify``: what follows from which experiments, before there are any data."""

import argparse
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import bayes_intgen as ig
from bayes_intgen.base.regimes import NOTHING_SET, format_regime, read_regime
from bayes_intgen.cli import arguments
from bayes_intgen.cli.text import fit_terminal, show_json

if TYPE_CHECKING:
    from bayes_intgen.design.identification.identify import Identification

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Say whether the mean outcome under TARGET follows from some experiments, or which
experiment is missing. Takes no data: ask before you run an experiment.

Experiments are labels with commas between them: "obs" for observational rows, the name
of the action that is set, or several joined by "+". Every other name is an action; one that
TARGET does not set is pointed out, as it may be misspelt.

  bayes-intgen identify obs,price,tv price+tv
  bayes-intgen identify obs,price price+tv
  bayes-intgen identify obs,price,tv price+tv --actions price,tv      refuses other names
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
    arguments.add_names(
        parser, "--actions", "A,B", "all actions there are; other names are errors then"
    )
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(options: argparse.Namespace) -> int:
    """Ask, and say what follows or is missing."""
    if options.actions is not None:
        for argument, labels in (
            ("EXPERIMENTS", options.experiments),
            ("TARGET", [options.target]),
            ("--blocks", options.blocks or []),
        ):
            for label in labels:
                read_regime(label, options.actions, argument)
    answer = ig.identify(options.experiments, options.target, options.blocks)
    if options.actions is None:
        for line in _doubtful(answer):
            print(f"bayes-intgen identify: {line}", file=sys.stderr)
    if options.json:
        show_json(_to_json(answer))
    else:
        print(fit_terminal(str(answer)))
    return 0 if answer.identified else 1


def _doubtful(answer: "Identification") -> Iterator[str]:
    """Say which names are taken as actions although they may be slips of the pen."""
    tried = {action for regime in answer.experiments for action in regime}
    untried = [action for action in answer.target if action not in tried]
    for name in sorted(tried - {*answer.target}):
        if name.lower() in NOTHING_SET:
            yield f"{name!r} is taken as an action; rows in which nothing was set are 'obs'."
        elif sum(name in regime for regime in answer.experiments) == 1:  # no slip comes twice
            close = get_close_matches(name, untried, 1)
            hint = f"; is it {close[0]!r}?" if close else "."
            yield f"{name!r} is taken as an action that TARGET does not set{hint}"


def _to_json(answer: "Identification") -> dict[str, Any]:
    return {
        "target": format_regime(answer.target),
        "identified": answer.identified,
        "weights": {format_regime(regime): w for regime, w in answer.weights.items()},
        "missing": [format_regime(regime) for regime in answer.missing],
    }

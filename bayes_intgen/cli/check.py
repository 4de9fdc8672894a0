"""``bayes-intgen check``: what the data say against the assumptions."""

import argparse
from typing import Any

import bayes_intgen as ig
from bayes_intgen.cli import arguments
from bayes_intgen.cli.text import fit_terminal, records, show_json

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Look for evidence against the assumptions behind E[Y | do(a)]: confounders shared by
actions or acting together, mechanisms that change between experiments, interactions
that the model has no room for. Passing proves nothing.

  bayes-intgen check sales.csv --outcome sales --actions price,tv
  bayes-intgen check sales.csv --outcome sales --actions price,tv --interactions none

Exit code 0: nothing seen; 1: a check failed, or a higher value of --interactions is needed;
2: the table cannot be used.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    arguments.add_table(parser)
    arguments.add_assumptions(parser)
    text = "the model that is judged: what it has room for is no failure (learned: what is found)"
    arguments.add_interactions(parser, text)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(options: argparse.Namespace) -> int:
    """Read, check and say what was found."""
    data = arguments.read_table(options)
    posterior, blocks = None, options.blocks
    if options.structure != "learned":
        model = ig.InterventionModel(
            structure=options.structure, interactions=options.interactions, blocks=blocks
        )
        target = data.labels[0]  # of the fit only its choices count
        posterior = model.fit(data, method="laplace", draws=1, progressbar=False, target=target)
        blocks = None
    checks = ig.check(data, posterior, options.interactions, blocks)
    if options.json:
        show_json(_to_json(checks))
    else:
        print(fit_terminal(str(checks)))
    return 0 if checks.passed else 1


def _to_json(checks: "ig.Checks") -> dict[str, Any]:
    """Return the result as JSON types; what could not be tested has null for numbers."""
    return {
        "passed": checks.passed,
        "interactions": checks.interactions,
        "needed_interactions": checks.needed_interactions,
        "tests": records(checks.table),
    }

"""``bayes-intgen compare``: the model beside the methods of related work, on many systems."""

import argparse
import sys

import pandas as pd

from bayes_intgen.base.arguments import show
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.files import replacing
from bayes_intgen.cli import arguments
from bayes_intgen.cli.files import save_figure, save_table
from bayes_intgen.studies.relatives.families import RELATIVES
from bayes_intgen.studies.relatives.report import (
    draw_comparison,
    format_comparison,
    summarise_comparison,
)
from bayes_intgen.studies.relatives.unit import COLUMNS, ESTIMATORS, CompareUnit
from bayes_intgen.studies.runner.pool import local_processes
from bayes_intgen.studies.runner.sweep import run_sweep

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = f"""\
Draw random systems that keep the assumptions of the paper, or those of related work, fit
every estimator to their observational rows and single experiments, and compare the effect
of setting all actions with the truth.

Every system that is done is kept in DIR/.units; started again, the study goes on where
it was stopped. DIR gets comparison.csv (a row per system and estimator), summary.csv,
comparison.txt and comparison.png, the same to the last byte however often it was stopped.

  bayes-intgen compare --scms 12 --out comparison
  bayes-intgen compare --families shared-cubic --estimators aggregation,bayes --out one

families:
{"\n".join(f"  {name:16}{family.what}" for name, family in RELATIVES.items())}

estimators: regressions on observational rows, on all rows, by regime (the paper's), on
joint rows; factor models (Bravo-Hermsdorff et al.), correlated additive noise
(Saengkyongam and Silva), causal aggregation (Gimenez and Rothenhaeusler), and the
Bayesian model.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    arguments.add_names(parser, "--families", "F,F", f"out of {', '.join(RELATIVES)} (all)")
    arguments.add_names(parser, "--estimators", "E,E", f"out of {', '.join(ESTIMATORS)} (all)")
    arguments.add_folder(parser)
    arguments.add_numbers(
        parser,
        ("scms", 12, "systems of each family"),
        ("n", 4000, "rows in each regime"),
        ("n-actions", 3, "number of actions"),
        ("points", 1000, "joint settings at which to compare"),
        ("seed", 1, "random seed"),
        ("workers", arguments.CORES, "systems at a time, each in a process of its own"),
    )
    arguments.add_laplace(parser, of="of inference in the Bayesian model")


def run(options: argparse.Namespace) -> int:
    """Run the study, save and print what it says; 1 if a system failed."""
    if options.scms < 1:
        raise ModelError(f"--scms must be at least 1, got {options.scms}.")
    families = list(RELATIVES) if options.families is None else options.families
    unknown = [name for name in families if name not in RELATIVES]
    if unknown or not families:
        raise ModelError(
            f"--families must be out of {', '.join(RELATIVES)}, got {show(unknown or families)}."
        )
    estimators = ESTIMATORS if options.estimators is None else tuple(options.estimators)
    units = [
        CompareUnit(
            family,
            index,
            options.seed,
            options.n,
            options.n_actions,
            options.points,
            estimators,
            options.method,
        )
        for index in range(options.scms)
        for family in families
    ]
    result = run_sweep(units, options.out, local_processes(options.workers))
    if result.rows:
        rows = pd.DataFrame(result.rows)[list(COLUMNS)]
        summary = summarise_comparison(rows)
        text = format_comparison(summary)
        save_table(rows, options.out / "comparison.csv", na_rep="NaN")
        save_table(summary, options.out / "summary.csv", na_rep="NaN")
        with replacing(options.out / "comparison.txt") as draft:
            draft.write_text(text + "\n", encoding="utf-8")
        save_figure(draw_comparison(rows, summary), options.out / "comparison.png")
        print(text)
        files = "comparison.csv, summary.csv, comparison.txt and comparison.png"
        print(f"\n{files} are in {options.out}")
    if result.failures:
        count = f"{len(result.failures)} of {len(units)} systems failed, see above"
        print(f"bayes-intgen compare: {count}", file=sys.stderr)
    return 1 if result.failures else 0

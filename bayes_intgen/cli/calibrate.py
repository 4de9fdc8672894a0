"""``bayes-intgen calibrate``: errors and intervals, judged over many random systems."""

import argparse
import sys

import pandas as pd

from bayes_intgen.base.errors import ModelError
from bayes_intgen.cli import arguments
from bayes_intgen.cli.files import save_figure, save_table
from bayes_intgen.studies.random_systems.calibration import FAMILIES, CalibrationUnit
from bayes_intgen.studies.random_systems.report import draw_calibration, format_summary, summarise
from bayes_intgen.studies.runner.pool import local_processes
from bayes_intgen.studies.runner.sweep import run_sweep

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "judge errors and intervals over many synthetic systems"
DESCRIPTION = """\
Draw random systems, fit each, and compare the posterior of setting all actions with
the truth: error (its level and its shape) and coverage of 50, 80, 90 and 95% intervals,
at all settings and at those that the data do or do not support.

Every system that is done is kept in DIR/.units; started again, the study goes on where
it was stopped. DIR gets calibration.csv (three rows per system), summary.csv and
calibration.png.

  bayes-intgen calibrate --family paper,linear --scms 50 --out calibration
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    arguments.add_names(
        parser,
        "--family",
        "F,F",
        f"out of {', '.join(FAMILIES)} (paper,common-support,linear)",
        default=["paper", "common-support", "linear"],
    )
    arguments.add_folder(parser)
    arguments.add_numbers(
        parser,
        ("scms", 50, "systems of each family"),
        ("n", 10_000, "rows in each regime"),
        ("n-actions", 5, "number of actions"),
        ("points", 5000, "joint settings at which to compare"),
        ("seed", 1, "random seed"),
        ("workers", arguments.CORES, "systems at a time, each in a process of its own"),
    )
    arguments.add_laplace(parser)
    text = "how actions may interact in the model (the model's default)"
    arguments.add_interactions(parser, text, default=None)


def run(options: argparse.Namespace) -> int:
    """Run the study, save and print what it says; 1 if a system failed."""
    if options.scms < 1:
        raise ModelError(f"--scms must be at least 1, got {options.scms}.")
    settings = ("seed", "n", "n_actions", "method", "interactions", "points")
    chosen = {name: getattr(options, name) for name in settings}
    units = [
        CalibrationUnit(family, index, **chosen)
        for index in range(options.scms)
        for family in options.family
    ]
    result = run_sweep(units, options.out, local_processes(options.workers))
    if result.rows:
        rows = pd.DataFrame(result.rows)
        summary = summarise(rows)
        save_table(rows, options.out / "calibration.csv")
        save_table(summary, options.out / "summary.csv")
        save_figure(draw_calibration(summary), options.out / "calibration.png")
        print(format_summary(summary))
        print(f"\ncalibration.csv, summary.csv and calibration.png are in {options.out}")
    if result.failures:
        count = f"{len(result.failures)} of {len(units)} systems failed, see above"
        print(f"bayes-intgen calibrate: {count}", file=sys.stderr)
    return 1 if result.failures else 0

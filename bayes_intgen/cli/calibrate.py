"""``bayes-intgen calibrate``: errors and intervals, judged over many random systems."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.files import replacing
from bayes_intgen.cli import arguments, lists
from bayes_intgen.cli.files import save_figure, save_table
from bayes_intgen.studies.curves.families import CURVE_FAMILIES, read_families
from bayes_intgen.studies.curves.report import draw_curves, format_curves, summarise_curves
from bayes_intgen.studies.curves.unit import CurveUnit
from bayes_intgen.studies.random_systems.calibration import FAMILIES, CalibrationUnit
from bayes_intgen.studies.random_systems.report import draw_calibration, format_summary, summarise
from bayes_intgen.studies.runner.pool import local_processes
from bayes_intgen.studies.runner.sweep import run_sweep
from bayes_intgen.studies.runner.unit import Row

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = f"""\
Draw random systems, fit each, and compare the posterior of setting all actions with
the truth: error (its level and its shape) and coverage of 50, 80, 90 and 95% intervals,
at all settings and at those that the data do or do not support.

Every system that is done is kept in DIR/.units; started again, the study goes on where
it was stopped. DIR gets calibration.csv (three rows per system), summary.csv and
calibration.png.

  bayes-intgen calibrate --family paper,linear --scms 50 --out calibration

With --families the systems have curves, actions, experiments and noises that people
have, in place of the paper's polynomials. The table shows by family the error beside
that of the paper's estimator, and the coverage of 90% intervals of expected outcomes
and of changes from the median setting, at all settings and at supported ones. DIR gets
families.csv (a row per system), families_summary.csv, families.txt and families.png.

  bayes-intgen calibrate --families --scms 20 --out families
  bayes-intgen calibrate --families jump,kink --basis unwarped --scms 20 --out bends

families:
{"\n".join(f"  {name:20}{family.what}" for name, family in CURVE_FAMILIES.items())}
"""
POLYNOMIAL = ("paper", "common-support", "linear")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    arguments.add_names(
        parser,
        "--family",
        "F,F",
        f"out of {', '.join(FAMILIES)} ({','.join(POLYNOMIAL)})",
    )
    parser.add_argument(
        "--families",
        type=lists.names,
        nargs="?",
        const=list(CURVE_FAMILIES),
        metavar="F,F",
        help="families of curves instead, out of those listed above; all if none is named",
    )
    arguments.add_folder(parser)
    arguments.add_numbers(parser, ("scms", 50, "systems of each family"))
    for name, text, default in (
        ("n", "rows in each regime", "10000; with --families the family's own, and at most N"),
        ("n-actions", "number of actions", "5; with --families 3"),
        ("points", "joint settings at which to compare", "5000; with --families 500"),
    ):
        arguments.add_numbers(parser, (name, None, text), none=default)
    arguments.add_numbers(
        parser,
        ("seed", 1, "random seed"),
        ("workers", arguments.CORES, "systems at a time, each in a process of its own"),
    )
    arguments.add_laplace(parser)
    parser.add_argument(
        "--basis",
        choices=["hsgp", "unwarped"],
        default="hsgp",
        help="curves of the model: the default, or those of version 0.1",
    )
    text = "how actions may interact in the model (the model's default)"
    arguments.add_interactions(parser, text, default=None)


def run(options: argparse.Namespace) -> int:
    """Run the study, save and print what it says; 1 if a system failed."""
    if options.scms < 1:
        raise ModelError(f"--scms must be at least 1, got {options.scms}.")
    if options.family is not None and options.families is not None:
        raise ModelError("--family and --families exclude each other; give one of them.")
    settings = ("seed", "n", "n_actions", "method", "interactions", "points")
    given = {name: getattr(options, name) for name in settings}
    chosen = {name: value for name, value in given.items() if value is not None}
    chosen["warped"] = options.basis == "hsgp"
    of_curves = options.families is not None
    kind: type[CurveUnit | CalibrationUnit] = CurveUnit if of_curves else CalibrationUnit
    if of_curves:
        families: Sequence[str] = read_families(options.families, "--families")
    else:
        families = POLYNOMIAL if options.family is None else options.family
    units = [kind(family, index, **chosen) for index in range(options.scms) for family in families]
    result = run_sweep(units, options.out, local_processes(options.workers))
    if result.rows:
        (_report_curves if of_curves else _report_polynomials)(result.rows, options.out)
    if result.failures:
        count = f"{len(result.failures)} of {len(units)} systems failed, see above"
        print(f"bayes-intgen calibrate: {count}", file=sys.stderr)
    return 1 if result.failures else 0


def _report_polynomials(rows: list[Row], out: Path) -> None:
    table = pd.DataFrame(rows)
    summary = summarise(table)
    save_table(table, out / "calibration.csv")
    save_table(summary, out / "summary.csv")
    save_figure(draw_calibration(summary), out / "calibration.png")
    print(format_summary(summary))
    print(f"\ncalibration.csv, summary.csv and calibration.png are in {out}")


def _report_curves(rows: list[Row], out: Path) -> None:
    table = pd.DataFrame(rows)
    summary = summarise_curves(table)
    text = format_curves(summary)
    save_table(table, out / "families.csv")
    save_table(summary, out / "families_summary.csv")
    with replacing(out / "families.txt") as draft:
        draft.write_text(text + "\n", encoding="utf-8")
    save_figure(draw_curves(summary), out / "families.png")
    print(text)
    print(f"\nfamilies.csv, families_summary.csv, families.txt and families.png are in {out}")

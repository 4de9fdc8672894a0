"""``bayes-intgen moments``: from tables of any size to a small file that a fit needs."""

import argparse
from pathlib import Path
from typing import Any

import bayes_intgen as ig
from bayes_intgen.base.errors import FileError, ModelError
from bayes_intgen.cli import arguments
from bayes_intgen.cli.paths import keep_apart

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Sum up tables that need not fit into memory: a file of a few megabytes for any number of
rows, which can be merged with others and fitted without the rows.

  bayes-intgen moments day1.parquet --outcome sales --actions price,tv --out day1.npz
  bayes-intgen moments day2.parquet --like day1.npz --out day2.npz
  bayes-intgen merge day1.npz day2.npz --out both.npz
  bayes-intgen fit both.npz --out fit.nc

Several files are read as one table. With --like, basis and units are those of earlier
moments, and rows beyond their box are held at its edge and counted.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    parser.add_argument("data", nargs="+", metavar="DATA", help="CSV, Parquet or Arrow files")
    arguments.add_moments_file(parser)
    parser.add_argument(
        "--like",
        metavar="MOMENTS.npz",
        help="earlier moments, with which these are to be merged; they know the columns",
    )
    arguments.add_columns(parser)
    parser.add_argument(
        "--basis",
        choices=["hsgp", "unwarped", "polynomial"],
        help="functions of the numeric actions: curves that may bend where the rows are (default), "
        "those of version 0.1, or cubic polynomials",
    )
    parser.add_argument(
        "--structure",
        type=arguments.structure,
        default="full",
        metavar="S",
        help='the pairs of actions whose products are summed up: "full" (default), so that any '
        'model can be fitted, "learned", for many actions, "none", or edges "a>b,b>c"',
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a Dask cluster that does the work, such as tcp://host:8786; its workers must see "
        "the files under the same paths",
    )


def run(options: argparse.Namespace) -> int:
    """Read, sum up, save and say what was found."""
    if options.out is None and options.like is not None:
        raise FileError("--out: name the file to write the moments to, as in --out day2.npz.")
    if options.like is None:
        arguments.need_columns(options)
    for path in (*options.data, *([options.like] if options.like else [])):
        keep_apart(path, options.out)
    like = ig.Moments.load(options.like) if options.like else None
    if like is not None and (options.outcome or options.actions or options.basis):
        raise ModelError(
            "--like settles columns and basis; leave --outcome, --actions, --basis out."
        )
    if options.scheduler is None:
        moments = _sum_up(options.data, like, options)
    else:
        dask = arguments.import_dask("bayes_intgen.data.dask_files")
        with dask.connect(options.scheduler):
            tables = dask.delayed_tables(list(map(Path, options.data)), _columns(like, options))
            moments = _sum_up(tables, like, options)
    moments.save(options.out, rows=not options.no_rows)
    print(moments)
    print(f"\nSaved to {options.out}")
    return 0


def _sum_up(source: Any, like: "ig.Moments | None", options: argparse.Namespace) -> "ig.Moments":
    if like is not None:
        return ig.Moments.from_data(source, like=like, regime=options.regime, labels=options.labels)
    smooth = ig.HSGP(warp=0 if options.basis == "unwarped" else None)
    basis = ig.Polynomial(3) if options.basis == "polynomial" else smooth
    return ig.Moments.from_data(
        arguments.read_table(options, source), basis=basis, structure=options.structure
    )


def _columns(like: "ig.Moments | None", options: argparse.Namespace) -> list[str]:
    regime = options.regime
    labels = [regime] if isinstance(regime, str) else list(regime.values())
    if like is not None:
        return [*like.summary.columns, *labels, *like.marks.used]
    marks = [*options.cluster, *(name for name in (options.time, options.weights) if name)]
    return [*options.actions, *options.covariates, options.outcome, *labels, *marks]

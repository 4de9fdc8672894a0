"""``bayes-intgen fit --outcome a,b,c`` and queries of its folder: many outcomes at once."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import bayes_intgen as ig
from bayes_intgen.base.errors import FileError, ModelError
from bayes_intgen.base.files import is_file
from bayes_intgen.cli import arguments
from bayes_intgen.cli.lists import names
from bayes_intgen.cli.text import fit_terminal, records, show_json, show_table

if TYPE_CHECKING:
    from bayes_intgen.data.many_outcomes import ManyOutcomes

__all__ = ["fit_many", "is_many", "query_many"]

LEVEL = 0.1
SHOWN = 20


def is_many(outcome: str | None) -> bool:
    """Say whether ``--outcome`` names several, or is a pattern.

    Examples
    --------
    >>> is_many("sales"), is_many("sales,visits"), is_many("gene_*")
    (False, True, True)
    """
    return outcome is not None and any(sign in outcome for sign in ",*?")


def fit_many(options: argparse.Namespace, model: "ig.InterventionModel") -> int:
    """Fit every outcome into a folder, with tables of effects and of discoveries."""
    from bayes_intgen.cli.files import save_table  # slow to import: --help need not

    if options.lifts:
        raise ModelError("--lifts: lift tests are about one outcome; fit that one by itself.")
    if is_file(options.out):
        raise FileError(f"--out: many outcomes need a folder, and {str(options.out)!r} is a file.")
    data: ManyOutcomes = arguments.read_table(options, outcomes=names(options.outcome))
    if not options.json:
        print(data, end="\n\n")
    sampling = arguments.sampling(options)
    workers = sampling.pop("cores")
    fits = ig.fit_outcomes(
        data,
        model,
        out=options.out,
        target=options.target,
        workers=workers,
        progressbar=not options.json,
        **sampling,
    )
    effects = fits.effects().to_dataframe().reset_index()
    save_table(effects, options.out / "effects.csv")
    found = fits.discoveries(LEVEL).reset_index()
    save_table(found, options.out / "discoveries.csv")
    discovered = found[found["discovery"]]
    if options.json:
        show_json(
            {
                "fits": str(options.out),
                "excluded": dict(fits.excluded),
                "failed": dict(fits.failed),
                "verdicts": records(fits.verdicts.reset_index()),
                "discoveries": records(discovered),
            }
        )
    else:
        print(fit_terminal(str(fits)))
        print(
            f"\n{len(discovered):,} of {len(found):,} outcomes respond when all actions move from "
            f"mean - sd to mean + sd\n(expected share of false ones at most {LEVEL:g}; adaptive "
            f"shrinkage, Stephens 2017)"
        )
        if len(discovered):
            columns = ["outcome", "mean", "lower", "upper", "false_sign", "q", "support"]
            print(show_table(discovered[columns].head(SHOWN)))
        print(f"\nSaved to {options.out}: effects.csv, discoveries.csv and the fits")
    for name, reason in fits.failed.items():
        print(f"bayes-intgen fit: {name}: {reason}", file=sys.stderr)
    return 0 if fits.verdicts["converged"].all() else 1


def query_many(options: argparse.Namespace) -> int:
    """Write expected outcomes of all outcomes in a folder at some points."""
    from bayes_intgen.cli.files import read_points, save_table  # slow to import: --help need not

    if options.average is not None:
        raise ModelError("--average: it takes the fit of one outcome, not a folder.")
    if options.predict:
        raise ModelError("--predict: fits of many outcomes hold means only; fit one by itself.")
    fits = ig.load_outcomes(Path(options.fit))
    points = read_points(options.points, fits.posterior(fits.names[0]).summary).table
    do = arguments.read_do(options)
    table = fits.table(points, do, options.interval, options.beyond).reset_index()
    if options.json:
        show_json(records(table))
    elif options.out is None:
        print(show_table(table))
    if options.out is not None:
        save_table(table, options.out)
        if not options.json:
            print(f"{len(table):,} rows written to {options.out}")
    return 0 if fits.verdicts["converged"].all() else 1

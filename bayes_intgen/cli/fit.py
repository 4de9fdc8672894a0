"""``bayes-intgen fit``: from a table to a saved posterior."""

import argparse
import sys
from pathlib import Path
from typing import Any

import bayes_intgen as ig
from bayes_intgen.base.choices import LIKELIHOODS
from bayes_intgen.base.errors import FileError, ModelError, NotIdentifiedError
from bayes_intgen.base.files import is_folder
from bayes_intgen.base.regimes import format_regime
from bayes_intgen.cli import arguments
from bayes_intgen.cli.lists import whole_number
from bayes_intgen.cli.many_outcomes import fit_many, is_many
from bayes_intgen.cli.paths import keep_apart, writable_or_folder
from bayes_intgen.cli.text import fit_terminal, records, show_json
from bayes_intgen.cli.words import verdict_words

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Fit the posterior of E[Y | do(a)] to a table with one row per unit.

The regime column says which experiment a row comes from: "obs" for rows in which
nothing was set, the name of the action that was set ("price"), or several joined
by "+" ("price+tv"). Needed are observational rows and one experiment per action,
or other experiments that determine as much (overlapping sets, joint ones); what
needs fewer of them can be asked for by --target.

  bayes-intgen fit sales.csv --outcome sales --actions price,tv --out fit.nc
  bayes-intgen fit sales.csv --outcome sales --actions price,tv --out fit.nc \\
      --regime experiment --covariates week,region --categorical region
  bayes-intgen fit sales.csv --outcome sales --actions price,tv --out fit.nc \\
      --method laplace --json > fit.json      in seconds, for scripts

Several outcomes, or a pattern of names, are fitted in parallel into a folder, with tables
of effects and of discoveries; rows may come from a database:

  bayes-intgen fit screen.parquet --outcome 'gene_*' --actions a,b --out screen --method laplace
  bayes-intgen fit --sql 'SELECT * FROM sales' --database sales.duckdb --outcome sales \\
      --actions price,tv --out fit.nc

DATA may also be the moments of a table (a .npz file of the command moments), whose columns
they know. The fit then is one with --variance constant.

Then: bayes-intgen plot fit.nc --out joint.png, or bayes-intgen query fit.nc ...
Exit code 0: done; 1: saved, but the sampler did not converge; 2: nothing was fitted.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what the command takes."""
    arguments.add_table(parser)
    parser.add_argument(
        "--out",
        type=writable_or_folder,
        metavar="FIT.nc",
        help="file to write the fit to (required); with several outcomes a folder, which keeps "
        "what is done",
    )
    parser.add_argument(
        "--target",
        metavar="A+B",
        help="what must be identified from the data: actions set together, joined by '+', or obs "
        "for nothing set (all actions)",
    )
    parser.add_argument(
        "--lifts",
        metavar="FILE",
        help="CSV or Parquet table of lift tests: action, from, to, effect, standard_error, and "
        "possibly kind (direct or total) and columns with the values of other actions",
    )
    model = parser.add_argument_group("model")
    model.add_argument(
        "--basis",
        choices=["hsgp", "unwarped", "polynomial"],
        default="hsgp",
        help="functions of the numeric actions: curves that may bend where the rows are (default), "
        "those of version 0.1, which bend once or twice over the range, or polynomials",
    )
    model.add_argument(
        "--degree", type=whole_number, metavar="D", help="total degree, with --basis polynomial (3)"
    )
    arguments.add_assumptions(model)
    arguments.add_interactions(
        model,
        "what may interact in the outcome beside each action and its own confounder: what the "
        "data show (learned, default), nothing, pairs of actions, or all actions and each "
        "confounder with them; every fit says which of these the data need",
    )
    model.add_argument(
        "--variance",
        choices=["learned", "constant"],
        default="learned",
        help="spread of the outcome: a function of the actions (default), or one per regime",
    )
    model.add_argument(
        "--likelihood",
        choices=LIKELIHOODS,
        default="normal",
        help="normal (default); student_t, for outliers in the outcome; heteroscedastic, to infer "
        "the spread jointly with the mean; the last two take minutes and need --method nuts",
    )
    arguments.add_inference(parser)
    parser.add_argument(
        "--json", action="store_true", help="print what was found as JSON, and no progress"
    )


def run(options: argparse.Namespace) -> int:
    """Read, fit, save and say what was found."""
    if options.data is None or Path(options.data).suffix.lower() != ".npz":
        arguments.need_columns(options)
    elif options.out is None:
        raise FileError("--out: name the file to write the fit to, as in --out fit.nc.")
    if options.data is not None:
        keep_apart(options.data, options.out)
    model = ig.InterventionModel(
        _basis(options),
        options.structure,
        options.interactions,
        options.blocks,
        variance=options.variance,
        likelihood=options.likelihood,
    )
    if is_many(options.outcome):
        return fit_many(options, model)
    if is_folder(options.out):
        raise FileError(f"--out: {str(options.out)!r} is a folder; give the name of a file.")
    data = _read(options)
    if not options.json:
        print(data)
        written = getattr(getattr(data, "source", None), "csv", None)
        if written is not None and not written.is_plain:
            print(f"{options.data}: {written}")
        print()
        print(f"Fitting ({options.method}) ...", flush=True)
    lifts = ig.LiftTests.from_frame(options.lifts) if options.lifts else None
    posterior = model.fit(
        data,
        target=options.target,
        lifts=lifts,
        progressbar=not options.json,
        **arguments.sampling(options),
    )
    posterior.save(options.out)
    if options.json:
        show_json(_to_json(posterior, options.out))
    else:
        print(fit_terminal(str(posterior)))
        print(f"\nSaved to {options.out}. Next: bayes-intgen plot {options.out} --out joint.png")
    if not posterior.convergence.ok:
        verdict = str(posterior.convergence) if options.json else "NOT CONVERGED, as said above."
        print(f"bayes-intgen fit: {verdict_words(verdict)}", file=sys.stderr)
        return 1
    return 0


def _to_json(posterior: "ig.Posterior", out: Path) -> dict[str, Any]:
    """Return verdicts and effects of a fit as JSON types."""
    from bayes_intgen.posterior.query import rank_condition  # slow to import: --help need not

    known = rank_condition(posterior).affine(posterior.actions).identified
    regime = posterior.actions if known else posterior.target
    additivity, lifts, learned = posterior.additivity, posterior.lifts, posterior.learned
    scale = posterior.additive_scale
    misfit, rows = posterior.lack_of_fit, posterior.dependence
    try:
        effects = records(posterior.effects(regime).reset_index()) if regime else []
    except NotIdentifiedError:
        effects = []
    return {
        "fit": str(out),
        "rows": {format_regime(r): s.moments.n for r, s in posterior.summary.regimes.items()},
        "converged": posterior.convergence.ok,
        "convergence": posterior.convergence.to_dict(),
        "interactions": None if additivity is None else additivity.fitted,
        "needed_interactions": None if additivity is None else additivity.needed_interactions,
        "outcome": posterior.summary.outcome_range.kind,
        "additive_on_own_scale": None if scale is None else scale.ok,
        "fits_its_data": None if misfit is None else misfit.ok,
        "lack_of_fit": [] if misfit is None else [test.to_dict() for test in misfit.found],
        "depends_as_declared": None if rows is None else rows.ok,
        "lifts_agree": None if lifts is None else lifts.ok,
        "parents": {name: list(found) for name, found in posterior.design.parents.items()},
        "structure_conflicts": [] if learned is None else list(learned.conflicts),
        "do": format_regime(regime),
        "effects": effects,
    }


def _read(options: argparse.Namespace) -> "ig.RegimeData | ig.Moments":
    if options.data is None or Path(options.data).suffix.lower() != ".npz":
        data: ig.RegimeData = arguments.read_table(options)
        return data
    given = [name for name in ("outcome", "actions", "drop", "sql") if getattr(options, name)]
    if given:
        raise ModelError(
            f"--{given[0]} goes with a table, but {options.data!r} holds moments, which know their "
            f"columns; leave it out."
        )
    return ig.Moments.load(options.data)


def _basis(options: argparse.Namespace) -> "ig.HSGP | ig.Polynomial":
    if options.basis == "polynomial":
        return ig.Polynomial(3 if options.degree is None else options.degree)
    if options.degree is not None:
        raise ModelError("--degree goes with --basis polynomial; add that, or leave it out.")
    return ig.HSGP(warp=0 if options.basis == "unwarped" else None)

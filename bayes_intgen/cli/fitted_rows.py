"""The table that a fit was made from, read again: the fit knows which columns say what."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_intgen.base.regimes import format_regime
from bayes_intgen.cli import arguments

if TYPE_CHECKING:
    from bayes_intgen.data.regime_data import RegimeData
    from bayes_intgen.posterior.posterior import Posterior

__all__ = ["add_fitted_columns", "read_fitted_rows"]


def add_fitted_columns(parser: argparse.ArgumentParser) -> None:
    """Add what a fit of an earlier version, or to moments, does not know of its table."""
    arguments.add_regime(parser, default=None)
    text = "regimes to leave out (those of which the fit has no rows)"
    arguments.add_names(parser, "--drop", "R,R", text)


def read_fitted_rows(
    posterior: "Posterior",
    path: str | Path,
    options: argparse.Namespace,
    marks: dict[str, Any] | None = None,
) -> "RegimeData":
    """Read the table with the columns of the fit, but for those that the options name."""
    from bayes_intgen.studies.refit import simulate_rows  # slow to import: --help need not

    given = {name: value for name, value in (marks or {}).items() if value}
    given |= {"labels": options.labels} if options.labels else {}
    if options.regime is None:
        given = simulate_rows.read_origin(posterior) | given
    else:
        given["regime"] = options.regime
    data = simulate_rows.read_like(posterior, path, given.pop("regime", "regime"), given)
    known = posterior.summary.regimes
    left_out = options.drop or [format_regime(r) for r in data.regimes if r not in known]
    return data.drop(left_out) if left_out else data

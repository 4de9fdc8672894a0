"""Text and HTML of moments, and the limit of their size."""

from typing import TYPE_CHECKING

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.html import html_block, html_table
from bayes_intgen.base.regimes import format_regime
from bayes_intgen.data.row_pass import FOLDS

if TYPE_CHECKING:
    from bayes_intgen.moments.moments import Moments

__all__ = ["check_size", "describe_moments", "moments_html"]

MOST_BYTES = 2**32


def describe_moments(moments: "Moments") -> str:
    """List rows by regime, and how many lie beyond the box."""
    given = f", covariates {list(moments.covariates)}" if moments.covariates else ""
    lines = [
        f"Moments of {len(moments.features.features)} features: outcome {moments.outcome!r}, "
        f"actions {list(moments.actions)}{given}; {moments.n_rows:,} rows"
    ]
    for regime, folds in moments.folds.items():
        counts = zip(moments.variables, moments.clamped.get(regime, ()), strict=False)
        far = ", ".join(f"{count:,} of {name}" for name, count in counts if count)
        beyond = f", beyond the box and held at its edge: {far}" if far else ""
        lines.append(f"  {format_regime(regime)}: {sum(fold.n for fold in folds):,} rows{beyond}")
    return "\n".join(lines)


def moments_html(moments: "Moments") -> str:
    """Show the regimes as a table, and the basis."""
    weighted = any(moments.log_weights.values())
    rows = [
        (format_regime(regime), sum(fold.n for fold in folds), len(folds))
        for regime, folds in moments.folds.items()
    ]
    about = [
        f"actions: {', '.join(moments.actions)}",
        *([f"covariates: {', '.join(moments.covariates)}"] if moments.covariates else []),
        *(f"{name}: {basis.description}" for name, basis in moments.features.bases.items()),
        f"{len(moments.features.features)} features; rows "
        f"{'weighted by their variance' if weighted else 'of equal weight'}",
    ]
    title = f"Moments of {moments.n_rows:,} rows, outcome {moments.outcome}"
    return html_block(title, about, [html_table(["regime", "rows", "folds"], rows)])


def check_size(features: int, regimes: int) -> None:
    """Raise a ModelError if moments would take more than 4 GiB."""
    size = FOLDS * regimes * features**2 * 8
    if size > MOST_BYTES:
        raise ModelError(
            f"structure: the moments of {features} features in {regimes} regimes would fill "
            f"{size / 2**30:.0f} GiB, more than the {MOST_BYTES // 2**30} that can be handled; "
            f"give structure='learned' or a graph, so that products are computed only of actions "
            f"that may depend on one another, or a smaller basis."
        )

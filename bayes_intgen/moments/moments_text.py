"""What moments say of themselves, and when there would be too many of them."""

from collections.abc import Mapping

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.base.types import Counts
from bayes_intgen.data.folds import FOLDS
from bayes_intgen.data.summary import Summary

__all__ = ["check_size", "describe_clamped", "describe_moments"]

MOST_BYTES = 2**32


def describe_moments(
    summary: Summary, features: int, counts: Mapping[Regime, int], clamped: Mapping[Regime, Counts]
) -> str:
    """List rows by regime, and how many lie beyond the box.

    Parameters
    ----------
    summary
        Names of the columns.
    features
        Number of features.
    counts
        Number of rows of each regime.
    clamped
        Number of rows beyond the box of each variable.
    """
    given = f", covariates {list(summary.covariates)}" if summary.covariates else ""
    lines = [
        f"Moments of {features} features: outcome {summary.outcome!r}, "
        f"actions {list(summary.actions)}{given}; {sum(counts.values()):,} rows"
    ]
    for regime, n in counts.items():
        far = describe_clamped(summary, clamped.get(regime))
        beyond = f", beyond the box and held at its edge: {far}" if far else ""
        lines.append(f"  {format_regime(regime)}: {n:,} rows{beyond}")
    return "\n".join(lines)


def describe_clamped(summary: Summary, counts: Counts | None) -> str:
    """Write how many rows lie beyond the box, by variable; empty if none do."""
    if counts is None or not counts.any():
        return ""
    pairs = zip(summary.variables, counts.tolist(), strict=True)
    return ", ".join(f"{count:,} of {name}" for name, count in pairs if count)


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

"""Regime data as text and HTML: columns, levels, and the rows of each regime."""

from typing import TYPE_CHECKING

from bayes_intgen.base.html import html_block, html_table
from bayes_intgen.base.regimes import format_regime
from bayes_intgen.data.at_rest import describe_at_rest
from bayes_intgen.data.few_values import describe_few
from bayes_intgen.data.levels import list_levels
from bayes_intgen.data.mixed_controls import find_controls

if TYPE_CHECKING:
    from bayes_intgen.data.regime_data import RegimeData

__all__ = ["data_html", "describe_data"]


def describe_data(data: "RegimeData") -> str:
    """Write them as text."""
    width = max(len("regime"), *(len(label) for label in data.labels))
    given = f", covariates {list(data.covariates)}" if data.covariates else ""
    lines = [
        f"RegimeData: outcome {data.outcome!r}, actions {list(data.actions)}{given}",
        *_columns(data),
        f"{'regime':<{width}}  {'rows':>12}  actions set",
        *(f"{label:<{width}}  {n:>12,}  {setting}" for label, n, setting in _table(data)),
        *describe_few(data.summary),
        *describe_at_rest(data.summary.at_rest, data.levels),
        *_controls(data),
    ]
    return "\n".join(lines)


def data_html(data: "RegimeData") -> str:
    """Write them as HTML."""
    given = [f"covariates: {', '.join(data.covariates)}"] if data.covariates else []
    about = [*describe_few(data.summary), *describe_at_rest(data.summary.at_rest, data.levels)]
    return html_block(
        f"RegimeData: outcome {data.outcome}, actions {', '.join(data.actions)}",
        [*given, *_columns(data), *about],
        [html_table(["regime", "rows", "actions set"], _table(data))],
        _controls(data),
    )


def _controls(data: "RegimeData") -> list[str]:
    found = find_controls(data.summary)
    return [str(found)] if found else []


def _columns(data: "RegimeData") -> list[str]:
    levels = [f"levels of {name}: {list_levels(texts)}" for name, texts in data.levels.items()]
    return levels + [f"{role}: {name}" for role, name in data.columns.marks.by_role]


def _table(data: "RegimeData") -> list[tuple[str, int, str]]:
    return [
        (format_regime(regime), rows.n, ", ".join(regime) or "none (observational)")
        for regime, rows in data.summary.regimes.items()
    ]

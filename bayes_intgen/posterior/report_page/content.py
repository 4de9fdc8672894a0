"""What a page holds: texts, tables, and the data that its scripts compute with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import NotIdentifiedError, QueryError
from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.base.regimes import Regime, read_do
from bayes_intgen.base.types import Array
from bayes_intgen.design.identification.identify import identify_from
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.effects import effects
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.report import describe_choices, describe_data
from bayes_intgen.posterior.report_page.components import describe_components
from bayes_intgen.posterior.report_page.controls import Control, make_controls
from bayes_intgen.posterior.report_page.page_draws import make_draws
from bayes_intgen.posterior.report_page.page_flags import describe_flags
from bayes_intgen.posterior.report_page.words import (
    Verdict,
    assumptions,
    name_outcome,
    question,
    rows_used,
    verdicts,
)

__all__ = ["ReportContent", "gather"]


@dataclass(frozen=True)
class ReportContent:
    """All that a page shows, as plain texts, tables and JSON types.

    Parameters
    ----------
    question
        What is asked, in a sentence.
    lead
        Of which rows, and at which covariates.
    verdicts
        What is bad first.
    assumptions
        A short name and a sentence of each.
    rows
        Label, what was set, and the number of rows of each regime.
    effects
        The table of :meth:`bayes_intgen.Posterior.effects`; None if nothing is set.
    details
        How it was computed, line by line.
    no_components
        Why there is no decomposition; empty if there is one.
    level
        Whether the expected outcome itself is identified, and not only contrasts.
    data
        What the scripts take.
    """

    question: str
    lead: str
    verdicts: tuple[Verdict, ...]
    assumptions: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, str, int], ...]
    effects: pd.DataFrame | None
    details: tuple[str, ...]
    no_components: str
    level: bool
    data: Mapping[str, Any]


def gather(
    fit: Fitted, do: str | Iterable[str] | None, at: Mapping[str, Any] | None, checks: Any
) -> ReportContent:
    """Gather the content of a page; arguments as in :func:`.report.report`.

    Raises
    ------
    QueryError
        If arguments cannot be read.
    NotIdentifiedError
        If the data do not identify the effects.
    """
    regime = _read_regime(fit, do)
    start = query.complete_points(fit, dict(at or {}))
    if len(start) != 1:
        raise QueryError(f"at must give one value per name, got {len(start)}.")
    held = start.values[0]
    controls = make_controls(fit, regime, held)
    level = _require_identified(fit, regime, controls, held)
    components = describe_components(fit, controls, held)
    draws = make_draws(fit, regime, controls, held, level)
    covariates = ", ".join(
        f"{name} = {value if isinstance(value, str) else f'{value:.4g}'}"
        for name, value in ((name, start.coords()[name][1][0]) for name in fit.covariates)
    )
    details = [*describe_data(fit, regime), *describe_choices(fit), str(fit.interactions)]
    if len(draws.deviations) < draws.of:
        details.append(
            f"this page holds {len(draws.deviations):,} of {draws.of:,} draws, evenly chosen: its "
            f"numbers differ from those of posterior.table by Monte Carlo error"
        )
    return ReportContent(
        question=question(fit, regime, level),
        lead=_lead(fit, covariates),
        verdicts=tuple(verdicts(fit, regime, checks)),
        assumptions=tuple(assumptions(fit, covariates)),
        rows=tuple(rows_used(fit)),
        effects=effects(fit, regime) if regime else None,
        details=tuple(details),
        no_components=components if isinstance(components, str) else "",
        level=level,
        data={
            "outcome": fit.outcome,
            "title": name_outcome(fit),
            "percent": str(fit.summary.outcome_range.kind) == "binary",
            "interval": INTERVAL,
            "level": level,
            "actions": [_describe_control(control) for control in controls],
            "draws": draws.to_dict(),
            "flags": describe_flags(fit, regime, controls, held, level),
            "decomposition": None if isinstance(components, str) else components,
        },
    )


def _read_regime(fit: Fitted, do: str | Iterable[str] | None) -> Regime:
    """Return what is set: as asked for; all actions if that is identified; or the fit's target."""
    if do is not None:
        return read_do(do, fit.actions)
    joint = query.rank_condition(fit).affine(fit.actions).identified
    return fit.actions if joint else fit.target


def _require_identified(fit: Fitted, regime: Regime, controls: list[Control], held: Array) -> bool:
    """Say whether the mean of a regime is identified; refuse it if not even its contrasts are."""
    try:
        query.require_identified_mean(fit, regime)
    except NotIdentifiedError:
        rng = np.random.default_rng(0)
        grids = [control.values for control in controls]
        after = np.repeat(held[None], 4 + sum(map(len, grids)), axis=0)
        row = 4
        for k, grid in enumerate(grids):
            after[:4, k] = rng.choice(grid, 4)
            after[row : row + len(grid), k] = grid
            row += len(grid)
        before = np.repeat(held[None], len(after), axis=0)
        query.require_identified_contrast(fit, before, after, regime)
        return False
    # lift tests may tell a mean that the regimes do not, which is then not judged as possible
    return identify_from(fit.summary.regimes, regime, fit.design.blocks).identified


def _lead(fit: Fitted, covariates: str) -> str:
    rows = sum(part.n for part in fit.summary.regimes.values())
    lifts = "" if fit.lifts is None else f" and {len(fit.lifts.tests)} lift tests"
    usual = " (unless chosen, the mean of the regimes' means or the most frequent level)"
    background = f" All answers are at {covariates}{usual}." if covariates else ""
    return (
        f"From {rows:,} rows in which {_none_or_some(fit)}{lifts}. Move the controls: every number "
        f"is computed here, from the draws of the posterior.{background}"
    )


def _none_or_some(fit: Fitted) -> str:
    most = max(map(len, fit.summary.regimes))
    many = "one action was set" if most == 1 else f"up to {most} actions were set"
    return f"nothing or {many}" if () in fit.summary.regimes else many


def _describe_control(control: Control) -> dict[str, Any]:
    return {
        "name": control.name,
        "values": control.values.tolist(),
        "labels": list(control.labels),
        "start": control.start,
        "buttons": control.buttons,
        "set": control.is_set,
        "levels": control.levels,
    }

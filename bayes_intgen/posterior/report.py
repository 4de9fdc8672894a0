"""Summary of a fit as text and HTML: data, choices, verdicts, and a table of effects."""

import json

import pandas as pd

from bayes_intgen.base.blocks import format_blocks
from bayes_intgen.base.errors import NotIdentifiedError
from bayes_intgen.base.html import html_block, html_frame
from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.base.support_flags import IMPOSSIBLE, MISFIT, SUPPORTED
from bayes_intgen.data.at_rest import describe_at_rest
from bayes_intgen.data.few_values import describe_few, two_values
from bayes_intgen.data.mixed_controls import find_controls
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.effects import effects
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.fitted_law import law_of
from bayes_intgen.posterior.prior_sensitivity import flag_prior

__all__ = ["describe_choices", "describe_data", "describe_fit", "show_fit"]


def describe_fit(fit: Fitted) -> str:
    """Write a fit as text."""
    regime, table = _effects(fit)
    head = "\n".join([*describe_data(fit, regime), *describe_choices(fit), *_verdicts(fit), ""])
    if isinstance(table, str):
        return f"{head}\n{table}"
    text = table.to_string(float_format=lambda x: f"{x:.4g}")
    priors = flag_prior(fit, regime)
    flagged = _flagged_moves(fit, table)
    return "\n".join([head, _caption(fit), text, *flagged, *([priors] if priors else [])])


def show_fit(fit: Fitted) -> str:
    """Write a fit as HTML, warnings on top: convergence, conflicts, interactions, support."""
    regime, table = _effects(fit)
    checks = (
        fit.convergence,
        fit.dependence,
        fit.additivity,
        fit.additive_scale,
        fit.lack_of_fit,
        fit.lifts,
    )
    warnings = [str(check) for check in checks if check is not None and not check.ok]
    warnings += [f"CONFLICT: {text}" for text in (fit.learned.conflicts if fit.learned else ())]
    controls = find_controls(fit.summary)
    warnings += [str(controls)] if controls else []
    title, *about = describe_data(fit, regime)
    if not isinstance(table, str):
        warnings += _flagged_moves(fit, table)
        priors = flag_prior(fit, regime)
        warnings += [priors] if priors else []
    verdicts = [line for line in _verdicts(fit) if line not in warnings]
    lines = [*about, *describe_choices(fit), *verdicts]
    if isinstance(table, str):
        return html_block(title, [*lines, table], (), warnings)
    return html_block(title, [*lines, _caption(fit)], [html_frame(table)], warnings)


def _effects(fit: Fitted) -> tuple[Regime, pd.DataFrame | str]:
    """Return the regime by whose effects a fit is shown, and these, or why there are none."""
    joint = query.rank_condition(fit).affine(fit.actions).identified
    regime = fit.actions if joint else fit.target
    if not regime:
        return (), "Nothing is set in it, so that it has no effects."
    try:
        table = effects(fit, regime)
        flags = pd.Series(table.attrs["support"])
        return regime, table if (flags == SUPPORTED).all() else table.assign(support=flags)
    except NotIdentifiedError as error:
        return regime, str(error)


def _flagged_moves(fit: Fitted, table: pd.DataFrame) -> list[str]:
    """Say which rows of the table of effects reach beyond the support, or impossible means."""
    within = (SUPPORTED, MISFIT, IMPOSSIBLE)  # the verdict on the fit says the second
    flags = pd.Series(table.attrs["support"])
    far, wrong = flags.index[~flags.isin(within)], flags.index[flags == IMPOSSIBLE]
    lines = []
    if len(wrong):
        reason = f"to expected values that {fit.summary.outcome} cannot have"
        lines.append(f"IMPOSSIBLE: the moves of {', '.join(wrong)} lead {reason}.")
    if len(far):
        lines.append(f"BEYOND THE SUPPORT of the data: the moves of {', '.join(far)}.")
    return lines


def _caption(fit: Fitted) -> str:
    levels = ", or from its most frequent level to another" if fit.summary.levels else ""
    binary = any(two_values(fit.summary, name) for name in fit.actions)
    two = ", or between its two values" if binary else ""
    held_at = ", covariates at their means or most frequent levels, regimes counting alike"
    held = held_at if fit.summary.covariates else ""
    return (
        f"Change in {fit.summary.outcome} when one action moves from mean - sd to mean + sd, no "
        f"farther than its experiments{two}{levels}{held} ({INTERVAL:.0%} credible interval):"
    )


def describe_data(fit: Fitted, regime: Regime) -> list[str]:
    """Say in lines what was estimated from which rows, and how."""
    summary = fit.summary
    title = "Prior" if fit.convergence.method == "prior" else "Posterior"
    alone = [name for name in summary.variables if name not in regime]
    given = ", ".join([*([f"do({', '.join(regime)})"] if regime else []), *alone])
    mean = f"E[{summary.outcome} | {given}]"
    rows = sum(part.moments.n for part in summary.regimes.values())
    regimes = ", ".join(format_regime(regime) for regime in summary.regimes)
    draws, attributes = fit.idata["posterior"].dataset, fit.idata.attrs
    likelihood = str(attributes.get("likelihood", "normal"))
    if "nu" in draws:
        likelihood += f", nu {float(draws['nu'].mean()):.1f}"
    counts = json.loads(str(attributes.get("clamped", "{}")))
    clamped = ", ".join(f"{count:,} of {name}" for name, count in counts.items())
    return [
        f"{title} of {mean} from {rows:,} rows in the regimes {regimes}",
        f"outcome: {summary.outcome_range}; predictions are {law_of(fit)}",
        f"{draws.sizes['chain']} chains x {draws.sizes['draw']} draws; {fit.convergence}",
        f"likelihood: {likelihood}",
        *_misfit(str(attributes.get("misfit", ""))),
        *describe_at_rest(summary.at_rest if fit.design.at_rest else {}, summary.levels),
        *([f"rows beyond the box, held at its edge: {clamped}"] if clamped else []),
    ]


def _misfit(found: str) -> list[str]:
    """Say why rows count the same although their variances were to be learned."""
    reason = f"the mean does not fit (without {found})"
    return [f"rows of a regime count the same, not by learned variances: {reason}"] if found else []


def describe_choices(fit: Fitted) -> list[str]:
    """Say in lines which choices the model has."""
    bases, parents = fit.design.features.bases, fit.design.parents
    given = [f"{parent}>{child}" for child, names in parents.items() for parent in names]
    edges = f"dependences between actions, given: {', '.join(given) or 'none'}"
    edges = edges if fit.learned is None else str(fit.learned)
    if {*fit.actions} <= {*fit.design.at_rest}:
        edges = "dependences between actions do not matter: none moves unless set"
    blocks = fit.design.blocks
    joined = [f"blocks: {format_blocks(blocks)}"] if max(map(len, blocks)) > 1 else []
    kinds = dict.fromkeys(fit.design.covariates, " (covariate)")
    return [
        *(f"{name}{kinds.get(name, '')}: {basis.description}" for name, basis in bases.items()),
        *describe_few(fit.summary),
        *joined,
        edges,
    ]


def _verdicts(fit: Fitted) -> list[str]:
    lifts, scale, controls = fit.lifts, fit.additive_scale, find_controls(fit.summary)
    return [
        *([str(controls)] if controls else []),
        *([str(fit.dependence)] if fit.dependence else []),
        str(fit.additivity or "additivity: not checked, which takes the rows"),
        *([str(scale)] if scale else []),
        str(fit.lack_of_fit or "lack of fit: not checked, which takes the rows"),
        *([str(lifts)] if lifts else []),
    ]

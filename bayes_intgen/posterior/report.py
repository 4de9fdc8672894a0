"""What a fit says of itself when it is printed: data, choices, verdicts, and effects in a table."""

import json
from collections.abc import Sequence

import pandas as pd

from bayes_intgen.base.blocks import format_blocks
from bayes_intgen.base.html import html_block, html_frame
from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.inference.verdicts.lift_result import LiftCheck
from bayes_intgen.posterior.storage import FitState

__all__ = ["describe_fit", "show_fit"]


def describe_fit(state: FitState, effects: pd.DataFrame | str, regime: Regime) -> str:
    """Write a fit as text.

    Parameters
    ----------
    state
        The fit.
    effects
        The table of effects, or why there is none.
    regime
        The regime that they are about.
    """
    head = "\n".join([*_data(state, regime), *_choices(state), *_verdicts(state), ""])
    if isinstance(effects, str):
        return f"{head}\n{effects}"
    table = effects.to_string(float_format=lambda x: f"{x:.4g}")
    return f"{head}\n{_caption(state)}\n{table}"


def show_fit(
    state: FitState,
    effects: pd.DataFrame | str,
    regime: Regime,
    far: Sequence[str] = (),
    prior: str | None = None,
) -> str:
    """Write a fit as HTML, with warnings on top: convergence, conflicts, rung, support.

    Parameters
    ----------
    state, effects, regime
        As in :func:`describe_fit`.
    far
        The moves of the table of effects that reach beyond the support of the data.
    prior
        What is to be said of the influence of the priors.
    """
    checks = (state.convergence, state.additivity, _lifts(state))
    warnings = [str(check) for check in checks if check is not None and not check.ok]
    warnings += [f"CONFLICT: {text}" for text in (state.learned.conflicts if state.learned else ())]
    if far and not isinstance(effects, str):
        warnings.append(f"BEYOND THE SUPPORT of the data: the moves of {', '.join(far)} below.")
    warnings += [prior] if prior else []
    title, *about = _data(state, regime)
    verdicts = [line for line in _verdicts(state) if line not in warnings]
    if isinstance(effects, str):
        return html_block(title, [*about, *_choices(state), *verdicts, effects], (), warnings)
    lines = [*about, *_choices(state), *verdicts, _caption(state)]
    return html_block(title, lines, [html_frame(effects)], warnings)


def _caption(state: FitState) -> str:
    levels = ", or from its most frequent level to another" if state.summary.levels else ""
    usual = ", covariates at their means or most frequent levels"
    held = usual if state.summary.covariates else ""
    return (
        f"Change in {state.summary.outcome} when one action moves from mean - sd to "
        f"mean + sd{levels}{held} ({INTERVAL:.0%} credible interval):"
    )


def _data(state: FitState, regime: Regime) -> list[str]:
    summary, sizes = state.summary, state.idata["posterior"].sizes
    title = "Prior" if state.convergence.method == "prior" else "Posterior"
    alone = [name for name in summary.variables if name not in regime]
    given = ", ".join([*([f"do({', '.join(regime)})"] if regime else []), *alone])
    mean = f"E[{summary.outcome} | {given}]"
    rows = sum(part.moments.n for part in summary.regimes.values())
    regimes = ", ".join(format_regime(regime) for regime in summary.regimes)
    return [
        f"{title} of {mean} from {rows:,} rows in the regimes {regimes}",
        f"{sizes['chain']} chains x {sizes['draw']} draws; {state.convergence}",
        f"likelihood: {_likelihood(state)}",
        *_clamped(state),
    ]


def _clamped(state: FitState) -> list[str]:
    """Count the rows beyond the box, in a fit to rows or moments that has any."""
    counts = json.loads(str(state.idata.attrs.get("clamped", "{}")))
    found = ", ".join(f"{count:,} of {name}" for name, count in counts.items())
    return [f"rows beyond the box, held at its edge: {found}"] if found else []


def _likelihood(state: FitState) -> str:
    """Name the likelihood, with the mean of its degrees of freedom if it has any."""
    name = str(state.idata.attrs.get("likelihood", "normal"))
    draws = state.idata["posterior"].dataset
    return f"{name}, nu {float(draws['nu'].mean()):.1f}" if "nu" in draws else name


def _choices(state: FitState) -> list[str]:
    bases, parents = state.design.features.bases, state.design.parents
    given = [f"{parent}>{child}" for child, names in parents.items() for parent in names]
    edges = f"dependences between actions, given: {', '.join(given) or 'none'}"
    blocks = state.design.blocks
    joined = [f"blocks: {format_blocks(blocks)}"] if max(map(len, blocks)) > 1 else []
    kinds = dict.fromkeys(state.design.covariates, " (covariate)")
    return [
        *(f"{name}{kinds.get(name, '')}: {basis.description}" for name, basis in bases.items()),
        *joined,
        str(state.learned) if state.learned else edges,
    ]


def _verdicts(state: FitState) -> list[str]:
    lifts = _lifts(state)
    return [
        str(state.additivity or "additivity: not checked, which takes the rows"),
        *([str(lifts)] if lifts else []),
    ]


def _lifts(state: FitState) -> LiftCheck | None:
    return LiftCheck.from_dataset(state.idata["constant_data"].dataset, state.summary.levels)

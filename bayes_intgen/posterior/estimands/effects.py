"""The effect of each action in one number: what moving it between two reference values changes.

With both ends a and b of such a move, under do(a_S) and in observational rows,

    effect         (phi(a) - phi(b))' theta_S,                                       (1)
    observational  (phi(a) - phi(b))' theta_obs, which holds the confounding too.    (2)
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.metrics import credible_interval
from bayes_intgen.base.regimes import Regime, read_do
from bayes_intgen.base.types import Array
from bayes_intgen.data.reference import reference_contrasts
from bayes_intgen.design.identification.identify import require_known_cuts
from bayes_intgen.design.identification.model_identification import require_identified_effect
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.expected_outcome import label_draws, theta_draws
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["effects"]


def effects(fit: Fitted, do: str | Iterable[str] | None = None) -> pd.DataFrame:
    """Summarise the change when one action moves from mean - sd to mean + sd.

    It moves no farther than its experiments do, and not into a gap between the values that they
    set. One that has two values only moves from the lower to the higher, a categorical one from its
    most frequent level to each other one. The other actions and the covariates stay at their means
    (out of such gaps) and most frequent levels; means, sd and frequencies are over all regimes,
    weighted equally.

    Parameters
    ----------
    do
        The actions that are set, of which at least one; None sets all.

    Returns
    -------
    pandas.DataFrame
        A row per action that is set, or per level of it as ``channel[tv]``: ``from`` and ``to``
        (the action's unit, or levels), ``mean``, ``lower`` and ``upper`` of the change in
        E[Y | do(a_S), a_rest], and ``observational``, the mean change in E[Y | a], which holds
        the confounding too (the outcome's unit). No number where the data do not identify the
        change. ``attrs["support"]`` has the worse flag of the two ends, by row.

    Raises
    ------
    QueryError
        If ``do`` sets nothing, names an unknown action, or cuts a block as no experiment does.
    NotIdentifiedError
        If the data identify none of the changes in E[Y | do(a_S), a_rest].

    Examples
    --------
    >>> list(posterior.effects().columns)
    ['from', 'to', 'mean', 'lower', 'upper', 'observational']
    >>> posterior.effects().attrs["support"]
    {'a1': 'supported', 'a2': 'supported'}
    """
    regime = read_do(do, fit.actions)
    if not regime:
        raise QueryError("do: an effect is that of an action that is set, and do sets none.")
    require_known_cuts(fit.summary.regimes, regime, fit.design.blocks)
    moves = [move for move in reference_contrasts(fit.summary) if move.action in regime]
    before = np.array([move.before for move in moves])
    after = np.array([move.after for move in moves])
    known, observed = (_identified(fit, before, after, which) for which in (regime, ()))
    if not any(known):
        require_identified_effect(query.rank_condition(fit), regime, regime)
    step = fit.design.features.evaluate(after) - fit.design.features.evaluate(before)
    points = query.points_of(fit, after)
    joint = label_draws(fit, theta_draws(fit, regime) @ step.T, points, fit.outcome)  # (1)
    seen = (theta_draws(fit, ()) @ step.T).mean(axis=(0, 1))  # (2)
    lower, upper = credible_interval(joint)
    ends = (query.points_of(fit, before), points)
    flags = [query.flag_points(fit, end, regime, "clamp") for end in ends]
    columns = {
        "from": [move.start for move in moves],
        "to": [move.end for move in moves],
        "mean": np.where(known, joint.mean(("chain", "draw")), np.nan),
        "lower": np.where(known, lower, np.nan),
        "upper": np.where(known, upper, np.nan),
        "observational": np.where(observed, seen, np.nan),
    }
    table = pd.DataFrame(columns, index=pd.Index([move.name for move in moves], name="action"))
    table.attrs["support"] = dict(
        zip(table.index, query.worst_support(*flags).tolist(), strict=True)
    )
    return table


def _identified(fit: Fitted, before: Array, after: Array, regime: Regime) -> list[bool]:
    """Say of each move of one action whether the data identify its effect, at least there."""
    condition = query.rank_condition(fit)
    moved = [fit.actions[int(np.flatnonzero(step)[0])] for step in before != after]
    steps = query.contrast_functionals(fit.design, before, after, regime)
    return [
        condition.status(regime, [action], step[None]) != "unknown"
        for action, step in zip(moved, steps, strict=True)
    ]

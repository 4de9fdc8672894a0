"""The table of discoveries: which outcomes respond to a move of the actions.

:mod:`bayes_intgen.studies.many_outcomes.false_discovery` says how the false discovery rate is
controlled, and where that comes from.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayes_intgen.base.arguments import read_real
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.metrics import credible_interval
from bayes_intgen.data.points import Beyond
from bayes_intgen.data.reference import numeric_move, reference_values
from bayes_intgen.studies.many_outcomes.false_discovery import false_discovery_rates

if TYPE_CHECKING:
    from bayes_intgen.studies.many_outcomes.outcome_fits import OutcomeFits

__all__ = ["discoveries", "joint_move"]


def discoveries(
    fits: "OutcomeFits",
    level: float = 0.1,
    at: Any = None,
    baseline: Any = None,
    do: str | Iterable[str] | None = None,
    beyond: Beyond = "error",
) -> pd.DataFrame:
    """Find the outcomes that respond, with control of the false discovery rate over outcomes.

    The distribution of the effects, with a mass at zero, is learned from all outcomes (adaptive
    shrinkage, Stephens 2017); the expected share of discoveries with a false sign is at most the
    level. A single outcome's probability of an effect knows nothing of the others, and a table
    that is selected by it is full of false discoveries.

    Parameters
    ----------
    level
        Of the false discovery rate, between 0 and 1.
    at, baseline, do, beyond
        The contrast, as in :meth:`contrast`, at one or several points, which count as so many
        effects. By default all numeric actions move together, each as in :meth:`effects` (from
        mean - sd to mean + sd), with all actions set.

    Returns
    -------
    pandas.DataFrame
        A row per outcome (and point), the surest first: ``mean``, ``sd``, ``lower`` and ``upper``
        (90%) of its own posterior, in its unit; ``probability`` that the effect is positive,
        taken alone; ``shrunken``, the mean once all outcomes are known; ``false_sign``, its local
        false sign rate; ``q``, the mean of these over the outcomes at least as sure, or the share
        that chance alone would put among them, if that is larger; ``discovery``, whether ``q`` is
        at most the level; ``support``; and ``sound``, whether the fit converged
        and fits its own data. ``attrs["share_zero"]`` is the estimated share of outcomes without
        an effect, an overestimate by design.

    Raises
    ------
    QueryError
        As :meth:`contrast`, or if the level is not between 0 and 1.

    References
    ----------
    Stephens (2017), "False discovery rates: a new deal", Biostatistics 18, 275-294.

    Examples
    --------
    >>> found = fits.discoveries(level=0.1)
    >>> bool((found["discovery"] == (found["q"] <= 0.1)).all())
    True
    """
    rule = "a number between 0 and 1"
    bound = read_real(level, "level", rule, 0.0, 1.0, open_ends=True, error=QueryError)
    if (at is None) != (baseline is None):
        raise QueryError("at, baseline: give both, or neither for the move of all actions.")
    if at is None:
        at, baseline = joint_move(fits)
    draws = fits.contrast(at, baseline, do, beyond=beyond)
    over = ("chain", "draw")
    lower, upper = credible_interval(draws)
    columns = {
        "mean": draws.mean(over),
        "sd": draws.std(over),
        "lower": lower,
        "upper": upper,
        "probability": (draws > 0).mean(over),
    }
    table = pd.DataFrame({name: values.to_numpy().ravel() for name, values in columns.items()})
    points = draws["point"].to_numpy()
    table.index = pd.MultiIndex.from_product([fits.names, points], names=["outcome", "point"])
    if len(points) == 1:
        table.index = table.index.droplevel("point")
    unit = np.repeat(draws["unit"].to_numpy(), len(points))
    usable = table["sd"].to_numpy() > 0  # a contrast of a point with itself has no sign
    if not usable.any():
        raise QueryError("at, baseline: nothing moves between the two, in no outcome.")
    estimate, error = ((table[name] / unit).to_numpy()[usable] for name in ("mean", "sd"))
    found, q = false_discovery_rates(estimate, error)
    learned = {"shrunken": found.mean * unit[usable], "false_sign": found.false_sign, "q": q}
    for name, values in learned.items():
        table[name] = np.nan
        table.loc[usable, name] = values
    table["discovery"] = table["q"] <= bound
    table["support"] = draws["support"].to_numpy().ravel()
    sound = fits.verdicts["converged"].astype(bool) & ~fits.verdicts["fits_its_data"].eq(False)
    table["sound"] = np.repeat(sound.to_numpy(), len(points))
    size = (table["mean"] / table["sd"].where(usable)).abs()
    order = np.lexsort([-size.fillna(0.0).to_numpy(), table["false_sign"].fillna(1.0).to_numpy()])
    answer = table.iloc[order]
    answer.attrs = {"level": bound, "share_zero": found.share_zero, **draws.attrs}
    return answer


def joint_move(fits: "OutcomeFits") -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings at the end of the moves of all numeric actions, and at their start.

    They move from mean - sd to mean + sd, within the data. Covariates and categorical actions stay
    at their reference values.
    """
    summary = fits.posterior(fits.names[0]).summary
    reference = dict(zip(summary.variables, reference_values(summary).tolist(), strict=True))
    ends = []
    for side in (1, 0):
        end: dict[str, Any] = {}
        for name, value in reference.items():
            if name in summary.levels:
                end[name] = summary.levels[name][int(value)]
            else:
                moves = name in summary.actions
                end[name] = numeric_move(summary, name)[side] if moves else value
        ends.append(end)
    return ends[0], ends[1]

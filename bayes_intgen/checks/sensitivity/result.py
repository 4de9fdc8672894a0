"""The result of a sensitivity analysis: a text, a table and a picture."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.plots.calibration_and_tipping import plot_tipping

__all__ = ["Sensitivity"]

CAVEAT = (
    "Strengths are those of linear, normal mechanisms; hidden variables of another kind (Example 1 "
    "of the paper) can do more at the same strength."
)
SHAPES = {"product": "a product of the confounders of", "shared": "a confounder shared by"}


@dataclass(frozen=True)
class Sensitivity:
    """The result of :func:`bayes_intgen.sensitivity`.

    Parameters
    ----------
    conclusion
        What would be overturned.
    outcome, spread
        The outcome's name, and its standard deviation over regimes weighted equally.
    seen
        Standard deviation of the confounding bias of each action in rows that leave it alone,
        outcome's unit.
    rows
        A row per violation, pair of actions and contrast; :attr:`table` describes the columns.
    untested
        Actions that no pair was made of, because their values are levels.

    Examples
    --------
    >>> rise = {"a1": 1.0, "a2": 0.0}
    >>> result = ig.sensitivity(posterior, data, rise, baseline={"a1": 0.0, "a2": 0.0})
    >>> result.table["violation"].to_list()
    ['product', 'shared']
    >>> 0 <= result.robustness, 0 <= result.seen_strength <= 1
    (True, True)
    """

    conclusion: str
    outcome: str
    spread: float
    seen: dict[str, float]
    rows: pd.DataFrame = field(repr=False)
    untested: tuple[str, ...] = ()

    @property
    def seen_strength(self) -> float:
        """The strength of the strongest confounding that the data show.

        That of a confounder which explains the share s^2 of the variance of its action's innovation
        and of the outcome: its bias has standard deviation s^2 sd(outcome).
        """
        return float(np.sqrt(max(self.seen.values(), default=0.0) / self.spread))

    @property
    def table(self) -> pd.DataFrame:
        """The contrast of each violation and pair that tips first.

        ``violation`` (``product`` or ``shared``), ``actions``, ``contrast`` (its name),
        ``estimate``, ``strength_interval`` and ``strength_mean`` (at which its credible interval
        and its mean touch zero; infinite if no strength up to one suffices), ``bias_needed`` (of a
        product: the sd of the bias that observational rows would show of it when the interval
        touches zero, outcome's unit), ``times_seen`` (the same in units of the strongest bias
        seen), ``room`` (what the data leave open, by two standard errors: that bias, or the
        correlation of the innovations), ``loading_needed`` (of a shared confounder with this
        correlation: sds of the outcome by which it would have to move it), and the verdicts:

        ``undecided``
            The interval holds zero as it is.
        ``open``
            A violation this strong is compatible with the data.
        ``excluded``
            The data leave no room for one of this strength (and a linear, normal shape); of a
            shared confounder, it would have to move the outcome by more than one sd.
        ``impossible``
            It would have to be stronger than any can be.

        ``verdict`` is about the interval, ``verdict_mean`` about the mean.
        """
        if self.rows.empty:
            return self.rows
        order = self.rows.sort_values(["strength_interval", "strength_mean"], kind="stable")
        first = order.groupby(["violation", "actions"], sort=False).head(1)
        return first.sort_index().reset_index(drop=True)

    @property
    def robustness(self) -> float:
        """The least strength at which a violation makes the conclusion uncertain.

        Over all pairs; infinite if none can. Compare it with :attr:`seen_strength`.
        """
        return float(self.table["strength_interval"].min()) if len(self.rows) else float("inf")

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the strengths at which each violation overturns the conclusion.

        Parameters
        ----------
        ax
            Where to draw; a new figure by default.

        Raises
        ------
        QueryError
            If there was no pair to ask about.

        Examples
        --------
        >>> rise = {"a1": 1.0, "a2": 0.0}
        >>> result = ig.sensitivity(posterior, data, rise, baseline={"a1": 0.0, "a2": 0.0})
        >>> result.plot().get_xlabel()
        'strength of the violation (1: none can be stronger)'
        >>> plt.close()
        """
        if self.rows.empty:
            raise QueryError("plot: there is no pair of numeric actions in different blocks.")
        table = self.table
        height = 1.2 + 0.35 * len(table)
        axes = ax if ax is not None else plt.subplots(figsize=(8, height), layout="constrained")[1]
        labels = [f"{row.violation}: {row.actions} ({row.verdict})" for row in table.itertuples()]
        return plot_tipping(
            axes,
            labels,
            table["strength_interval"].to_list(),
            table["strength_mean"].to_list(),
            self.seen_strength,
        )

    def __str__(self) -> str:
        lines = [f"Sensitivity of: {self.conclusion}"]
        if self.rows.empty:
            return f"{lines[0]}\nThere is no pair of numeric actions in different blocks."
        strongest = max(self.seen, key=lambda name: self.seen[name])
        lines.append(
            f"Strongest confounding seen: that of {strongest}, with an sd of "
            f"{self.seen[strongest]:.3g} in {self.outcome} (strength {self.seen_strength:.2f})."
        )
        lines += [_sentence(row) for row in self.table.to_dict(orient="records")]
        if self.untested:
            lines.append(f"Not asked of actions with levels: {', '.join(self.untested)}.")
        return "\n".join([*lines, CAVEAT])

    def _repr_html_(self) -> str:
        table = self.table.to_html(index=False, float_format=lambda x: f"{x:.3g}")
        return f"<p>Sensitivity of: {self.conclusion}</p>{table}<p>{CAVEAT}</p>"


def _sentence(row: Mapping[Hashable, Any]) -> str:
    head = f"  {SHAPES[str(row['violation'])]} {row['actions']}: "
    verdict = row["verdict"]
    if verdict == "undecided":
        return f"{head}none is needed, the {INTERVAL:.0%} interval holds zero as it is."
    if verdict == "impossible":
        return f"{head}no linear, normal one can be strong enough."
    strength, mean, room = (
        float(row[name]) for name in ("strength_interval", "strength_mean", "room")
    )
    text = f"{head}the {INTERVAL:.0%} interval touches zero at strength {strength:.2f}"
    if not isfinite(strength):
        text = f"{head}none of one strength throughout is enough, one of several may be"
    if row["violation"] == "product":
        left = f"{room:.3g}" if isfinite(room) else "any"
        text += (
            f", a bias with an sd of {row['bias_needed']:.3g} ({row['times_seen']:.2g} times the "
            f"strongest seen), where the data leave room for {left}: "
        )
    else:
        loading = float(row["loading_needed"])
        size = f"{loading:.2g} sd" if isfinite(loading) else "more than any can"
        text += (
            f"; with a correlation of {room:.2g}, for which the data leave room, it would have to "
            f"move the outcome by {size}: "
        )
    turned = f"the sign turns at {mean:.2f}: {str(row['verdict_mean']).upper()}"
    return f"{text}{str(verdict).upper()}; {turned if isfinite(mean) else 'no sign turns'}."

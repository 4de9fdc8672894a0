"""What further rows of each experiment leave unknown, or are worth."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayes_intgen.plots.style import BLACK, SERIES, legend_above

__all__ = ["plot_plan"]


def plot_plan(
    ax: Axes,
    curve: pd.DataFrame,
    before: float,
    reached: tuple[float, float],
    regret: float | None = None,
) -> Axes:
    """Draw a line per option against its rows: the sd of the goal, or the value of a decision.

    Parameters
    ----------
    ax
        Where to draw.
    curve
        Columns ``regime``, ``rows``, ``sd`` and, for a decision, ``evsi``.
    before
        The sd without further rows.
    reached
        Rows of the plan, and the sd or value that it reaches.
    regret
        What knowing everything is worth, if the value of a decision is drawn; None for the sd.

    Examples
    --------
    >>> curve = pd.DataFrame({"regime": ["a1", "a1"], "rows": [10, 100], "sd": [0.5, 0.2]})
    >>> plot_plan(plt.figure().subplots(), curve, 0.6, (100, 0.2)).get_ylabel()
    'sd of the goal'
    >>> plt.close()
    """
    column = "sd" if regret is None else "evsi"
    for i, (label, own) in enumerate(curve.groupby("regime", sort=False)):
        style = dict(SERIES[i % len(SERIES)], ms=4)
        if i >= len(SERIES):
            style["mfc"] = "white"
        ax.plot(own["rows"], own[column], label=label, **style)
    level, text = (before, "now") if regret is None else (regret, "all effects known")
    ax.axhline(level, color=BLACK, lw=1.0, ls="--", label=text)
    if reached[0] > 0:
        ax.plot(*reached, "*", color=BLACK, ms=12, label="the plan")
    ax.set_xscale("log")
    ax.set(
        xlabel="further rows",
        ylabel="sd of the goal" if regret is None else "gain of the best setting",
    )
    ax.set_ylim(0, 1.08 * max(level, float(np.nanmax(curve[column]))))
    legend_above(ax)
    return ax

"""Pictures of the effects on many outcomes: a forest and a heat map."""

from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.axes import Axes

from bayes_intgen.plots.many_outcomes import draw_forest, draw_heat_map
from bayes_intgen.plots.style import grow

if TYPE_CHECKING:
    from bayes_intgen.studies.many_outcomes.outcome_fits import OutcomeFits

__all__ = ["plot_forest", "plot_heat_map"]


def plot_forest(
    fits: "OutcomeFits",
    level: float = 0.1,
    at: Any = None,
    baseline: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the effect on every outcome with its 90% interval, the discoveries in colour.

    Parameters
    ----------
    level, at, baseline
        As in :meth:`discoveries`.
    ax
        Where to draw; a figure of its own by default.

    Examples
    --------
    >>> fits.plot_forest().get_xlabel()
    "effect, in units of the outcome's spread (90% interval)"
    >>> plt.close()
    """
    table = fits.discoveries(level, at, baseline)
    outcomes = table.index.get_level_values("outcome")
    if table.index.nlevels > 1:
        table.index = pd.Index([f"{outcome}, point {point}" for outcome, point in table.index])
    unit = fits.verdicts["unit"].loc[outcomes].to_numpy(dtype=float)
    scaled = table[["mean", "lower", "upper"]].div(unit, axis=0)
    drawn = scaled.assign(discovery=table["discovery"], supported=table["support"] == "supported")
    axes = grow(1, 6.0, 7.5)[0] if ax is None else ax
    return draw_forest(axes, drawn, level)


def plot_heat_map(fits: "OutcomeFits", ax: Axes | None = None) -> Axes:
    """Draw the effect of every action on every outcome; grey where the sign is not known.

    An action moves from mean - sd to mean + sd; colours are in units of each outcome's spread.

    Parameters
    ----------
    ax
        Where to draw; a figure of its own by default.

    Examples
    --------
    >>> [text.get_text() for text in fits.plot_heat_map().get_xticklabels()]
    ['a1', 'a2']
    >>> plt.close()
    """
    effects = fits.effects()
    unit = effects["unit"].to_numpy()[:, None]
    known = ((effects["lower"] > 0) | (effects["upper"] < 0)).to_numpy()
    axes = grow(1, 6.0, 7.5)[0] if ax is None else ax
    actions = [str(name) for name in effects["action"].to_numpy()]
    values = effects["mean"].to_numpy() / unit
    return draw_heat_map(axes, values, known, list(fits.names), actions)

"""Forest plot: several effects under one another, each with its mean and two intervals."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from bayes_intgen.base.metrics import INTERVAL, credible_interval
from bayes_intgen.base.support_flags import SUPPORTED
from bayes_intgen.plots.style import BLACK, BLUE, legend_above

__all__ = ["plot_forest"]

INNER = 0.5


def plot_forest(ax: Axes, effects: Mapping[str, xr.DataArray], label: str) -> Axes:
    """Draw the mean and the 50% and 90% interval of each effect.

    Parameters
    ----------
    ax
        Where to draw.
    effects
        Draws of each effect by its name, dims (chain, draw); from top to bottom. With a coordinate
        ``support`` other than ``supported`` the marker is hollow.
    label
        What they are effects on, with its unit, for the x-axis.

    Examples
    --------
    >>> import xarray as xr
    >>> draws = np.random.default_rng(1).normal(size=(2, 1, 100))
    >>> effects = {
    ...     name: xr.DataArray(values, dims=("chain", "draw"))
    ...     for name, values in zip(["price", "tv"], draws)
    ... }
    >>> ax = plot_forest(plt.figure().subplots(), effects, "change in sales (EUR)")
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['price', 'tv']
    >>> plt.close()
    """
    rows = np.arange(len(effects))
    mean = np.array([float(draws.mean()) for draws in effects.values()])
    for p, width in ((INTERVAL, 1.4), (INNER, 4.5)):
        ends = [credible_interval(draws, p) for draws in effects.values()]
        lower, upper = (np.array([float(end[i]) for end in ends]) for i in (0, 1))
        ax.hlines(rows, lower, upper, color=BLUE, lw=width, label=f"{p:.0%} interval")
    flags = [
        str(draws["support"].item()) if "support" in draws.coords else SUPPORTED
        for draws in effects.values()
    ]
    known = np.array([flag == SUPPORTED for flag in flags])
    for where, face, text in ((known, BLACK, "mean"), (~known, "white", "mean, not supported")):
        if where.any():
            ax.plot(mean[where], rows[where], "o", color=BLACK, mfc=face, zorder=3, label=text)
    ax.axvline(0, color=BLACK, lw=0.8, ls="--")
    ax.set_yticks(rows, list(effects))
    ax.set(ylim=(len(effects) - 0.5, -0.5), xlabel=label)
    legend_above(ax, side="right")
    return ax

"""Dot plot: one or more measures of several things under one another, each with its error."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes

from bayes_intgen.base.types import Array
from bayes_intgen.plots.style import BLACK, SERIES

__all__ = ["plot_dots"]

APART = 0.3  # of the distance between two things


def plot_dots(
    ax: Axes,
    names: Sequence[str],
    measures: Mapping[str, Array],
    errors: Mapping[str, Array],
    label: str,
    aim: float | None = None,
) -> Axes:
    """Draw measures as dots with a bar of one standard error, from top to bottom.

    Parameters
    ----------
    ax
        Where to draw.
    names
        Of the things that are compared, on the y-axis.
    measures
        Each by its name, shape (names,); NaN is left out.
    errors
        Their standard errors, NaN where there is none.
    label
        What the measures are, for the x-axis.
    aim
        Where the dots should be, as a dashed line; None draws none.

    Examples
    --------
    >>> shares, errors = {"levels": np.array([0.9, 0.8])}, {"levels": np.array([0.01, 0.02])}
    >>> ax = plot_dots(plt.figure().subplots(), ["jump", "kink"], shares, errors, "share", 0.9)
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['jump', 'kink']
    >>> plt.close()
    """
    rows = np.arange(len(names))
    if aim is not None:
        ax.axvline(aim, color=BLACK, lw=1, ls="--")
    ax.hlines(rows, 0, 1, transform=ax.get_yaxis_transform(), color="0.9", lw=0.8, zorder=0)
    shifts = (np.arange(len(measures)) - (len(measures) - 1) / 2) * APART
    for (name, values), shift, style in zip(measures.items(), shifts, cycle(SERIES), strict=False):
        look = {key: style[key] for key in ("color", "marker")}
        bars = np.nan_to_num(errors[name])
        ax.errorbar(values, rows + shift, xerr=bars, ls="", ms=4.5, lw=1.2, label=name, **look)
    ax.set_yticks(rows, list(names))
    ax.set(ylim=(len(names) - 0.4, -0.6), xlabel=label)
    return ax

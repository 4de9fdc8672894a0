"""Overlap of the experiments: rows of every regime, pair by pair, over shaded support."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayes_intgen.base.types import Array
from bayes_intgen.plots.style import BLACK, SERIES

__all__ = ["SHADES", "plot_overlap", "plot_pair", "plot_spread"]

SHADES = {
    "supported": "#FFFFFF",
    "misfit": "#EEEEEE",
    "extrapolated": "#DDDDDD",
    "outside": "#AAAAAA",
    "beyond": "#777777",
    "impossible": "#444444",
}
BINS = 30


def plot_pair(
    ax: Axes,
    rows: Mapping[str, tuple[Array, Array]],
    grid: tuple[Array, Array] | None = None,
    flags: npt.NDArray[np.str_] | None = None,
    points: tuple[Array, Array] | None = None,
) -> Axes:
    """Draw rows of two actions, a colour and marker per regime, over shades of support.

    Parameters
    ----------
    ax
        Where to draw.
    rows
        Values of the two actions by regime, each of shape (rows,).
    grid
        Values of the first and of the second action at which support is known.
    flags
        Flags there, shape (second, first): the darker, the farther from the data.
    points
        Values of the two actions at query points, drawn as crosses.
    """
    if grid is not None and flags is not None:
        order = list(SHADES)
        level = np.vectorize(order.index)(flags)
        colours = ListedColormap(list(SHADES.values()))
        top = len(order) - 0.5
        ax.pcolormesh(*grid, level, cmap=colours, vmin=-0.5, vmax=top, shading="nearest", zorder=0)
    for (_, (x, y)), style in zip(rows.items(), cycle(SERIES), strict=False):
        ax.plot(x, y, style["marker"], color=style["color"], ms=2, alpha=0.35, ls="none", mew=0)
    if points is not None:
        ax.plot(*points, "x", color=BLACK, ms=6, mew=1.5, ls="none")
    return ax


def plot_spread(ax: Axes, rows: Mapping[str, Array]) -> Axes:
    """Draw the distribution of one action in every regime, given its values there."""
    every = np.concatenate(list(rows.values()))
    edges = np.linspace(every.min(), every.max(), BINS + 1)
    for (_, values), style in zip(rows.items(), cycle(SERIES), strict=False):
        heights, _ = np.histogram(values, edges, density=True)
        ax.stairs(heights, edges, color=style["color"], ls=style["ls"], lw=1.2)
    ax.set_yticks([])
    return ax


def plot_overlap(
    names: Sequence[str],
    rows: Mapping[str, Array],
    shades: Mapping[tuple[str, str], tuple[Array, Array, npt.NDArray[np.str_]]] | None = None,
    points: Array | None = None,
    title: str = "",
    ticks: Mapping[str, Sequence[str]] | None = None,
) -> Figure:
    """Draw every pair of actions below the diagonal, and each action alone on it.

    Parameters
    ----------
    names
        Names of the actions.
    rows
        Rows of every regime, shape (rows, actions).
    shades
        For pairs (first, second): a grid of each and the flags on it, as :func:`plot_pair` takes
        them.
    points
        Query points, shape (points, actions).
    title
        What the shades are about.
    ticks
        The levels of actions whose values are codes.
    """
    count = len(names)
    side = 2.4 * count + 0.8
    figure, axes = plt.subplots(
        count, count, figsize=(side, side), squeeze=False, layout="constrained"
    )
    for i, below in enumerate(names):
        for j, across in enumerate(names):
            ax = axes[i, j]
            if j > i:
                ax.set_axis_off()
                continue
            if j == i:
                plot_spread(ax, {label: part[:, i] for label, part in rows.items()})
            else:
                grid = flags = None
                if shades and (across, below) in shades:
                    x, y, flags = shades[across, below]
                    grid = (x, y)
                chosen = {label: (part[:, j], part[:, i]) for label, part in rows.items()}
                crosses = None if points is None else (points[:, j], points[:, i])
                plot_pair(ax, chosen, grid, flags, crosses)
                _name_levels(ax, ticks or {}, below, "y")
            _name_levels(ax, ticks or {}, across, "x")
            if i == count - 1:
                ax.set_xlabel(across)
            if j == 0 and i > 0:
                ax.set_ylabel(below)
    figure.legend(handles=_legend(rows, shades, points), loc="upper right", fontsize="small")
    figure.suptitle(title, x=0.02, ha="left", fontsize="medium")
    return figure


def _name_levels(ax: Axes, ticks: Mapping[str, Sequence[str]], name: str, along: str) -> None:
    if name in ticks:
        axis = ax.xaxis if along == "x" else ax.yaxis
        axis.set_ticks(range(len(ticks[name])), list(ticks[name]))


def _legend(
    rows: Mapping[str, Any],
    shades: Mapping[tuple[str, str], tuple[Array, Array, npt.NDArray[np.str_]]] | None,
    points: object,
) -> list[Any]:
    handles: list[Any] = [
        Line2D([], [], color=style["color"], marker=style["marker"], ls=style["ls"], label=label)
        for label, style in zip(rows, cycle(SERIES), strict=False)
    ]
    if shades:
        handles += [
            Patch(facecolor=shade, edgecolor=BLACK, lw=0.5, label=name)
            for name, shade in SHADES.items()
            if name != "impossible" or any(name in flags for *_, flags in shades.values())
        ]
    if points is not None:
        handles.append(Line2D([], [], color=BLACK, marker="x", ls="none", label="asked"))
    return handles

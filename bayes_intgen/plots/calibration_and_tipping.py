"""Ranks of a calibration, and tipping points of a sensitivity analysis."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from math import sqrt

import numpy as np
from matplotlib.axes import Axes

from bayes_intgen.base.types import Array
from bayes_intgen.plots.style import BLACK, BLUE, ORANGE, SERIES

__all__ = ["plot_ranks", "plot_tipping"]

KOLMOGOROV = 1.358  # 95% quantile of sqrt(n) sup |F_n - F|


def plot_ranks(ax: Axes, ranks: Mapping[str, Array], most: int = 4) -> Axes:
    """Draw the distribution of ranks less the uniform one, with the band of Kolmogorov's test.

    Parameters
    ----------
    ax
        Where to draw.
    ranks
        For each quantity the share of posterior draws below the truth, over simulated data sets;
        each of shape (data sets,).
    most
        How many quantities have a colour of their own, those farthest from uniform; the others are
        thin grey lines.
    """
    distances = {}
    for name, values in ranks.items():
        ordered = np.sort(values)
        n = len(ordered)
        steps = np.arange(n + 1) / n
        distances[name] = (
            max(np.max(steps[1:] - ordered), np.max(ordered - steps[:-1])),
            np.repeat(np.concatenate([[0.0], ordered, [1.0]]), 2)[1:-1],
            np.repeat(steps, 2),
        )
    shown = sorted(distances, key=lambda name: -distances[name][0])
    for name in shown[most:]:
        _, x, height = distances[name]
        ax.plot(x, height - x, color="0.7", lw=0.6)
    for name, style in zip(shown[:most], cycle(SERIES), strict=False):
        _, x, height = distances[name]
        ax.plot(x, height - x, color=style["color"], ls=style["ls"], lw=1.2, label=name)
    band = KOLMOGOROV / sqrt(len(next(iter(ranks.values()))))
    ax.axhspan(-band, band, color=BLACK, alpha=0.08, lw=0, label="95% band of one quantity")
    ax.axhline(0.0, color=BLACK, lw=0.8, ls="--")
    ax.set(xlabel="rank of the truth among the draws", ylabel="ECDF - uniform", xlim=(0, 1))
    ax.legend(fontsize="small")
    return ax


def plot_tipping(
    ax: Axes,
    names: Sequence[str],
    interval: Sequence[float],
    mean: Sequence[float],
    seen: float,
) -> Axes:
    """Draw the strength at which violations overturn a conclusion.

    Parameters
    ----------
    ax
        Where to draw.
    names
        One violation per line.
    interval, mean
        Strength at which the credible interval touches zero, and at which the mean does; both are
        drawn at most at 1, which nothing can exceed.
    seen
        Strength of the strongest confounding that the data show.
    """
    place = np.arange(len(names))
    low, high = (np.minimum(np.asarray(part, dtype=float), 1.0) for part in (interval, mean))
    ax.hlines(place, low, high, color=BLUE, lw=1)
    ax.plot(low, place, "o", color=BLUE, mfc="white", label="the interval touches zero")
    ax.plot(high, place, "o", color=BLUE, label="the mean is zero")
    ax.axvline(seen, color=ORANGE, ls="--", label="strongest confounding seen")
    ax.set_yticks(place, names)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1.02), xlabel="strength of the violation (1: none can be stronger)")
    ax.legend(fontsize="small", loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=3)
    return ax

"""Curves along one action: the response to it, and what the response is made of.

A curve comes as draws m_d(t) over a grid of values t; drawn are its mean and its 50% and 90%
equal-tailed intervals, pointwise. Where the data do not support an answer the background is hatched
and the line is broken.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes

from bayes_intgen.base.metrics import INTERVAL, credible_interval
from bayes_intgen.base.support_flags import SUPPORTED
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.plots.style import BLACK, BLUE, GREEN, HATCHES, ORANGE, axis_label, legend_above

__all__ = ["plot_components", "plot_curve", "shade_support"]

INNER = 0.5  # probability of the inner interval
MOST_TICKS = 200  # of a rug, evenly thinned
PARTS: dict[str, tuple[str, dict[str, Any]]] = {
    "int": ("causal effect", {"color": BLUE, "ls": "-"}),
    "obs": ("observational", {"color": ORANGE, "ls": "--"}),
    "bias": ("confounding bias", {"color": GREEN, "ls": ":"}),
}


def plot_curve(
    ax: Axes,
    curve: xr.DataArray,
    action: str,
    seen: Array | None = None,
    units: Mapping[str, str] | None = None,
) -> Axes:
    """Draw the response to one action, with its intervals and the support of the data.

    Parameters
    ----------
    ax
        Where to draw.
    curve
        Draws of the expected outcome, dims (chain, draw, <action>), with ``support`` along the
        action, as of :meth:`bayes_intgen.Posterior.dose_response`. The levels of a categorical
        action are drawn as points.
    action
        The action.
    seen
        Values at which experiments set it, for a rug, shape (rows,); thinned if there are many.
    units
        Units of the action and the outcome, by name.

    Examples
    --------
    >>> import xarray as xr
    >>> price = np.linspace(1.0, 2.0, 5)
    >>> draws = np.random.default_rng(1).normal(price, 0.1, size=(1, 100, 5))
    >>> flags = ["supported"] * 4 + ["outside"]
    >>> coords = {"price": price, "support": ("price", flags)}
    >>> curve = xr.DataArray(draws, coords, dims=("chain", "draw", "price"), name="sales")
    >>> ax = plot_curve(plt.figure().subplots(), curve, "price", units={"price": "EUR"})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('price (EUR)', 'expected sales')
    >>> plt.close()
    """
    x = curve[action].to_numpy()
    mean = curve.mean(("chain", "draw")).to_numpy()
    ends = [[e.to_numpy() for e in credible_interval(curve, p)] for p in (INTERVAL, INNER)]
    supported = curve["support"].to_numpy() == SUPPORTED
    if x.dtype.kind in "OUS":
        _draw_levels(ax, x, mean, ends, supported)
    else:
        for (lower, upper), alpha, p in zip(ends, (0.2, 0.35), (INTERVAL, INNER), strict=True):
            label = f"{p:.0%} interval"
            ax.fill_between(x, lower, upper, color=BLUE, alpha=alpha, lw=0, label=label)
        for edge in ends[0]:
            ax.plot(x, edge, color=BLUE, lw=0.6)
        ax.plot(x, mean, color=BLUE, lw=1, ls="--")
        ax.plot(x, np.where(supported, mean, np.nan), color=BLUE, lw=2, label="mean")
        shade_support(ax, x, curve["support"].to_numpy())
        ax.margins(x=0)
        if seen is not None and len(seen):
            _draw_rug(ax, seen, x)
    outcome = axis_label(str(curve.name), units)
    ax.set(xlabel=axis_label(action, units), ylabel=f"expected {outcome}")
    legend_above(ax)
    return ax


def plot_components(
    ax: Axes,
    parts: Mapping[str, xr.DataArray],
    action: str,
    reference: float | None = None,
    units: Mapping[str, str] | None = None,
    legend: bool = True,
) -> Axes:
    """Draw the causal, observational and bias curve of one action with their 90% intervals.

    Parameters
    ----------
    ax
        Where to draw.
    parts
        Draws of ``int``, ``obs`` and ``bias``, or some of them, dims (chain, draw, point), with the
        values of the action as a coordinate of the same name; ``support`` along ``point``, if
        there, is shaded.
    action
        The action.
    reference
        Where its causal effect is zero, drawn as a thin vertical line: the constants of the curves
        are a convention, their differences are not.
    units
        Units of the columns, by name.
    legend
        Whether to draw a legend.

    Examples
    --------
    >>> import xarray as xr
    >>> coords = {"tv": ("point", np.arange(3.0))}
    >>> part = xr.DataArray(np.zeros((1, 4, 3)), coords, dims=("chain", "draw", "point"))
    >>> ax = plot_components(plt.figure().subplots(), {"int": part, "bias": part}, "tv", 1.0)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['causal effect', 'confounding bias', 'effect is zero here']
    >>> plt.close()
    """
    for kind, (label, style) in PARTS.items():
        if kind in parts:
            draws = parts[kind]
            x = draws[action].to_numpy()
            lower, upper = credible_interval(draws)
            mean = draws.mean(("chain", "draw"))
            if x.dtype.kind in "OUS":
                place = np.arange(len(x)) + 0.15 * (list(PARTS).index(kind) - 1)
                bars = np.stack([mean - lower, upper - mean])
                marker = {"int": "o", "obs": "s", "bias": "^"}[kind]
                ax.errorbar(place, mean, bars, fmt=marker, color=style["color"], label=label)
                ax.set_xticks(np.arange(len(x)), x)
                continue
            ax.fill_between(x, lower, upper, color=style["color"], alpha=0.18, lw=0)
            for edge in (lower, upper):
                ax.plot(x, edge, lw=0.6, **style)
            ax.plot(x, mean, lw=2, label=label, **style)
            ax.margins(x=0)
    numeric = x.dtype.kind not in "OUS"
    if reference is not None and numeric:
        label = "effect is zero here"
        ax.axvline(reference, color=BLACK, lw=0.8, ls=(0, (1, 3)), label=label)
    if numeric and "support" in draws.coords:
        shade_support(ax, x, draws["support"].to_numpy())
    ax.axhline(0, color=BLACK, lw=0.5)
    ax.set_xlabel(axis_label(action, units))
    if legend:
        legend_above(ax)
    return ax


def shade_support(ax: Axes, x: Array, flags: npt.NDArray[np.str_]) -> None:
    """Hatch the background where answers along a grid are not supported by the data."""
    shown = set()
    for low, high, flag in _stretches(x, flags):
        if flag in HATCHES:
            label = None if flag in shown else str(flag)
            shown.add(flag)
            ax.axvspan(
                low, high, facecolor="none", edgecolor="0.6", hatch=HATCHES[flag], lw=0,
                zorder=0, label=label,
            )  # fmt: skip


def _stretches(x: Array, flags: npt.NDArray[np.str_]) -> Iterator[tuple[float, float, str]]:
    """Cut a grid where the flag changes, half-way between two points."""
    order = np.argsort(x, kind="stable")
    x, flags = x[order], flags[order]
    cuts = np.flatnonzero(flags[1:] != flags[:-1])
    borders = [x[0], *((x[cuts] + x[cuts + 1]) / 2), x[-1]]
    starts = [0, *(cuts + 1)]
    for low, high, start in zip(borders[:-1], borders[1:], starts, strict=True):
        yield float(low), float(high), str(flags[start])


def _draw_levels(
    ax: Axes,
    levels: npt.NDArray[np.str_],
    mean: Array,
    ends: list[list[Array]],
    supported: Mask,
) -> None:
    place = np.arange(len(levels))
    for (lower, upper), width, p in zip(ends, (1.2, 4.0), (INTERVAL, INNER), strict=True):
        ax.vlines(place, lower, upper, color=BLUE, lw=width, label=f"{p:.0%} interval")
    for where, face, label in ((supported, BLUE, "mean"), (~supported, "white", "not supported")):
        if where.any():
            ax.plot(place[where], mean[where], "o", color=BLUE, mfc=face, label=label, zorder=3)
    ax.set_xticks(place, levels)
    ax.set_xlim(-0.5, len(levels) - 0.5)


def _draw_rug(ax: Axes, seen: Array, x: Array) -> None:
    inside = np.sort(seen[(seen >= x.min()) & (seen <= x.max())])
    if len(inside) > MOST_TICKS:
        inside = inside[np.linspace(0, len(inside) - 1, MOST_TICKS).astype(int)]
    ax.plot(
        inside, np.full(len(inside), 0.02), "|", color=BLACK, ms=7, mew=0.5,
        transform=ax.get_xaxis_transform(), label="set in experiments",
    )  # fmt: skip

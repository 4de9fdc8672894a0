"""Pictures of the paper's experiments: errors of estimators over systems and settings.

Functions of arrays that draw on the axes they are given and return them. An estimator has the same
colour (of Okabe and Ito), marker, line style and hatch in every picture, so that nothing is lost in
grey.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bayes_intgen.base.types import Array
from bayes_intgen.plots.style import BLACK, BLUE, ORANGE

__all__ = ["STYLES", "Curve", "plot_against_rows", "plot_against_share", "plot_estimators"]

STYLES: Mapping[str, Mapping[str, Any]] = {
    "observational": {"color": "#CC79A7", "marker": "v", "ls": (0, (1, 1)), "hatch": ".."},
    "pooled": {"color": "#E69F00", "marker": "D", "ls": (0, (3, 1, 1, 1)), "hatch": "xx"},
    "ridge": {"color": ORANGE, "marker": "s", "ls": "--", "hatch": "//"},
    "joint": {"color": "#009E73", "marker": "^", "ls": "-.", "hatch": "--"},
    "bayes": {"color": BLUE, "marker": "o", "ls": "-", "hatch": ""},
}
LABELS = {
    "observational": "observational rows only",
    "pooled": "pooled rows",
    "ridge": "ridge per regime (paper)",
    "joint": "ridge on joint rows",
    "bayes": "Bayesian model (ours)",
}
RATIO_TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 10)

type Curve = tuple[Array, Array, Array]


def plot_estimators(
    ax: Axes,
    errors: Mapping[str, tuple[float, float]],
    measure: str,
    perfect: float | None = None,
) -> Axes:
    """Draw the error of each estimator as a bar with its standard error.

    Parameters
    ----------
    ax
        Where to draw.
    errors
        Mean over systems and its standard error (NaN for one system) by estimator.
    measure
        What the error is, with its unit, for the label.
    perfect
        Error of a predictor that knows the true mean: a line.
    """
    for name, (mean, spread) in errors.items():
        style = STYLES[name]
        bar = ax.bar(
            name,
            mean,
            yerr=np.nan_to_num(spread),
            capsize=4,
            color=style["color"],
            hatch=style["hatch"],
            edgecolor="white",
            error_kw={"ecolor": BLACK},
        )
        ax.bar_label(bar, fmt="{:.3g}", padding=2, fontsize="small")
    if perfect is not None:
        ax.axhline(perfect, color=BLACK, ls="--", lw=1, label=f"perfect predictor, {perfect:.3g}")
        ax.legend(fontsize="small", loc="lower right", framealpha=0.9)
    ax.set_ylabel(measure)
    ax.tick_params(axis="x", rotation=20)
    ax.margins(y=0.12)
    return ax


def plot_against_rows(
    ax: Axes,
    curves: Mapping[str, Curve],
    measure: str,
    perfect: tuple[Array, Array] | None = None,
) -> Axes:
    """Draw errors against the number of rows in all, both on logarithmic axes.

    Parameters
    ----------
    ax
        Where to draw.
    curves
        Numbers of rows, mean errors and their standard errors (NaN for one system), each of shape
        (sizes,), by estimator.
    measure
        What the error is, with its unit, for the label.
    perfect
        Numbers of rows and errors of a predictor that knows the true mean: a line.
    """
    for name, curve in curves.items():
        _draw(ax, name, curve)
    if perfect is not None:
        ax.plot(*perfect, color=BLACK, ls=(0, (5, 1)), lw=1, label="perfect predictor")
    ax.set(xscale="log", yscale="log", xlabel="rows in all", ylabel=measure)
    _label_decades(ax.xaxis, *ax.get_xlim())
    _label_decades(ax.yaxis, *ax.get_ylim())
    ax.grid(alpha=0.3, which="both", lw=0.5)
    return ax


def plot_against_share(
    ax: Axes,
    curves: Mapping[str, Curve],
    baselines: Mapping[str, tuple[float, float]],
    best: float,
    n_actions: int,
    measure: str,
) -> Axes:
    """Draw errors against the share of observational rows among a fixed number of rows.

    Parameters
    ----------
    ax
        Where to draw. An axis at its top shows N_sint / N_obs.
    curves
        Shares, mean errors and their standard errors (NaN for one system), each of shape (shares,),
        by estimator.
    baselines
        Mean error and standard error of estimators that see rows of one regime: level lines.
    best
        The share that is best for fits of each regime on its own: a vertical line.
    n_actions
        Number K of actions.
    measure
        What the error is, with its unit, for the label.
    """
    for name, curve in curves.items():
        _draw(ax, name, curve)
    for name, (mean, spread) in baselines.items():
        style = STYLES[name]
        ax.axhline(mean, color=style["color"], ls=style["ls"], lw=1.5, label=LABELS[name])
        if np.isfinite(spread):
            ax.axhspan(mean - spread, mean + spread, color=style["color"], alpha=0.15, lw=0)
    label = "best for separate fits: $1/(K-1)$"
    ax.axvline(best, color=BLACK, ls=":", lw=1.2, label=label)
    ax.set(xlim=(0, 1), yscale="log", xlabel="share of observational rows", ylabel=measure)
    _label_decades(ax.yaxis, *ax.get_ylim())
    top = ax.secondary_xaxis("top")
    ticks = {1 / (1 + n_actions * ratio): f"{ratio:g}" for ratio in RATIO_TICKS}
    top.set_xticks(list(ticks), list(ticks.values()), fontsize="x-small")
    top.set_xlabel("rows of each experiment per observational row", fontsize="small")
    ax.grid(alpha=0.3, which="both", lw=0.5)
    return ax


def _draw(ax: Axes, name: str, curve: Curve) -> None:
    """Draw a line with a band of one standard error."""
    x, mean, spread = curve
    style = STYLES[name]
    ax.plot(x, mean, color=style["color"], marker=style["marker"], ls=style["ls"], ms=5,
            label=LABELS[name])  # fmt: skip
    spread = np.nan_to_num(spread)
    ax.fill_between(x, mean - spread, mean + spread, color=style["color"], alpha=0.2, lw=0)


def _label_decades(axis: Axis, low: float, high: float) -> None:
    """Label a logarithmic axis with plain numbers, as many as there is room for."""
    decades = np.log10(high / low)
    places: list[float] = [1, 2, 3, 5]
    if decades < 0.5:
        places = np.arange(1, 10, 0.5).tolist()
    elif decades > 1.2:
        places = [1] if decades > 2.5 else [1, 3]
    axis.set_major_locator(LogLocator(subs=places))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())

"""Pictures: functions of arrays that draw on the axes they are given and return them.

Colours are those of Okabe and Ito, told apart by the colour-blind; every series also differs in
marker or line style, so that nothing is lost in grey.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

__all__ = ["BLACK", "BLUE", "ORANGE", "plot_errors", "plot_recovery", "plot_response"]

BLUE, ORANGE, BLACK = "#0072B2", "#D55E00", "#000000"

type Array = npt.NDArray[np.float64]


def plot_recovery(
    ax: Axes, truth: Array, estimate: Mapping[str, Array], naive: Array, unit: str
) -> Axes:
    """Compare predictions with the truth, point by point.

    Parameters
    ----------
    ax
        Where to draw.
    truth
        True E[Y | do(a)] at some points, shape (points,).
    estimate
        ``mean``, ``lower`` and ``upper`` of the posterior there.
    naive
        What a regression on observational rows predicts there.
    unit
        Name of the outcome, for the labels.
    """
    exact = np.array([truth.min(), truth.max()])
    ax.plot(exact, exact, color=BLACK, lw=1, ls="--", label="exact")
    ax.plot(truth, naive, "^", ms=5, mfc="none", color=ORANGE, label="observational regression")
    mean = estimate["mean"]
    ends = np.stack([mean - estimate["lower"], estimate["upper"] - mean])
    label = "posterior mean, 90% interval"
    ax.errorbar(truth, mean, yerr=ends, fmt="o", ms=3, lw=0.8, color=BLUE, label=label)
    ax.set(xlabel=f"true effect on {unit}", ylabel=f"predicted effect on {unit}")
    ax.legend(fontsize="small", loc="upper left")
    return ax


def plot_response(
    ax: Axes,
    grid: Array,
    curves: Mapping[str, Array],
    truth: Array,
    naive: Array,
    action: str,
    unit: str,
) -> Axes:
    """Draw the response to one action with its interval.

    Parameters
    ----------
    ax
        Where to draw.
    grid
        Values of the action, shape (points,).
    curves
        ``mean``, ``lower`` and ``upper`` of the posterior along the grid.
    truth, naive
        The true curve, and that of a regression on observational rows.
    action, unit
        Names of the action and the outcome, for the labels.
    """
    ax.fill_between(grid, curves["lower"], curves["upper"], color=BLUE, alpha=0.25, lw=0)
    ax.plot(grid, curves["mean"], color=BLUE, label="posterior mean, 90% interval")
    ax.plot(grid, truth, color=BLACK, ls="--", label="truth")
    ax.plot(grid, naive, color=ORANGE, ls=":", lw=2, label="observational regression")
    ax.set(xlabel=f"{action}, set by us", ylabel=f"expected {unit}")
    ax.legend(fontsize="small", loc="best")
    return ax


def plot_errors(ax: Axes, errors: Mapping[str, float], unit: str) -> Axes:
    """Draw root mean squared errors as labelled bars.

    Parameters
    ----------
    ax
        Where to draw.
    errors
        Error of each estimator by its name, ours last.
    unit
        Name of the outcome, for the label.
    """
    names = list(errors)
    colours = [ORANGE] * (len(names) - 1) + [BLUE]
    hatches = ["//"] * (len(names) - 1) + [""]
    bars = ax.barh(names, list(errors.values()), color=colours, edgecolor="white", hatch=hatches)
    ax.bar_label(bars, fmt="{:.3g}", padding=3)
    ax.set(xlabel=f"root mean squared error ({unit})", xlim=(0, 1.2 * max(errors.values())))
    return ax

"""Colours, markers, lines and hatches of all pictures, which say the same without colour.

Colours are those of Okabe and Ito, told apart by the colour-blind; every series also differs in
marker or line style and every region in its hatch, so that nothing is lost in grey.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "HATCHES",
    "ORANGE",
    "PURPLE",
    "SERIES",
    "axis_label",
    "grow",
    "legend_above",
]

BLUE, ORANGE, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
PURPLE = "#CC79A7"

SERIES: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "marker": "o", "ls": "-"},
    {"color": ORANGE, "marker": "s", "ls": "--"},
    {"color": GREEN, "marker": "^", "ls": "-."},
    {"color": PURPLE, "marker": "D", "ls": ":"},
)
HATCHES = {
    "misfit": "\\\\",
    "extrapolated": "///",
    "outside": "xxx",
    "beyond": "***",
    "impossible": "+++",
}


def axis_label(name: str, units: Mapping[str, str] | None = None) -> str:
    """Return the name of a column, with its unit if there is one.

    Examples
    --------
    >>> axis_label("price", {"price": "EUR"}), axis_label("tv")
    ('price (EUR)', 'tv')
    """
    unit = (units or {}).get(name)
    return f"{name} ({unit})" if unit else name


def legend_above(ax: Axes, columns: int = 2, side: Literal["left", "right"] = "left") -> None:
    """Put the legend above the axes, flush with one side, where it hides nothing at any size."""
    ax.legend(
        fontsize="small",
        loc="lower left" if side == "left" else "lower right",
        bbox_to_anchor=(0.0 if side == "left" else 1.0, 1.0),
        ncols=columns,
        frameon=False,
        borderaxespad=0.2,
        columnspacing=1.2,
    )


def legend_of_figure(axes: Sequence[Axes], columns: int = 3) -> None:
    """Put one legend for all axes of a figure with constrained layout above them."""
    handles: dict[str, Any] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure = axes[0].get_figure(root=True)
    if figure is not None:
        figure.legend(
            handles=list(handles.values()),
            labels=list(handles),
            loc="outside upper left",
            fontsize="small",
            ncols=columns,
            frameon=False,
        )


def grow(panels: int, width: float = 4.2, height: float = 3.6) -> list[Axes]:
    """Make a row of axes in a new figure, each of a width and height in inches."""
    _, axes = plt.subplots(1, panels, figsize=(width * panels, height), layout="constrained")
    return list(np.ravel(axes))

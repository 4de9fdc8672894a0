"""The joint effect of two actions as a surface: what is expected, and how well it is known."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.plots.style import axis_label

__all__ = ["plot_surface"]

COLOURS = "cividis"  # runs from dark to light, so that grey tells as much


def plot_surface(
    axes: Sequence[Axes],
    grids: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    mean: Array,
    width: Array,
    supported: Mask,
    names: tuple[str, str, str],
    units: Mapping[str, str] | None = None,
) -> Sequence[Axes]:
    """Draw a mean and the width of its interval side by side.

    Parameters
    ----------
    axes
        Two axes: for the mean, and for the width.
    grids
        Values or levels along x and along y, shapes (x,) and (y,).
    mean, width
        Posterior mean of the expected outcome and width of its 90% interval, shape (y, x).
    supported
        Where the data support the answer, shape (y, x); the rest is hatched.
    names
        The actions along x and y, and the outcome.
    units
        Their units, by name.

    Examples
    --------
    >>> x, y = np.linspace(0, 1, 4), np.linspace(0, 2, 3)
    >>> mean, wide = x + y[:, None], np.ones((3, 4))
    >>> known = mean < 2.5
    >>> axes = plt.figure().subplots(1, 2)
    >>> left, _ = plot_surface(axes, (x, y), mean, wide, known, ("tv", "price", "sales"))
    >>> left.get_xlabel(), left.get_ylabel(), left.get_title().splitlines()[0]
    ('tv', 'price', 'expected sales')
    >>> plt.close()
    """
    outcome = axis_label(names[2], units)
    note = "" if supported.all() else "\n(hatched: beyond the support of the data)"
    titles = (f"expected {outcome}{note}", f"width of the {INTERVAL:.0%} interval{note}")
    places = [np.arange(len(g), dtype=float) if g.dtype.kind in "OUS" else g for g in grids]
    smooth = not any(grid.dtype.kind in "OUS" for grid in grids)
    for ax, values, title in zip(axes, (mean, width), titles, strict=True):
        image = ax.pcolormesh(*places, values, cmap=COLOURS, shading="nearest", rasterized=True)
        bar = ax.figure.colorbar(image, ax=ax)
        bar.ax.tick_params(labelsize="small")
        if smooth and np.ptp(values) > 0:
            lines = ax.contour(*places, values, levels=5, colors="black", linewidths=0.7)
            ax.clabel(lines, fontsize="small", fmt=_short)
        if not supported.all():
            _hatch(ax, places, ~supported)
        for axis, grid, place in zip((ax.xaxis, ax.yaxis), grids, places, strict=True):
            if grid.dtype.kind in "OUS":
                axis.set_ticks(place, grid)
        ax.set(xlabel=axis_label(names[0], units), ylabel=axis_label(names[1], units))
        ax.set_title(title, fontsize="medium")
    return axes


def _short(value: float) -> str:
    """Write three digits, and whole numbers up to a million as such.

    Examples
    --------
    >>> _short(1520.0), _short(0.12345), _short(12345678.0)
    ('1520', '0.123', '1.23e+07')
    """
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.3g}"


def _hatch(ax: Axes, places: Sequence[Array], where: Mask) -> None:
    """Hatch the cells around some points of a grid, as one region."""
    cells = np.repeat(np.repeat(where, 2, axis=0), 2, axis=1).astype(float)
    x, y = (np.repeat(_borders(place), 2)[1:-1] for place in places)
    ax.contourf(x, y, cells, levels=[0.5, 1.5], colors="white", alpha=0.4)
    ax.contourf(x, y, cells, levels=[0.5, 1.5], colors="none", hatches=["//"])


def _borders(places: Array) -> Array:
    """Return the borders of the cells around some points, half-way between them."""
    if len(places) == 1:
        return np.array([places[0] - 0.5, places[0] + 0.5])
    middle = (places[1:] + places[:-1]) / 2
    return np.array([2 * places[0] - middle[0], *middle, 2 * places[-1] - middle[-1]])

"""Pictures with a row per outcome that can be read with a thousand rows.

Rows are in the order of their effects, so that a thousand form a curve; names stand beside the
outermost ones only, as many as there is room for.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm

from bayes_intgen.base.types import Array, Indices, Mask
from bayes_intgen.plots.style import BLACK, BLUE, legend_above

__all__ = ["draw_forest", "draw_heat_map"]

MOST_NAMES = 40
GREY = "#BBBBBB"


def draw_forest(ax: Axes, table: pd.DataFrame, level: float) -> Axes:
    """Draw the mean and interval of each effect, sorted, and name the strongest discoveries.

    Parameters
    ----------
    ax
        Where to draw.
    table
        A row per effect by its name: ``mean``, ``lower``, ``upper``, ``discovery`` and
        ``supported``.
    level
        That of the discoveries, for the legend.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"mean": [0.0, 2.0], "lower": [-1.0, 1.0], "upper": [1.0, 3.0]}, ["clicks", "sales"]
    ... ).assign(discovery=[False, True], supported=True)
    >>> ax = draw_forest(plt.figure().subplots(), table, 0.1)
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['sales']
    >>> plt.close()
    """
    ordered = table.sort_values("mean", kind="stable")
    rows = np.arange(len(ordered))
    found = ordered["discovery"].to_numpy(dtype=bool)
    thin = float(np.clip(300 / len(rows), 0.5, 2.0))
    parts = (
        (~found, GREY, f"no discovery ({int((~found).sum()):,})"),
        (found, BLUE, f"discovery, false rate at most {level:g} ({int(found.sum()):,})"),
    )
    mean, lower, upper = (ordered[name].to_numpy() for name in ("mean", "lower", "upper"))
    supported = ordered["supported"].to_numpy(dtype=bool)
    for which, colour, text in parts:
        if not which.any():
            continue
        ax.hlines(rows[which], lower[which], upper[which], color=colour, lw=thin, label=text)
        size = 2 * thin + 1
        for filled, face in (
            (supported, BLACK if colour == BLUE else "#666666"),
            (~supported, "white"),
        ):
            own = which & filled
            ax.plot(mean[own], rows[own], "o", ms=size, color=BLACK, mew=0.4, mfc=face, ls="none")
    if not supported.all():
        ax.plot(
            [], [], "o", ms=4, color=BLACK, mew=0.4, mfc="white", ls="none", label="not supported"
        )
    ax.axvline(0, color=BLACK, lw=0.8, ls="--")
    named = np.flatnonzero(found) if len(rows) > MOST_NAMES else rows[found]
    strongest = named[np.argsort(-np.abs(mean[named]), kind="stable")[:MOST_NAMES]]
    _name_rows(
        ax, np.sort(strongest), [str(ordered.index[i]) for i in np.sort(strongest)], len(rows)
    )
    ax.set(ylim=(-0.5, len(rows) - 0.5))
    ax.set_xlabel("effect, in units of the outcome's spread (90% interval)")
    legend_above(ax, columns=1)
    return ax


def draw_heat_map(
    ax: Axes, values: Array, known: Mask, outcomes: Sequence[str], actions: Sequence[str]
) -> Axes:
    """Draw effects as colours, a row per outcome and a column per action.

    Parameters
    ----------
    ax
        Where to draw.
    values
        Effects, shape (outcomes, actions).
    known
        Whether the interval of each leaves zero out; the others are drawn pale and hatched grey.
    outcomes, actions
        Names of rows and columns.

    Examples
    --------
    >>> values = np.array([[0.1, -0.2], [0.0, 0.3]])
    >>> names = ["clicks", "sales"], ["tv", "web"]
    >>> ax = draw_heat_map(plt.figure().subplots(), values, np.abs(values) > 0.15, *names)
    >>> [text.get_text() for text in ax.get_xticklabels()]
    ['tv', 'web']
    >>> plt.close()
    """
    shown = np.where(known, values, np.nan)
    rank = np.nan_to_num(shown).sum(axis=1)
    order = np.lexsort([np.nan_to_num(values).sum(axis=1), rank])
    most = float(np.nanquantile(np.abs(values), 0.995)) or 1.0
    norm = TwoSlopeNorm(0.0, -most, most)
    ax.set_facecolor("#E6E6E6")
    image = ax.imshow(
        shown[order], aspect="auto", cmap="PuOr", norm=norm, interpolation="none", origin="lower"
    )
    ax.set_xticks(range(len(actions)), list(actions))
    for edge in np.arange(0.5, len(actions) - 1):
        ax.axvline(edge, color="white", lw=1.5)
    sure = np.flatnonzero(known[order].any(axis=1))
    strength = np.nanmax(np.abs(np.where(known, values, 0.0))[order], axis=1)
    strongest = np.sort(sure[np.argsort(-strength[sure], kind="stable")[:MOST_NAMES]])
    _name_rows(ax, strongest, [str(outcomes[order[i]]) for i in strongest], len(outcomes))
    figure = ax.get_figure(root=True)
    if figure is not None:
        bar = figure.colorbar(image, ax=ax, extend="both", shrink=0.6)
        bar.set_label("effect of mean - sd to mean + sd, in units of the outcome's spread")
    ax.set_title(
        f"{len(outcomes):,} outcomes; grey: 90% interval holds zero", fontsize="small", loc="left"
    )
    return ax


def _name_rows(ax: Axes, rows: Indices, names: Sequence[str], total: int) -> None:
    """Write names beside some rows, moved apart where they would overlap, with a line to each."""
    if total <= MOST_NAMES or not len(rows):
        ax.set_yticks(rows, list(names), fontsize="small")
        return
    ax.set_yticks([])
    gap = total / (MOST_NAMES * 1.15)
    places = _spread(np.asarray(rows, dtype=float), gap, float(total - 1))
    across = ax.get_yaxis_transform()
    for row, place, name in zip(rows, places, names, strict=True):
        ax.plot(
            [0.0, -0.02, -0.05, -0.06],
            [row, row, place, place],
            transform=across,
            color="#888888",
            lw=0.3,
            clip_on=False,
        )
        ax.text(-0.07, place, name, transform=across, fontsize=6, ha="right", va="center")


def _spread(wanted: Array, gap: float, most: float) -> Array:
    """Move sorted places apart to at least a gap, within [0, most] if there is room.

    Examples
    --------
    >>> _spread(np.array([1.0, 1.0, 9.0]), 2.0, 10.0).tolist()
    [1.0, 3.0, 9.0]
    """
    places = wanted.copy()
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + gap)
    excess = places[-1] - most
    if excess > 0:
        places[-1] -= excess
        for i in range(len(places) - 2, -1, -1):
            places[i] = min(places[i], places[i + 1] - gap)
    return places

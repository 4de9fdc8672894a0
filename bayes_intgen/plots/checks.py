"""Picture of the checks: p-value over level of every test."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes

from bayes_intgen.plots.style import BLACK, BLUE, GREEN, ORANGE

__all__ = ["plot_checks"]

FARTHEST = 1e-12
STYLES = {
    "failed": (ORANGE, "X", "failed"),
    "allowed": (BLACK, "s", "seen, and the model has room for it"),
    "small": (GREEN, "D", "seen, and too small to matter"),
    "passed": (BLUE, "o", "passed"),
}
WIDEST = 30  # characters of a title in one line
APART = 0.14  # of the verdicts of one line, so that they do not hide one another


def plot_checks(
    ax: Axes,
    row: Sequence[int],
    ratio: Sequence[float],
    verdict: Sequence[str],
    titles: Sequence[str],
) -> Axes:
    """Draw p-value over level for every test, one line per check.

    Parameters
    ----------
    ax
        Where to draw.
    row
        Line of each test.
    ratio
        Its p-value over its level; those below 1e-12 are drawn there.
    verdict
        ``failed``, ``allowed``, ``small`` or ``passed``, for marker and colour.
    titles
        Name of each line.
    """
    x = np.maximum(np.asarray(ratio, dtype=float), FARTHEST)
    y = np.asarray(row, dtype=float)
    kinds = np.asarray(verdict)
    for number, (name, (colour, marker, label)) in enumerate(STYLES.items()):
        of = kinds == name
        if of.any():
            level = y[of] + APART * (number - (len(STYLES) - 1) / 2)
            ax.plot(x[of], level, marker, color=colour, mfc="none", ms=6, ls="none", label=label)
    ax.axvline(1.0, color=BLACK, lw=1, ls="--", label="level")
    ax.set(xscale="log", ylim=(-0.5, len(titles) - 0.5))
    ax.set_xlabel("p-value / level (1e-12: or less)")
    ax.set_yticks(range(len(titles)), [fill(title, WIDEST) for title in titles])
    ax.invert_yaxis()
    for line in range(1, len(titles)):
        ax.axhline(line - 0.5, color=BLACK, lw=0.3)
    ax.legend(fontsize="small", loc="lower center", bbox_to_anchor=(0.3, 1.0), ncols=2)
    return ax

"""The picture of the suite: how far every test is from its level."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from bayes_intgen.plots import BLACK, BLUE, ORANGE

__all__ = ["plot_checks"]

FARTHEST = 1e-12
STYLES = {"failed": (ORANGE, "X"), "allowed": (BLACK, "s"), "passed": (BLUE, "o")}


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
        ``failed``, ``allowed`` or ``passed``, for marker and colour.
    titles
        Name of each line.
    """
    x = np.maximum(np.asarray(ratio, dtype=float), FARTHEST)
    y = np.asarray(row, dtype=float)
    kinds = np.asarray(verdict)
    for name, (colour, marker) in STYLES.items():
        if (kinds == name).any():
            of = kinds == name
            ax.plot(x[of], y[of], marker, color=colour, mfc="none", ms=6, ls="none", label=name)
    ax.axvline(1.0, color=BLACK, lw=1, ls="--", label="level")
    ax.set(xscale="log", xlabel="p-value / level of the test", ylim=(-0.5, len(titles) - 0.5))
    ax.set_yticks(range(len(titles)), titles)
    ax.invert_yaxis()
    ax.legend(fontsize="small")
    return ax

"""Predictions against a known truth: the posterior with its intervals, beside other estimators."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes

from bayes_intgen.base.metrics import INTERVAL, coverage, credible_interval, rmse
from bayes_intgen.plots.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, grow, legend_above

__all__ = ["plot_against_truth"]

MOST_POINTS = 150
OTHERS: tuple[dict[str, Any], ...] = (
    {"color": ORANGE, "marker": "^"},
    {"color": GREEN, "marker": "s"},
    {"color": PURPLE, "marker": "D"},
)


def plot_against_truth(
    draws: xr.DataArray,
    truth: npt.ArrayLike,
    others: Mapping[str, npt.ArrayLike] | None = None,
    ax: Axes | None = None,
    unit: str | None = None,
) -> Axes:
    """Draw the posterior of an outcome, and other estimates of it, against the truth.

    Errors (root mean squared, over all points) stand in the legend, with the share of points whose
    true value the intervals hold. Of many points 150 are drawn, evenly chosen along the truth.

    Parameters
    ----------
    draws
        Posterior draws, dims (chain, draw, point), as of
        :meth:`bayes_intgen.Posterior.expected_outcome`.
    truth
        The true values at the same points, shape (points,).
    others
        Other estimates by their name, such as that of :class:`bayes_intgen.RidgeEstimator`, each of
        shape (points,).
    ax
        Where to draw; a new figure by default.
    unit
        Of the outcome, for the labels.

    Examples
    --------
    >>> import xarray as xr
    >>> truth = np.linspace(0.0, 1.0, 20)
    >>> values = truth + np.random.default_rng(1).normal(0, 0.1, size=(1, 400, 20))
    >>> draws = xr.DataArray(values, dims=("chain", "draw", "point"), name="sales")
    >>> ax = plot_against_truth(draws, truth, {"ridge": 1.1 * truth}, unit="EUR")
    >>> ax.get_xlabel()
    'true expected sales (EUR)'
    >>> [text.get_text() for text in ax.get_legend().get_texts()][1]
    'ridge: error 0.0585'
    >>> plt.close()
    """
    axes = ax if ax is not None else grow(1, 4.8, 4.4)[0]
    exact = np.asarray(truth, dtype=float)
    mean = draws.mean(("chain", "draw")).to_numpy()
    lower, upper = (end.to_numpy() for end in credible_interval(draws))
    order = np.argsort(exact)
    some = order[np.unique(np.linspace(0, len(order) - 1, MOST_POINTS).astype(int))]
    ends = [exact.min(), exact.max()]
    axes.plot(ends, ends, color=BLACK, lw=1, ls="--", label="exact")
    for (name, estimate), style in zip((others or {}).items(), cycle(OTHERS), strict=False):
        values = np.asarray(estimate, dtype=float)
        label = f"{name}: error {rmse(values, exact):.3g}"
        axes.plot(exact[some], values[some], ls="none", ms=5, mfc="none", label=label, **style)
    held = coverage(lower, upper, exact)
    label = f"posterior: error {rmse(mean, exact):.3g},\n{INTERVAL:.0%} intervals hold {held:.0%}"
    bars = np.stack([mean - lower, upper - mean])[:, some]
    axes.errorbar(
        exact[some], mean[some], bars, fmt="o", ms=3, lw=0.8, color=BLUE, label=label, zorder=3
    )
    name = f"{draws.name or 'outcome'}{f' ({unit})' if unit else ''}"
    axes.set(xlabel=f"true expected {name}", ylabel=f"estimated {name}")
    legend_above(axes, columns=1)
    return axes

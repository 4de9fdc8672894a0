"""The best action: how probable each setting is to be it, and what a larger budget buys."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from bayes_intgen.base.support_flags import SUPPORTED
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.plots.style import BLACK, BLUE, ORANGE, axis_label, legend_above

__all__ = ["plot_budget", "plot_marginals"]

FEW = 7  # values that have a tick each
UNEVEN = 4  # widest step over the narrowest from which on values stand side by side


def plot_marginals(
    axes: Sequence[Axes],
    marginals: Mapping[str, xr.DataArray],
    recommended: Mapping[str, float | str],
    units: Mapping[str, str] | None = None,
    untested: Sequence[str] = (),
    support: str = SUPPORTED,
) -> Sequence[Axes]:
    """Draw, for each action, the probability of its grid points to be part of the best setting.

    Parameters
    ----------
    axes
        One per action.
    marginals
        Probabilities by action, with the action as dim and coordinate.
    recommended
        The value or level that is recommended, by action.
    units
        Units of the actions, by name.
    untested
        The actions whose recommended value lies between values that experiments set.
    support
        The flag of the recommended setting, which is told unless it is supported.

    Examples
    --------
    >>> import xarray as xr
    >>> tv = xr.DataArray([0.1, 0.7, 0.2], {"tv": [0.0, 1.0, 2.0]}, dims="tv")
    >>> (ax,) = plot_marginals([plt.figure().subplots()], {"tv": tv}, {"tv": 1.0}, {"tv": "EUR"})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('tv (EUR)', 'probability of being best')
    >>> plt.close()
    """
    told = "recommended" if support == SUPPORTED else f"recommended ({support})"
    for ax, (action, share) in zip(axes, marginals.items(), strict=True):
        values = share[action].to_numpy()
        levels = values.dtype.kind in "OUS"
        few = len(values) <= FEW
        beside = levels or (few and _uneven(values))
        place = np.arange(len(values)) if beside else values
        width = 0.8 * float(np.diff(place).min()) if len(place) > 1 else 0.8
        ax.bar(place, share.to_numpy(), width, color=BLUE, edgecolor=BLUE)
        best = recommended[action]
        spot = float(np.flatnonzero(values == best)[0] if beside else best)
        ax.axvline(spot, color=BLACK, lw=1.2, ls="--", label=told)
        if levels or few:
            ax.set_xticks(place, [v if levels else f"{v:.4g}" for v in values])
        note = "\n(recommended value: set in no experiment)" if action in untested else ""
        ax.set(
            xlabel=axis_label(action, units) + note, ylim=(0, min(1.0, 1.2 * float(share.max())))
        )
    axes[0].set_ylabel("probability of being best")
    legend_above(axes[0])
    return axes


def _uneven(values: Array) -> bool:
    """Say whether values lie so unevenly, such as decades apart, that bars would not be seen."""
    steps = np.diff(np.sort(values))
    return len(steps) > 0 and bool(steps.max() > UNEVEN * steps.min())


def plot_budget(
    ax: Axes,
    budgets: Array,
    mean: Array,
    lower: Array,
    upper: Array,
    supported: Mask,
    label: str,
) -> Axes:
    """Draw the expected outcome of the best setting against the budget.

    Parameters
    ----------
    ax
        Where to draw.
    budgets
        The budgets, shape (budgets,).
    mean, lower, upper
        Of the expected outcome at the setting recommended for each of them.
    supported
        Whether the data support the answer there; if not, the marker is hollow.
    label
        Name of the outcome, with its unit.

    Examples
    --------
    >>> budgets, mean = np.array([1.0, 2.0]), np.array([5.0, 6.0])
    >>> known = np.array([True, False])
    >>> ax = plot_budget(plt.figure().subplots(), budgets, mean, mean - 1, mean + 1, known, "sales")
    >>> ax.get_ylabel().splitlines()
    ['expected sales', 'at the best setting']
    >>> plt.close()
    """
    ax.fill_between(budgets, lower, upper, color=BLUE, alpha=0.25, lw=0, label="90% interval")
    ax.plot(budgets, mean, color=BLUE, lw=1.5)
    markers = ((supported, BLUE, BLUE, "mean"), (~supported, ORANGE, "white", "not supported"))
    for where, colour, face, text in markers:
        if where.any():
            ax.plot(budgets[where], mean[where], "o", color=colour, mfc=face, label=text)
    ax.set(xlabel="budget", ylabel=f"expected {label}\nat the best setting")
    legend_above(ax)
    return ax

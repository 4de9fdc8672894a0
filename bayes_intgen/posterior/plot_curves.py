"""Plots of the curves and surfaces of a fit; how they look stands in :mod:`bayes_intgen.plots`."""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.support_flags import SUPPORTED
from bayes_intgen.data.few_values import two_values
from bayes_intgen.data.points import Beyond, Points
from bayes_intgen.data.reference import reference_values
from bayes_intgen.plots.curves import plot_components, plot_curve
from bayes_intgen.plots.style import axis_label, grow, legend_of_figure
from bayes_intgen.plots.surface import plot_surface as draw_surface
from bayes_intgen.posterior import query
from bayes_intgen.posterior.dose_axis import read_dose_axis
from bayes_intgen.posterior.estimands.decomposition import decomposition
from bayes_intgen.posterior.estimands.dose_response import (
    GRID_POINTS,
    default_grid,
    dose_response,
)
from bayes_intgen.posterior.estimands.table import table
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["Units", "plot_decomposition", "plot_dose_response", "plot_surface"]

SURFACE_POINTS = 41
NOTE_WIDTH = 50  # characters, of a panel of the usual size

type Units = Mapping[str, str] | None


def plot_dose_response(
    fit: Fitted,
    action: str,
    grid: Any = None,
    at: Mapping[str, Any] | None = None,
    ax: Axes | None = None,
    population: Any = None,
    do: str | Iterable[str] | None = None,
    beyond: Beyond = "error",
    units: Units = None,
    log: bool | None = None,
) -> Axes:
    """Draw the expected outcome along one action, with 50% and 90% intervals.

    Hatched, and with a broken line, where the data do not support an answer. Ticks below show
    at which values experiments set the action (of a fit that was loaded from a file, whose rows
    are not at hand, there are none).

    Parameters
    ----------
    action, grid, at, population, do, beyond
        As in :meth:`dose_response`.
    ax
        Where to draw; a new figure by default.
    units
        Units of the columns by name, for the labels.
    log
        Whether the axis of the action is logarithmic; by default if experiments set it from zero
        up, over two decades and more (:mod:`bayes_intgen.posterior.dose_axis`).

    Returns
    -------
    matplotlib.axes.Axes
        The axes that were drawn on.

    Raises
    ------
    QueryError, NotIdentifiedError
        As :meth:`dose_response`, or if ``log`` is asked of levels or of values below zero.

    Examples
    --------
    >>> ax = posterior.plot_dose_response("a1", at={"a2": 0.1}, units={"a1": "EUR"})
    >>> ax.get_xlabel().splitlines(), ax.get_ylabel()
    (['a1 (EUR)', 'at a2 0.1'], 'expected y')
    >>> plt.close()
    """
    query.require_action(fit, action)
    axis = read_dose_axis(fit, action, log, GRID_POINTS)
    if grid is None and axis is not None:
        grid = axis.grid
    curve = dose_response(fit, action, grid, at, population, do, beyond=beyond)
    column = fit.actions.index(action)
    showing = fit.summary.showing(action)
    seen = np.concatenate([[], *(part.sample.rows[:, column] for part in showing)])
    axes = ax if ax is not None else grow(1, 5.0, 3.8)[0]
    if grid is None:
        curve = _two_as_levels(fit, curve, action)
    plot_curve(axes, curve, action, seen, units)
    if axis is not None:
        axis.apply(axes)
    note = "averaged over a population"
    if population is None:
        note = _held(fit, query.complete_points(fit, at or {}), {action})
    _annotate(axes, note)
    return axes


def plot_decomposition(
    fit: Fitted,
    action: str | Sequence[str] | None = None,
    axes: Sequence[Axes] | Axes | None = None,
    grid: Any = None,
    at: Mapping[str, Any] | None = None,
    beyond: Beyond = "error",
    units: Units = None,
    log: bool | None = None,
) -> npt.NDArray[Any]:
    """Draw the causal, observational and bias curve of each action, with 90% intervals.

    The causal curve is zero at the reference, the mean over the regimes or the most frequent
    level (drawn as a dotted line); the bias keeps its own constant. For an action within a
    block of several, the causal curve is the effect of moving it alone, and the bias that of
    the block.

    Parameters
    ----------
    action
        One action or several; None for all.
    axes
        One per action, where to draw; a new figure by default.
    grid
        Values of the action; 50 over the core range of its experiments by default. Only for a
        single action.
    at
        Where the other actions and covariates are held; by default at their means or most
        frequent levels. A bias depends on the actions that its action follows.
    beyond
        As in :meth:`expected_outcome`.
    units
        Units of the columns by name, for the labels.
    log
        As in :meth:`plot_dose_response`, of every action drawn.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        One per action.

    Raises
    ------
    QueryError
        If an action is unknown, there are not as many axes as actions, or a grid is given for
        several actions; also as :meth:`decomposition`.
    NotIdentifiedError
        As :meth:`decomposition`.

    Examples
    --------
    >>> axes = posterior.plot_decomposition()
    >>> [ax.get_xlabel() for ax in axes]
    ['a1', 'a2']
    >>> plt.close()
    """
    chosen = fit.actions if action is None else (action,) if isinstance(action, str) else action
    if grid is not None and len(chosen) != 1:
        raise QueryError(f"grid: it is that of one action, got {len(chosen)}; name the action.")
    panels = grow(len(chosen)) if axes is None else list(np.ravel(np.array(axes, dtype=object)))
    if len(panels) != len(chosen):
        raise QueryError(
            f"axes: one is needed for each of {list(chosen)}, got {len(panels)}; give as many, "
            f"or none."
        )
    reference = dict(zip(fit.design.variables, reference_values(fit.summary), strict=True))
    for ax, name in zip(panels, chosen, strict=True):
        query.require_action(fit, name)
        axis = read_dose_axis(fit, name, log, GRID_POINTS)
        doses = default_grid(fit.summary, name) if axis is None else axis.grid
        doses = doses if grid is None else grid
        points = query.complete_points(fit, {**(at or {}), name: doses})
        components = decomposition(fit, points, beyond)
        if grid is None:
            components = _two_as_levels(fit, components, name)
        unit = "+".join(fit.design.block_of(name))
        curves = {kind: components[kind].sel(action=unit) for kind in ("int", "obs", "bias")}
        plot_components(ax, curves, name, float(reference[name]), units, False)
        if axis is not None:
            axis.apply(ax)
        if unit != name:
            ax.set_xlabel(f"{ax.get_xlabel()}, in the block {unit}")
    if axes is None:
        legend_of_figure(panels)
    else:
        panels[0].legend(fontsize="small")
    panels[0].set_ylabel(f"contribution to\n{axis_label(fit.outcome, units)}")
    return np.array(panels, dtype=object)


def plot_surface(
    fit: Fitted,
    x: str,
    y: str,
    at: Mapping[str, Any] | None = None,
    axes: Sequence[Axes] | None = None,
    grid: int = SURFACE_POINTS,
    do: str | Iterable[str] | None = None,
    units: Units = None,
    log: bool | None = None,
) -> npt.NDArray[Any]:
    """Draw the joint effect of two actions: its mean, and the width of its 90% interval.

    Hatched where the data do not support an answer.

    Parameters
    ----------
    x, y
        The two actions, over the core ranges of the experiments that set them, or their levels.
    at
        Where the other actions and covariates are held; by default at their means or most
        frequent levels.
    axes
        Two axes, for the mean and for the width; a new figure by default.
    grid
        Number of values of each action.
    do
        The actions that are set; None for all.
    units
        Units of the columns by name, for the labels.
    log
        As in :meth:`plot_dose_response`, of both actions.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        The two axes.

    Raises
    ------
    QueryError
        If the actions are unknown or the same, or there are not two axes.
    NotIdentifiedError
        If the data do not identify this effect.

    Examples
    --------
    >>> mean, width = posterior.plot_surface("a1", "a2", grid=11)
    >>> mean.get_xlabel(), mean.get_ylabel()
    ('a1', 'a2')
    >>> plt.close()
    """
    query.require_action(fit, x, "x")
    query.require_action(fit, y, "y")
    held = {name: value for name, value in (at or {}).items() if name not in (x, y)}
    if x == y or len(held) < len(at or {}):
        raise QueryError(f"x and y must be two actions that at leaves out, got {x!r}, {y!r}.")
    if isinstance(grid, bool) or not isinstance(grid, int | np.integer) or grid < 2:
        raise QueryError(f"grid must be a whole number from 2, got {grid!r}.")
    panels = grow(2, 4.8, 3.9) if axes is None else list(np.ravel(np.array(axes, dtype=object)))
    if len(panels) != 2:
        raise QueryError(f"axes: two are needed, for mean and width; got {len(panels)}.")
    scales = [read_dose_axis(fit, name, log, int(grid)) for name in (x, y)]
    sides = [
        np.asarray(default_grid(fit.summary, name, grid) if axis is None else axis.grid)
        for name, axis in zip((x, y), scales, strict=True)
    ]
    across, up = np.meshgrid(*sides)
    points = query.complete_points(fit, {**held, x: across.ravel(), y: up.ravel()})
    answers = table(fit, points, do, beyond="clamp")
    sides = [
        np.array([f"{value:.6g}" for value in side]) if two_values(fit.summary, name) else side
        for name, side in zip((x, y), sides, strict=True)
    ]
    shape = across.shape
    width = (answers["upper"] - answers["lower"]).to_numpy().reshape(shape)
    mean = answers["mean"].to_numpy().reshape(shape)
    known = (answers["support"] == SUPPORTED).to_numpy().reshape(shape)
    names = (x, y, fit.outcome)
    draw_surface(panels, (sides[0], sides[1]), mean, width, known, names, units)
    for ax in panels:
        for which, axis in zip("xy", scales, strict=True):
            if axis is not None:
                axis.apply(ax, which)
        _annotate(ax, _held(fit, points, {x, y}))
    return np.array(panels, dtype=object)


def _two_as_levels[T: (xr.DataArray, xr.Dataset)](fit: Fitted, draws: T, action: str) -> T:
    """Write the values of an action that has two only as texts, which are drawn as points."""
    if two_values(fit.summary, action) is None:
        return draws
    texts = np.array([f"{value:.6g}" for value in draws[action].to_numpy()])
    return draws.assign_coords({action: (draws[action].dims, texts)})


def _held(fit: Fitted, points: Points, varied: set[str]) -> str:
    """Say where actions and covariates are held that a picture does not vary."""
    values = points.coords()
    texts = []
    for name in fit.design.variables:
        if name not in varied:
            value = values[name][1][0]
            texts.append(f"{name} {value if name in fit.summary.levels else format(value, '.4g')}")
    return f"at {', '.join(texts)}" if texts else ""


def _annotate(ax: Axes, note: str) -> None:
    """Add a note below the label of the x axis."""
    if note:
        ax.set_xlabel(f"{ax.get_xlabel()}\n{fill(note, NOTE_WIDTH)}")

"""The axis of an action in pictures: logarithmic where experiments spread its values over decades.

Doses of 0.1, 0.3, 1, 3 and 10 are equally far from one another in the logarithm, and on a linear
axis all but two lie at its left edge. An axis is logarithmic by itself if no experiment sets the
action below zero and the middle nine tenths of what they set it to above zero are spread by a
factor of a hundred; uniform values (a factor of 19) and exponential ones (58) are not. Zero, which
has no logarithm, stands left of the least dose, on a linear stretch between the two.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from bayes_intgen.base.arguments import show
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.types import Array
from bayes_intgen.posterior.estimands.dose_response import default_grid
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["DoseAxis", "read_dose_axis"]

SPREAD = 100.0
TAIL = 0.05
BELOW_LEAST = 5  # points between zero and the least dose
ZERO = 1e-6  # sd; rows are kept in single precision


@dataclass(frozen=True)
class DoseAxis:
    """A logarithmic axis, with a linear stretch from zero to the least dose if there are zeros."""

    least: float
    has_zero: bool
    grid: Array  # values for a curve

    def apply(self, ax: Axes, which: str = "x") -> None:
        """Make one axis of a picture logarithmic."""
        axis, set_scale = (ax.xaxis, ax.set_xscale) if which == "x" else (ax.yaxis, ax.set_yscale)
        if self.has_zero:
            set_scale("symlog", linthresh=self.least, linscale=0.5)
            first, last = np.log10([self.least, self.grid.max()])
            decades = np.arange(np.ceil(first - 1e-9), np.floor(last + 1e-9) + 1)
            axis.set_ticks([0.0, *10.0**decades])
        else:
            set_scale("log")
        axis.set_major_formatter(lambda value, _: f"{value:g}")


def read_dose_axis(fit: Fitted, action: str, log: object, points: int) -> DoseAxis | None:
    """Return the logarithmic axis of an action; None if it is to be linear.

    Parameters
    ----------
    action
        Its name.
    log
        Whether the axis is logarithmic; None decides by the values that experiments set.
    points
        Number of points of the grid.

    Raises
    ------
    QueryError
        If ``log`` is no truth value, or true of an action with levels or with values below zero.
    """
    if log is not None and not isinstance(log, bool):
        raise QueryError(f"log must be True, False or None, got {show(log)}.")
    if log is False:
        return None
    if action in fit.summary.levels:
        if log:
            raise QueryError(f"log: {action!r} has levels, which stand side by side; leave it out.")
        return None
    values = _values_set(fit, action)
    positive = values[values > 0]
    if (values < 0).any() or not len(positive):
        if log:
            raise QueryError(
                f"log: values of {action!r} go down to {values.min():.4g}, and a logarithmic axis "
                f"takes values from zero; leave it out."
            )
        return None
    low, high = np.quantile(positive, [TAIL, 1 - TAIL])
    if log is None and high < SPREAD * low * (1 - 1e-5):
        return None
    first, *_, last = default_grid(fit.summary, action)
    if (values == 0).any():
        below = np.linspace(0.0, low, BELOW_LEAST + 1)[:-1]
        grid = np.concatenate([below, np.geomspace(low, last, max(points - BELOW_LEAST, 2))])
        return DoseAxis(float(low), True, grid)
    return DoseAxis(float(low), False, np.geomspace(max(first, positive.min()), last, points))


def _values_set(fit: Fitted, action: str) -> Array:
    """Return values to which experiments set an action, as a fit keeps them with its file."""
    column, values = fit.actions.index(action), [np.empty(0)]
    for part in fit.summary.showing(action) or fit.summary.regimes.values():
        mean, sd = (float(own[column]) for own in part.near_scale)
        rows = mean + sd * part.near[:, column]
        values.append(np.where(np.abs(rows) < ZERO * sd, 0.0, rows))
    return np.concatenate(values)

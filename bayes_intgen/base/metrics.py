"""Credible intervals, coverage and root mean squared error."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bayes_intgen.base.arguments import read_real
from bayes_intgen.base.errors import QueryError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["INTERVAL", "coverage", "credible_interval", "rmse"]

INTERVAL = 0.9


def credible_interval(
    draws: "xr.DataArray", probability: float = INTERVAL
) -> "tuple[xr.DataArray, xr.DataArray]":
    """Return the lower and upper ends of equal-tailed credible intervals.

    The draws have dims ``chain`` and ``draw``. The probability inside is 0.9 throughout the library
    unless asked otherwise.

    Raises
    ------
    QueryError
        If the probability is not between 0 and 1.
    """
    rule = "a number between 0 and 1"
    inside = read_real(probability, "probability", rule, 0.0, 1.0, open_ends=True, error=QueryError)
    tail = (1 - inside) / 2
    ends = draws.quantile([tail, 1 - tail], dim=("chain", "draw"))
    lower, upper = (ends.isel(quantile=i, drop=True) for i in (0, 1))
    return lower, upper


def rmse(estimate: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Return the root mean squared error, in the unit of its arguments.

    Examples
    --------
    >>> rmse([1.0, 2.0], [1.0, 4.0])
    1.4142135623730951
    """
    difference = np.asarray(estimate, dtype=float) - np.asarray(truth, dtype=float)
    return float(np.sqrt(np.mean(difference**2)))


def coverage(lower: npt.ArrayLike, upper: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Return the share of true values that lie between the two ends.

    Examples
    --------
    >>> coverage([0, 0], [1, 1], [0.5, 2.0])
    0.5
    """
    true = np.asarray(truth, dtype=float)
    return float(np.mean((np.asarray(lower) <= true) & (true <= np.asarray(upper))))

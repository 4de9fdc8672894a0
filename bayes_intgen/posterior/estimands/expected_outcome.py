"""The expected outcome under any regime, which every other estimand is a function of.

For any set S of actions that are set

    E[Y | do(a_S), a_rest] = phi(a)' theta_S,   theta_S = beta + sum over k not in S of delta_k,

which is design (2). S = all actions gives the joint effect of Theorem 1, any other S a mixed effect
of Proposition 1. With covariates phi is a function of z too, and the answer is
E[Y | do(a_S), a_rest, z].
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from bayes_intgen.base.netcdf_names import writable
from bayes_intgen.base.regimes import Regime, format_regime, read_do
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Beyond, Points
from bayes_intgen.posterior import query
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.possible_means import share_outside

__all__ = ["draw_coords", "expected_outcome", "label_draws", "theta_draws", "weight_draws"]


def expected_outcome(
    fit: Fitted,
    at: Any,
    do: str | Iterable[str] | None = None,
    beyond: Beyond = "error",
) -> xr.DataArray:
    """Posterior of E[Y | do(a_S), a_rest] at some points, at their covariates if any.

    Parameters
    ----------
    at
        The values of ALL actions and covariates in their own units: a frame or a mapping of
        names to numbers or arrays, levels for a categorical one. Scalars are repeated, other
        columns ignored, a frame's index becomes ``point``.
    do
        The actions S that are set, as names or as a regime's label; the others are conditioned
        on. None sets all of them, ``[]`` none (the observational mean).
    beyond
        What to do about points beyond the box on which smooth curves are defined (1.5 times
        the half-width of the data): raise an error, or ``"clamp"`` the wiggly part of a curve
        at the edge while its linear part runs on.

    Returns
    -------
    xarray.DataArray
        In the outcome's unit, dims (chain, draw, point). Coordinates along ``point`` hold the
        values of actions and covariates and ``support``: ``supported``, ``misfit``
        (within the data, which the fit misses by much against the interval), ``extrapolated``
        (beyond the joint support of the data), ``outside`` (beyond the observed range of one
        of them), ``beyond`` (the box) or ``impossible`` (its mean over the draws is no value that
        the outcome can have on average: below zero for 0/1, counts, proportions and positive
        skewed outcomes, above one for 0/1 and proportions). For these kinds ``share_impossible``
        is the share of draws there. The attribute ``do`` is the regime's label.

    Raises
    ------
    QueryError
        If a value is missing, not a finite number or not a level of the data, ``do`` names an
        unknown action or a part of a block that no experiment sets, or points lie beyond the
        box.
    NotIdentifiedError
        If the data do not identify this effect.

    References
    ----------
    Kekić, Garrido Mejia and Schölkopf (2025), Theorem 1 and Proposition 1.

    Examples
    --------
    >>> joint = posterior.expected_outcome({"a1": [0.0, 0.1], "a2": 0.2})
    >>> joint.dims, joint.shape, joint.attrs["do"]
    (('chain', 'draw', 'point'), (1, 1000, 2), 'a1+a2')
    >>> posterior.expected_outcome({"a1": 0.1, "a2": 0.2}, do=["a1"]).attrs["do"]  # a2 is seen
    'a1'
    """
    regime = read_do(do, fit.summary.actions)
    query.require_identified_mean(fit, regime)
    points = query.read_points(fit, at)
    support = query.flag_points(fit, points, regime, beyond)
    phi = fit.design.features.evaluate(points.values)
    values = theta_draws(fit, regime) @ phi.T  # design (2)
    values += fit.outcome_scale.centre
    answer = label_draws(fit, values, points, fit.summary.outcome, support)
    outside = share_outside(fit, values)
    if outside is not None:
        answer = answer.assign_coords(share_impossible=("point", outside))
    answer.attrs["do"] = format_regime(regime)
    return answer


def weight_draws(fit: Fitted) -> Array:
    """Return the draws of the weights of all components, shape (chain, draw, weights)."""
    return fit.idata["weights"].dataset["weight"].to_numpy()


def theta_draws(fit: Fitted, regime: Regime) -> Array:
    """Return the draws of theta_S, shape (chain, draw, features).

    They are in the outcome's unit, and relative to the centre of ``outcome_scale``.
    """
    return fit.design.collect(weight_draws(fit), fit.design.active(regime))


def draw_coords(fit: Fitted) -> dict[str, npt.NDArray[Any]]:
    """Return the coordinates of the draws of a fit along ``chain`` and ``draw``."""
    draws = fit.idata["posterior"].dataset
    return {dim: draws[dim].to_numpy() for dim in ("chain", "draw")}


def label_draws(
    fit: Fitted,
    values: Array,
    points: Points,
    name: str,
    support: npt.NDArray[np.str_] | None = None,
) -> xr.DataArray:
    """Label draws at some points, shape (chain, draw, point), and add flags if there are any."""
    coords = {**draw_coords(fit), **points.coords()}
    if support is not None:
        coords["support"] = ("point", support)
    answer = xr.DataArray(values, dims=("chain", "draw", "point"), coords=coords, name=name)
    return writable(answer) if "/" in "".join([name, *coords]) else answer

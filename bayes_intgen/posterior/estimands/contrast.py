"""Contrasts of the expected outcome with a baseline, and the probability that they are large.

With m(a) = E[Y | do(a_S), a_rest] and draws of theta_S shared by both points,

    difference  m(a) - m(b) = (phi(a) - phi(b))' theta_S,         (1)
    ratio       m(a) / m(b) = (m(a) - m(b)) / m(b) + 1,           (2)
    lift        m(a) / m(b) - 1 = (m(a) - m(b)) / m(b),           (3)

each draw by draw. A ratio is that of two expected outcomes, not the expectation of a ratio. The
probability of an effect is the share of draws in which it exceeds a threshold: a statement about
the mean outcome, not about that of a single unit.
"""

from collections.abc import Iterable
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr

from bayes_intgen.base.arguments import read_choice, read_real
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import format_regime, read_do
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Beyond, Points
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.expected_outcome import (
    expected_outcome,
    label_draws,
    theta_draws,
)
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["Contrast", "contrast", "probability"]

# Of a baseline from zero, in posterior standard deviations, for a ratio to mean much.
DISTANCE = 3.0

type Contrast = Literal["difference", "ratio", "lift"]


def contrast(
    fit: Fitted,
    at: Any,
    baseline: Any,
    do: str | Iterable[str] | None = None,
    scale: Contrast = "difference",
    beyond: Beyond = "error",
) -> xr.DataArray:
    """Posterior of how far the expected outcome at some points is from that at a baseline.

    Parameters
    ----------
    at
        The points, as in :meth:`expected_outcome`.
    baseline
        Where they are compared with, in the same form: one point for all, or one for each.
    do
        The actions that are set, at the points and at the baseline.
    scale
        ``"difference"``; ``"ratio"``, of the expected outcome at the point to that at the
        baseline; or ``"lift"``, the ratio minus one. The latter two need an outcome whose zero
        means something, and a baseline that is at least three posterior standard deviations
        from zero; where it is negative, a rise of the outcome is a negative lift.
    beyond
        As in :meth:`expected_outcome`.

    Returns
    -------
    xarray.DataArray
        Dims (chain, draw, point), in the outcome's unit or as a plain number; ``support`` is
        the worse flag of both ends.

    Raises
    ------
    QueryError
        If points cannot be read, or the baseline of a ratio may as well be zero.
    NotIdentifiedError
        If the data do not identify this effect.

    Examples
    --------
    >>> rise = posterior.contrast({"a1": [0.1, 0.2], "a2": 0.0}, {"a1": 0.0, "a2": 0.0})
    >>> rise.dims, rise.attrs["scale"]
    (('chain', 'draw', 'point'), 'difference')
    """
    read_choice(scale, "scale", get_args(Contrast.__value__), QueryError)
    regime = read_do(do, fit.actions)
    after = query.read_points(fit, at)
    before = query.read_baseline(fit, baseline, after)
    query.require_identified_contrast(fit, before.values, after.values, regime)
    flags = query.flag_points(fit, after, regime, beyond)
    with query.naming("baseline"):
        flags = query.worst_support(flags, query.flag_points(fit, before, regime, beyond))
    theta, features = theta_draws(fit, regime), fit.design.features
    start = features.evaluate(before.values)
    values = theta @ (features.evaluate(after.values) - start).T  # (1)
    if scale != "difference":
        query.require_identified_mean(fit, regime)  # the level, too
        level = theta @ start.T + fit.outcome_scale.centre
        _require_nonzero(level, before, scale)
        values = values / level + (1.0 if scale == "ratio" else 0.0)  # (2), (3)
    name = fit.outcome if scale == "difference" else scale
    answer = label_draws(fit, values, after, name, flags)
    answer.attrs |= {"do": format_regime(regime), "scale": scale}
    return answer


def probability(
    fit: Fitted,
    at: Any,
    baseline: Any = None,
    do: str | Iterable[str] | None = None,
    threshold: float = 0.0,
    scale: Contrast = "difference",
    beyond: Beyond = "error",
) -> xr.DataArray:
    """Posterior probability that an effect exceeds a threshold.

    Parameters
    ----------
    at, baseline, do, scale, beyond
        As in :meth:`contrast`. Without a baseline the expected outcome itself is compared with
        the threshold.
    threshold
        In the outcome's unit, or a plain number for a ratio or a lift; zero, which asks whether
        there is a rise, by default.

    Returns
    -------
    xarray.DataArray
        Dim (point), with the support flags. It is about the mean outcome, not one unit's.

    Raises
    ------
    QueryError
        As :meth:`contrast`, or if the threshold is not a finite number.
    NotIdentifiedError
        If the data do not identify this effect.

    Examples
    --------
    >>> origin = {"a1": 0.0, "a2": 0.0}
    >>> posterior.probability(origin, baseline=origin).item()  # never above itself
    0.0
    """
    limit = read_real(threshold, "threshold", error=QueryError)
    read_choice(scale, "scale", get_args(Contrast.__value__), QueryError)
    if baseline is not None:
        draws = contrast(fit, at, baseline, do, scale, beyond)
    elif scale != "difference":
        raise QueryError(
            f"scale: a {scale} compares with a baseline, and none was given; give one, or leave "
            f"out scale to compare the expected outcome itself with the threshold."
        )
    else:
        draws = expected_outcome(fit, at, do, beyond)
    answer = (draws > limit).mean(("chain", "draw")).rename("probability")
    answer.attrs |= {**draws.attrs, "threshold": limit}
    return answer


def _require_nonzero(level: Array, before: Points, scale: str) -> None:
    """Refuse to divide by a baseline that may as well be zero or have the other sign."""
    draws = level.reshape(-1, level.shape[-1])
    mean, sd = draws.mean(axis=0), draws.std(axis=0)
    near = (np.abs(mean) < DISTANCE * sd) | ((draws > 0) != (mean > 0)).any(axis=0)
    if near.any():
        first = int(np.flatnonzero(near)[0])
        raise QueryError(
            f"scale: a {scale} divides by the expected outcome at the baseline, which must lie at "
            f"least {DISTANCE:g} posterior sd from zero and have one sign in all draws; at point "
            f"{before.index[first]} it is {mean[first]:.4g} with sd {sd[first]:.4g}. Ask for "
            f"scale='difference', or choose another baseline."
        )

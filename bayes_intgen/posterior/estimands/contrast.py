"""Contrasts: how far the expected outcome at some points is from that at a baseline.

With m(a) = E[Y | do(a_S), a_rest] and draws of theta_S shared by both points,

    difference  m(a) - m(b) = (phi(a) - phi(b))' theta_S,         (1)
    ratio       m(a) / m(b) = (m(a) - m(b)) / m(b) + 1,           (2)
    lift        m(a) / m(b) - 1 = (m(a) - m(b)) / m(b),           (3)

each draw by draw. A ratio is that of two expected outcomes, not the expectation of a ratio.
"""

from collections.abc import Iterable
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr

from bayes_intgen.base.arguments import read_choice
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import format_regime, read_do
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Beyond, Points
from bayes_intgen.posterior.estimands.expected_outcome import label_draws, theta_draws
from bayes_intgen.posterior.estimands.paired_points import naming, read_baseline, worst_support
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.query import (
    flag_points,
    read_points,
    require_identified_contrast,
    require_identified_mean,
)

__all__ = ["Contrast", "contrast"]

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
        If the data do not determine this effect.

    Examples
    --------
    >>> rise = posterior.contrast({"a1": [0.1, 0.2], "a2": 0.0}, {"a1": 0.0, "a2": 0.0})
    >>> rise.dims, rise.attrs["scale"]
    (('chain', 'draw', 'point'), 'difference')
    """
    read_choice(scale, "scale", get_args(Contrast.__value__), QueryError)
    regime = read_do(do, fit.actions)
    after = read_points(fit, at)
    before = read_baseline(fit, baseline, after)
    require_identified_contrast(fit, before.values, after.values, regime)
    flags = flag_points(fit, after, regime, beyond)
    with naming("baseline"):
        flags = worst_support(flags, flag_points(fit, before, regime, beyond))
    theta, features = theta_draws(fit, regime), fit.design.features
    start = features.evaluate(before.values)
    values = theta @ (features.evaluate(after.values) - start).T  # (1)
    if scale != "difference":
        require_identified_mean(fit, regime)  # the level, too
        level = theta @ start.T + fit.outcome_scale.centre
        _require_nonzero(level, before, scale)
        values = values / level + (1.0 if scale == "ratio" else 0.0)  # (2), (3)
    name = fit.outcome if scale == "difference" else scale
    answer = label_draws(fit, values, after, name, flags)
    answer.attrs |= {"do": format_regime(regime), "scale": scale}
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

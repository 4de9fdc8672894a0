"""Contrasts: how far the expected outcome at some points is from that at a baseline.

With m(a) = E[Y | do(a_S), a_rest] and draws of theta_S shared by both points,

    difference  m(a) - m(b) = (phi(a) - phi(b))' theta_S,
    ratio       m(a) / m(b),
    lift        m(a) / m(b) - 1 = (m(a) - m(b)) / m(b),

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
from bayes_intgen.posterior.estimands.paired_points import (
    naming,
    read_baseline,
    require_contrast,
    worst_support,
)
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["Contrast", "contrast"]

DISTANCE = (
    3.0  # of a baseline from zero, in posterior standard deviations, for a ratio to mean much
)

type Contrast = Literal["difference", "ratio", "lift"]


def contrast(
    fit: Fitted,
    at: Any,
    baseline: Any,
    do: str | Iterable[str] | None = None,
    scale: Contrast = "difference",
    beyond: Beyond = "error",
) -> xr.DataArray:
    """Compare the expected outcomes at some points with those at a baseline.

    The arguments are those of :meth:`bayes_intgen.Posterior.contrast`.
    """
    read_choice(scale, "scale", get_args(Contrast.__value__), QueryError)
    regime = read_do(do, fit.actions)
    after = fit.points(at)
    before = read_baseline(fit, baseline, after)
    require_contrast(fit, before, after, regime)
    flags = fit.support(after, regime, beyond)
    with naming("baseline"):
        flags = worst_support(flags, fit.support(before, regime, beyond))
    theta, features = fit.theta(regime), fit.design.features
    start = features.evaluate(before.values)
    values = theta @ (features.evaluate(after.values) - start).T
    if scale != "difference":
        fit.require(regime)  # the level, too
        level = theta @ start.T + fit.outcome_scale.centre
        _require_nonzero(level, before, scale)
        values = values / level + (1.0 if scale == "ratio" else 0.0)
    answer = fit.label(values, after, fit.outcome if scale == "difference" else scale)
    answer.attrs |= {"do": format_regime(regime), "scale": scale}
    return answer.assign_coords(support=("point", flags))


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

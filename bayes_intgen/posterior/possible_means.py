"""Means that the kind of the outcome allows: not below zero, or above one for 0/1 and proportions.

The expected outcome is linear in the weights, and nothing in the model keeps it in the range of the
outcome. Where its posterior mean lies outside, the answer is wrong whatever the ranges of the
actions say: the truth is not additive on the outcome's own scale, or a curve runs on beyond what
was seen. Such a point is flagged ``impossible``.

If only some of the draws lie outside, as they do wherever the truth is near an end of the range and
not known better than its distance from it, the answer may be right: the flag stays, and the share
of draws outside is told beside it.

Only a mean that is identified can be judged so. Where it is not, but a contrast is (lift tests),
the level is that of the prior.
"""

import numpy as np

from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.data.points import Points
from bayes_intgen.design.identification.identify import identify_from
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["has_impossible_mean", "share_outside"]


def has_impossible_mean(fit: Fitted, points: Points, regime: Regime) -> Mask:
    """Say at which points the posterior mean of the expected outcome is impossible, (points,)."""
    low, high = fit.summary.outcome_range.limits
    nowhere = np.zeros(len(points), dtype=bool)
    if np.isinf([low, high]).all():
        return nowhere
    if not identify_from(fit.summary.regimes, regime, fit.design.blocks).identified:
        return nowhere
    weights = fit.idata["weights"].dataset["weight"].to_numpy().mean(axis=(0, 1))
    theta = fit.design.collect(weights, fit.design.active(regime))
    mean = fit.design.features.evaluate(points.values) @ theta + fit.outcome_scale.centre
    return np.asarray((mean < low) | (mean > high))


def share_outside(fit: Fitted, draws: Array) -> Array | None:
    """Return the share of draws, shape (chain, draw, points), outside the range of the outcome.

    None if the outcome can have any value.
    """
    low, high = fit.summary.outcome_range.limits
    if np.isinf([low, high]).all():
        return None
    return np.asarray(((draws < low) | (draws > high)).mean(axis=(0, 1)))

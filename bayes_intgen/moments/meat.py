"""The middle of a sandwich covariance: squared scores of independent units, by regime.

A unit is a row or, where rows depend on one another, a cluster or a block of times
(:mod:`bayes_intgen.data.grouping`), its random intercept taken out.
"""

import numpy as np

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.moments.moments import Moments

__all__ = ["meat", "sum_of_squares", "units_are_blocks"]

ENOUGH_CLUSTERS = 10  # in every regime, to be units in place of blocks
BARTLETT = 0.5  # the weight of the next block


def units_are_blocks(moments: Moments) -> bool:
    """Say whether blocks of times are units, for want of clusters.

    Otherwise whole clusters are, of which there are ten or more in every regime.
    """
    if moments.grouping is None or not moments.grouping.has_blocks:
        return False
    numbers = [len(np.unique(groups.keys[:, 0])) for groups in moments.clusters.values()]
    return min(numbers) < ENOUGH_CLUSTERS


def meat(moments: Moments, regime: Regime) -> Array:
    """Return the sum of S S' over the units of a regime, shape (features, features).

    S is the score of a unit, the sum of v e phi over its rows, with row weights v and residuals e
    of a first fit; the precision of the regime is left out, and leverage is not corrected for.

    Raises
    ------
    ModelError
        If there are no residuals.
    """
    if moments.residuals is None:
        raise ModelError("moments: those of the residuals are needed; compute them from rows.")
    groups = moments.clusters.get(regime)
    if groups is None or not groups.scores:
        return moments.residuals[regime].meat
    by_block = units_are_blocks(moments)
    left = (1 - groups.shrinkage(moments.ratios.get(regime, 0.0)) * groups.weight) * groups.residual
    return sum_of_squares(*groups.unit_scores(left, 1.0, by_block), by_block)


def sum_of_squares(keys: Indices, scores: Array, by_block: bool) -> Array:
    """Return J / (J - 1) times the sum of S_g S_g' over J units, shape (features, features).

    Blocks of times that are next to one another count with Bartlett's weight, half (Newey and West
    1987, "A simple, positive semi-definite, heteroskedasticity and autocorrelation consistent
    covariance matrix", Econometrica 55).
    """
    total = scores.T @ scores
    if by_block:
        adjacent = (keys[1:, 0] == keys[:-1, 0]) & (keys[1:, 1] == keys[:-1, 1] + 1)
        first = np.flatnonzero(adjacent)
        across = scores[first].T @ scores[first + 1]
        total += BARTLETT * (across + across.T)
    return np.asarray(total * (len(keys) / max(len(keys) - 1, 1)))

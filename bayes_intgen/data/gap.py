"""A gap between the values that experiments set, where curves are bridged by the prior."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.types import Array
from bayes_intgen.data.regime_summary import RegimeSummary

__all__ = ["Gap", "find_gaps", "intersect_gaps", "pool_rows"]

LEAST_GAP = 0.25  # of the tested range
LEAST_SIDE = 0.05  # of the rows, on either side of a gap


@dataclass(frozen=True)
class Gap:
    """An interval between the values that experiments set."""

    # values that experiments set
    low: float
    high: float
    share: float  # of the rows in it, where the action is left alone


def intersect_gaps(one: Sequence[Gap], two: Sequence[Gap]) -> tuple[Gap, ...]:
    """Return the intervals that two unions of intervals have in common.

    Examples
    --------
    >>> intersect_gaps([Gap(0.0, 2.0, 0.1)], [Gap(1.0, 3.0, 0.3)])
    (Gap(low=1.0, high=2.0, share=0.3),)
    """
    common = [
        Gap(max(a.low, b.low), min(a.high, b.high), max(a.share, b.share)) for a in one for b in two
    ]
    return tuple(gap for gap in common if gap.low < gap.high)


def find_gaps(
    column: int, tested: Sequence[RegimeSummary], natural: Sequence[RegimeSummary]
) -> tuple[Gap, ...]:
    """Return the gaps between the values of an action that some regimes set.

    ``column``: of the action; ``natural``: the regimes that leave it alone.
    """
    low = min(summary.core[0, column] for summary in tested)
    high = max(summary.core[1, column] for summary in tested)
    values, shares = pool_rows([summary.sample.rows[:, column] for summary in tested])
    order = np.argsort(values, kind="stable")
    values, share = values[order], np.cumsum(shares[order])
    wide = np.diff(values) > LEAST_GAP * (high - low)
    wide &= (share[:-1] >= LEAST_SIDE) & (share[:-1] <= 1 - LEAST_SIDE)
    gaps = []
    for i in np.flatnonzero(wide):
        start, end = float(values[i]), float(values[i + 1])
        rows = [summary.sample.rows[:, column] for summary in natural]
        within = [np.mean((start < own) & (own < end)) for own in rows]
        gaps.append(Gap(start, end, float(np.mean(within)) if within else 0.0))
    return tuple(gaps)


def pool_rows(rows: Sequence[Array]) -> tuple[Array, Array]:
    """Join rows of several regimes; the shares of each regime are alike, and sum to one."""
    shares = [np.full(len(own), 1 / (len(rows) * len(own))) for own in rows]
    return np.concatenate(rows), np.concatenate(shares)

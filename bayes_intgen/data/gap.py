"""A gap between the values that experiments set, where curves are bridged by the prior."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Gap", "intersect_gaps"]


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

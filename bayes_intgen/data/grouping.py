"""Which rows share a random intercept, and which are one unit of the sandwich covariance.

Rows of a cluster share an intercept, and are one unit. Where times are known, those of a cluster
(or of a regime, without clusters) are cut into blocks of

    (1)  B = 1.75 T^(1/3)

adjacent times, T of them in a regime, each with an intercept of its own, which stands for whatever
wanders. The units of the sandwich then still are whole clusters, if there are ten or more in every
regime; otherwise they are blocks, of which adjacent ones count together with Bartlett's weight
(:mod:`bayes_intgen.inference.sandwich`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any, Self

import numpy as np

from bayes_intgen.base.types import Array, Indices
from bayes_intgen.data.marks import Marks

__all__ = ["Grouping", "mean_units", "relative_units"]

LENGTH, LEAST_LENGTH = 1.75, 4  # of a block, in (1)
MOST_BLOCKS = 512


@dataclass(frozen=True)
class Grouping:
    """How the marks of a row lead to its group: a cluster, and a block of times within it."""

    origin: float = 0.0  # the first time
    width: float = 0.0  # of a block, in units of time; zero without times

    @classmethod
    def of(cls, marks: Sequence[Marks]) -> Self | None:
        """Settle the blocks by the marks of the regimes' rows; None if rows are independent."""
        times = [np.unique(own.time) for own in marks if own.time is not None]
        if not times:
            return cls() if any(own.cluster is not None for own in marks) else None
        every = np.unique(np.concatenate(times))
        if len(every) < 2:
            return cls()
        step = float(np.median(np.diff(every)))
        length = max(
            LENGTH * float(np.median([len(own) for own in times])) ** (1 / 3), LEAST_LENGTH
        )
        width = max(ceil(length) * step, float(np.ptp(every)) / MOST_BLOCKS)
        return cls(float(every[0]), width)

    @property
    def has_blocks(self) -> bool:
        """Whether groups are blocks of times within clusters."""
        return self.width > 0

    def keys(self, marks: Marks) -> Indices:
        """Return the cluster and the block of each row, shape (rows, 2)."""
        keys = np.zeros((len(marks.table), 2), dtype=np.int64)
        if marks.cluster is not None:
            keys[:, 0] = marks.cluster
        if self.has_blocks and marks.time is not None:
            # the last of T times may end a block: rounding must not open one more
            keys[:, 1] = np.floor((marks.time - self.origin) / self.width + 1e-9)
        return keys

    def to_dict(self) -> dict[str, float]:
        """Return the fields."""
        return asdict(self)

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild from :meth:`to_dict`."""
        return cls(**state)


def mean_units(marks: Sequence[Marks]) -> float:
    """Return the mean number of units that a row stands for, one if rows are units."""
    units = [own.weights for own in marks if own.weights is not None]
    return float(np.concatenate(units).mean()) if units else 1.0


def relative_units(marks: Marks, mean: float) -> Array | None:
    """Return how many units each row stands for, over their mean; None if rows are units."""
    return None if marks.weights is None else marks.weights / mean

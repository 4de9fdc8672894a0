"""Which rows share a random intercept, and which are one unit of the sandwich covariance.

Rows of a cluster share an intercept, and are one unit. Where times are known, those of a cluster
(or of a regime, without clusters) are cut into blocks of

    (1)  B = 1.75 T^(1/3)

adjacent times, T of them in a regime, each with an intercept of its own, which stands for whatever
wanders. The units of the sandwich then still are whole clusters, if there are ten or more in every
regime; otherwise they are blocks, of which adjacent ones count together with Bartlett's weight
(:mod:`bayes_intgen.inference.sandwich`).

Settings may be held for several times: a price for a month of weeks. What else moves the outcome
then tends to be held as well, and times with the same settings tell little more about a curve than
one does. So where there are no clusters and settings are held in a regime, twice as long as if its
times were shuffled, rows of a block share an intercept only if their settings are the same: of the
actions that the regime sets, or of all in observations. It is looked for among the rows that are
kept of the first table, all of a regime up to 2^16. With settings and confounders held for four of
150 weeks, an intercept for each block of ten alone left contrasts an error of 1.5 and 84% covered
(60 systems of ``tests/cases/dependent_rows.py``), since rows within a block passed for independent
ones; now it is 0.5, and 95% are. Within clusters it was tried and is not done: contrasts gain where
confounders are held too (error 0.53 to 0.27 in 30 systems of 20 regions), and lose where only the
setting is (0.11 to 0.17, and 0.12 to 0.32 where regions differ much), as what a region has in
common is no longer taken out.

A group has two keys: its cluster, and

    (2)  2^24 block + h,    h a hash of the settings, zero where they make no groups.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.data.marks import Marks

if TYPE_CHECKING:
    from bayes_intgen.data.regime_summary import ThinnedSample

__all__ = [
    "BLOCK",
    "LEAST_LENGTH",
    "MOST_BLOCKS",
    "Grouping",
    "block_length",
    "hash_settings",
    "mean_units",
    "relative_units",
    "unit_keys",
]

LENGTH, LEAST_LENGTH = 1.75, 4  # of a block, in (1)
MOST_BLOCKS = 512
HELD_BITS = 24
BLOCK = 2**HELD_BITS  # what the second key rises by from block to block, (2)
ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: products spread (Knuth 6.4)


@dataclass(frozen=True)
class Grouping:
    """How the marks of a row lead to its group: a cluster, and a block of times within it."""

    origin: float = 0.0  # the first time
    width: float = 0.0  # of a block, in units of time; zero without times
    # by the label of a regime, the columns whose settings are held and make groups within blocks
    held: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        samples: "Mapping[Regime, ThinnedSample]",
        actions: Sequence[str],
        numbered: bool = False,
    ) -> Self | None:
        """Settle the blocks by the rows of each regime; None if rows are independent.

        ``numbered``: whether times are numbers of rows, in lengths of a block.
        """
        marks = [sample.marks for sample in samples.values() if sample.marks is not None]
        times = [np.unique(own.time) for own in marks if own.time is not None]
        by_cluster = any(own.cluster is not None for own in marks)
        if not times:
            return cls() if by_cluster else None
        every = np.unique(np.concatenate(times))
        if len(every) < 2:
            return cls()
        start, width = float(every[0]), 1.0
        if numbered:
            start = 0.0
        else:
            length = block_length(float(np.median([len(own) for own in times])))
            step = float(np.median(np.diff(every)))
            width = max(length * step, float(np.ptp(every)) / MOST_BLOCKS)
        held = {}
        for regime, sample in samples.items() if not by_cluster else ():
            columns = [actions.index(name) for name in regime or actions]
            if sample.marks is not None and _is_held(sample.rows[:, columns], sample.marks):
                held[format_regime(regime)] = tuple(columns)
        return cls(start, width, held)

    @property
    def has_blocks(self) -> bool:
        """Whether groups are blocks of times within clusters."""
        return self.width > 0

    def keys(self, regime: Regime, rows: Array, marks: Marks) -> Indices:
        """Return the keys of the groups of rows, (2), shape (rows, 2).

        ``rows``: their values, those of the actions first, shape (rows, columns).
        """
        keys = np.zeros((len(marks.table), 2), dtype=np.int64)
        if marks.cluster is not None:
            keys[:, 0] = marks.cluster
        if self.has_blocks and marks.time is not None:
            # the last of T times may end a block: rounding must not open one more
            block = np.floor((marks.time - self.origin) / self.width + 1e-9).astype(np.int64)
            keys[:, 1] = BLOCK * block
            columns = self.held.get(format_regime(regime))
            if columns is not None:
                keys[:, 1] += hash_settings(rows[:, list(columns)], HELD_BITS)
        return keys

    def to_dict(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild from :meth:`to_dict`."""
        held = {label: tuple(columns) for label, columns in state.get("held", {}).items()}
        return cls(state["origin"], state["width"], held)


def block_length(times: float) -> int:
    """Return the number of adjacent times in a block, (1), at least four.

    Examples
    --------
    >>> block_length(150)
    10
    """
    length: int = ceil(max(LENGTH * times ** (1 / 3), LEAST_LENGTH))
    return length


def unit_keys(keys: Indices, by_block: bool) -> Indices:
    """Return the keys of the units that groups are in: blocks of times, or whole clusters.

    Examples
    --------
    >>> unit_keys(np.array([[7, 3 * BLOCK + 5]]), by_block=True)
    array([[7, 3]])
    """
    second = keys[:, 1] // BLOCK if by_block else np.zeros(len(keys), dtype=np.int64)
    return np.column_stack([keys[:, 0], second])


def _is_held(settings: Array, marks: Marks) -> bool:
    """Say whether settings stay the same from time to time twice as long as when shuffled.

    Rows of one time must have the same.
    """
    if marks.time is None or len(settings) < 2:
        return False
    order = np.argsort(marks.time, kind="stable")
    ranked, times = settings[order], marks.time[order]
    changes, later = np.any(ranked[1:] != ranked[:-1], axis=1), times[1:] != times[:-1]
    if not later.any() or np.any(changes & ~later):
        return False
    _, counts = np.unique(ranked[np.append(True, later)], axis=0, return_counts=True)
    shares = counts / counts.sum()
    by_chance = 1 - float(shares @ shares)
    return len(counts) > 1 and float(changes[later].mean()) <= 0.5 * by_chance


def hash_settings(settings: Array, bits: int) -> Indices:
    """Return so many bits for each row, the same for the same numbers wherever they are read.

    Examples
    --------
    >>> one, other, again = hash_settings(np.array([[0.0, 1.0], [1.0, 0.0], [-0.0, 1.0]]), 24)
    >>> bool(one == again), bool(one == other)
    (True, False)
    """
    mixed = np.zeros(len(settings), dtype=np.uint64)
    for column in settings.T:
        written = np.ascontiguousarray(column + 0.0).view(np.uint64)  # one zero, not two
        mixed = (mixed ^ written ^ (written >> np.uint64(29))) * ODD
        mixed ^= mixed >> np.uint64(32)
    return (mixed >> np.uint64(64 - bits)).astype(np.int64)


def mean_units(marks: Sequence[Marks]) -> float:
    """Return the mean number of units that a row stands for, one if rows are units."""
    units = [own.weights for own in marks if own.weights is not None]
    return float(np.concatenate(units).mean()) if units else 1.0


def relative_units(marks: Marks, mean: float) -> Array | None:
    """Return how many units each row stands for, over their mean; None if rows are units."""
    return None if marks.weights is None else marks.weights / mean

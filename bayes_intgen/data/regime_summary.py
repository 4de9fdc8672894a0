"""Summary of the rows of one regime: count, moments, ranges, and a thinned sample of rows."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.types import Array
from bayes_intgen.data.level_summary import LevelRows
from bayes_intgen.data.marks import Marks
from bayes_intgen.data.outcome_kind import OutcomeFacts

__all__ = [
    "SAMPLE_ROWS",
    "RegimeSummary",
    "ThinnedSample",
    "attached_range",
]

SAMPLE_ROWS = 2**16
NEAR_ROWS = 2**10  # kept with a fit
TAIL = 0.0005
MOST_DETACHED, DETACHED = 3, 5.0


@dataclass(frozen=True)
class ThinnedSample:
    """Every 2^j-th row of a stream, with j the smallest that keeps at most 2^16 rows.

    All rows are kept up to that size, so that quantiles are exact there. Deterministic and
    mergeable; a period of 2^j rows in the order of the stream would bias it.
    """

    rows: Array  # those kept, shape (kept, columns)
    seen: int = 0  # number of rows that went by
    stride: int = 1  # the distance 2^j between kept rows
    # number of rows of the stream before those of this sample, which are of a partition
    start: int = 0
    marks: Marks | None = None  # of the rows kept; None if nothing is known of them

    @classmethod
    def empty(
        cls, columns: int, start: int = 0, n: int = 0, marks: tuple[str, ...] = ()
    ) -> "ThinnedSample":
        """Return the sample of no rows, the first of which is to be row ``start`` of about n."""
        stride = 1
        while -(-n // stride) > SAMPLE_ROWS:
            stride *= 2
        none = Marks(marks, np.empty((0, len(marks)))) if marks else None
        return cls(np.empty((0, columns)), 0, stride, start, none)

    def extend(self, values: Array, marks: Marks | None = None) -> "ThinnedSample":
        """Return the sample after some more rows."""
        first = -(self.start + self.seen) % self.stride
        rows = np.concatenate([self.rows, values[first :: self.stride]])
        more = None if self.marks is None or marks is None else marks[first :: self.stride]
        both = _join(self.marks, more)
        return replace(self, rows=rows, seen=self.seen + len(values), marks=both).thin()

    def merge(self, other: "ThinnedSample") -> "ThinnedSample":
        """Return a sample of the rows of both."""
        stride = max(self.stride, other.stride)
        one, two = (sample.coarsen(stride) for sample in (self, other))
        rows, seen = np.concatenate([one.rows, two.rows]), self.seen + other.seen
        marks = _join(one.marks, two.marks)
        return ThinnedSample(rows, seen, stride, self.start, marks).thin()

    def thin(self, most: int | None = None) -> "ThinnedSample":
        """Keep every second row until there are few enough, 2^16 by default."""
        count, stride = len(self.rows), self.stride
        while count > (SAMPLE_ROWS if most is None else most):
            count, stride = -(-count // 2), 2 * stride
        return self.coarsen(stride)

    def coarsen(self, stride: int) -> "ThinnedSample":
        """Keep the rows that are a multiple of the present stride apart."""
        step = stride // self.stride
        marks = None if self.marks is None else self.marks[::step]
        return replace(self, rows=self.rows[::step], stride=stride, marks=marks)


def _join(one: Marks | None, two: Marks | None) -> Marks | None:
    if one is None or two is None:
        return None
    return Marks(one.kept, np.concatenate([one.table, two.table]))


def attached_range(rows: Array) -> Array:
    """Return the range of each column without values that are far from all others.

    A value is detached if from the median it is more than five times as far as the next value on
    its side: one in a wrong unit, say. Up to three on each side can be; of rows with normal tails
    none ever is.

    Parameters
    ----------
    rows
        Shape (n, columns).

    Returns
    -------
    ndarray
        Shape (2, columns).

    Examples
    --------
    >>> attached_range(np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 1e6]]).T).T
    array([[1., 5.]])
    """
    count = min(MOST_DETACHED + 1, len(rows))
    median = np.median(rows, axis=0)
    ends = []
    for side in (-1, 1):
        outer = np.sort(side * (rows - median), axis=0)[-count:]  # ascending
        end = outer[-1]
        for k in range(count - 2, -1, -1):
            detached = (end == outer[k + 1]) & (outer[k] > 0) & (end > DETACHED * outer[k])
            end = np.where(detached, outer[k], end)
        ends.append(median + side * end)
    return np.array(ends)


@dataclass(frozen=True)
class RegimeSummary:
    """Summary of the rows of one regime; columns are actions, covariates and outcome.

    A categorical column has codes, whose mean and range mean nothing.

    Parameters
    ----------
    moments
        Count, means and centred second moments.
    low, high
        Smallest and largest value, shape (columns,).
    sample
        Thinned rows, for quantiles and for learning the structure.
    stored_core
        The core range of a summary that was read from a file, without its rows.
    levels
        Summaries of the rows at each level of each categorical variable, by its column.
    stored_near
        The rows :attr:`near` of a summary that was read from a file, without its other rows.
    outcome
        What tells the kind of the outcome; None if the file of an earlier version kept nothing.
    """

    moments: CentredMoments
    low: Array
    high: Array
    sample: ThinnedSample = field(repr=False)
    stored_core: Array | None = field(default=None, repr=False)
    levels: Mapping[int, tuple[LevelRows, ...]] = field(default_factory=dict, repr=False)
    stored_near: Array | None = field(default=None, repr=False)
    outcome: OutcomeFacts | None = field(default=None, repr=False)

    @classmethod
    def empty(cls, sample: ThinnedSample, sizes: Mapping[int, int]) -> "RegimeSummary":
        """Return the summary of no rows, whose sample starts from a given one.

        The numbers of levels of the categorical variables are given by their columns.
        """
        width = sample.rows.shape[1]
        moments = CentredMoments.empty(width)
        levels = {k: LevelRows.split(sample.rows[:0], k, sizes) for k in sizes}
        ends = np.full(width, np.inf), np.full(width, -np.inf)
        return cls(moments, *ends, sample, levels=levels, outcome=OutcomeFacts())

    @classmethod
    def from_rows(cls, values: Array) -> "RegimeSummary":
        """Summarise rows of shape (n, columns), none of which is categorical."""
        return cls.empty(ThinnedSample.empty(values.shape[1]), {}).extend(values)

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.moments.n

    @cached_property
    def core(self) -> Array:
        """The 0.05% and 99.95% quantiles of each column, without detached rows; shape (2, columns).

        Unlike the plain range it is not at the mercy of one outlier: among fewer than 2000 rows
        these quantiles are, so that values far from all others do not count
        (:func:`attached_range`).
        """
        if self.stored_core is not None:
            return self.stored_core
        core = np.quantile(self.sample.rows, [TAIL, 1 - TAIL], axis=0)
        low, high = attached_range(self.sample.rows)
        return np.array([np.maximum(core[0], low), np.minimum(core[1], high)])

    @cached_property
    def near(self) -> Array:
        """Where some of the rows lie, without the outcome, shape (at most 2^10, variables).

        In standard units of the regime and single precision, as a fit keeps them in its file, so
        that it answers the same when it is loaded. There are none if they were not kept.
        """
        if self.stored_near is not None:
            return self.stored_near
        rows = self.sample.thin(NEAR_ROWS).rows[:, :-1]
        mean, sd = self.near_scale
        return np.asarray(((rows - mean) / sd).astype(np.float32).astype(float))

    @property
    def near_scale(self) -> tuple[Array, Array]:
        """Mean and standard deviation of each variable, the units of :attr:`near`."""
        sd = np.sqrt(np.diag(self.moments.covariance)[:-1])
        return self.moments.mean[:-1], np.where(sd > 0, sd, 1.0)

    @cached_property
    def searches(self) -> dict[Hashable, Any]:
        """What was made of :attr:`near` for queries, by what it was made for."""
        return {}

    def extend(self, values: Array, marks: Marks | None = None) -> "RegimeSummary":
        """Return the summary after some more rows of the same stream."""
        sizes = {column: len(by_level) for column, by_level in self.levels.items()}
        return RegimeSummary(
            self.moments.merge(CentredMoments.from_rows(values)),
            np.minimum(self.low, values.min(axis=0)),
            np.maximum(self.high, values.max(axis=0)),
            self.sample.extend(values, marks),
            levels=self._merge_levels({k: LevelRows.split(values, k, sizes) for k in sizes}),
            outcome=_merge_facts(self.outcome, OutcomeFacts.from_outcomes(values[:, -1])),
        )

    def merge(self, other: "RegimeSummary") -> "RegimeSummary":
        """Return the summary of the rows of both.

        If one was read from a file without its rows, the core range is the envelope of the two.
        """
        sample, core = self.sample.merge(other.sample), None
        if any(s.stored_core is not None and not len(s.sample.rows) for s in (self, other)):
            lows, highs = zip(self.core, other.core, strict=True)
            core = np.array([np.minimum(*lows), np.maximum(*highs)])
            sample = replace(sample, rows=sample.rows[:0], marks=None)
        return RegimeSummary(
            self.moments.merge(other.moments),
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            sample,
            core,
            levels=self._merge_levels(other.levels),
            outcome=_merge_facts(self.outcome, other.outcome),
        )

    def _merge_levels(
        self, other: Mapping[int, tuple[LevelRows, ...]]
    ) -> dict[int, tuple[LevelRows, ...]]:
        return {
            column: tuple(a.merge(b) for a, b in zip(by_level, other[column], strict=True))
            for column, by_level in self.levels.items()
        }


def _merge_facts(one: OutcomeFacts | None, two: OutcomeFacts | None) -> OutcomeFacts | None:
    """Return the facts of the rows of both; None if nothing is known of one of them."""
    return None if one is None or two is None else one.merge(two)

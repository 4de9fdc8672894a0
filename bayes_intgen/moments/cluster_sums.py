"""Sums over the rows of each group that shares a random intercept, keyed, merged by adding.

Of every group g of a regime, with row weights v, features phi, outcome y and residuals e of a first
fit, kept are

    (1)  N_g = sum v,    s_g = sum v (phi, y),    eps_g = sum v e,    u_g = sum v e phi.

A random intercept b_g ~ N(0, tau^2), with lambda = tau^2 / sigma^2, changes the sums of products of
the regime to

    (2)  G - sum_g c_g s_g s_g',    c_g = lambda / (1 + lambda N_g),

and the log determinant of the covariance of its rows by sum_g log(1 + lambda N_g): the precision of
the rows of a group is diag(v) - c_g v v', by the formula of Sherman and Morrison. Cost and size do
not depend on the number of rows. The u_g are needed for a sandwich only; of more than 4096 groups
they are added up in 4096 bins of whole clusters, since the union of independent clusters is one.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from bayes_intgen.base.parallel import stretches
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.data.grouping import BLOCK, unit_keys
from bayes_intgen.data.marks import HASH_BITS
from bayes_intgen.moments.keyed_rows import (
    add_at,
    add_by_key,
    add_rows,
    places_of,
)

__all__ = [
    "GROUPS_AT_ONCE",
    "MOST_UNITS",
    "ClusterSums",
    "bins_of",
]

MOST_UNITS = 2**12
BIN_WIDTH = 2 ** (HASH_BITS - 12)
LEAST_PENDING, GROUPS_AT_ONCE = 2**12, 2**13


@dataclass(frozen=True)
class _Keyed:
    """Sums of distinct groups, in the order of their keys."""

    keys: Indices  # cluster and block, shape (groups, 2)
    rows: Array  # number of rows, shape (groups,)
    weight: Array  # N_g, shape (groups,)
    outcome: Array  # s_g of the outcome, shape (groups,)
    sums: Array  # s_g of the features but the constant, shape (groups, features)
    residual: Array  # eps_g, shape (groups,); zero without a first fit


SUMMED = ("rows", "weight", "outcome", "sums", "residual")


@dataclass(frozen=True)
class ClusterSums:
    """The sums (1) of the rows of one regime, in parts that are added up when they are asked for.

    Parameters
    ----------
    parts
        Sums of some rows each; groups may be in several.
    scores
        Keys and u_g of some rows each, likewise; none without a first fit.
    """

    parts: tuple[_Keyed, ...] = field(repr=False)
    scores: tuple[tuple[Indices, Array], ...] = field(default=(), repr=False)

    @classmethod
    def of(
        cls,
        keys: Indices,
        rows: Array,
        weight: Array,
        outcome: Array,
        sums: Array,
        residual: Array | None = None,
    ) -> "ClusterSums":
        """Take sums of distinct groups; shapes as in (1), those of the features without phi_0."""
        none = np.zeros(len(rows))
        known = none if residual is None else residual
        return cls((_Keyed(keys, rows, weight, outcome, sums, known),))

    def with_scores(self, keys: Indices, scores: Array) -> "ClusterSums":
        """Return the sums with the u_g of the same groups, or of their bins."""
        return ClusterSums(self.parts, ((keys, scores),))

    def merge(self, other: "ClusterSums") -> "ClusterSums":
        """Return the sums of the rows of both."""
        merged = ClusterSums(self.parts + other.parts, self.scores + other.scores)
        pending = sum(len(part.keys) for part in merged.parts[1:])
        if pending < max(LEAST_PENDING, len(merged.parts[0].keys) // 16):
            return merged
        return merged.settle()

    def absorb(self, later: "ClusterSums") -> "ClusterSums":
        """Merge in the arrays of this one, which must not be used any more.

        Groups that are known are added where they stand, which spares what copies take.
        """
        first, own = self.parts[0], later.settle()
        if len(first.keys) < LEAST_PENDING:
            return self.merge(later)
        part = own.parts[0]
        at = np.minimum(np.searchsorted(first.keys[:, 0], part.keys[:, 0]), len(first.keys) - 1)
        known = np.all(first.keys[at] == part.keys, axis=1)
        places, rows = at[known], np.flatnonzero(known)
        for name in SUMMED:
            total, values = getattr(first, name), getattr(part, name)
            add_rows(total, places, values, rows)
        new = _Keyed(part.keys[~known], *(getattr(part, name)[~known] for name in SUMMED))
        if not own.scores or len(first.keys) <= MOST_UNITS:
            return self.merge(ClusterSums((new,), own.scores))
        scores = (_add_scores(self.scores + own.scores, first.keys),)  # bins, no more than 4096
        return replace(self.merge(ClusterSums((new,))), scores=scores)

    def settle(self) -> "ClusterSums":
        """Add up the parts."""
        if len(self.parts) == 1 and len(self.scores) < 2:
            return self
        scores = (_add_scores(self.scores, self._whole.keys),) if self.scores else ()
        return ClusterSums((self._whole,), scores)

    @cached_property
    def _whole(self) -> _Keyed:
        if len(self.parts) == 1:
            return self.parts[0]
        keys, places = places_of([part.keys for part in self.parts])

        def add(name: str) -> Array:
            return add_at(places, [getattr(part, name) for part in self.parts], len(keys))

        return _Keyed(keys, *map(add, SUMMED))

    @property
    def keys(self) -> Indices:
        """Cluster and block of each group, shape (groups, 2), in their order."""
        return self._whole.keys

    @property
    def rows(self) -> Array:
        """Number of rows of each group."""
        return self._whole.rows

    @property
    def weight(self) -> Array:
        """N_g, shape (groups,)."""
        return self._whole.weight

    @property
    def outcome(self) -> Array:
        """s_g of the outcome, shape (groups,)."""
        return self._whole.outcome

    @property
    def sums(self) -> Array:
        """s_g of the features but the constant, shape (groups, features)."""
        return self._whole.sums

    @property
    def residual(self) -> Array:
        """eps_g, shape (groups,)."""
        return self._whole.residual

    def select(self, columns: Indices) -> "ClusterSums":
        """Keep some features, the constant first; the first ones are shared, not copied."""
        whole = self._whole
        kept = whole.sums[:, _as_slice(columns[1:] - 1)]
        sums = _Keyed(whole.keys, whole.rows, whole.weight, whole.outcome, kept, whole.residual)
        return ClusterSums((sums,), tuple((k, u[:, _as_slice(columns)]) for k, u in self.scores))

    def thin(self, step: int) -> "ClusterSums":
        """Keep every so many-th group, whose keys are in random order, without scores."""
        whole = self._whole
        names = ("keys", *SUMMED)
        return ClusterSums((_Keyed(*(getattr(whole, name)[::step] for name in names)),))

    def shrinkage(self, ratio: float) -> Array:
        """Return c_g of (2) for a ratio lambda of variances, shape (groups,)."""
        return np.asarray(ratio / (1 + ratio * self.weight))

    def log_det(self, ratio: float) -> float:
        """Return the sum of log(1 + lambda N_g)."""
        return float(np.log1p(ratio * self.weight).sum())

    def take_out(self, ratio: float) -> Array:
        """Return what (2) subtracts from sums of products of (1, phi, y), (features, features)."""
        size = self.sums.shape[1] + 2
        total, root = np.zeros((size, size)), np.sqrt(self.shrinkage(ratio))
        for some in stretches(len(root), GROUPS_AT_ONCE):
            parts = (self.weight[some], self.sums[some], self.outcome[some])
            scaled = np.column_stack(parts) * root[some, None]
            total += scaled.T @ scaled
        return total

    def unit_scores(self, left: Array, within: float, by_block: bool) -> tuple[Indices, Array]:
        """Return the score of each unit of a sandwich, the intercepts taken out.

        With the means x_g = s_g / N_g of the features, that of a group has two parts,

            (3)  sum v e~ phi = (u_g - x_g eps_g) + x_g (1 - c_g N_g) eps_g,    e~ = e - c_g eps_g,

        what varies within the group and what it has in common.

        Parameters
        ----------
        left
            (1 - c_g N_g) eps_g of the fit, shape (groups,). In the first part e is that of the
            first fit, of which the u_g are.
        within
            By which the first part is multiplied.
        by_block
            Whether units are blocks of times; otherwise they are whole clusters.

        Returns
        -------
        keys
            Of the units, shape (units, 2).
        scores
            Shape (units, features).
        """
        if not self.scores:
            raise ValueError("scores: take a first fit, whose residuals they are of.")
        keys, scores = self.settle().scores[0]
        shift = left - within * self.residual
        own = self.keys if len(keys) == len(self.keys) else bins_of(self.keys)
        every = [(unit_keys(keys, by_block), within * scores)]
        for some in stretches(len(shift), GROUPS_AT_ONCE):
            units = unit_keys(own[some], by_block)
            mean = self.sums[some] * (shift[some] / self.weight[some])[:, None]
            every.append(add_by_key([(units, np.column_stack([shift[some], mean]))]))
        return add_by_key(every)

    def without_scores(self) -> "ClusterSums":
        """Return the sums without the u_g."""
        return ClusterSums((self._whole,))

    def without_features(self) -> "ClusterSums":
        """Return the sums without those of features, which are most of them, nor the u_g."""
        return ClusterSums((replace(self._whole, sums=np.empty((len(self.keys), 0))),))


def _as_slice(columns: Indices) -> Indices | slice:
    """Return columns as a slice where they are the first ones."""
    first = len(columns) > 0 and np.array_equal(columns, np.arange(len(columns)))
    return slice(len(columns)) if first else columns


def _add_scores(
    parts: "tuple[tuple[Indices, Array], ...]", groups: Indices
) -> tuple[Indices, Array]:
    if len(groups) <= MOST_UNITS:
        return add_by_key(list(parts))
    return add_by_key([(bins_of(key), value) for key, value in parts])


def bins_of(keys: Indices) -> Indices:
    """Return the bin of each cluster, beside a block of zero; bins stay what they are.

    It is the first of its keys, which are hashes: those in the order of their keys are in the order
    of their bins. Without clusters the first key is zero, and bins are the blocks of times.
    """
    first = keys[:, 0] // BIN_WIDTH * BIN_WIDTH
    return np.column_stack([first, np.where(keys[:, 0] == 0, keys[:, 1] // BLOCK * BLOCK, 0)])

"""Rows of all regimes that leave an action alone, and features of the actions it is explained by.

Kept are the rows within the range of every explaining action that all these regimes have in common:
beyond it there is nothing to compare. The features are smooth functions of each, with products of
pairs of possible parents, as rich as the number of rows allows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Self

import numpy as np

from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices, Scale
from bayes_intgen.data.grouping import unit_keys
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.categorical import Categorical
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.function import ActionBasis
from bayes_intgen.design.basis.hsgp import HSGPBasis

__all__ = ["ROWS_PER_FEATURE", "Pooled", "choose_features"]

MOST_ROWS = 100_000
MOST_FEATURES = 500
ROWS_PER_FEATURE = 10
TAIL = 0.005
BOX = 1.25


@dataclass(frozen=True)
class Pooled:
    """Rows of all regimes that leave an action alone."""

    # the action, and the actions and covariates that it does not influence
    action: str
    given: tuple[str, ...]
    regimes: tuple[Regime, ...]
    position: Indices = field(repr=False)  # position of each row's regime, shape (n,)
    # values of the action, standardised, or indicators of its levels; shape (n, responses)
    values: Array = field(repr=False)
    others: Array = field(repr=False)  # values of the given actions, shape (n, given)
    # the independent unit that each row is of, a cluster or a block of times; None: a row each
    units: Indices | None = field(default=None, repr=False)

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.position)

    @classmethod
    def of(
        cls, summary: Summary, action: str, given: Sequence[str], regimes: tuple[Regime, ...]
    ) -> Self:
        """Collect thinned rows, at most 100,000 in all."""
        most = MOST_ROWS // len(regimes)
        samples, keys, grouping = [], [], summary.grouping
        for regime in regimes:
            sample = summary.regimes[regime].sample
            step = -(-len(sample.rows) // most)
            rows = sample.rows[::step]
            samples.append(rows)
            if grouping is not None and sample.marks is not None:
                own_keys = grouping.keys(regime, rows, sample.marks[::step])
                keys.append(unit_keys(own_keys, by_block=True))
        columns = [summary.variables.index(a) for a in given]
        ends = [_common_range(rows[:, column] for rows in samples) for column in columns]
        limits = np.array(ends).reshape(-1, 2)
        limits[[a in summary.levels for a in given]] = -np.inf, np.inf
        inside = [
            np.all((rows[:, columns] >= limits[:, 0]) & (rows[:, columns] <= limits[:, 1]), axis=1)
            for rows in samples
        ]
        samples = [rows[keep] for rows, keep in zip(samples, inside, strict=True)]
        rows = np.concatenate(samples)
        units = None
        if keys:
            every = np.concatenate([key[keep] for key, keep in zip(keys, inside, strict=True)])
            units = np.unique(every, axis=0, return_inverse=True)[1].ravel()
        position = np.repeat(np.arange(len(regimes)), [len(kept) for kept in samples])
        own = rows[:, summary.actions.index(action)]
        if action in summary.levels:
            values = np.equal.outer(own, np.arange(len(summary.levels[action])) * 1.0) * 1.0
        else:
            values = summary.scales[action].standardise(np.clip(own, *summary.pooled_core(action)))
            values = values[:, None]
        return cls(action, tuple(given), regimes, position, values, rows[:, columns], units)


def _common_range(columns: Iterable[Array]) -> tuple[float, float]:
    """Return where all regimes have values, without the outermost 0.5% of each."""
    low, high = zip(*(np.quantile(column, [TAIL, 1 - TAIL]) for column in columns), strict=True)
    return float(max(low)), float(min(high))


def choose_features(summary: Summary, pooled: Pooled, parents: Sequence[str]) -> FeatureMap | None:
    """Choose the richest features, at most 500, for which there are ten rows each."""
    scopes = [*([a] for a in pooled.given), *combinations(parents, 2)]
    for m, m_pair in ((10, 5), (10, 3), (6, 3), (6, 2), (4, 1), (2, 0)):
        bases = {
            name: _basis(summary, name, pooled.others[:, column], m, m_pair)
            for column, name in enumerate(pooled.given)
        }
        features = FeatureMap.within(bases, scopes)
        if len(features.features) <= min(MOST_FEATURES, pooled.n // ROWS_PER_FEATURE):
            return features
    return None


def _basis(summary: Summary, name: str, values: Array, m: int, m_pair: int) -> ActionBasis:
    """Make the functions of one action for the rows that are tested."""
    if name in summary.levels:
        return Categorical().freeze(name, summary)
    low, high = float(values.min()), float(values.max())
    half = (high - low) / 2 or summary.scales[name].spread
    return HSGPBasis(Scale((low + high) / 2, half), Scale((low + high) / 2, half), m, m_pair, BOX)

"""Combination of moments: further rows in the basis of earlier ones, merging.

The features are frozen, so two moments are merged by Chan's update of centred moments.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_intgen.base.arguments import show
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.marks import MarkColumns
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.data.sources import merge_each
from bayes_intgen.data.summary import Summary
from bayes_intgen.moments.cluster_sums import ClusterSums

if TYPE_CHECKING:
    from bayes_intgen.moments.moments import Moments

__all__ = ["merge", "read_further"]


def read_further(
    data: Any,
    known: Summary,
    regime: str | Mapping[str, str],
    marks: MarkColumns,
    labels: Mapping[str, str] | None = None,
) -> RegimeData:
    """Read further rows: those that add to earlier ones, with their columns and levels.

    Raises
    ------
    ModelError
        If the data have other columns.
    DataError
        If other columns are categorical, there is a level that the earlier rows lack, or the data
        are nothing that can be read.
    """
    if not isinstance(data, RegimeData):
        names = (known.outcome, known.actions, regime, known.levels, known.covariates)
        data = RegimeData.further(data, Columns.read(*names, **marks.given, labels=labels))
    if data.columns.marks.kept != marks.kept:
        raise ModelError(
            f"like: its rows have {list(marks.kept) or 'no cluster, time or weights'}, those of "
            f"the data {list(data.columns.marks.kept) or 'none'}; read both with the same."
        )
    columns = data.columns.values
    if known.columns != columns:
        raise ModelError(
            f"like: its columns are {known.columns}, those of the data are "
            f"{columns}; the names and their order must agree."
        )
    if known.covariates != data.covariates:
        raise ModelError(
            f"like: its covariates are {list(known.covariates)}, those of the data are "
            f"{list(data.covariates)}; read both with the same covariates."
        )
    rows: RegimeData = data
    return rows.recode(known.levels)


def merge(self: "Moments", other: "Moments") -> "Moments":
    """Return the moments of the rows of both; those of residuals, of two fits, are dropped.

    Raises
    ------
    ModelError
        If ``other`` is something else, or the two were computed with different bases or
        units of the outcome.

    Examples
    --------
    >>> moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
    >>> later = scm.sample_regimes(["obs"], n=100, random_seed=3)
    >>> rows = ig.RegimeData.from_frame(later, outcome="y", actions=["a1", "a2"])
    >>> moments.merge(ig.Moments.from_data(rows, like=moments)).n_rows
    700
    """
    if not isinstance(other, type(self)):
        raise ModelError(
            f"other must be Moments, got {show(other)}; make them with Moments.from_data."
        )
    if self.features != other.features or self.outcome_scale != other.outcome_scale:
        raise ModelError(
            "other: moments can be merged only if they share one frozen basis; compute the "
            "later ones with Moments.from_data(data, like=first)."
        )
    summary = self.summary.merge(other.summary)
    merged = dict(self.folds)
    for regime, later in other.folds.items():
        mine = merged.get(regime)
        merged[regime] = (
            tuple(a.merge(b) for a, b in zip(mine, later, strict=True)) if mine else later
        )
    regimes, both = tuple(summary.regimes), (self, other)
    return replace(
        self,
        summary=summary,
        folds={r: merged[r] for r in regimes},
        log_weights={r: sum(m.log_weights.get(r, 0.0) for m in both) for r in regimes},
        residuals=None,
        ratios={},
        clusters=_merge_clusters(self, other),
        clamped={
            r: np.sum([m.clamped[r] for m in both if r in m.clamped], axis=0) for r in regimes
        },
    )


def _merge_clusters(one: "Moments", two: "Moments") -> "dict[Regime, ClusterSums]":
    if (one.grouping is None) != (two.grouping is None):
        raise ModelError(
            "other: one of the two has clusters or times of its rows, the other has not; read both "
            "with the same cluster=, time= and weights=."
        )
    if one.grouping != two.grouping:
        raise ModelError(
            "other: its rows are grouped by other blocks of times; compute it with like= the first."
        )
    merged = merge_each(one.clusters, two.clusters)
    return {regime: sums.without_scores() for regime, sums in merged.items()}

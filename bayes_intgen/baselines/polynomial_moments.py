"""Moments of polynomials of the actions, for regressions on the rows of one or several regimes.

Covariates are further variables of the same polynomials, of E[Y | a, z] in each regime.

Each group of regimes has polynomials in units of its own: z = (a - mean) / sd over the rows of the
group, so that no digits are lost in a regime whose actions hardly vary. One pass over the rows
finds means and standard deviations, a second the moments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from math import comb

import numpy as np
from threadpoolctl import threadpool_limits

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.parallel import ordered_map
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Scale
from bayes_intgen.baselines.monomials import powers_of
from bayes_intgen.data.folds import FOLDS, Chunk, folded_chunks
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.polynomial import PolynomialBasis
from bayes_intgen.moments.feature_sums import sum_features
from bayes_intgen.moments.moments import Moments

__all__ = ["GroupMoments", "group_moments"]

MAX_FEATURES = 2000

type Groups = Mapping[str, Sequence[Regime]]
type Folds = tuple[CentredMoments, ...]


@dataclass(frozen=True)
class GroupMoments:
    """Moments of groups of regimes.

    Parameters
    ----------
    outcome_scale
        Centre and spread of the outcome; moments hold the outcome in these units.
    groups
        For each group the features, the constant first, and the moments of (features without the
        constant, outcome) of each fold for cross-validation. A fold holds a contiguous third of
        the rows of every regime of the group.
    """

    outcome_scale: Scale
    groups: Mapping[str, tuple[FeatureMap, Folds]] = field(repr=False)


def group_moments(data: RegimeData | Moments, degree: int, groups: Groups) -> GroupMoments:
    """Compute the moments of all monomials up to a total degree, or find them among others.

    Parameters
    ----------
    data
        The rows, or moments that hold these monomials.
    degree
        Highest total degree.
    groups
        The regimes of each group; no regime in two of them.

    Raises
    ------
    ModelError
        If there are too many monomials, a column is categorical, or moments are weighted or lack a
        monomial.
    """
    count = comb(len(data.variables) + degree, degree) - 1
    if count > MAX_FEATURES:
        also = " and covariates" if data.covariates else ""
        raise ModelError(
            f"degree: {len(data.variables)} actions{also} have {count} monomials up to degree "
            f"{degree}, more than the {MAX_FEATURES} that can be handled; choose a lower degree."
        )
    if isinstance(data, Moments):
        return _select(data, degree, groups)
    return _read(data, degree, groups)


def _read(data: RegimeData, degree: int, groups: Groups) -> GroupMoments:
    if data.levels:
        raise ModelError(
            f"data: a polynomial regression takes numbers, but {list(data.levels)} are "
            f"categorical. Leave them out, or use InterventionModel, which takes levels."
        )
    summary = Summary.from_data(data)
    scale = summary.scales[data.outcome]
    maps = {label: _features(summary, regimes, degree) for label, regimes in groups.items()}
    group_of = {regime: label for label, regimes in groups.items() for regime in regimes}
    size = comb(len(data.variables) + degree, degree)  # with the constant, or the outcome for it
    folds = {label: [CentredMoments.empty(size)] * FOLDS for label in groups}
    counts = {regime: data.extents[regime].n for regime in group_of}
    batches = ((regime, values) for regime, values in data.batches() if regime in group_of)

    def add_up(chunk: Chunk) -> tuple[str, int, CentredMoments]:
        regime, fold, values = chunk
        label = group_of[regime]
        return label, fold, sum_features(values, maps[label], scale).moments

    with threadpool_limits(1):  # the cores are shared by chunks, not within a product
        for label, fold, moments in ordered_map(add_up, folded_chunks(batches, counts)):
            folds[label][fold] = folds[label][fold].merge(moments)
    return GroupMoments(scale, {label: (maps[label], tuple(folds[label])) for label in groups})


def _features(summary: Summary, regimes: Sequence[Regime], degree: int) -> FeatureMap:
    """Make polynomials in units of some regimes; any unit does for an action that is fixed."""
    moments = reduce(CentredMoments.merge, [summary.regimes[regime].moments for regime in regimes])
    spreads = np.sqrt(np.diag(moments.covariance))
    bases = {
        action: PolynomialBasis(
            Scale(float(mean), float(spread) or summary.scales[action].spread), degree
        )
        for action, mean, spread in zip(summary.variables, moments.mean, spreads, strict=False)
    }
    return FeatureMap.within(bases, [summary.variables])


def _select(moments: Moments, degree: int, groups: Groups) -> GroupMoments:
    remedy = f"Compute them with Moments.from_data(data, basis=Polynomial(degree={degree}))."
    powers = powers_of(moments.features)
    pairs = zip(moments.features.features, powers.sum(axis=1), strict=True)
    chosen = tuple(feature for feature, total in pairs if total <= degree)
    needed = comb(len(moments.variables) + degree, degree)
    if len(chosen) < needed:
        raise ModelError(
            f"data: the moments hold {len(chosen) - 1} of the {needed - 1} monomials up to total "
            f"degree {degree}. {remedy}"
        )
    features = FeatureMap(moments.features.bases, chosen)
    parts = moments.select(features).parts
    if any(fold.weight != fold.n for folds in parts.values() for fold in folds):
        raise ModelError(f"data: these moments are of weighted rows. {remedy}")
    merged = {
        label: tuple(
            reduce(CentredMoments.merge, [parts[regime][fold] for regime in regimes])
            for fold in range(FOLDS)
        )
        for label, regimes in groups.items()
    }
    return GroupMoments(
        moments.outcome_scale, {label: (features, folds) for label, folds in merged.items()}
    )

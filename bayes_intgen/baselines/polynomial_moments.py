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

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Scale
from bayes_intgen.baselines.monomials import powers_of
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.data.row_pass import FOLDS, Chunk, sum_chunks
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.polynomial import PolynomialBasis
from bayes_intgen.moments.feature_sums import FeatureSums, Recipe
from bayes_intgen.moments.moments import Moments

__all__ = ["GroupMoments", "Groups", "group_moments"]

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
    scale = data.summary.scales[data.outcome]
    maps = {label: _features(data.summary, regimes, degree) for label, regimes in groups.items()}
    recipes = {r: Recipe(maps[label], scale) for label, regimes in groups.items() for r in regimes}
    sums = sum_chunks(data, _ByGroup(recipes), recipes)
    folds = {regime: rows.folds(FOLDS) for regime, rows in sums.items()}
    return _merge(scale, maps, folds, groups)


@dataclass(frozen=True)
class _ByGroup:
    """Sums over a chunk with the polynomials of the group that its regime is in."""

    recipes: Mapping[Regime, Recipe]

    def __call__(self, chunk: Chunk) -> FeatureSums:
        return self.recipes[chunk[0]](chunk)


def _merge(
    scale: Scale, maps: Mapping[str, FeatureMap], folds: Mapping[Regime, Folds], groups: Groups
) -> GroupMoments:
    """Merge the folds of the regimes of each group, one by one."""
    merged = {}
    for label, regimes in groups.items():
        by_fold = zip(*(folds[regime] for regime in regimes), strict=True)
        merged[label] = (maps[label], tuple(reduce(CentredMoments.merge, f) for f in by_fold))
    return GroupMoments(scale, merged)


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
    folds = moments.select(features).folds
    if any(fold.weight != fold.n for by_fold in folds.values() for fold in by_fold):
        raise ModelError(f"data: these moments are of weighted rows. {remedy}")
    return _merge(moments.outcome_scale, dict.fromkeys(groups, features), folds, groups)

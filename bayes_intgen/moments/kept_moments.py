"""Sums of products by regime and fold: what they hold, how two are merged, how some are kept.

The features are fixed, so two are merged by Chan's update of centred moments; a model with fewer
features takes its rows and columns out of those that were computed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from typing import Self

import numpy as np
from threadpoolctl import threadpool_limits

from bayes_intgen.base.arguments import show
from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.parallel import ordered_map
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Counts, Scale
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.moments.regression_sums import RegressionMoments
from bayes_intgen.moments.residual_moments import ResidualMoments

__all__ = ["KeptMoments"]

MANY_FEATURES = 300  # from here on threads have enough to do


@dataclass(frozen=True)
class KeptMoments:
    """The sums behind :class:`bayes_intgen.Moments`, whose parameters are described there."""

    summary: Summary
    features: FeatureMap = field(repr=False)
    outcome_scale: Scale
    parts: Mapping[Regime, tuple[CentredMoments, ...]] = field(repr=False)
    log_weights: Mapping[Regime, float] = field(repr=False)
    residuals: Mapping[Regime, ResidualMoments] | None = field(default=None, repr=False)
    clamped: Mapping[Regime, Counts] = field(default_factory=dict, repr=False)

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions."""
        return self.summary.actions

    @property
    def covariates(self) -> tuple[str, ...]:
        """Names of the covariates."""
        return self.summary.covariates

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the actions, then of the covariates."""
        return self.summary.variables

    @property
    def outcome(self) -> str:
        """Name of the outcome."""
        return self.summary.outcome

    @property
    def regimes(self) -> tuple[Regime, ...]:
        """The regimes, in canonical order."""
        return tuple(self.parts)

    @property
    def n_rows(self) -> int:
        """Number of rows over all regimes."""
        return sum(fold.n for folds in self.parts.values() for fold in folds)

    def merge(self, other: "KeptMoments") -> Self:
        """Return the moments of the rows of both; those of residuals, of two fits, are dropped.

        Raises
        ------
        ModelError
            If ``other`` is something else, or the two were computed with different bases or
            units of the outcome.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
        >>> later = scm.sample_regimes(["obs"], n=100, random_seed=3)
        >>> rows = ig.RegimeData.from_frame(later, outcome="y", actions=["a1", "a2"])
        >>> moments.merge(ig.Moments.from_data(rows, like=moments)).n_rows
        700
        """
        if not isinstance(other, KeptMoments):
            raise ModelError(
                f"other must be Moments, got {show(other)}; make them with Moments.from_data."
            )
        if self.features != other.features or self.outcome_scale != other.outcome_scale:
            raise ModelError(
                "other: moments can be merged only if they share one frozen basis; compute the "
                "later ones with Moments.from_data(data, like=first)."
            )
        summary = self.summary.merge(other.summary)
        parts = dict(self.parts)
        for regime, folds in other.parts.items():
            mine = parts.get(regime)
            parts[regime] = (
                tuple(a.merge(b) for a, b in zip(mine, folds, strict=True)) if mine else folds
            )
        ranked = {regime: parts[regime] for regime in summary.regimes}
        both = (self.log_weights, other.log_weights)
        logs = {regime: sum(part.get(regime, 0.0) for part in both) for regime in ranked}
        clamped = {
            regime: np.sum(
                [part.clamped[regime] for part in (self, other) if regime in part.clamped], 0
            )
            for regime in ranked
        }
        return replace(
            self,
            summary=summary,
            parts=ranked,
            log_weights=logs,
            residuals=None,
            clamped=clamped,
        )

    def select(self, features: FeatureMap) -> Self:
        """Keep some of the features.

        Raises
        ------
        ModelError
            If a feature is not among those whose moments were computed.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
        >>> moments.select(moments.features) is moments
        True
        """
        if features == self.features:
            return self
        order = {f.factors: i - 1 for i, f in enumerate(self.features.features)}
        wanted = [f.factors for f in features.features]
        missing = [factors for factors in wanted if factors not in order]
        if missing or features.bases != self.features.bases:
            raise ModelError(
                f"basis: the moments lack {len(missing)} of the {len(wanted)} features of the "
                f"model, or were computed with another basis; compute them again with "
                f"Moments.from_data(data, basis=...) and the basis of the model."
            )
        columns = np.array([*(order[factors] for factors in wanted[1:]), len(order) - 1])
        parts = {r: tuple(fold.select(columns) for fold in p) for r, p in self.parts.items()}
        residuals = self.residuals
        if residuals is not None:
            kept = np.array([order[factors] + 1 for factors in wanted])
            residuals = {r: part.select(kept) for r, part in residuals.items()}
        return replace(self, features=features, parts=parts, residuals=residuals)

    def regression(self, regime: Regime) -> RegressionMoments:
        """Return the sums of products of one regime, all folds together.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
        >>> moments.regression(("a1",)).n
        200
        """
        return RegressionMoments.from_centred(reduce(CentredMoments.merge, self.parts[regime]))

    def residual_share(self, regime: Regime) -> float:
        """Return the share of the outcome's variance that least squares on all features leaves.

        Zero for an outcome that is constant there; one when there are too few rows (up to two per
        feature) to tell.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
        >>> 0 < moments.residual_share(()) < 1
        True
        """
        return self._residual_shares[regime]

    @cached_property
    def _residual_shares(self) -> dict[Regime, float]:
        merged = (reduce(CentredMoments.merge, folds) for folds in self.parts.values())
        threads = 1 if len(self.features.features) < MANY_FEATURES else None
        with threadpool_limits(1):
            shares = ordered_map(CentredMoments.residual_share, merged, threads)
            return dict(zip(self.parts, shares, strict=True))

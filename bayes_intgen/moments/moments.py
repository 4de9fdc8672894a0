"""Means and centred cross-products of features and outcome, by regime and fold.

They are all that a normal likelihood needs of the rows, whatever their number: of each regime and
cross-validation fold the count, the mean and the centred second moments of (phi(a), y), with y in
standard units. A model with fewer features takes its rows and columns out of those computed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from pathlib import Path

import numpy as np

from bayes_intgen.base.centred_moments import CentredMoments, RegressionMoments
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.parallel import one_blas_thread, ordered_map
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Counts, Scale
from bayes_intgen.data.grouping import Grouping
from bayes_intgen.data.marks import MarkColumns
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.data.row_pass import FOLDS, sum_chunks
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.moments.cluster_sums import ClusterSums
from bayes_intgen.moments.combination import merge
from bayes_intgen.moments.description import describe_moments, moments_html
from bayes_intgen.moments.feature_sums import Recipe, ResidualMoments, RowWeights, take_groups
from bayes_intgen.moments.from_data import from_data
from bayes_intgen.moments.moments_file import read_moments, save

__all__ = ["Moments"]

MANY_FEATURES = 300  # from here on threads have enough to do


@dataclass(frozen=True)
class Moments:
    """What the library keeps of the data: a few megabytes for any number of rows.

    Parameters
    ----------
    summary
        The first pass: counts, ranges and a sample of the rows.
    features
        The feature map whose moments these are.
    outcome_scale
        Centre and spread of the outcome; moments hold the outcome in these units.
    folds
        Moments of (features without the constant, outcome) of each fold, for each regime.
    log_weights
        Sum of the logarithms of the rows' weights in each regime; zero when not weighted.
    residuals
        Moments of the squared residuals of a first fit in each regime, if there was one.
    clamped
        Number of rows in each regime that lie beyond the box of each action and covariate, at whose
        edge the eigenfunctions are held; shape (variables,).
    clusters
        Sums over the rows of each group that shares a random intercept, by regime; none if rows are
        independent.
    ratios
        Variance of these intercepts over that of a row, by regime; none as long as it is not known.
    grouping
        What says which rows are a group.
    mean_units
        Mean number of units that a row stands for, by which weights of rows are divided.
    marks
        The columns of clusters, times and weights.

    Examples
    --------
    >>> day1 = ig.Moments.from_data(data)
    >>> day2 = ig.Moments.from_data(data, like=day1)
    >>> day1.merge(day2).n_rows
    1200
    """

    summary: Summary
    features: FeatureMap = field(repr=False)
    outcome_scale: Scale
    folds: Mapping[Regime, tuple[CentredMoments, ...]] = field(repr=False)
    log_weights: Mapping[Regime, float] = field(repr=False)
    residuals: Mapping[Regime, ResidualMoments] | None = field(default=None, repr=False)
    clamped: Mapping[Regime, Counts] = field(default_factory=dict, repr=False)
    clusters: Mapping[Regime, ClusterSums] = field(default_factory=dict, repr=False)
    ratios: Mapping[Regime, float] = field(default_factory=dict)
    grouping: Grouping | None = None
    mean_units: float = 1.0
    marks: MarkColumns = field(default_factory=MarkColumns)

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
        return tuple(self.folds)

    @property
    def n_rows(self) -> int:
        """Number of rows over all regimes."""
        return sum(fold.n for folds in self.folds.values() for fold in folds)

    @classmethod
    def compute(
        cls,
        data: RegimeData,
        summary: Summary,
        features: FeatureMap,
        outcome_scale: Scale,
        variances: Mapping[Regime, RowWeights] | None = None,
        theta: Mapping[Regime, Array] | None = None,
        n_folds: int = FOLDS,
        like: "Moments | None" = None,
    ) -> "Moments":
        """Make the second pass.

        Parameters
        ----------
        data, summary
            The rows, and the first pass over them.
        features, outcome_scale, variances, theta, n_folds
            What is summed: as in :class:`bayes_intgen.moments.feature_sums.Recipe`.
        like
            Moments whose groups of rows and unit of weights are used again.

        Examples
        --------
        >>> moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
        >>> again = ig.Moments.compute(
        ...     data, moments.summary, moments.features, moments.outcome_scale
        ... )
        >>> again.n_rows
        600
        """
        grouping = summary.grouping if like is None else like.grouping
        unit = summary.mean_units if like is None else like.mean_units
        recipe = Recipe(features, outcome_scale, variances, theta, n_folds, grouping, unit)
        by_regime = sum_chunks(data, recipe, n_folds=n_folds)
        clusters = take_groups(by_regime)
        residuals = {r: sums.residuals for r, sums in by_regime.items() if sums.residuals}
        return cls(
            summary,
            features,
            outcome_scale,
            {regime: sums.folds(n_folds) for regime, sums in by_regime.items()},
            {regime: sums.log_weight for regime, sums in by_regime.items()},
            residuals or None,
            {regime: sums.clamped for regime, sums in by_regime.items()},
            clusters,
            grouping=grouping,
            mean_units=unit,
            marks=data.columns.marks,
        )

    # methods: the first argument of each function is the class, or self
    from_data = classmethod(from_data)
    merge = merge
    save = save

    def select(self, features: FeatureMap) -> "Moments":
        """Keep some of the features.

        Raises
        ------
        ModelError
            If a feature is not among those whose moments were computed.

        Examples
        --------
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
        # The outcome stays last; the constant, first among the features, is not in the moments.
        columns = np.array([*(order[factors] for factors in wanted[1:]), len(order) - 1])
        folds = {r: tuple(fold.select(columns) for fold in f) for r, f in self.folds.items()}
        kept = np.array([order[factors] + 1 for factors in wanted])
        residuals = self.residuals
        if residuals is not None:
            residuals = {r: sums.select(kept) for r, sums in residuals.items()}
        clusters = {r: sums.select(kept) for r, sums in self.clusters.items()}
        return replace(self, features=features, folds=folds, residuals=residuals, clusters=clusters)

    def with_intercepts(self, ratios: Mapping[Regime, float]) -> "Moments":
        """Return the moments of rows that share random intercepts.

        Parameters
        ----------
        ratios
            The variance of the intercepts over that of a row, in each regime.

        Examples
        --------
        >>> moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
        >>> moments.with_intercepts({}).ratios  # rows are independent
        {}
        """
        return replace(self, ratios=dict(ratios))

    def log_weight(self, regime: Regime) -> float:
        """Return the log determinant of the precision of a regime's rows, in units of one of them.

        Examples
        --------
        >>> ig.Moments.from_data(data, basis=ig.Polynomial(2)).log_weight(("a1",))
        0.0
        """
        ratio = self.ratios.get(regime, 0.0)
        shared = self.clusters[regime].log_det(ratio) if ratio else 0.0
        return self.log_weights[regime] - shared

    def regression(self, regime: Regime) -> RegressionMoments:
        """Return the sums of products of one regime, all folds together.

        Random intercepts are taken out, if there are any.

        Examples
        --------
        >>> moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
        >>> moments.regression(("a1",)).n
        200
        """
        return self._regressions[regime]

    @cached_property
    def _regressions(self) -> dict[Regime, RegressionMoments]:
        found = {}
        for regime, folds in self.folds.items():
            sums = RegressionMoments.from_centred(reduce(CentredMoments.merge, folds))
            ratio = self.ratios.get(regime, 0.0)
            if ratio:
                shared = self.clusters[regime].take_out(ratio)  # (2) of cluster_sums
                sums = sums.without(shared)
            found[regime] = sums
        return found

    def residual_share(self, regime: Regime) -> float:
        """Return the share of the outcome's variance that least squares on all features leaves.

        Zero for an outcome that is constant there; one when there are too few rows (up to two per
        feature) to tell.

        Examples
        --------
        >>> moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
        >>> 0 < moments.residual_share(()) < 1
        True
        """
        return self._residual_shares[regime]

    @cached_property
    def _residual_shares(self) -> dict[Regime, float]:
        merged = (reduce(CentredMoments.merge, folds) for folds in self.folds.values())
        threads = 1 if len(self.features.features) < MANY_FEATURES else None
        with one_blas_thread():
            shares = ordered_map(CentredMoments.residual_share, merged, threads)
            return dict(zip(self.folds, shares, strict=True))

    @classmethod
    def load(cls, path: str | Path) -> "Moments":
        """Read moments that :meth:`save` wrote.

        Raises
        ------
        FileError
            If the file is missing, holds no moments of this format, or is damaged.

        Examples
        --------
        >>> ig.Moments.load("nowhere.npz")
        Traceback (most recent call last):
        ...
        bayes_intgen.base.errors.FileError: ...
        """
        return cls(**read_moments(Path(path)))

    def __str__(self) -> str:
        return describe_moments(self)

    def _repr_html_(self) -> str:
        return moments_html(self)

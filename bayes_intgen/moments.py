"""Second pass over the rows: sufficient statistics of a Gaussian regression on the features.

For each regime and cross-validation fold the count, the mean and the centred second moments of
(phi(a), y) are kept, with y in standard units. Whatever the number of rows, the likelihood
needs nothing else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Protocol

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from bayes_intgen.basis import (
    HSGP,
    BasisChoice,
    FeatureMap,
    check_choice,
    freeze_bases,
)
from bayes_intgen.centred import CentredMoments
from bayes_intgen.data import RegimeData
from bayes_intgen.errors import ModelError
from bayes_intgen.regimes import Regime
from bayes_intgen.regression import RegressionMoments
from bayes_intgen.residuals import ResidualMoments
from bayes_intgen.summary import Scale, Summary
from bayes_intgen.validation import show

__all__ = ["FOLDS", "Moments", "fold_chunks"]

FOLDS = 3
CHUNK_VALUES = 2**22

type Array = npt.NDArray[np.float64]


class RowWeights(Protocol):
    """Anything that can say how much each row counts."""

    def log_weights(self, phi: Array) -> Array:
        """Return the log weights of rows of features, shape (n, features) to (n,)."""
        ...


@dataclass(frozen=True)
class Moments:
    """What the library keeps of the data: a few megabytes for any number of rows.

    Parameters
    ----------
    summary
        The first pass: counts, ranges and quantiles.
    features
        The feature map whose moments these are.
    outcome_scale
        Centre and spread of the outcome; moments hold the outcome in these units.
    parts
        Moments of (features without the constant, outcome) for each regime and fold.
    log_weights
        Sum of the logarithms of the rows' weights in each regime; zero when not weighted.
    residuals
        Moments of the squared residuals of a first fit in each regime, if there was one.

    Examples
    --------
    >>> import bayes_intgen as ig
    >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
    >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    >>> day1 = ig.Moments.from_data(data)
    >>> day2 = ig.Moments.from_data(data, like=day1)
    >>> day1.merge(day2).n_rows
    1200
    """

    summary: Summary
    features: FeatureMap = field(repr=False)
    outcome_scale: Scale
    parts: Mapping[Regime, tuple[CentredMoments, ...]] = field(repr=False)
    log_weights: Mapping[Regime, float] = field(repr=False)
    residuals: Mapping[Regime, ResidualMoments] | None = field(default=None, repr=False)

    @classmethod
    def from_data(
        cls, data: RegimeData, like: "Moments | None" = None, basis: BasisChoice | None = None
    ) -> "Moments":
        """Make both passes over the data.

        Parameters
        ----------
        data
            The rows.
        like
            Moments whose frozen basis is used again, so that the two can be merged.
        basis
            The basis, when there is nothing to be like; HSGP() by default, as in the model.

        Raises
        ------
        ModelError
            If an argument is of another kind, both ``like`` and ``basis`` are given, or ``like``
            has other columns.
        DataError
            If other columns are categorical in ``like``, or it lacks a level of the data.
        """
        if not isinstance(data, RegimeData):
            raise ModelError(
                f"data must be a RegimeData, got {show(data)}; make one with RegimeData.from_frame."
            )
        if like is not None and not isinstance(like, Moments):
            raise ModelError(f"like must be Moments or None, got {show(like)}.")
        if like is None:
            summary = Summary.from_data(data)
            chosen = HSGP() if basis is None else basis
            check_choice(chosen)
            bases = freeze_bases(chosen, data.variables, summary)
            features = FeatureMap.within(bases, [data.variables])
            return cls.compute(data, summary, features, summary.scales[data.outcome])
        if basis is not None:
            raise ModelError("basis: give either like or basis, because like fixes the basis.")
        columns, known = data.columns.values, like.summary
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
        coded = data.recode(like.summary.levels)
        return cls.compute(coded, Summary.from_data(coded), like.features, like.outcome_scale)

    @classmethod
    def compute(
        cls,
        data: RegimeData,
        summary: Summary,
        features: FeatureMap,
        outcome_scale: Scale,
        variances: Mapping[Regime, RowWeights] | None = None,
        theta: Mapping[Regime, Array] | None = None,
    ) -> "Moments":
        """Make the second pass.

        Parameters
        ----------
        data, summary
            The rows, and the first pass over them.
        features
            The features whose moments are wanted.
        outcome_scale
            Centre and spread of the outcome.
        variances
            What says how much each row counts; all count the same by default.
        theta
            Coefficients of the features in the mean of each regime, from a first fit: then moments
            of its squared residuals are computed as well.
        """
        size = len(features.features)
        parts = {regime: [CentredMoments.empty(size)] * FOLDS for regime in data.extents}
        squares = {regime: ResidualMoments.empty(size) for regime in data.extents}
        seen = dict.fromkeys(data.extents, 0)
        log_weights = dict.fromkeys(data.extents, 0.0)
        rows = max(CHUNK_VALUES // size, 1024)
        with threadpool_limits(1):  # on matrices this narrow, threads only wait for one another
            for regime, values in data.batches():
                n = data.extents[regime].n
                for fold, chunk in fold_chunks(values, seen[regime], n, rows):
                    phi = features.evaluate(chunk[:, :-1])
                    y = outcome_scale.standardise(chunk[:, -1])
                    weights = None
                    if variances is not None:
                        logs = variances[regime].log_weights(phi)
                        log_weights[regime] += float(logs.sum())
                        weights = np.exp(logs)
                    if theta is not None:
                        residual = y - phi @ theta[regime]
                        counts = np.ones(len(y)) if weights is None else weights
                        found = ResidualMoments.from_rows(phi, residual, counts)
                        squares[regime] = squares[regime].add(found)
                    phi[:, :-1] = phi[:, 1:]
                    phi[:, -1] = y
                    moments = CentredMoments.from_rows(phi, weights)
                    parts[regime][fold] = parts[regime][fold].merge(moments)
                seen[regime] += len(values)
        folds = {regime: tuple(part) for regime, part in parts.items()}
        residuals = None if theta is None else squares
        return cls(summary, features, outcome_scale, folds, log_weights, residuals)

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

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of the rows of both; those of residuals, of two fits, are dropped.

        Raises
        ------
        ModelError
            If ``other`` is something else, or the two were computed with different bases or
            units of the outcome.
        """
        if not isinstance(other, Moments):
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
        return Moments(summary, self.features, self.outcome_scale, ranked, logs)

    def select(self, features: FeatureMap) -> "Moments":
        """Keep some of the features.

        Raises
        ------
        ModelError
            If a feature is not among those whose moments were computed.
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
        scale, logs = self.outcome_scale, self.log_weights
        return Moments(self.summary, features, scale, parts, logs, residuals)

    def regression(self, regime: Regime) -> RegressionMoments:
        """Return the sums of products of one regime, all folds together."""
        return RegressionMoments.from_centred(reduce(CentredMoments.merge, self.parts[regime]))

    def residual_share(self, regime: Regime) -> float:
        """Return the share of the outcome's variance that least squares on all features leaves.

        None is left of a constant one; all when there are too few rows (up to two per feature) to
        tell.
        """
        moments = reduce(CentredMoments.merge, self.parts[regime])
        if moments.scatter[-1, -1] == 0:
            return 0.0
        if moments.n <= 2 * len(moments.mean):
            return 1.0
        spread = np.sqrt(np.diag(moments.scatter))
        spread[spread == 0] = 1.0
        correlation = moments.scatter / np.outer(spread, spread)
        inner, outer = correlation[:-1, :-1], correlation[:-1, -1]
        return float(1 - outer @ np.linalg.lstsq(inner, outer, rcond=1e-13)[0])


def fold_chunks(values: Array, start: int, n: int, rows: int) -> Iterator[tuple[int, Array]]:
    """Cut rows ``start`` to ``start + len(values)`` of n at fold borders and every ``rows``.

    Folds are contiguous and as equal as can be, the larger ones first.
    """
    sizes = [n // FOLDS + (fold < n % FOLDS) for fold in range(FOLDS)]
    ends = np.cumsum(sizes)
    done = 0
    while done < len(values):
        fold = int(np.searchsorted(ends, start + done, side="right"))
        stop = min(len(values), int(ends[fold]) - start, done + rows)
        yield fold, values[done:stop]
        done = stop

"""Features of all rows, for likelihoods without sufficient statistics.

A Student-t or heteroscedastic likelihood is a sum over rows of a function of the residual

    y_i - phi(a_i)' theta_r,        theta_r = beta + sum over k not in r of delta_k,

and no sums of products can stand in for them. The features are evaluated once and kept; rows of a
regime stay together, so that its mean is one product of a matrix and a vector.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array, Scale
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.moments.moments import Moments

__all__ = ["Rows"]

MAX_VALUES = 2**30


@dataclass(frozen=True)
class Rows:
    """Features and outcome of every row, by regime in canonical order."""

    # the actions and covariates in their own units, each of shape (rows, variables)
    actions: tuple[Array, ...] = field(repr=False)
    # features of each regime's rows, each of shape (rows, features)
    phi: tuple[Array, ...] = field(repr=False)
    # their outcomes in standard units, each of shape (rows,)
    outcome: tuple[Array, ...] = field(repr=False)

    @classmethod
    def read(cls, data: RegimeData, features: FeatureMap, outcome_scale: Scale) -> Self:
        """Evaluate the features of all rows in one pass.

        Raises
        ------
        ModelError
            If they would fill more than 8 GB.
        """
        size = len(features.features)
        if data.n_rows * size > MAX_VALUES:
            raise ModelError(
                f"likelihood: {data.n_rows:,} rows of {size} features, all of which a row-wise "
                f"likelihood keeps in memory, are more than {MAX_VALUES:,} numbers; use "
                f"likelihood='normal', whose cost does not grow with the rows, or fewer rows."
            )
        width = len(data.variables)
        counts = {regime: summary.n for regime, summary in data.summary.regimes.items()}
        actions = {regime: np.empty((n, width)) for regime, n in counts.items()}
        phi = {regime: np.empty((n, size)) for regime, n in counts.items()}
        outcome = {regime: np.empty(n) for regime, n in counts.items()}
        seen = dict.fromkeys(counts, 0)
        for regime, values in data.batches():
            here = slice(seen[regime], seen[regime] + len(values))
            actions[regime][here] = values[:, :-1]
            phi[regime][here] = features.evaluate(values[:, :-1])
            outcome[regime][here] = outcome_scale.standardise(values[:, -1])
            seen[regime] += len(values)
        return cls(tuple(actions.values()), tuple(phi.values()), tuple(outcome.values()))

    @property
    def counts(self) -> list[int]:
        """Number of rows of each regime."""
        return [len(outcome) for outcome in self.outcome]

    def residuals(self, theta: Sequence[Array]) -> list[Array]:
        """Return y - phi theta_r by regime, for coefficients of each regime's features."""
        by_regime = zip(self.phi, self.outcome, theta, strict=True)
        return [y - phi @ coefficients for phi, y, coefficients in by_regime]

    def reweight(self, moments: Moments, row_weights: Sequence[Array]) -> Moments:
        """Return moments of the same features in which each row counts by a weight of its own."""
        folds = {}
        for regime, phi, y, weights in zip(
            moments.regimes, self.phi, self.outcome, row_weights, strict=True
        ):
            table = np.column_stack([phi[:, 1:], y])
            folds[regime] = (CentredMoments.from_rows(table, weights),)
        logs = [float(np.log(weights).sum()) for weights in row_weights]
        log_weights = dict(zip(moments.regimes, logs, strict=True))
        return Moments(moments.summary, moments.features, moments.outcome_scale, folds, log_weights)

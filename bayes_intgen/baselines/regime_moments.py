"""Moments of all regimes in one set of functions, for estimators that fit them together.

The comparators are linear in functions phi of the actions: polynomials in units of the whole data,
and indicators of the levels of a categorical action. One pass over the rows sums phi phi', phi y
and y^2 in each regime; all that is fitted follows from these sums.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Scale
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.categorical import Categorical, CategoricalBasis
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.polynomial import Polynomial, PolynomialBasis
from bayes_intgen.moments.moments import Moments

__all__ = ["RegimeMoments", "read_moments", "require_data"]

MAX_FEATURES = 2000


@dataclass(frozen=True)
class RegimeMoments:
    """Functions of the actions, and their moments in every regime.

    Parameters
    ----------
    features
        phi, the constant first.
    outcome_scale
        Centre and spread of the outcome; moments hold the outcome in these units.
    by_regime
        Moments of (phi without the constant, y) of each regime.
    """

    features: FeatureMap
    outcome_scale: Scale
    by_regime: Mapping[Regime, CentredMoments] = field(repr=False)

    def raw(self, regime: Regime) -> Array:
        """Return the mean products of (phi with the constant, y), shape (features + 1,) * 2."""
        moments = self.by_regime[regime]
        mean = np.concatenate([[1.0], moments.mean])
        products = np.outer(mean, mean)
        products[1:, 1:] += moments.covariance
        return products


def require_data(data: object, name: str) -> None:
    """Raise a ModelError unless it is rows or moments without covariates.

    ``name``: of the estimator.
    """
    if not isinstance(data, RegimeData | Moments):
        raise ModelError(
            f"data must be a RegimeData or Moments, got {type(data).__name__}; "
            f"make one with RegimeData.from_frame."
        )
    if data.covariates:
        raise ModelError(
            f"data: the theory of {name} has no covariates, but the data have "
            f"{list(data.covariates)}; leave them out, name them as actions, or use "
            f"InterventionModel or RidgeEstimator."
        )


def read_moments(
    data: RegimeData | Moments, degree: int, scopes: Iterable[Iterable[str]]
) -> RegimeMoments:
    """Sum over the rows, or find the sums among others.

    Parameters
    ----------
    data
        The rows, or moments that hold these functions.
    degree
        Highest total degree of the polynomials.
    scopes
        Sets of actions whose functions are multiplied.

    Raises
    ------
    ModelError
        If there are too many functions, or moments are weighted or lack some of them.
    """
    summary = data.summary
    wanted = [tuple(scope) for scope in scopes]
    if isinstance(data, Moments):
        bases = dict(data.features.bases)
        kinds = {name: basis.to_dict()["kind"] for name, basis in bases.items()}
        remedy = f"Compute them with Moments.from_data(data, basis=Polynomial(degree={degree}))."
        others = [
            name
            for name, basis in bases.items()
            if not isinstance(basis, CategoricalBasis)
            and not (isinstance(basis, PolynomialBasis) and basis.degree >= degree)
        ]
        if others:
            raise ModelError(
                f"data: polynomials up to degree {degree} are needed, but the bases of these "
                f"moments are {kinds}. {remedy}"
            )
        full = FeatureMap.within(bases, wanted)
        features = FeatureMap(
            full.bases, tuple(f for f in full.features if _degree(f.factors, bases) <= degree)
        )
        moments = data.select(features)
        if any(fold.weight != fold.n for folds in moments.folds.values() for fold in folds):
            raise ModelError(f"data: these moments are of weighted rows. {remedy}")
    else:
        bases = {
            name: (Categorical() if name in data.levels else Polynomial(degree)).freeze(
                name, summary
            )
            for name in data.variables
        }
        features = FeatureMap.within(bases, wanted)
        _check_size(len(features.features))
        moments = Moments.compute(data, summary, features, summary.scales[data.outcome], n_folds=1)
    _check_size(len(features.features))
    merged = {
        regime: reduce(CentredMoments.merge, folds) for regime, folds in moments.folds.items()
    }
    return RegimeMoments(features, moments.outcome_scale, merged)


def _degree(factors: Iterable[tuple[str, int]], bases: Mapping[str, object]) -> int:
    """Return the total degree of a product; an indicator of a level counts as one."""
    return sum(
        position + 1 if isinstance(bases[name], PolynomialBasis) else 1
        for name, position in factors
    )


def _check_size(count: int) -> None:
    if count > MAX_FEATURES:
        raise ModelError(
            f"degree: there are {count} products of functions of the actions, more than the "
            f"{MAX_FEATURES} that can be handled; choose a lower degree, or merge levels."
        )

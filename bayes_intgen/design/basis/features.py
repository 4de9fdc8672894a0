"""Features of all actions: the constant, functions of one action, and their products.

Regimes and components are choices of weights, made in :mod:`bayes_intgen.design.design`
(design (2), m_S(a) = phi(a)' theta_S). Here a covariate is an action like any other: only the
design tells them apart.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from math import exp, pi, prod, sqrt
from typing import Any, Self

import numpy as np

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.shared_work import digest, is_sharing, shared
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.design.basis.categorical import CategoricalBasis
from bayes_intgen.design.basis.feature import (
    Feature,
    ProductLayout,
    check_unique,
    clash,
    function_of,
    label_feature,
    may_multiply,
)
from bayes_intgen.design.basis.function import ActionBasis
from bayes_intgen.design.basis.hsgp import HSGPBasis
from bayes_intgen.design.basis.polynomial import PolynomialBasis

__all__ = ["FeatureMap"]

BASES = {basis.kind: basis for basis in (CategoricalBasis, HSGPBasis, PolynomialBasis)}

MAX_FEATURES = 10_000
CURVED = 0.3  # size of a square or cube of the normal score relative to a linear function
LENGTHSCALE = 0.6  # a typical one, in half-widths of the data


@dataclass(frozen=True)
class FeatureMap:
    """The map phi from actions to features."""

    bases: Mapping[str, ActionBasis]
    features: tuple[Feature, ...]  # the constant first

    @classmethod
    def within(
        cls,
        bases: Mapping[str, ActionBasis],
        scopes: Iterable[Iterable[str]],
        threes: Iterable[Iterable[str]] = (),
    ) -> Self:
        """Make every feature whose actions all lie within one of the scopes.

        ``threes``: sets of three actions which act together, of which smooth functions and levels
        are multiplied, too. A product of three takes shares that sum to 1.35 there, so that it has
        at most one of a smooth function beside two linear ones, or two beside one.

        Raises
        ------
        ModelError
            If the names of actions make two features look the same, or there would be more than
            10000 of them.
        """
        wanted = [frozenset(scope) for scope in scopes]
        joint = {frozenset(three) for three in threes}
        wanted += joint
        products: list[list[tuple[str, int]]] = [[]]  # that of none is the constant
        for action, basis in bases.items():
            # Every product so far may be multiplied by one function of this action.
            products += [
                [*factors, (action, position)]
                for factors in products
                if any({action, *(name for name, _ in factors)} <= scope for scope in wanted)
                for position, function in enumerate(basis.functions)
                if may_multiply([*factors, (action, position)], bases, joint)
                and not any(clash(function_of(factor, bases), function) for factor in factors)
            ]
            _check_number(len(products), bases)
        products.sort(key=len)
        features = tuple(label_feature(factors, bases) for factors in products)
        check_unique(features)
        return cls(bases, features)

    @classmethod
    def pairs(
        cls, bases: Mapping[str, ActionBasis], smoothest: int, actions: Sequence[str] | None = None
    ) -> Self:
        """Make the products of two actions out of the first few functions of each.

        That of the first two is always among them, whatever the budget of interactions.
        ``smoothest``: largest position of a function that takes part. ``actions``: those of which
        pairs are made; None for all.
        """
        names = [name for name in bases if actions is None or name in actions]
        chosen = {
            name: [
                (name, i)
                for i in range(len(bases[name].functions))
                if _takes_part((name, i), bases, smoothest)
            ]
            for name in names
        }
        products = [
            [one, other]
            for k, last in enumerate(names)
            for earlier in names[:k]
            for one in chosen[earlier]
            for other in chosen[last]
            if may_multiply([one, other], bases)
            and not clash(function_of(one, bases), function_of(other, bases))
        ]
        _check_number(len(products), bases)
        first = [[(a, 0), (b, 0)] for a, b in combinations(names, 2)]
        return cls(
            bases, tuple(dict.fromkeys(label_feature(f, bases) for f in [*first, *products]))
        )

    @classmethod
    def threes(cls, bases: Mapping[str, ActionBasis], actions: Sequence[str]) -> Self:
        """Make the products of three actions, of the first function of each or of its levels."""
        chosen = {
            name: [
                (name, i)
                for i in range(len(bases[name].functions))
                if _takes_part((name, i), bases, 0)
            ]
            for name in bases
            if name in actions
        }
        products = [
            list(factors)
            for three in combinations(chosen, 3)
            for factors in product(*(chosen[name] for name in three))
            if may_multiply(factors, bases, [frozenset(three)])
        ]
        _check_number(len(products), bases)
        return cls(bases, tuple(label_feature(factors, bases) for factors in products))

    def union(self, other: "FeatureMap") -> "FeatureMap":
        """Return the features of both, those of the first in their order before the rest."""
        return FeatureMap(self.bases, tuple(dict.fromkeys((*self.features, *other.features))))

    def smooth_columns(self, smoothest: int) -> Indices:
        """Return the positions of all features of one action and of the smoothest products of two.

        ``smoothest``: largest position of a function in such a product; levels have none.
        """
        chosen = [
            i
            for i, feature in enumerate(self.features)
            if len(feature.factors) == 1
            or (
                len(feature.factors) == 2
                and all(_takes_part(factor, self.bases, smoothest) for factor in feature.factors)
            )
        ]
        return np.array(chosen, dtype=int)

    def relative_scale(self, column: int) -> float:
        """Return a rough size of a feature's weight relative to others: the smoother, the larger.

        The root spectral density at a lengthscale of 0.6 half-widths, one if not of a wave: for
        what is decided before the hyperparameters are known, as variance functions and tests are.
        """
        functions = [function_of(factor, self.bases) for factor in self.features[column].factors]
        waves = [f.frequency for f in functions if f.frequency is not None]
        roots = (
            sqrt(sqrt(2 * pi) * LENGTHSCALE * exp(-((LENGTHSCALE * w) ** 2) / 2)) for w in waves
        )
        curves = sum(f.shape == "curved" for f in functions)
        return prod(roots, start=CURVED**curves)

    def is_fine(self, column: int) -> bool:
        """Say whether a feature is a function of one action too fine for the bias of another."""
        factors = self.features[column].factors
        return len(factors) == 1 and function_of(factors[0], self.bases).fine

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the actions, and of the covariates behind them."""
        return tuple(self.bases)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(feature.name for feature in self.features)

    def positions(self, scope: Iterable[str]) -> Indices:
        """Return the positions of the features that touch only actions in ``scope``."""
        allowed = frozenset(scope)
        return np.array(
            [i for i, feature in enumerate(self.features) if feature.actions <= allowed], dtype=int
        )

    def evaluate(self, values: Array) -> Array:
        """Evaluate phi at actions in their own units, or codes of levels.

        Shape (n, K) to (n, features); the first column is one.
        """
        table = np.empty((len(self.features), len(values)))
        self._fill(values, table)
        return table.T

    def evaluate_rows(self, values: Array) -> Array:
        """Evaluate phi at rows of the data, as :meth:`evaluate`; many outcomes share it."""
        return self.fill(values)[0].T

    def fill(self, values: Array, out: Array | None = None) -> tuple[Array, Hashable]:
        """Evaluate phi at rows of the data as rows of an array, shape (features, n).

        Parameters
        ----------
        values
            As for :meth:`evaluate`.
        out
            Where to write it, if many outcomes do not share it.

        Returns
        -------
        phi
            Not to be changed if it is shared.
        key
            By which it is shared; None if it is not.
        """

        def compute() -> tuple[Array, Mapping[str, ActionBasis]]:
            table = np.empty((len(self.features), len(values)))
            self._fill(values, table)
            table.flags.writeable = False
            return table, self.bases  # whose identity is in the key

        if not is_sharing():
            table = np.empty((len(self.features), len(values))) if out is None else out
            self._fill(values, table)
            return table, None
        key = ("features", *map(id, self.bases.values()), self.factors, digest(values))
        return shared(key, compute, lambda found: found[0].nbytes)[0], key

    def _fill(self, values: Array, out: Array) -> None:
        tables = {
            name: np.ascontiguousarray(basis.evaluate(values[:, k]).T)
            for k, (name, basis) in enumerate(self.bases.items())
        }
        self._layout.fill(tables, out)

    @cached_property
    def factors(self) -> tuple[tuple[tuple[str, int], ...], ...]:
        """The factors of each feature."""
        return tuple(feature.factors for feature in self.features)

    @cached_property
    def _layout(self) -> ProductLayout:
        return ProductLayout.of(self.factors)

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON types."""
        return {
            "bases": {action: basis.to_dict() for action, basis in self.bases.items()},
            "features": [list(map(list, feature.factors)) for feature in self.features],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the map from :meth:`to_dict`."""
        bases = {
            action: BASES[basis["kind"]].from_dict(basis)
            for action, basis in state["bases"].items()
        }
        factors = [[(action, int(i)) for action, i in pairs] for pairs in state["features"]]
        return cls(bases, tuple(label_feature(pairs, bases) for pairs in factors))


def _takes_part(factor: tuple[str, int], bases: Mapping[str, ActionBasis], smoothest: int) -> bool:
    """Say whether it is a level or one of the first functions of its basis."""
    return factor[1] <= smoothest or function_of(factor, bases).shape == "level"


def _check_number(number: int, bases: Mapping[str, ActionBasis]) -> None:
    if number > MAX_FEATURES:
        raise ModelError(
            f"basis: the products of functions of {len(bases)} actions are more than the "
            f"{MAX_FEATURES} features that can be handled; choose a smaller basis, merge rare "
            f"levels, or allow fewer actions to depend on one another."
        )

"""A feature: a product of at most one function per action, of none the constant.

It carries labels only: which actions it touches and what prior group it belongs to. Which functions
may be multiplied is a matter of budgets: each has a share, and those of a product sum to one at
most; beside its trend a smooth action has eigenfunctions, which do not go with the trend of
another.

Features are evaluated a rectangle at a time. With phi(a) = psi_i(a_1) chi_j(a_2), the values of the
functions of one variable form a table with one row per function, computed once. The features of one
variable are stretches of rows of its table, and those of two variables mostly come in rectangles
{psi_i chi_j: i in I, j in J} with I and J stretches: one outer product per row of data, and one
call for all of them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array
from bayes_intgen.design.basis.function import ActionBasis, BasisFunction

__all__ = [
    "Feature",
    "ProductLayout",
    "check_unique",
    "clash",
    "function_of",
    "label_feature",
    "may_multiply",
]

POOLED = "*"  # in place of a name, in the group of functions of many covariates
THREE_SHARES = 1.35  # what the shares of functions of three actions that act together may sum to

type Factors = tuple[tuple[str, int], ...]
type Kind = Literal[
    "constant",
    "linear",
    "wiggly",
    "smooth",
    "warped",
    "curved",
    "mass",
    "step",
    "level",
    "pair",
    "higher",
]


@dataclass(frozen=True)
class Feature:
    """A product of functions of different actions; of none, it is the constant.

    Parameters
    ----------
    factors
        Pairs (action, position of the function in that action's basis).
    name
        How the feature is written, as in ``a1^2 a2``; ``1`` is the constant.
    kind
        What its prior depends on: ``constant``, the shape of a function of one action, ``pair`` or
        ``higher``.
    group
        The features that share a prior scale, mostly within a component: ``a1:linear``,
        ``a1:wiggly`` and so on, ``a1*a2``, or ``higher`` for products of three and more.
    """

    factors: tuple[tuple[str, int], ...]
    name: str
    kind: Kind
    group: str

    @cached_property
    def actions(self) -> frozenset[str]:
        """The actions the feature depends on."""
        return frozenset(action for action, _ in self.factors)


def function_of(factor: tuple[str, int], bases: Mapping[str, ActionBasis]) -> BasisFunction:
    """Return the function that a factor (action, position) is."""
    action, position = factor
    return bases[action].functions[position]


def may_multiply(
    factors: Sequence[tuple[str, int]],
    bases: Mapping[str, ActionBasis],
    threes: Collection[frozenset[str]] = (),
) -> bool:
    """Say whether functions can be multiplied: by the sum of their shares and their orders.

    ``threes``: sets of three actions which act together, whose shares may sum to more.
    """
    functions = [function_of(factor, bases) for factor in factors]
    if len(factors) == 3 and frozenset(name for name, _ in factors) in threes:
        enough = all(f.order is None or f.order > 1 for f in functions)
        return enough and sum(f.share for f in functions) <= THREE_SHARES
    enough = all(f.order is None or len(factors) <= f.order for f in functions)
    return enough and sum(f.share for f in functions) <= 1 + 1e-9


def clash(first: BasisFunction, second: BasisFunction) -> bool:
    """Say whether one is the trend of a smooth action and the other what stands beside a trend."""
    return any(a.trend and b.frequency is not None for a, b in ((first, second), (second, first)))


def label_feature(factors: Sequence[tuple[str, int]], bases: Mapping[str, ActionBasis]) -> Feature:
    """Make the feature of some factors: its name, kind and prior group."""
    name = " ".join(action + function_of((action, i), bases).name for action, i in factors) or "1"
    kind: Kind
    match factors:
        case []:
            kind, group = "constant", "constant"
        case [(action, position)]:
            function = function_of((action, position), bases)
            kind = function.shape
            group = f"{POOLED if function.pooled else action}:{kind}"
        case [(first, _), (second, _)]:
            kind, group = "pair", f"{first}*{second}"
        case _:
            kind, group = "higher", "higher"
    return Feature(tuple(factors), name, kind, group)


def check_unique(features: Sequence[Feature]) -> None:
    """Names and groups must tell features apart, whatever characters the actions' names hold."""
    names: dict[str, Feature] = {}
    groups: dict[str, tuple[Kind, frozenset[str]]] = {}
    for feature in features:
        many = feature.kind == "higher" or feature.group.startswith(f"{POOLED}:")
        meaning = (feature.kind, frozenset() if many else feature.actions)
        same_name = names.setdefault(feature.name, feature) is not feature
        if same_name or groups.setdefault(feature.group, meaning) != meaning:
            raise ModelError(
                f"actions: the names {sorted(feature.actions)} make different features look the "
                f"same ({feature.name!r}, {feature.group!r}); rename a column or a level."
            )


@dataclass(frozen=True)
class Rectangle:
    """Features from position ``start`` on: all products of stretches of rows of some tables."""

    start: int  # position of the first feature
    # name of the variable, first row and number of rows of each factor, at most two with more than
    # one row; the last varies fastest
    stretches: tuple[tuple[str, int, int], ...]

    def fill(self, tables: Mapping[str, Array], out: Array) -> None:
        """Write the features into rows of ``out``, shape (features, n)."""
        factors = [tables[name][first : first + rows] for name, first, rows in self.stretches]
        if not factors:
            out[self.start] = 1.0
        elif len(factors) == 1:
            out[self.start : self.start + len(factors[0])] = factors[0]
        elif len(factors) == 2:
            first, second = factors
            size = len(first) * len(second)
            block = out[self.start : self.start + size].reshape(len(first), len(second), -1)
            np.multiply(first[:, None], second[None], out=block)
        else:
            row = out[self.start]
            np.multiply(factors[0][0], factors[1][0], out=row)
            for factor in factors[2:]:
                row *= factor[0]


@dataclass(frozen=True)
class ProductLayout:
    """The features of a map, as rectangles in their order."""

    rectangles: tuple[Rectangle, ...]

    @classmethod
    def of(cls, features: Sequence[Factors]) -> "ProductLayout":
        """Cut features, each given by pairs (variable, row of its table), into rectangles.

        Examples
        --------
        >>> pairs = [(("a", i), ("b", j)) for i in (1, 2) for j in (1, 2, 3)]
        >>> [r.stretches for r in ProductLayout.of([(), *pairs]).rectangles]
        [(), (('a', 1, 2), ('b', 1, 3))]
        """
        return cls(tuple(_cut(features)))

    def fill(self, tables: Mapping[str, Array], out: Array) -> None:
        """Evaluate all features.

        Parameters
        ----------
        tables
            Functions of each variable, shape (functions, n).
        out
            Is overwritten by the features, shape (features, n).
        """
        for rectangle in self.rectangles:
            rectangle.fill(tables, out)


def _cut(features: Sequence[Factors]) -> Iterator[Rectangle]:
    position = 0
    while position < len(features):
        factors = features[position]
        names = tuple(name for name, _ in factors)
        first = tuple(row for _, row in factors)
        lengths = [1] * len(factors)
        if 1 <= len(factors) <= 2:
            lengths[-1] = _count(features, position, names, (*first[:-1],), first[-1])
        if len(factors) == 2:
            while _continues(features, position, names, first, lengths):
                lengths[0] += 1
        yield Rectangle(position, tuple(zip(names, first, lengths, strict=True)))
        position += int(np.prod(lengths))


def _count(
    features: Sequence[Factors],
    position: int,
    names: tuple[str, ...],
    fixed: tuple[int, ...],
    row: int,
) -> int:
    """Count features from a position on whose last factor goes up row by row."""
    count = 0
    while position + count < len(features):
        wanted = tuple(zip(names, (*fixed, row + count), strict=True))
        if features[position + count] != wanted:
            break
        count += 1
    return count


def _continues(
    features: Sequence[Factors],
    position: int,
    names: tuple[str, ...],
    first: tuple[int, ...],
    lengths: Sequence[int],
) -> bool:
    """Say whether the features behind a rectangle are its next line."""
    height, width = lengths
    line = tuple(
        tuple(zip(names, (first[0] + height, first[1] + j), strict=True)) for j in range(width)
    )
    start = position + height * width
    return tuple(features[start : start + width]) == line

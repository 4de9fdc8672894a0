"""Evaluation of features as products of tables, a rectangle of them at a time.

A feature is a product of functions of different variables, phi(a) = psi_i(a_1) chi_j(a_2). The
values of the functions of one variable form a table with one row per function, computed once. The
features of one variable are stretches of rows of its table, and those of two variables mostly come
in rectangles {psi_i chi_j: i in I, j in J} with I and J stretches: one outer product per row of
data, and one call for all of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.types import Array

__all__ = ["ProductLayout"]

type Factors = tuple[tuple[str, int], ...]


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

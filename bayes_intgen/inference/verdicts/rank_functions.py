"""Functions of the ranks of all variables in one regime, and their products of two and of three.

They are what a test of lack of fit asks the residuals for, and belong to no model. A numeric
variable enters by its mid-rank u in the regime, the share of rows below plus half of those at the
same value, through the polynomials that are orthonormal over the rows; a categorical one by its
levels. They are bounded whatever the tails of the actions (by the root of the number of rows at a
value that one row has), and of a variable with L values the first L - 1 are all functions of it:
products are then all contrasts of cell means.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, pairwise
from math import comb
from typing import Self

import numpy as np

from bayes_intgen.base.types import Array

__all__ = ["MOST_VARIABLES", "RankFunctions", "Subset"]

MOST_VARIABLES = 3  # in a product
MOST_FUNCTIONS = (6, 3, 2)  # of each variable, in products of one, two and three
MOST_THREES = 35  # sets of three variables, which seven have; of more none is looked at
MOST_COLUMNS = 600  # of each order, with fewer functions of each variable
ROWS_PER_COLUMN = 20
PRODUCTS_TO_A_FUNCTION = 5

type Subset = tuple[int, ...]


@dataclass(frozen=True)
class Products:
    """Products of functions of all sets of so many variables, times their relative prior scales."""

    sets: list[tuple[Subset, int]]  # of variables, each with the number of its products
    table: Array = field(repr=False)  # one set's behind another's, shape (products, rows)

    @classmethod
    def of(cls, found: Iterable[tuple[Subset, Array, Array]]) -> Self:
        """Put together what :meth:`RankFunctions.products` yields."""
        sets, columns = [], []
        for subset, products, scale in found:
            sets.append((subset, len(scale)))
            columns.append((products * scale).T)
        return cls(sets, np.vstack(columns) if sets else np.empty((0, 0)))

    @cached_property
    def slices(self) -> list[slice]:
        """The products of each set."""
        ends = np.cumsum([0, *(number for _, number in self.sets)]).tolist()
        return [slice(*pair) for pair in pairwise(ends)]

    @cached_property
    def squares(self) -> Array:
        """The sum of squares over the products of each set, shape (sets, rows)."""
        return np.array([(self.table[own] ** 2).sum(axis=0) for own in self.slices])

    @cached_property
    def gram(self) -> Array:
        """Sums of products over the rows, shape (products, products)."""
        return self.table @ self.table.T

    @cached_property
    def covariance(self) -> Array:
        """Over the rows, shape (products, products)."""
        mean = self.table.mean(axis=1)
        return np.asarray(self.gram / self.table.shape[1] - np.outer(mean, mean))


@dataclass(frozen=True)
class RankFunctions:
    """Orthonormal functions of each variable at the rows of a regime."""

    # of each variable, shape (rows, functions); none if it is constant
    tables: tuple[Array, ...] = field(repr=False)
    made: dict[int, Products] = field(default_factory=dict, repr=False)  # by order

    @classmethod
    def of(cls, values: Array, coded: Sequence[bool]) -> "RankFunctions":
        """Make them from the rows of a regime, shape (rows, variables), some of them levels."""
        return cls(
            tuple(
                _levels(column) if by_level else _polynomials(column)
                for column, by_level in zip(values.T, coded, strict=True)
            )
        )

    def subsets(self, order: int) -> list[Subset]:
        """Return the sets of variables of which there are products, by their positions."""
        varying = [k for k, table in enumerate(self.tables) if table.shape[1]]
        return list(combinations(varying, order)) if self.functions(order) else []

    def functions(self, order: int) -> int:
        """Return how many functions of each variable are multiplied; zero if rows are too few."""
        rows = len(self.tables[0]) if self.tables else 0
        number = comb(sum(table.shape[1] > 0 for table in self.tables), order)
        if order == MOST_VARIABLES and number > MOST_THREES:
            return 0
        for count in range(MOST_FUNCTIONS[order - 1], 0, -1):
            few = count**order * ROWS_PER_COLUMN <= rows
            if few and number * count**order <= max(MOST_COLUMNS, number):
                return count
        return 0

    def products(self, order: int) -> Iterator[tuple[Subset, Array, Array]]:
        """Yield sets of variables, products of their functions and relative prior scales.

        Shapes (rows, products) and (products,); the scale of a product of polynomials of degrees
        i, j, .. is 1 / (i j ..).
        """
        count = self.functions(order)
        for subset in self.subsets(order):
            product, scale = np.ones((len(self.tables[0]), 1)), np.ones(1)
            for k in subset:
                table = self.tables[k][:, :count]
                product = (product[:, :, None] * table[:, None, :]).reshape(len(product), -1)
                scale = np.outer(scale, 1 / np.arange(1, table.shape[1] + 1)).ravel()
            yield subset, product, scale

    def scaled_products(self, order: int) -> Products:
        """Return the products of sets of so many variables, made once."""
        if order not in self.made:
            self.made[order] = Products.of(self.products(order))
        return self.made[order]

    @property
    def nbytes(self) -> int:
        """Size in bytes, about as it will be with the products of all orders."""
        return sum(table.nbytes for table in self.tables) * PRODUCTS_TO_A_FUNCTION


def _polynomials(column: Array) -> Array:
    """Return orthonormal polynomials of the mid-ranks, shape (rows, functions)."""
    values, where, counts = np.unique(column, return_inverse=True, return_counts=True)
    shares = counts / len(column)
    if len(values) < 2:
        return np.empty((len(column), 0))
    rank = np.cumsum(shares) - shares / 2
    count = min(MOST_FUNCTIONS[0], len(values) - 1)
    root = np.sqrt(shares)
    powers = np.polynomial.legendre.legvander(2 * rank - 1, count)
    orthonormal, _ = np.linalg.qr(root[:, None] * powers)
    return np.asarray((orthonormal[:, 1:] / root[:, None])[where])


def _levels(column: Array) -> Array:
    """Return orthonormal contrasts of the most frequent levels, shape (rows, functions)."""
    values, where, counts = np.unique(column, return_inverse=True, return_counts=True)
    if len(values) < 2:
        return np.empty((len(column), 0))
    root = np.sqrt(counts / len(column))
    kept = np.argsort(-counts)[1 : MOST_FUNCTIONS[0] + 1]  # against the most frequent one
    table = np.column_stack([np.ones(len(values)), np.eye(len(values))[:, kept]])
    orthonormal, _ = np.linalg.qr(root[:, None] * table)
    return np.asarray((orthonormal[:, 1:] / root[:, None])[where])

"""Symmetric matrices in half the memory: the rectangular full packed format of LAPACK.

The two triangles that the halves of a lower triangle leave beside a square fill a rectangle
(Gustavson, Wasniewski, Dongarra and Langou 2010, "Rectangular full packed format for Cholesky's
algorithm", ACM Transactions on Mathematical Software 37). Sums of such matrices are sums of
vectors, and factorising takes as long as in a full matrix, or less.

No matrix is scaled to a unit diagonal first: a Cholesky factorisation, and what rests on it, has
errors that are small relative to each row and column, whatever their size (Demmel 1989, "On
floating point errors in Cholesky", LAPACK working note 14).
"""

from functools import lru_cache

import numpy as np
from scipy.linalg import lapack

from bayes_intgen.base.types import Array, Indices

__all__ = ["Factor", "diagonal", "factorise", "pack", "unpack"]

LAYOUT = {"transr": "N", "uplo": "L"}


def pack(matrix: Array) -> Array:
    """Pack a symmetric matrix, shape (p, p) to (p (p + 1) / 2,).

    Examples
    --------
    >>> matrix = np.array([[2.0, 1.0], [1.0, 3.0]])
    >>> packed = pack(matrix)
    >>> packed.shape, packed[diagonal(2)].tolist(), unpack(packed, 2).tolist()
    ((3,), [2.0, 3.0], [[2.0, 1.0], [1.0, 3.0]])
    """
    # the transpose, which is the same matrix, is in the order that LAPACK reads
    packed, _ = lapack.dtrttf(matrix.T, **LAYOUT)
    return np.asarray(packed)


def unpack(packed: Array, size: int) -> Array:
    """Return a symmetric matrix in full."""
    lower = unpack_lower(packed, size)
    full = lower + lower.T
    full[np.diag_indices(size)] *= 0.5
    return np.asarray(full)


def unpack_lower(packed: Array, size: int) -> Array:
    """Return its lower triangle, zero above, in Fortran's order."""
    lower, _ = lapack.dtfttr(size, packed, **LAYOUT)
    return np.tril(lower.T.T)


@lru_cache(maxsize=64)
def diagonal(size: int) -> Indices:
    """Return where the diagonal stands in a packed matrix, shape (size,)."""
    marks = pack(np.diag(np.arange(1.0, size + 1)))
    where = np.flatnonzero(marks)
    return np.asarray(where[np.argsort(marks[where])])


class Factor:
    """The lower Cholesky factor L of a matrix P = L L'."""

    def __init__(self, packed: Array, size: int) -> None:
        self.packed, self.size = packed, size

    @property
    def lower(self) -> Array:
        """L in full."""
        return unpack_lower(self.packed, self.size)

    @property
    def log_det(self) -> float:
        """log|P|."""
        return 2 * float(np.log(self.packed[diagonal(self.size)]).sum())

    def solve(self, right: Array) -> Array:
        """Return P^-1 b."""
        solution, _ = lapack.dpftrs(self.size, self.packed, right, **LAYOUT)
        return np.asarray(solution)

    def inverse(self) -> Array:
        """Return P^-1, packed."""
        inverse, _ = lapack.dpftri(self.size, self.packed, **LAYOUT)
        return np.asarray(inverse)

    def divide(self, rows: Array, *, transposed: bool = False) -> Array:
        """Return X with X L = rows, or with X L' = rows; shape (n, p)."""
        trans = "T" if transposed else "N"
        return np.asarray(lapack.dtfsm(1.0, self.packed, rows, side="R", trans=trans, **LAYOUT))


def factorise(packed: Array, size: int) -> Factor:
    """Factorise a matrix; raise numpy.linalg.LinAlgError unless it is positive definite."""
    factor, info = lapack.dpftrf(size, packed, **LAYOUT)
    if info != 0:
        raise np.linalg.LinAlgError("the precision of the weights is not positive definite")
    return Factor(factor, size)


def add_square(packed: Array, vector: Array) -> Array:
    """Return A + v v' of a packed matrix A."""
    return np.asarray(lapack.dsfrk(len(vector), 1, 1.0, vector[:, None], 1.0, packed, **LAYOUT))

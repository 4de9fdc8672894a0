"""The Gaussian distribution of the weights given the hyperparameters, by packed matrices.

    weights ~ N(m, C),      m = P^-1 b,      C = P^-1,

with the precision P of those weights that the data see; the others keep their prior. Everything
follows from the Cholesky factor L of P.

Symmetric matrices take half the memory in the rectangular full packed format of LAPACK: the two
triangles that the halves of a lower triangle leave beside a square fill a rectangle (Gustavson,
Wasniewski, Dongarra and Langou 2010, "Rectangular full packed format for Cholesky's algorithm", ACM
Transactions on Mathematical Software 37). Sums of such matrices are sums of vectors, and
factorising takes as long as in a full matrix, or less. No matrix is scaled to a unit diagonal
first: a Cholesky factorisation, and what rests on it, has errors that are small relative to each
row and column, whatever their size (Demmel 1989, "On floating point errors in Cholesky", LAPACK
working note 14).
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Self

import numpy as np
from scipy.linalg import cython_lapack, lapack

from bayes_intgen.base.types import Array, Indices

__all__ = ["Conditional", "Factor", "add_square", "diagonal", "factorise", "pack", "unpack"]

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
    return np.tril(lower)


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
    """Factorise a matrix; raise numpy.linalg.LinAlgError unless it is positive definite.

    Other threads run meanwhile: the routine is that of SciPy, called without the interpreter's
    lock, which SciPy's own wrapper holds.
    """
    factor = np.array(packed, dtype=float)
    if factor.shape != (size * (size + 1) // 2,):
        raise ValueError(f"packed: a matrix of {size} rows, packed, is not of shape {factor.shape}")
    info, n = ctypes.c_int(-1), ctypes.c_int(size)
    layout = [LAYOUT[name].encode() for name in ("transr", "uplo")]
    _dpftrf()(*layout, ctypes.byref(n), factor.ctypes.data, ctypes.byref(info))
    if info.value != 0:
        raise np.linalg.LinAlgError("the precision of the weights is not positive definite")
    return Factor(factor, size)


@cache
def _dpftrf() -> Callable[..., None]:
    capsule = cython_lapack.__pyx_capi__["dpftrf"]
    name_of, address_of = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    address_of.restype = ctypes.c_void_p
    address_of.argtypes = [ctypes.py_object, ctypes.c_char_p]
    text, pointer = ctypes.c_char_p, ctypes.c_void_p
    kind = ctypes.CFUNCTYPE(None, text, text, pointer, pointer, pointer)
    return kind(address_of(capsule, name_of(capsule)))


def add_square(packed: Array, vector: Array) -> Array:
    """Return A + v v' of a packed matrix A."""
    return np.asarray(lapack.dsfrk(len(vector), 1, 1.0, vector[:, None], 1.0, packed, **LAYOUT))


@dataclass(frozen=True)
class Conditional:
    """The Gaussian distribution of the weights given the hyperparameters."""

    mean: Array  # m, shape (weights,)
    cholesky: Factor = field(repr=False)  # of P, of the weights that are seen
    # prior standard deviations of the weights that are not seen, one for those that are; (weights,)
    scaling: Array = field(repr=False)
    log_det: float  # log|P|, of all weights
    seen: Indices = field(repr=False)  # positions of the weights that the data see

    @classmethod
    def solve(cls, precision: Array, cross: Array) -> Self:
        """Factorise a precision matrix P and solve P m = b."""
        return cls.solve_packed(pack(precision), cross)

    @classmethod
    def solve_packed(cls, precision: Array, cross: Array) -> Self:
        """Factorise a packed precision matrix P and solve P m = b."""
        size = len(cross)
        factor = factorise(precision, size)
        return cls(factor.solve(cross), factor, np.ones(size), factor.log_det, np.arange(size))

    def among(self, seen: Indices, sd: Array) -> Self:
        """Place the weights at some positions among others, which keep their prior of sd ``sd``."""
        if len(seen) == len(sd):
            return self
        mean, scaling = np.zeros(len(sd)), sd.copy()
        mean[seen], scaling[seen] = self.mean, 1.0
        log_det = self.log_det - 2 * float(np.log(np.delete(sd, seen)).sum())
        return replace(self, mean=mean, scaling=scaling, log_det=log_det, seen=seen)

    def without_factor(self) -> Self:
        """Return the same without the factor, which takes memory."""
        return replace(self, cholesky=Factor(np.empty(0), 0))

    @property
    def factor(self) -> Array:
        """The lower Cholesky factor L of D P D for all weights, shape (weights, weights).

        D is the diagonal matrix of ``scaling``.
        """
        factor = np.eye(len(self.mean), order="F")
        factor[np.ix_(self.seen, self.seen)] = self.cholesky.lower
        return factor

    @property
    def covariance_of_seen(self) -> Array:
        """C of the weights that are seen, shape (seen, seen)."""
        return unpack(self.cholesky.inverse(), self.cholesky.size)

    @property
    def covariance(self) -> Array:
        """C = P^-1, shape (weights, weights)."""
        if len(self.seen) == len(self.mean):
            return self.covariance_of_seen
        covariance = np.diag(self.scaling**2)
        covariance[np.ix_(self.seen, self.seen)] = self.covariance_of_seen
        return covariance

    def variance_of(self, rows: Array) -> Array:
        """Return the variances of some linear combinations, (n, weights) to (n,)."""
        half = self.root_of(rows)
        return np.asarray(np.einsum("ij,ij->j", half, half))

    def root_of(self, rows: Array) -> Array:
        """Return H with H'H the covariance of some linear combinations, (n, weights) to (., n)."""
        if len(self.seen) == len(self.mean):
            return self.cholesky.divide(rows, transposed=True).T
        half = rows * self.scaling
        half[:, self.seen] = self.cholesky.divide(half[:, self.seen], transposed=True)
        return np.asarray(half.T)

    def draw(self, size: int, rng: np.random.Generator) -> Array:
        """Draw weights, shape (size, weights)."""
        noise = rng.standard_normal((len(self.mean), size)).T
        if len(self.seen) == len(self.mean):
            return np.asarray(self.mean + self.cholesky.divide(noise))
        noise[:, self.seen] = self.cholesky.divide(noise[:, self.seen])
        return np.asarray(self.mean + self.scaling * noise)

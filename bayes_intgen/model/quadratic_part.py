"""The part of the marginal likelihood that couples weights, as one PyTensor operation.

With the sums of products G_r and b_r of each regime r, its precision w_r and the prior precisions
lambda of the weights,

    (1)  V(w, lambda) = 1/2 b' P^-1 b - 1/2 log|P|,
         P = diag(lambda) + sum_r w_r G_r,    b = sum_r w_r b_r.

With C = P^-1 and m = P^-1 b its gradient is

    (2)  dV/dw_r = m' b_r - 1/2 [tr(C G_r) + m' G_r m],         dV/dlambda_i = - 1/2 (C_ii + m_i^2),

(Fisher's identity), so that no derivative of the factorisation is ever needed: value and gradient
are outputs of one operation, by LAPACK's routines for packed matrices
(:mod:`bayes_intgen.model.conditional`), at p^3 floating-point operations and two passes over the
G_r.

A sampler needs the value, by which points of a trajectory are weighed, and something to steer by.
Any function of the position does in place of the gradient: the trajectory can be reversed and keeps
volumes all the same, and the draws are exact. For it :func:`value_and_slopes` has dV/dlambda alone,
from the inverse of the factor by numbers of 32 bits, in two thirds of the time: that takes a third
of the operations of C, and no second pass over the G_r. :func:`draw_each` has the values at many
hyperparameters and weights drawn given them, likewise without the interpreter.
"""

from typing import Any

import llvmlite.binding
import numba
import numpy as np
import pytensor.tensor as pt
from numba.extending import get_cython_function_address
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch import numba_funcify

from bayes_intgen.base.types import Array, Indices

__all__ = [
    "draw_each",
    "quadratic_part",
    "value_and_gradient",
    "value_and_slopes",
]

NORMAL, LOWER, TURNED = ord("N"), ord("L"), ord("T")


def _lapack(name: str, arguments: int) -> Any:
    """Return a routine of LAPACK that compiled code can call; its arguments are addresses.

    By a name of its own, so that code that calls it can be kept in a file: addresses change.
    """
    symbol = f"bayes_intgen_{name}"
    address = get_cython_function_address("scipy.linalg.cython_lapack", name)
    llvmlite.binding.add_symbol(symbol, address)
    kinds = [numba.types.intp] * arguments
    return numba.types.ExternalFunction(symbol, numba.types.void(*kinds))


_DPFTRF, _DPFTRS = _lapack("dpftrf", 5), _lapack("dpftrs", 8)
_DPFTRI, _STFTRI = _lapack("dpftri", 5), _lapack("stftri", 6)
_DSFRK, _DTFSM = _lapack("dsfrk", 10), _lapack("dtfsm", 11)


@numba.njit(nogil=True, cache=True)
def _corners(size: int) -> Indices:
    """Return where the diagonal stands in a packed matrix, as in ``conditional.diagonal``."""
    half, odd = size // 2, size % 2
    first, rows = half + odd, size + 1 - odd
    where = np.empty(size, np.int64)
    for i in range(size):
        if i < first:
            where[i] = i * rows + i + 1 - odd
        else:
            where[i] = (i - first + odd) * rows + i - first
    return where


@numba.njit(nogil=True, cache=True)
def _factorise(  # type: ignore[no-untyped-def]  # numba infers types
    w, lam, gram, cross
):
    """Return the packed factor of P, b, m and whether P is positive definite."""
    p = w[0] * gram[0]
    for r in range(1, len(w)):  # BLAS takes twice as long for so few rows
        weight, own = w[r], gram[r]
        for i in range(len(p)):
            p[i] += weight * own[i]
    p[_corners(len(lam))] += lam
    b = np.dot(w, cross)
    m = b.copy()
    letters = np.array([NORMAL, LOWER], np.int32)
    size, one = np.array([len(lam)], np.int32), np.ones(1, np.int32)
    info = np.zeros(1, np.int32)
    transr, uplo = letters[:1].ctypes.data, letters[1:].ctypes.data
    n, state = size.ctypes.data, info.ctypes.data
    _DPFTRF(transr, uplo, n, p.ctypes.data, state)
    failed = info[0] != 0
    _DPFTRS(transr, uplo, n, one.ctypes.data, p.ctypes.data, m.ctypes.data, n, state)
    # an array lives until it is last mentioned, its address does not count
    alive = letters[0] + letters[1] + size[0] + one[0] == NORMAL + LOWER + len(lam) + 1
    return p, b, m, alive and not failed and info[0] == 0


@numba.njit(nogil=True, cache=True)
def value_and_gradient(w: Array, lam: Array, gram: Array, cross: Array) -> tuple[Array, ...]:
    """Return (1) and (2); NaN where P is not positive definite, which is a rejected step.

    ``gram``: packed, shape (regimes, p (p + 1) / 2). Compiled, and free of the interpreter while it
    runs, so that chains run side by side.
    """
    p, b, m, good = _factorise(w, lam, gram, cross)
    if not good:
        return np.full((), np.nan), np.full(len(w), np.nan), np.full(len(lam), np.nan)
    corners = _corners(len(lam))
    value = 0.5 * np.dot(b, m) - np.sum(np.log(p[corners]))
    letters, info, unit = np.array([NORMAL, LOWER], np.int32), np.zeros(1, np.int32), np.ones(1)
    size, one = np.array([len(lam)], np.int32), np.ones(1, np.int32)
    transr, uplo = letters[:1].ctypes.data, letters[1:].ctypes.data
    n, k, alpha = size.ctypes.data, one.ctypes.data, unit.ctypes.data
    _DPFTRI(transr, uplo, n, p.ctypes.data, info.ctypes.data)
    second = p  # C, and below C + m m'
    _DSFRK(transr, uplo, transr, n, k, alpha, m.ctypes.data, n, alpha, second.ctypes.data)
    alive = letters[0] + letters[1] + size[0] + one[0] + unit[0] == NORMAL + LOWER + len(lam) + 2
    squares = second[corners] if alive else np.full(len(lam), np.nan)
    second *= 2.0  # of a packed matrix one half counts twice
    second[corners] = squares
    by_w = np.dot(cross, m) - 0.5 * np.dot(gram, second)
    return np.asarray(value), by_w, -0.5 * squares


@numba.njit(nogil=True, cache=True)
def value_and_slopes(w: Array, lam: Array, gram: Array, cross: Array) -> tuple[Array, Array]:
    """Return (1), and about dV/dlambda of (2); NaN where P is not positive definite."""
    p, b, m, good = _factorise(w, lam, gram, cross)
    if not good:
        return np.full((), np.nan), np.full(len(lam), np.nan)
    value = 0.5 * np.dot(b, m) - np.sum(np.log(p[_corners(len(lam))]))
    inverse, info = p.astype(np.float32), np.zeros(1, np.int32)
    letters = np.array([NORMAL, LOWER], np.int32)
    size = np.array([len(lam)], np.int32)
    transr, uplo = letters[:1].ctypes.data, letters[1:].ctypes.data
    address = inverse.ctypes.data
    _STFTRI(transr, uplo, transr, size.ctypes.data, address, info.ctypes.data)
    alive = letters[0] + letters[1] + size[0] == NORMAL + LOWER + len(lam)
    if info[0] != 0 or not alive:
        return np.full((), np.nan), np.full(len(lam), np.nan)
    return np.asarray(value), -0.5 * (_squared_columns(inverse, len(lam)) + m * m)


@numba.njit(nogil=True, cache=True, fastmath=True)
def _squared_columns(packed: Array, size: int) -> Array:
    """Return the squared length of each column of a packed triangle, shape (size,)."""
    half, odd = size // 2, size % 2
    first, rows = half + odd, size + 1 - odd
    lengths = np.zeros(size)
    for j in range(first):  # below the diagonal of the left half, then the right one, turned
        start = j * rows
        total = np.float32(0.0)
        for i in range(j + 1 - odd, rows):
            total += packed[start + i] * packed[start + i]
        lengths[j] = total
        for i in range(j + 1 - odd):
            lengths[first + i] += packed[start + i] * packed[start + i]
    return lengths


@numba.njit(nogil=True, cache=True)
def draw_each(w: Array, lam: Array, gram: Array, cross: Array, noise: Array) -> tuple[Array, Array]:
    """Return draws m + L^-T v from N(P^-1 b, P^-1), P = L L', each with its own w, lambda and v.

    Shapes (draws, regimes), (draws, p) and (draws, p). The result has shape (draws, p), and (1) of
    each row (draws,); NaN where P is not positive definite.
    """
    letters, unit = np.array([NORMAL, LOWER, TURNED], np.int32), np.ones(1)
    size, one = np.array([lam.shape[1]], np.int32), np.ones(1, np.int32)
    transr, lower, trans = [letters[k : k + 1].ctypes.data for k in range(3)]
    n, k, alpha = size.ctypes.data, one.ctypes.data, unit.ctypes.data
    drawn, values, corners = noise.copy(), np.full(len(w), np.nan), _corners(lam.shape[1])
    for i in range(len(w)):
        p, b, m, good = _factorise(w[i], lam[i], gram, cross)
        v = drawn[i]
        address = p.ctypes.data
        _DTFSM(transr, lower, lower, trans, transr, n, k, alpha, address, v.ctypes.data, n)
        if good:
            v += m + 0.0 * p[0]
            values[i] = 0.5 * np.dot(b, m) - np.sum(np.log(p[corners]))
        else:
            v[:] = np.nan
    alive = letters[0] + letters[1] + letters[2] + size[0] + one[0] + unit[0] > 0
    return drawn if alive else noise, values


class QuadraticPart(Op):
    """Map (w, lambda, packed grams, crosses) to V and its gradients in w and in lambda.

    The gradients are outputs, and have none themselves.
    """

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        """Describe the operation on vectors of precisions and matrices of sums."""
        w, lam, gram, cross = (pt.as_tensor_variable(value) for value in inputs)
        return Apply(self, [w, lam, gram, cross], [pt.dscalar(), w.type(), lam.type()])

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Compute value and gradients."""
        for output, found in zip(outputs, value_and_gradient(*inputs), strict=True):
            output[0] = found

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Let a gradient through from V to w and lambda only."""
        return [[True, False, False]] * 2 + [[False] * 3] * 2

    def pullback(self, inputs: list[Any], outputs: list[Any], cotangents: list[Any]) -> list[Any]:
        """Multiply the cotangent of V by its gradients."""
        constants = [DisconnectedType()() for _ in inputs[2:]]
        return [cotangents[0] * outputs[1], cotangents[0] * outputs[2], *constants]

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:
        """Give the gradients the shapes of w and lambda."""
        return [(), shapes[0], shapes[1]]


@numba_funcify.register(QuadraticPart)
def _numba_quadratic_part(op: QuadraticPart, **kwargs: Any) -> Any:
    """Compile the operation for the sampler."""
    return value_and_gradient


quadratic_part = QuadraticPart()

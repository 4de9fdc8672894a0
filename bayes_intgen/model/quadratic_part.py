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
G_r. Two thirds of the operations are those of C, which only the gradient needs. A sampler may have
them done with numbers of 32 bits, in half the time: C is made of the factor of P, whose condition
number is the square root of that of P, so that gradients are off by some 1e-6 of their size. That
biases nothing: a trajectory made with any function of the position in place of the gradient can be
reversed and keeps volumes, and the value, by which its points are weighed, has 64 bits.
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

__all__ = ["quadratic_part", "value_and_gradient"]

NORMAL, LOWER = ord("N"), ord("L")


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
_DPFTRI, _SPFTRI = _lapack("dpftri", 5), _lapack("spftri", 5)
_DSFRK = _lapack("dsfrk", 10)


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
def value_and_gradient(
    w: Array, lam: Array, gram: Array, cross: Array, single: bool = False
) -> tuple[Array, Array, Array]:
    """Return (1) and (2); NaN where P is not positive definite, which is a rejected step.

    ``gram``: packed, shape (regimes, p (p + 1) / 2). ``single``: whether the gradient is computed
    with numbers of 32 bits. Compiled, and free of the interpreter while it runs, so that chains run
    side by side.
    """
    corners = _corners(len(lam))
    p = np.dot(w, gram)
    p[corners] += lam
    b = np.dot(w, cross)
    m = b.copy()
    letters = np.array([NORMAL, LOWER], np.int32)
    size, one = np.array([len(lam)], np.int32), np.ones(1, np.int32)
    info, unit = np.zeros(1, np.int32), np.ones(1)
    transr, uplo = letters[:1].ctypes.data, letters[1:].ctypes.data
    n, k, state, alpha = size.ctypes.data, one.ctypes.data, info.ctypes.data, unit.ctypes.data
    _DPFTRF(transr, uplo, n, p.ctypes.data, state)
    failed = info[0] != 0
    log_det = 2.0 * np.sum(np.log(p[corners]))
    _DPFTRS(transr, uplo, n, k, p.ctypes.data, m.ctypes.data, n, state)
    if single:
        short = p.astype(np.float32)
        _SPFTRI(transr, uplo, n, short.ctypes.data, state)
        p[:] = short
    else:
        _DPFTRI(transr, uplo, n, p.ctypes.data, state)
    second = p  # C, and below C + m m'
    _DSFRK(transr, uplo, transr, n, k, alpha, m.ctypes.data, n, alpha, second.ctypes.data)
    # an array lives until it is last mentioned, its address does not count
    alive = letters[0] + letters[1] + size[0] + one[0] + unit[0] == NORMAL + LOWER + len(lam) + 2
    if failed or info[0] != 0 or not alive:
        return np.full((), np.nan), np.full(len(w), np.nan), np.full(len(lam), np.nan)
    squares = second[corners]
    second *= 2.0  # of a packed matrix one half counts twice
    second[corners] = squares
    by_w = np.dot(cross, m) - 0.5 * np.dot(gram, second)
    return np.asarray(0.5 * np.dot(b, m) - 0.5 * log_det), by_w, -0.5 * squares


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

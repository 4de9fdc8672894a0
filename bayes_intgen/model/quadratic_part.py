"""The part of the marginal likelihood that couples weights, as one PyTensor operation.

With the sums of products G_r and b_r of each regime r, its precision w_r and the prior precisions
lambda of the weights,

    (1)  V(w, lambda) = 1/2 b' P^-1 b - 1/2 log|P|,
         P = diag(lambda) + sum_r w_r G_r,    b = sum_r w_r b_r.

With C = P^-1 and m = P^-1 b its gradient is

    (2)  dV/dw_r = m' b_r - 1/2 [tr(C G_r) + m' G_r m],         dV/dlambda_i = - 1/2 (C_ii + m_i^2),

(Fisher's identity), so that no derivative of the factorisation is ever needed: value and gradient
are outputs of one operation, at p^3 floating-point operations by LAPACK's dpotrf and dpotri and two
passes over the G_r. These are read as packed lower triangles, row after row, which halves the
traffic of memory, and rows of weights that take no part in a regime are skipped.
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

from bayes_intgen.base.types import Array

__all__ = ["pack", "quadratic_part", "value_and_gradient"]

UPPER = ord("U")


def _lapack(name: str, arguments: int) -> Any:
    """Return a routine of LAPACK that compiled code can call; its arguments are addresses.

    By a name of its own, so that code that calls it can be kept in a file: addresses change.
    """
    symbol = f"bayes_intgen_{name}"
    address = get_cython_function_address("scipy.linalg.cython_lapack", name)
    llvmlite.binding.add_symbol(symbol, address)
    kinds = [numba.types.intp] * arguments
    return numba.types.ExternalFunction(symbol, numba.types.void(*kinds))


_DPOTRF, _DPOTRS, _DPOTRI = _lapack("dpotrf", 5), _lapack("dpotrs", 8), _lapack("dpotri", 5)


def pack(gram: Array) -> Array:
    """Keep the lower triangles of symmetric matrices, (n, p, p) to (n, p (p + 1) / 2), by rows."""
    rows, columns = np.tril_indices(gram.shape[-1])
    return np.ascontiguousarray(gram[:, rows, columns])


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _scaled_precision(w: Array, lam: Array, gram: Array) -> tuple[Array, Array]:
    """Return D P D, its lower triangle, and the diagonal of D, which gives it a unit diagonal."""
    size, regimes = len(lam), len(w)
    scaled, scaling = np.empty((size, size)), np.empty(size)
    start = 0
    for i in range(size):
        row = scaled[i, : i + 1]
        row[:] = 0.0
        for r in range(regimes):
            part = gram[r, start : start + i + 1]
            if part[i] != 0.0:  # a weight with part in the regime
                for j in range(i + 1):
                    row[j] += w[r] * part[j]
        row[i] += lam[i]
        scaling[i] = 1.0 / np.sqrt(row[i])
        for j in range(i + 1):
            row[j] *= scaling[i] * scaling[j]
        start += i + 1
    return scaled, scaling


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _contract(c: Array, scaling: Array, m: Array, gram: Array) -> tuple[Array, Array]:
    """Return tr((C + m m') G_r) of each regime, and the diagonal of C + m m'.

    ``c`` is C without its scaling, of which the lower triangle is read.
    """
    size, regimes = len(m), len(gram)
    traces, diagonal, second = np.zeros(regimes), np.empty(size), np.empty(size)
    start = 0
    for i in range(size):
        for j in range(i + 1):
            second[j] = 2.0 * (c[i, j] * scaling[i] * scaling[j] + m[i] * m[j])
        second[i] *= 0.5
        diagonal[i] = second[i]
        for r in range(regimes):
            part = gram[r, start : start + i + 1]
            if part[i] != 0.0:
                total = 0.0
                for j in range(i + 1):
                    total += second[j] * part[j]
                traces[r] += total
        start += i + 1
    return traces, diagonal


@numba.njit(nogil=True, cache=True)
def value_and_gradient(
    w: Array, lam: Array, gram: Array, cross: Array
) -> tuple[Array, Array, Array]:
    """Return (1) and (2); NaN where P is not positive definite, which is a rejected step.

    Compiled, and free of the interpreter while it runs, so that chains run side by side.
    """
    scaled, scaling = _scaled_precision(w, lam, gram)
    b = np.zeros(len(lam))
    for r in range(len(w)):
        b += w[r] * cross[r]
    solution = scaling * b
    # a lower triangle in C order is, for LAPACK, an upper one
    uplo, size = np.array([UPPER], np.int32), np.array([len(lam)], np.int32)
    one, info = np.ones(1, np.int32), np.zeros(1, np.int32)
    u, n, a = uplo.ctypes.data, size.ctypes.data, scaled.ctypes.data
    _DPOTRF(u, n, a, n, info.ctypes.data)
    failed = info[0] != 0
    log_det = 0.0
    for i in range(len(lam)):
        log_det += 2.0 * np.log(scaled[i, i] / scaling[i])
    _DPOTRS(u, n, one.ctypes.data, a, n, solution.ctypes.data, n, info.ctypes.data)
    m = scaling * solution
    _DPOTRI(u, n, a, n, info.ctypes.data)
    # an array lives until it is last mentioned, its address does not count
    alive = uplo[0] + size[0] + one[0] + info[0] == UPPER + len(lam) + 1
    if failed or not alive:
        return np.full((), np.nan), np.full(len(w), np.nan), np.full(len(lam), np.nan)
    traces, diagonal = _contract(scaled, scaling, m, gram)
    by_w = -0.5 * traces
    for r in range(len(w)):
        by_w[r] += np.sum(cross[r] * m)
    return np.asarray(0.5 * np.sum(b * m) - 0.5 * log_det), by_w, -0.5 * diagonal


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

"""A PyTensor operation that PyTensor lacks: the inverse of a matrix from its Cholesky factor.

LAPACK's dpotri takes two thirds of p^3 operations; solving with the identity, the only way that
PyTensor itself offers, takes two p^3, and is what the model would spend most of its time on. There
is no gradient: the model gives its own (see :mod:`bayes_intgen.model.pymc_marginal`).
"""

import ctypes
from typing import Any

import numba
import numpy as np
import pytensor.tensor as pt
from numba.extending import get_cython_function_address
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch import numba_funcify
from scipy.linalg import lapack

from bayes_intgen.base.types import Array

__all__ = ["cholesky_inverse"]

UPPER = ord("U")

_DPOTRI = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5)(
    get_cython_function_address("scipy.linalg.cython_lapack", "dpotri")
)


class CholeskyInverse(Op):
    """Map a lower Cholesky factor L to (L L')^-1, both of shape (p, p)."""

    __props__ = ()

    def make_node(self, factor: Any) -> Apply:
        """Describe the operation on a matrix of floats."""
        matrix = pt.as_tensor_variable(factor)
        return Apply(self, [matrix], [matrix.type()])

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Compute the inverse with SciPy."""
        inverse, info = lapack.dpotri(inputs[0], lower=1)
        if info != 0:
            raise np.linalg.LinAlgError("the Cholesky factor is singular")
        outputs[0][0] = np.tril(inverse) + np.tril(inverse, -1).T

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Let no gradient through."""
        return [[False]]

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:
        """Give the output the shape of the input."""
        return [shapes[0]]


@numba_funcify.register(CholeskyInverse)
def _numba_cholesky_inverse(op: CholeskyInverse, **kwargs: Any) -> Any:
    """Compile the operation for the sampler; a singular factor gives NaN, a rejected step."""

    @numba.njit
    def inverse_from_factor(factor: Array) -> Array:
        # a lower factor in C order is, for LAPACK, an upper one
        inverse = np.ascontiguousarray(factor).copy()
        uplo = np.array([UPPER], dtype=np.int32)
        size = np.array([factor.shape[0]], dtype=np.int32)
        info = np.zeros(1, dtype=np.int32)
        _DPOTRI(
            uplo.ctypes.data,
            size.ctypes.data,
            inverse.ctypes.data,
            size.ctypes.data,
            info.ctypes.data,
        )
        if info[0] != 0:
            inverse[:] = np.nan
        for i in range(factor.shape[0]):
            for j in range(i):
                inverse[j, i] = inverse[i, j]
        return inverse

    return inverse_from_factor


cholesky_inverse = CholeskyInverse()

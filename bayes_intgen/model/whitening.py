"""Coordinates in which the posterior of the weights is close to standard normal.

Written as a density over weights and hyperparameters, the model is a funnel wherever a prior scale
may shrink. A sampler moves easily in coordinates in which weights and hyperparameters are nearly
independent; Papaspiliopoulos, Roberts and Sköld (2007) call these partially non-centred. If the
log-likelihood were exactly b'w - w'G w / 2, the weights given their prior standard deviations would
be

    w | sd ~ N(P^-1 b, P^-1),   P = diag(sd^-2) + G = L L',   w = L^-T (L^-1 b + v),   v ~ N(0, I).

Here v is the coordinate. G and b are those of the likelihood near its mode and stay fixed, so the
map is a change of variables for any likelihood, whatever its shape, and leaves the posterior
exactly as it is. A weight that the data pin down is thereby centred, one that they say nothing
about is non-centred, and all between are neither, at every value of the hyperparameters rather than
at one of them (compare Gorinova, Moore and Hoffman 2020, who choose one exponent per weight).

The gradient is written out. With K = L^-1, a = K g for the cotangent g of w, and h for that of
log diag(K), whose sum is the log determinant of the map,

    (1)  dv = a,      d(sd^-2)_i = sum_k K_ki (M K)_ki - (K'a)_i (K'K b)_i,
    (2)  M = - tril(v a') with its diagonal halved - diag(h) / 2

(the derivative of a Cholesky factor, Murray 2016, in which M has rank one).

References
----------
Gorinova, Moore and Hoffman (2020), "Automatic reparameterisation of probabilistic programs", ICML.
Murray (2016), "Differentiation of the Cholesky decomposition", arXiv:1602.07527.
Papaspiliopoulos, Roberts and Sköld (2007), "A general framework for the parametrization of
hierarchical models", Statistical Science 22.
"""

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform
from pytensor.compile.builders import OpFromGraph
from pytensor.gradient import DisconnectedType
from scipy import linalg

from bayes_intgen.base.types import Array

__all__ = ["RegressionWhitening", "Standardising", "VarianceWhitening"]


class Standardising(Transform):
    """Coordinates (x - centre) / spread, about the mean and sd of the posterior, by element."""

    name = "standardised"

    def __init__(self, centre: Array, spread: Array) -> None:
        self.centre, self.spread = centre, spread

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return the coordinates."""
        return (value - self.centre) / self.spread

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return x."""
        return self.centre + self.spread * value

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return the log derivative of x, by element."""
        return pt.zeros_like(value) + np.log(self.spread)


class RegressionWhitening(Transform):
    """Coordinates v of weights that are normal with mean zero and some standard deviations.

    ``gram`` and ``cross`` are G and b, shapes (weights, weights) and (weights,).
    """

    name = "whitened"

    def __init__(self, gram: Array, cross: Array) -> None:
        self.gram, self.cross = gram, cross
        self.map = _regression_map(gram, cross)

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return v = L'w - L^-1 b."""
        inverse = _inverse_factor(self.gram, inputs[-1] ** -2.0)
        product = pt.linalg.solve_triangular(inverse, value, lower=True, trans="T")
        return product - pt.sum(inverse * self.cross, axis=1)

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return the weights."""
        return self.map(inputs[-1] ** -2.0, value)[0]

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return log diag(L^-1); its sum is the log determinant."""
        return self.map(inputs[-1] ** -2.0, value)[1]


def _inverse_factor(gram: Array, lam: Any) -> Any:
    """Return K = L^-1, where L L' = diag(lam) + G."""
    precision = pt.constant(gram) + pt.diag(lam)
    scaling = 1 / pt.sqrt(pt.diag(precision))
    factor = pt.linalg.cholesky(precision * pt.outer(scaling, scaling), lower=True)
    identity = pt.constant(np.eye(len(gram)))
    return pt.linalg.solve_triangular(factor, identity, lower=True) * scaling


def _regression_map(gram: Array, cross: Array) -> OpFromGraph:
    """Write (sd^-2, v) -> (w, log diag(K), K) with the gradient given above."""
    lam, v = pt.dvector("lam"), pt.dvector("v")
    inverse = _inverse_factor(gram, lam)
    weight = inverse.T @ (inverse @ cross + v)

    def pullback(inputs: list[Any], outputs: list[Any], cotangents: list[Any]) -> list[Any]:
        by_weight, by_log = (
            pt.zeros_like(inputs[1]) if isinstance(part.type, DisconnectedType) else part
            for part in cotangents[:2]
        )
        inverse = outputs[2]  # K
        a = inverse @ by_weight
        # product = - M K of (2), without forming M: tril(v a') K is a cumulative sum of rows
        terms = a[:, None] * inverse
        product = inputs[1][:, None] * (pt.cumsum(terms, axis=0) - 0.5 * terms)
        product += 0.5 * by_log[:, None] * inverse
        mean = inverse.T @ (inverse @ cross)
        by_lam = -pt.sum(inverse * product, axis=0) - (inverse.T @ a) * mean
        return [by_lam, a]  # (1)

    return OpFromGraph(
        [lam, v],
        [weight, pt.log(pt.diag(inverse)), inverse],
        pullback=pullback,
        connection_pattern=[[True, True, False]] * 2,
        name="RegressionMap",
    )


class VarianceWhitening(Transform):
    """The same for the weights of each regime's log-variance function, N(0, (tau_r D)^2).

    Only tau varies, so with D G_r D = V diag(e) V' no factorisation is left to do:
    w = D V [ (1/tau^2 + e)^-1 V'D b_r + (1/tau^2 + e)^-1/2 v ].

    Parameters
    ----------
    gram, cross
        G_r and b_r, shapes (regimes, weights, weights) and (regimes, weights).
    relative
        D, shape (weights,).
    """

    name = "whitened"

    def __init__(self, gram: Array, cross: Array, relative: Array) -> None:
        values, vectors = np.linalg.eigh(gram * np.outer(relative, relative))
        pull = np.einsum("rji,rj->ri", vectors, relative * cross)
        self.values, self.pull = np.maximum(values, 0.0), pull
        self.turn = linalg.block_diag(*vectors)  # one product for all regimes
        self.relative = relative

    def _precision(self, inputs: Any) -> Any:
        return (inputs[-1] / self.relative) ** -2.0 + self.values

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return v."""
        precision = self._precision(inputs)
        scaled = pt.flatten(value / self.relative)
        turned = pt.sum(self.turn * scaled[:, None], axis=0).reshape(self.pull.shape)
        return pt.sqrt(precision) * turned - self.pull / pt.sqrt(precision)

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return the weights."""
        precision = self._precision(inputs)
        turned = self.pull / precision + value / pt.sqrt(precision)
        return self.relative * pt.dot(self.turn, pt.flatten(turned)).reshape(self.pull.shape)

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return the log determinant, spread over the weights."""
        return np.log(self.relative) - 0.5 * pt.log(self._precision(inputs))

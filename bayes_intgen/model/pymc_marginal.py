"""The PyMC model: hyperparameters only, the weights are integrated out.

The same density as :mod:`bayes_intgen.model.marginal`, written for PyMC. All that is hard in it is

    (1)  V(w, lambda) = 1/2 b' P^-1 b - 1/2 log|P|,
         P = diag(lambda) + sum_r w_r G_r,    b = sum_r w_r b_r.

With C = P^-1 and m = P^-1 b its gradient is

    (2)  dV/dw_r = m' b_r - 1/2 [tr(C G_r) + m' G_r m],         dV/dlambda_i = - 1/2 (C_ii + m_i^2),

(Fisher's identity), so that no derivative of the factorisation is ever needed: V is one PyTensor
operation that returns its gradient beside its value.
"""

from itertools import pairwise
from math import log, pi
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.compile.builders import OpFromGraph
from pytensor.gradient import DisconnectedType

from bayes_intgen.base.regimes import format_regime
from bayes_intgen.design.design import Design
from bayes_intgen.model.cholesky_inverse import cholesky_inverse
from bayes_intgen.model.distributions import HyperPriors
from bayes_intgen.model.marginal import MarginalLikelihood
from bayes_intgen.model.priors import LEAST_LOG_SD, PriorScales
from bayes_intgen.moments.moments import Moments

__all__ = ["build_model", "log_prior_sd"]


def build_model(
    design: Design,
    moments: Moments,
    likelihood: MarginalLikelihood,
    scales: PriorScales,
    priors: HyperPriors,
) -> pm.Model:
    """Write the marginal model; of the moments only the names of the regimes are read.

    Returns
    -------
    pymc.Model
        Free variables ``log_sigma`` (regime) and ``log_scale`` (group), in standard units of the
        outcome, ``log_length`` (smooth_action, if any), and the potential
        ``log_marginal_likelihood``.
    """
    coords = {
        "regime": [format_regime(regime) for regime in moments.regimes],
        "group": list(design.groups),
        "smooth_action": list(design.smooth_actions),
    }
    ends = np.cumsum([0, *(len(values) for values in coords.values())]).tolist()
    sigma, scale, length = (priors.select(start, stop) for start, stop in pairwise(ends))
    with pm.Model(coords=coords) as model:
        log_sigma = sigma.variable("log_sigma", "regime")
        log_scale = scale.variable("log_scale", "group")
        log_length = (
            length.variable("log_length", "smooth_action") if design.smooth_actions else None
        )
        log_sd = log_prior_sd(scales, log_scale, log_length)
        density = _log_marginal_likelihood(likelihood, log_sigma, log_sd)
        pm.Potential("log_marginal_likelihood", density)
    return model


def log_prior_sd(
    scales: PriorScales, log_scale: pt.TensorVariable, log_length: pt.TensorVariable | None
) -> pt.TensorVariable:
    """Write :meth:`PriorScales.log_sd` for PyMC."""
    by_group = pt.concatenate([log_scale, [log(scales.constant_scale)]])[scales.group_index]
    if log_length is None:
        return by_group
    waves = pt.dot(scales.is_wave, scales.log_peak / 2 + log_length / 2)
    squares = pt.exp(2 * log_length)
    if not scales.rough:
        decay = pt.dot(scales.squared_frequency, squares) / 4
    else:
        rough = np.isfinite(scales.smoothness)
        nu = np.where(rough, scales.smoothness, 1.0)
        exponents = scales.squared_frequency * squares
        matern = (nu / 2 + 0.25) * pt.log1p(exponents / (2 * nu))
        decay = pt.sum(pt.where(rough, matern, exponents / 4), axis=1)
    return pt.maximum(by_group + waves - decay, LEAST_LOG_SD)


def _log_marginal_likelihood(
    likelihood: MarginalLikelihood, log_sigma: pt.TensorVariable, log_sd: pt.TensorVariable
) -> pt.TensorVariable:
    regimes, size = likelihood.cross.shape
    grams, crosses = likelihood.gram.reshape(regimes, size * size), likelihood.cross
    if likelihood.lifts:  # one more row of sums, whose precision is known to be one
        grams = np.vstack([grams, likelihood.lifts.gram.reshape(1, size * size)])
        crosses = np.vstack([crosses, likelihood.lifts.cross])
    gram, cross = pytensor.shared(grams, "gram"), pytensor.shared(crosses, "cross")
    n, square = pt.constant(likelihood.n), pt.constant(likelihood.square)
    w, lam = pt.exp(-2 * log_sigma), pt.exp(-2 * log_sd)
    precisions = pt.concatenate([w, [1.0]]) if likelihood.lifts else w
    v, *_ = _quadratic_part(size)(precisions, lam, gram, cross)
    constant = 0.5 * float(np.sum(likelihood.log_weight - likelihood.n * log(2 * pi)))
    constant += likelihood.lifts.constant if likelihood.lifts else 0.0
    return v - pt.sum(log_sd) - pt.dot(n, log_sigma) - 0.5 * pt.dot(w, square) + constant


def _quadratic_part(size: int) -> OpFromGraph:
    """Write V(w, lambda) with its gradient as further outputs, so that nothing is done twice."""
    w, lam = pt.dvector("w"), pt.dvector("lam")
    gram, cross = pt.dmatrix("gram"), pt.dmatrix("cross")
    b = w @ cross
    precision = (w @ gram).reshape((size, size)) + pt.diag(lam)
    scaling = 1 / pt.sqrt(pt.diag(precision))
    factor = pt.linalg.cholesky(precision * pt.outer(scaling, scaling), lower=True)
    c = cholesky_inverse(factor) * pt.outer(scaling, scaling)
    m = c @ b
    log_det = 2 * (pt.sum(pt.log(pt.diag(factor))) - pt.sum(pt.log(scaling)))
    v = 0.5 * pt.dot(b, m) - 0.5 * log_det  # (1)
    second = c + pt.outer(m, m)
    # (2)
    by_w = cross @ m - 0.5 * (gram @ second.reshape((-1,)))
    by_lam = -0.5 * pt.diag(second)

    def pullback(inputs: list[Any], outputs: list[Any], cotangents: list[Any]) -> list[Any]:
        constants = [DisconnectedType()() for _ in (gram, cross)]
        return [cotangents[0] * outputs[1], cotangents[0] * outputs[2], *constants]

    return OpFromGraph(
        [w, lam, gram, cross],
        [v, by_w, by_lam],
        pullback=pullback,
        connection_pattern=[[True, False, False]] * 2 + [[False] * 3] * 2,
        name="QuadraticPart",
    )

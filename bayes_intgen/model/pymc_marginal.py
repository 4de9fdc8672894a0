"""The PyMC model: hyperparameters only, the weights are integrated out.

The same density as :mod:`bayes_intgen.model.marginal`, written for PyMC. What couples weights is
one operation, :mod:`bayes_intgen.model.quadratic_part`.
"""

from itertools import pairwise
from math import log, pi

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt

from bayes_intgen.base.regimes import format_regime
from bayes_intgen.design.design import Design
from bayes_intgen.model.conditional import pack
from bayes_intgen.model.distributions import HyperPriors
from bayes_intgen.model.marginal import MarginalLikelihood
from bayes_intgen.model.priors import LEAST_LOG_SD, PriorScales
from bayes_intgen.model.quadratic_part import quadratic_part
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
    grams, crosses = np.array([pack(one) for one in likelihood.gram]), likelihood.cross
    if likelihood.lifts:  # one more row of sums, whose precision is known to be one
        grams = np.vstack([grams, pack(likelihood.lifts.gram)])
        crosses = np.vstack([crosses, likelihood.lifts.cross])
    gram, cross = pytensor.shared(grams, "gram"), pytensor.shared(crosses, "cross")
    n, square = pt.constant(likelihood.n), pt.constant(likelihood.square)
    w, lam = pt.exp(-2 * log_sigma), pt.exp(-2 * log_sd)
    precisions = pt.concatenate([w, [1.0]]) if likelihood.lifts else w
    v, *_ = quadratic_part(precisions, lam, gram, cross)
    constant = 0.5 * float(np.sum(likelihood.log_weight - likelihood.n * log(2 * pi)))
    constant += likelihood.lifts.constant if likelihood.lifts else 0.0
    return v - pt.sum(log_sd) - pt.dot(n, log_sigma) - 0.5 * pt.dot(w, square) + constant

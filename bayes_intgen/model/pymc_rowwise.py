"""The PyMC model with explicit weights and one likelihood term per row.

The same means, components and priors as :mod:`bayes_intgen.model.pymc_marginal`, for likelihoods
out of which the weights cannot be integrated. With theta_r = beta + sum over k not in r of delta_k
and everything in standard units of the outcome, a row of regime r has one of

    (1)  y ~ StudentT(nu, phi(a)' theta_r, sigma_r),       nu = 2 + Gamma(2, 0.1),
    (2)  y ~ N(phi(a)' theta_r, sigma_r^2 exp(h_r(a))),    h_r a function with weights
                            gamma_r ~ N(0, (tau_r D)^2),   log tau_r ~ N(log 0.3, 1).

The first is for outliers in the outcome; nu is shared. A mean that is to be estimated must exist,
and so should the variance that sigma describes, hence nu > 2. The Gamma(2, 0.1) of Juárez and Steel
above that reaches from gross outliers (5% lie below nu = 5.6) to all but normal tails (20% above
nu = 32), and it vanishes at 2, where the likelihood would run off into infinite variance.

The second infers jointly with the mean what :mod:`bayes_intgen.model.log_variance` plugs in. h_r is
linear in the same smooth features with the same relative scales D, but held constant in the tails
of the actions and bounded (:mod:`bayes_intgen.model.log_variance_rows`); sigma_r is the spread
where h_r = 0. A log-variance has no unit, hence one prior for all outcomes: with tau at its median
the spread changes by some 15% per standard deviation of an action, at its upper 5% by a factor of
two.

References
----------
Juárez and Steel (2010), "Model-based clustering of non-Gaussian panel data based on skew-t
distributions", Journal of Business and Economic Statistics 28.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt

from bayes_intgen.base.choices import LIKELIHOODS, Likelihood
from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.base.types import Array
from bayes_intgen.design.design import Design
from bayes_intgen.model.centring import Centring
from bayes_intgen.model.distributions import HyperPriors
from bayes_intgen.model.lift_likelihood import LiftRows
from bayes_intgen.model.log_variance_rows import BOUND, VarianceRows
from bayes_intgen.model.priors import Priors, PriorScales
from bayes_intgen.model.pymc_marginal import log_prior_sd
from bayes_intgen.model.whitening import RegressionWhitening, Standardising, VarianceWhitening
from bayes_intgen.moments.feature_rows import Rows

__all__ = ["LIKELIHOODS", "Likelihood", "Start", "VarianceStart", "build_rowwise"]


@dataclass(frozen=True)
class VarianceStart:
    """Where sampling of the log-variance functions starts, and how curved the density is there."""

    weights: Array  # gamma, shape (regimes, variance features)
    scale: Array  # tau, shape (regimes,)
    # of the quadratic approximation to the log-likelihood in gamma_r, b'gamma - gamma'G gamma/2;
    # shapes (regimes, features, features) and (regimes, features)
    gram: Array = field(repr=False)
    cross: Array = field(repr=False)


@dataclass(frozen=True)
class Start:
    """Where sampling starts, and the geometry around it; it does not change the posterior."""

    # (log sigma, log scale, log lengthscale) at about the mode, and about their posterior standard
    # deviations
    x: Array
    spread: Array
    weights: Array  # the centred weights there
    centring: Centring
    # of the quadratic approximation to the log-likelihood in the centred weights
    gram: Array = field(repr=False)
    cross: Array = field(repr=False)
    nu: float = np.inf  # degrees of freedom of Student's t
    variance: VarianceStart | None = None  # the log-variance functions, if there are any

    def initial_values(self, model: pm.Model) -> dict[str, Array]:
        """Return a value for each free variable of a model that was built with this start."""
        sizes = {dim: len(values) for dim, values in model.coords.items()}
        ends = np.cumsum([sizes["regime"], sizes["group"]])
        values = dict(
            zip(("log_sigma", "log_scale", "log_length"), np.split(self.x, ends), strict=True)
        )
        values |= {"centred_weight": self.weights, "nu_above_2": np.array(self.nu - 2)}
        if self.variance:
            values["log_variance_scale"] = np.log(self.variance.scale)
            values["variance_weight"] = self.variance.weights
        return {variable.name: values[variable.name] for variable in model.free_RVs}


def build_rowwise(
    design: Design,
    rows: Rows,
    variance: VarianceRows | None,
    regimes: Sequence[Regime],
    likelihood: Likelihood,
    scales: PriorScales,
    hyperpriors: HyperPriors,
    priors: Priors,
    start: Start,
    lifts: LiftRows | None = None,
) -> pm.Model:
    """Write the model.

    Parameters
    ----------
    design, scales
        Features and components, and how prior standard deviations follow from the hyperparameters.
    rows, variance, regimes
        The data, their variance features if the likelihood is heteroscedastic, and their regimes in
        canonical order.
    hyperpriors, priors
        Priors of the hyperparameters that every likelihood has, and those of the others.
    start
        The geometry.
    lifts
        Lift tests beside the rows, if there are any.

    Returns
    -------
    pymc.Model
        Free variables ``log_sigma`` (regime), ``log_scale`` (group), ``log_length``
        (smooth_action, if any), ``centred_weight`` (term), all in standard units of the outcome,
        of which ``weight`` follows (:mod:`bayes_intgen.model.centring`); with
        ``"student_t"`` also ``nu_above_2``, with ``"heteroscedastic"`` ``log_variance_scale``
        (regime) and ``variance_weight`` (regime, variance_term). The observed ``outcome`` holds
        the rows regime by regime, each in its original order; ``effect`` those of lift tests.
    """
    coords = {
        "regime": [format_regime(regime) for regime in regimes],
        "group": list(design.groups),
        "smooth_action": list(design.smooth_actions),
        "term": [weight.name for weight in design.weights],
    }
    if variance:
        coords["variance_term"] = list(variance.names)
    observed = np.concatenate(rows.outcome)
    regime_of_row = np.repeat(np.arange(len(regimes)), rows.counts)
    # The transforms change coordinates only: the posterior is the same for any start.
    with pm.Model(coords=coords) as model:
        hyper = _hyperparameters(model, hyperpriors, start)
        log_prior = log_prior_sd(scales, hyper["log_scale"], hyper.get("log_length"))
        whitening = RegressionWhitening(start.gram, start.cross)
        centred = pm.Normal(
            "centred_weight", 0, pt.exp(log_prior), dims="term", transform=whitening
        )
        to_weights = start.centring.to_weights(np.eye(len(design.weights)))
        weight = pm.Deterministic("weight", centred @ to_weights, dims="term")
        mean = _products(rows.phi, weight @ _gather(design, regimes))
        log_sd = hyper["log_sigma"][regime_of_row]
        if likelihood == "student_t":  # (1)
            above = pm.Gamma("nu_above_2", priors.tail.shape, priors.tail.rate)
            nu = pm.Deterministic("nu", 2 + above)
            pm.StudentT("outcome", nu, mean, sigma=pt.exp(log_sd), observed=observed)
        else:
            if variance and start.variance:  # (2)
                log_sd += _log_variance(variance, start.variance, priors) / 2
            pm.Normal("outcome", mean, pt.exp(log_sd), observed=observed)
        if lifts:
            moved = pt.constant(lifts.rows) @ weight
            pm.Normal("effect", moved, lifts.standard_error, observed=lifts.effect)
    return model


def _hyperparameters(
    model: pm.Model, priors: HyperPriors, start: Start
) -> dict[str, pt.TensorVariable]:
    """State log sigma, log scale and log lengthscale, those of them that have a length."""
    dims = {"log_sigma": "regime", "log_scale": "group", "log_length": "smooth_action"}
    ends = np.cumsum([0, *(len(model.coords[dim]) for dim in dims.values())]).tolist()
    variables = {}
    for (name, dim), (low, high) in zip(dims.items(), pairwise(ends), strict=True):
        if low < high:
            x, spread = start.x[low:high], start.spread[low:high]
            own = priors.select(low, high)
            variables[name] = own.variable(name, dim, Standardising(x, spread))
    return variables


def _gather(design: Design, regimes: Sequence[Regime]) -> Array:
    """Return the matrix of zeros and ones that sums weights to theta_r, end to end."""
    identity = np.eye(len(design.weights))
    return np.hstack([design.collect(identity, design.active(regime)) for regime in regimes])


def _products(matrices: Sequence[Array], vectors: pt.TensorVariable) -> pt.TensorVariable:
    """Multiply matrices of equal width by the parts of a vector; join the results."""
    widths = [matrix.shape[1] for matrix in matrices]
    parts = zip(matrices, pt.split(vectors, widths, n_splits=len(widths)), strict=True)
    return pt.concatenate([pytensor.shared(matrix, borrow=True) @ part for matrix, part in parts])


def _log_variance(
    variance: VarianceRows, start: VarianceStart, priors: Priors
) -> pt.TensorVariable:
    """State the weights of the log-variance functions; return h of every row."""
    prior = priors.variance
    log_tau = pm.Normal("log_variance_scale", np.log(prior.median), prior.log_sd, dims="regime")
    gamma = pm.Normal(
        "variance_weight",
        0,
        pt.exp(log_tau)[:, None] * variance.relative,
        dims=("regime", "variance_term"),
        transform=VarianceWhitening(start.gram, start.cross, variance.relative),
    )
    return BOUND * pt.tanh(_products(variance.psi, pt.flatten(gamma)) / BOUND)

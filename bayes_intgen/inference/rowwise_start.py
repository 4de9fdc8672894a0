"""Start of NUTS on a row-wise model: about its mode, and the geometry there.

Both likelihoods are the compressed one with a row weight that depends on that row's residual
e, so that the mode of one follows from a few modes of the other (iteratively reweighted least
squares). For Student's t, of which the normal with a gamma-distributed precision is the complete
form, the expected precision and the curvature of the log-likelihood are

    (1)  E[precision | e] = omega / sigma^2,   omega = (nu + 1) / (nu + e^2 / sigma^2),
    (2)  E[-d^2 log p / de^2] = (nu + 1) / (nu + 3) / sigma^2

(Liu and Rubin 1995, algorithm ECME: nu maximises the likelihood itself). For the heteroscedastic
likelihood omega = exp(-h), and each gamma_r takes Fisher's scoring steps of a regression with
multiplicative heteroscedasticity (Harvey 1976), with tau_r at the maximum of its evidence: with
psi multiplied by the slope dh/dl,

    (3)  G = psi' psi / 2,     b = G gamma + psi' (omega e^2 / sigma^2 - 1) / 2.

References
----------
Harvey (1976), "Estimating regression models with multiplicative heteroscedasticity",
Econometrica 44.
Liu and Rubin (1995), "ML estimation of the t distribution using EM and its extensions, ECM and
ECME", Statistica Sinica 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize, special, stats

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.types import Array
from bayes_intgen.inference.laplace import find_maximum, find_mode
from bayes_intgen.inference.problem import Problem
from bayes_intgen.model.log_variance import LogVariance
from bayes_intgen.model.log_variance_rows import BOUND, VarianceRows, bound_log_variance
from bayes_intgen.model.priors import Priors
from bayes_intgen.model.pymc_rowwise import Likelihood, Start, VarianceStart
from bayes_intgen.moments.feature_rows import Rows

__all__ = ["find_start"]

STEPS = 15
FIRST_NU = 10.0
FLOOR = 1e-6


@dataclass(frozen=True)
class Fit:
    """Hyperparameters and weights at one step: residuals in units of sigma_r, by regime."""

    x: Array
    weights: Array
    residuals: list[Array]


def find_start(
    problem: Problem, rows: Rows, variance: VarianceRows | None, likelihood: Likelihood
) -> Start:
    """Find about the mode of a row-wise model.

    ``problem``: the compressed one, its rows unweighted. ``variance``: the variance features of the
    rows, if the likelihood is heteroscedastic.
    """
    if likelihood == "student_t":
        return _student_start(problem, rows)
    if variance:
        return _variance_start(problem, rows, variance)
    return _finish(problem, rows, [np.ones(n) for n in rows.counts], 1.0)


def _evaluate(problem: Problem, rows: Rows, x: Array, row_weights: Sequence[Array]) -> Fit:
    """Find the weights given the hyperparameters and the rows' weights."""
    weights = _reweighted(problem, rows, row_weights).conditional(x).mean
    design, regimes = problem.design, problem.moments.regimes
    theta = [design.collect(weights, design.active(regime)) for regime in regimes]
    sigma = np.exp(problem.split(x)[0])
    residuals = [e / s for e, s in zip(rows.residuals(theta), sigma, strict=True)]
    return Fit(x, weights, residuals)


def _reweighted(problem: Problem, rows: Rows, row_weights: Sequence[Array]) -> Problem:
    return problem.with_rows(rows.reweight(problem.moments, row_weights))


def _step(problem: Problem, rows: Rows, fit: Fit, row_weights: Sequence[Array]) -> Fit:
    """Update sigma and the weights given the rows' weights, with the prior scales held."""
    x = fit.x.copy()
    pairs = zip(fit.residuals, row_weights, strict=True)
    x[: len(row_weights)] += [0.5 * np.log(np.mean(w * e**2)) for e, w in pairs]
    return _evaluate(problem, rows, x, row_weights)


def _finish(problem: Problem, rows: Rows, row_weights: Sequence[Array], share: float) -> Start:
    """Find the mode with the rows' last weights.

    ``share`` is the curvature of the log-likelihood over that of the weighted sum of squares. The
    quadratic approximation has that curvature and, at the weights, the gradient of the latter.
    """
    weighted = _reweighted(problem, rows, row_weights)
    mode = find_mode(weighted)
    x = mode.mode
    likelihood = weighted.likelihood
    weights = weighted.conditional(x).centred.mean
    w = np.exp(-2 * weighted.split(x)[0])
    gram = np.tensordot(w, likelihood.gram, 1)
    cross = w @ likelihood.cross - (1 - share) * gram @ weights
    gram *= share
    if likelihood.lifts:
        gram, cross = gram + likelihood.lifts.gram, cross + likelihood.lifts.cross
    spread = np.sqrt(np.diag(mode.covariance))
    return Start(x, spread, weights, likelihood.centring, gram, cross)


def _student_start(problem: Problem, rows: Rows) -> Start:
    """Begin with rows weighted by how far the outcome itself is from the bulk of its regime."""
    nu = FIRST_NU
    deviations = [y - np.median(y) for y in rows.outcome]
    spreads = [stats.median_abs_deviation(y, scale="normal") or 1.0 for y in rows.outcome]
    row_weights = [(nu + 1) / (nu + (d / s) ** 2) for d, s in zip(deviations, spreads, strict=True)]
    mode = find_maximum(_reweighted(problem, rows, row_weights))
    fit = _evaluate(problem, rows, mode, row_weights)
    for _ in range(STEPS):
        squares = [e**2 for e in fit.residuals]
        nu = _degrees_of_freedom(np.concatenate(squares), problem.priors)
        row_weights = [(nu + 1) / (nu + square) for square in squares]  # (1)
        fit = _step(problem, rows, fit, row_weights)
    start = _finish(problem, rows, row_weights, (nu + 1) / (nu + 3))  # (2)
    return replace(start, nu=nu)


def _degrees_of_freedom(squares: Array, priors: Priors) -> float:
    """Maximise the likelihood of squared t-distributed residuals in nu, with its prior."""
    prior = priors.tail

    def loss(log_above: float) -> float:
        nu = 2 + np.exp(log_above)
        each = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - 0.5 * np.log(nu)
        value = len(squares) * each - (nu + 1) / 2 * np.sum(np.log1p(squares / nu))
        return -float(value + stats.gamma.logpdf(nu - 2, prior.shape, scale=1 / prior.rate))

    least = optimize.minimize_scalar(loss, bounds=(-3.0, 5.0), method="bounded")
    return 2 + float(np.exp(least.x))


def _variance_start(problem: Problem, rows: Rows, variance: VarianceRows) -> Start:
    relative, priors = variance.relative, problem.priors
    equal = [np.ones(n) for n in rows.counts]
    fit = _evaluate(problem, rows, find_maximum(problem), equal)
    pairs = zip(variance.psi, fit.residuals, strict=True)
    gamma = np.array([_regress_squares(psi, e, relative) for psi, e in pairs])
    for _ in range(STEPS):
        h = [bound_log_variance(psi @ g) for psi, g in zip(variance.psi, gamma, strict=True)]
        fit = _step(problem, rows, fit, [np.exp(-of_regime) for of_regime in h])
        regimes = zip(variance.psi, gamma, h, fit.residuals, strict=True)
        scored = [_score(*of_regime) for of_regime in regimes]
        shrunk = [_shrink(gram, cross, relative, priors) for gram, cross in scored]
        gamma = np.array([g for g, _ in shrunk])
    h = [bound_log_variance(psi @ g) for psi, g in zip(variance.psi, gamma, strict=True)]
    start = _finish(problem, rows, [np.exp(-of_regime) for of_regime in h], 1.0)
    gram, cross = (np.array(column) for column in zip(*scored, strict=True))
    tau = np.array([t for _, t in shrunk])
    return replace(start, variance=VarianceStart(gamma, tau, gram, cross))


def _score(psi: Array, gamma: Array, h: Array, residuals: Array) -> tuple[Array, Array]:
    """Return G and b of (3)."""
    slope = (1 - (h / BOUND) ** 2)[:, None] * psi
    gram = 0.5 * slope.T @ slope
    return gram, gram @ gamma + 0.5 * slope.T @ (residuals**2 * np.exp(-h) - 1)


def _regress_squares(psi: Array, residuals: Array, relative: Array) -> Array:
    """Return a first gamma: log e^2 regressed on psi."""
    table = np.column_stack([psi, np.log(residuals**2 + FLOOR)])
    moments = CentredMoments.from_rows(table)
    return LogVariance.from_moments(moments, np.arange(len(relative)), relative).gamma


def _shrink(gram: Array, cross: Array, relative: Array, priors: Priors) -> tuple[Array, float]:
    """Return gamma at the maximum of b'gamma - gamma'G gamma/2 + its log prior, and its scale.

    The scale tau maximises the evidence with its prior, on a grid.
    """
    values, vectors = np.linalg.eigh(gram * np.outer(relative, relative))
    values = np.maximum(values, 0.0)
    pull = vectors.T @ (relative * cross)
    prior = priors.variance
    log_tau = np.log(prior.median) + prior.log_sd * np.linspace(-4, 4, 81)
    variance = np.exp(2 * log_tau)[:, None]
    evidence = 0.5 * np.sum(pull**2 * variance / (1 + variance * values), axis=1)
    evidence -= 0.5 * np.sum(np.log1p(variance * values), axis=1)
    evidence += stats.norm.logpdf(log_tau, np.log(prior.median), prior.log_sd)
    tau = float(np.exp(log_tau[int(np.argmax(evidence))]))
    return relative * (vectors @ (pull / (tau**-2 + values))), tau

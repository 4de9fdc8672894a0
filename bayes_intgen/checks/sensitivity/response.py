"""Response of a fit to a hidden term in the outcome.

Given its hyperparameters the posterior mean of the weights is linear in the outcomes,

    (1)  E[weights | y] = P^-1 sum_r w_r Phi_r' V_r y_r,
         P = Lambda + sum_r w_r Phi_r' V_r Phi_r,

with w_r = sigma_r^-2, V_r the weights of the rows (:mod:`bayes_intgen.model.marginal`) and Lambda
the prior precision (:mod:`bayes_intgen.model.centring`). If regime r has a further term delta_r(a)
in its mean, then y_r - delta_r is what the model is about, so that

    (2)  m_T(a) = phi(a)' theta_T(y) - phi(a)' theta_T(delta) + delta_T(a):

the answer changes by the last two terms. How large such a term is, the data tell as far as the
model cannot imitate it: with a flat prior its coefficient is normal with

    (3)  mean = delta' W e / d,   variance = 1 / d,
         d = delta' W delta - delta' W Phi P^-1 Phi' W delta,

where W holds all w_r V_r and e = y - fit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from bayes_intgen.base.parallel import one_blas_thread, stretches
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.components import OFFSETS
from bayes_intgen.inference.draws_tree import hyperparameters
from bayes_intgen.model.centring import Centring
from bayes_intgen.model.conditional import Conditional
from bayes_intgen.model.log_variance import LogVariance, fit_log_variances
from bayes_intgen.model.priors import Priors, PriorScales
from bayes_intgen.posterior.estimands.expected_outcome import weight_draws
from bayes_intgen.posterior.posterior import Posterior

__all__ = ["HiddenTerm", "Response", "respond", "walk"]

ROWS_AT_ONCE = 20_000


class HiddenTerm(Protocol):
    """A term delta of unit size."""

    def __call__(self, regime: Regime, phi: Array, values: Array) -> Array | None:
        """Return delta_r at some rows, shape (n,); None where it is absent."""
        ...


@dataclass(frozen=True)
class Response:
    """The answer to one hidden term."""

    term: HiddenTerm
    # the weights that the fit would mistake it for, shape (weights,)
    weights: Array = field(repr=False)
    # its coefficient by the data, and the standard error of that; infinite where the model imitates
    # it perfectly
    size: float
    error: float


def walk(data: RegimeData, posterior: Posterior) -> Iterator[tuple[Regime, Array, Array]]:
    """Yield (regime, features, rows of variables and outcome), a bounded number of rows a time."""
    for regime, rows in data.batches():
        for some in stretches(len(rows), ROWS_AT_ONCE):
            yield regime, posterior.design.features.evaluate(rows[some, :-1]), rows[some]


def respond(
    data: RegimeData, posterior: Posterior, terms: Sequence[HiddenTerm]
) -> tuple[Response, ...]:
    """Propagate hidden terms through a fit, at the centre of its hyperparameters.

    The rows are read twice. With a row-wise likelihood the fit is treated as a normal one with its
    sigmas.
    """
    design, scale = posterior.design, posterior.outcome_scale
    draws = hyperparameters(posterior.idata)
    centre = {
        name: np.log(draws[name].to_numpy()).mean(axis=(0, 1))
        for name in ("sigma", "prior_scale", "lengthscale")
        if name in draws
    }
    mean = weight_draws(posterior).mean(axis=(0, 1))
    regimes = data.regimes
    # The row weights of the fit are not kept with it, and so are made once more.
    sigma = dict(zip(regimes, np.exp(centre["sigma"]).tolist(), strict=True))
    theta = {r: design.collect(mean, design.active(r)) for r in regimes}
    variances = _variances(data, posterior, theta, sigma)
    size, count = len(design.positions), len(terms)
    grams = {r: np.zeros((len(design.features.features),) * 2) for r in regimes}
    cross = np.zeros((count, size))
    square, against = np.zeros(count), np.zeros(count)
    with one_blas_thread():
        for regime, phi, rows in walk(data, posterior):
            v = np.ones(len(rows))
            if variances is not None:
                v = np.exp(variances[regime].log_weights(phi))
            grams[regime] += phi.T @ (v[:, None] * phi)
            active = np.flatnonzero(design.active(regime))
            w = sigma[regime] ** -2 * v
            weighted = w[:, None] * phi[:, design.positions[active]]
            residual = w * (rows[:, -1] - scale.centre - phi @ theta[regime])
            for i, term in enumerate(terms):
                delta = term(regime, phi, rows[:, :-1])
                if delta is not None:
                    cross[i, active] += delta @ weighted
                    square[i] += float(w @ delta**2)
                    against[i] += float(delta @ residual)
        log_sd = PriorScales.from_design(design, Priors().constant).log_sd(
            _scales(posterior, centre["prior_scale"]), centre.get("lengthscale", np.empty(0))
        )
        precision = np.zeros((size, size))
        for regime, gram in grams.items():
            active = np.flatnonzero(design.active(regime))
            placed = design.positions[active]
            precision[np.ix_(active, active)] += sigma[regime] ** -2 * gram[np.ix_(placed, placed)]
        centring = Centring.of(design, grams)
        precision = centring.to_centred_gram(precision)
        precision[np.diag_indices(size)] += np.exp(-2 * (log_sd + np.log(scale.spread)))
        # (1) with delta in place of y: what the fit would mistake each term for
        solved = [
            centring.to_weights(Conditional.solve(precision, of_term).mean)
            for of_term in centring.to_centred_rows(cross)
        ]
    return tuple(
        Response(term, weights, *_coefficient(float(of_term @ weights), *sums))
        for term, weights, of_term, *sums in zip(
            terms, solved, cross, square.tolist(), against.tolist(), strict=True
        )
    )


def _scales(posterior: Posterior, log_scales: Array) -> Array:
    """Return the log prior scale of each group in standard units.

    A fit that was saved by version 0.1 has none for the constants of biases.

    Raises
    ------
    KeyError
        If the fit lacks the scale of another group.
    """
    names = posterior.idata["prior_scales"]["group"].to_numpy().tolist()
    found = dict(zip(names, log_scales - np.log(posterior.outcome_scale.spread), strict=True))
    found.setdefault(OFFSETS, np.log(Priors().constant))
    return np.array([found[name] for name in posterior.design.groups])


def _coefficient(imitated: float, square: float, against: float) -> tuple[float, float]:
    """Return (3): the coefficient of a term and its standard error."""
    left = square - imitated
    if left <= 1e-8 * max(square, 1e-300):
        return 0.0, float("inf")
    return against / left, left**-0.5


def _variances(
    data: RegimeData,
    posterior: Posterior,
    theta: Mapping[Regime, Array],
    sigma: Mapping[Regime, float],
) -> Mapping[Regime, LogVariance] | None:
    """Fit the log-variance functions once more, if the fit has any; in standard units."""
    attributes = posterior.idata.attrs
    if attributes.get("variance") != "learned" or attributes.get("misfit"):
        return None
    unit = posterior.outcome_scale.spread
    return fit_log_variances(
        data,
        posterior.design.features,
        posterior.outcome_scale,
        {regime: values / unit for regime, values in theta.items()},
        {regime: value / unit for regime, value in sigma.items()},
    )

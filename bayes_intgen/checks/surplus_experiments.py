"""Surplus experiments, predicted from the others: a posterior predictive check of joint rows.

If the indicator of regime T is an affine combination of those of the other regimes, the model
predicts the mean of T without its rows. With weights fitted to the other regimes (mean m, P the
precision, Lambda that of the prior), and psi a constant, linear functions, second waves and
products of two actions, the score on the rows of T and its covariance are

    (1)  s = sum_i w_i psi_i (y_i - x_i' m),
    (2)  V = sum_i w_i^2 e_i^2 psi_i psi_i'
             + H P^-1 (sum of w_i^2 e_i^2 x_i x_i' + Lambda) P^-1 H'

with H = sum_i w_i psi_i x_i' over the rows of T, the sum in brackets over all other rows, and the
squared residuals e_i^2 of the fit to all rows. s' V^+ s is chi-square. All sums are moments at
hand; no row is read again. The deviation is judged against the spread of the outcome in T. Where
one regime is surplus, each regime is identified from the others and all such tests are one; so only
those that set several actions are predicted, if there are any.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy import stats

from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.checks.finding import Finding
from bayes_intgen.design.identification.identify import identify_from
from bayes_intgen.inference.laplace import find_maximum
from bayes_intgen.inference.problem import Problem
from bayes_intgen.moments.meat import meat
from bayes_intgen.moments.moments import Moments

__all__ = ["check_surplus"]

LOW_ORDER = (0, 2)  # the linear function and the second wave
RANK = 1e-9
LEAST_SHARE = 0.05
MOST_WEIGHTS = 900


def check_surplus(problem: Problem, moments: Moments) -> Iterator[Finding]:
    """Predict every regime that is identified from the others; if some set several, only those.

    ``problem``: with the interactions that are judged and all regimes. ``moments``: of its features
    and of products of two actions, with those of the residuals.
    """
    regimes, blocks = moments.regimes, problem.design.blocks
    others = {regime: [r for r in regimes if r != regime] for regime in regimes}
    surplus = [
        regime
        for regime, rest in others.items()
        if rest and identify_from(rest, regime, blocks).identified
    ]
    surplus = [regime for regime in surplus if len(regime) > 1] or surplus
    if not surplus:
        yield Finding.untestable("surplus", "all", "no regime is determined by the others")
        return
    if len(problem.design.weights) > MOST_WEIGHTS:
        reason = f"more than {MOST_WEIGHTS} weights would have to be fitted once for each regime"
        yield Finding.untestable("surplus", "all", reason)
        return
    for regime in surplus:
        yield _predict(problem, moments, regime)


def _predict(problem: Problem, moments: Moments, regime: Regime) -> Finding:
    design = problem.design
    rest = _without(problem.moments, regime)
    null = Problem(design, rest, problem.priors)
    mode = find_maximum(null)
    given = null.conditional(mode)
    log_sigma, _, _ = null.split(mode)
    order = {feature.factors: i for i, feature in enumerate(moments.features.features)}
    mine = np.array([order[weight.feature.factors] for weight in design.weights])
    probes = _probes(moments)

    meat = np.zeros((len(mine), len(mine)))
    for r, other in enumerate(rest.regimes):
        active = design.active(other).astype(float)
        meat += np.exp(-4 * log_sigma[r]) * (np.outer(active, active) * _meat(moments, other, mine))

    sums, n = moments.regression(regime), moments.summary.regimes[regime].moments.n
    active = design.active(regime).astype(float)
    products = sums.gram[np.ix_(probes, mine)] * active  # H of (2)
    score = sums.cross[probes] - products @ given.mean  # (1)
    own = _meat(moments, regime, probes) * (n / max(n - len(probes), 1))
    lever = products @ given.covariance
    covariance = own + given.prior_part(products) + lever @ meat @ lever.T  # (2)
    unit = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    values, vectors = np.linalg.eigh(covariance / np.outer(unit, unit))
    sound = values > RANK * values.max()
    statistic = float(np.sum((vectors[:, sound].T @ (score / unit)) ** 2 / values[sound]))
    degrees = int(sound.sum())

    # The size of the deviation: what psi explains in T, less what chance would explain.
    gram = sums.gram[np.ix_(probes, probes)]
    inverse = np.linalg.pinv(gram, rcond=1e-6, hermitian=True)
    explained = inverse @ score
    square = float(explained @ gram @ explained) - float(np.vdot(inverse, covariance))
    size = float(np.sqrt(max(square, 0.0) / sums.gram[0, 0])) * moments.outcome_scale.spread
    spread = float(np.sqrt(moments.summary.regimes[regime].moments.covariance[-1, -1]))
    label = format_regime(regime)
    return Finding(
        "surplus",
        f"mean outcome in {label}",
        statistic,
        f"chi2({degrees})",
        float(stats.chi2.sf(statistic, degrees)),
        size,
        size / spread,
        LEAST_SHARE,
        f"the other regimes do not predict the outcome in {label}: confounders of different "
        f"actions act on the outcome together (a product), one is shared by actions, something "
        f"else changed in a regime, or more than two actions interact; use rows of the joint "
        f"regime, not the sum rule",
    )


def _without(moments: Moments, regime: Regime) -> Moments:
    """Return the moments without a regime."""

    def drop[T](by_regime: "dict[Regime, T]") -> "dict[Regime, T]":
        return {other: values for other, values in by_regime.items() if other != regime}

    return replace(
        moments,
        summary=replace(moments.summary, regimes=drop(dict(moments.summary.regimes))),
        folds=drop(dict(moments.folds)),
        log_weights=drop(dict(moments.log_weights)),
        clusters=drop(dict(moments.clusters)),
        ratios=drop(dict(moments.ratios)),
        residuals=None,
    )


def _meat(moments: Moments, regime: Regime, columns: Indices) -> Array:
    """Sum of w^2 e^2 phi phi' over the rows of a regime."""
    return np.asarray(meat(moments, regime)[np.ix_(columns, columns)])


def _probes(moments: Moments) -> Indices:
    """Positions of the constant, low-order functions of one action and of one product per pair."""
    levels = moments.summary.levels
    seen: set[frozenset[str]] = set()
    chosen = []
    for i, feature in enumerate(moments.features.features):
        if len(feature.factors) == 1:
            action, position = feature.factors[0]
            wanted = action in levels or position in LOW_ORDER
        else:
            wanted = len(feature.factors) < 3 and feature.actions not in seen
            seen.add(feature.actions)
        if wanted:
            chosen.append(i)
    return np.array(chosen)

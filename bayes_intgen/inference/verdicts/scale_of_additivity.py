"""Test whether the effects of actions add up on another scale than that of the outcome.

If g(E[Y]) is additive, with g = log for counts and positive outcomes and g = logit for 0/1 and
proportions, E[Y] is not, and where confounders multiply too, no ``interactions`` are wide enough.
The test of every pair of actions (:mod:`bayes_intgen.inference.verdicts.additivity`) looks in all
directions. This one looks in that of the link alone, after Tukey (1949): with m the fitted mean of
the additive model and mu its average over the rows, the further feature is what the inverse link
makes of m beyond the straight line,

    (1)  z = (m - mu)^2 / (2 mu)                                    for log, to second order,
         z = expit(logit mu + (m - mu) / (mu (1 - mu))) - m         for logit,

whose part that is not additive is, for two actions, about the product of their effects. Squares
rather than the exponential, whose few largest values would decide alone; the logit in full, as its
second-order term vanishes at mu = 1/2. Its regression on (1, m) is taken from z, since a shrunken
fit leaves residuals that go with m (for 0/1 outcomes that are additive the mean of the statistic
would be -1.7 at m from 0.1 to 0.9, and is -0.7). m is the mean of the row's own regime, biases
included, since these multiply as well. With X the features of the rows, a column per weight of the
fit, and Lambda their prior precisions, the score of its coefficient c >= 0 is

    (2)  s = z' W e,      e = y - X m,      T = (X' W X + Lambda)^-1 X' W z,
    (3)  Var(s) = sum of w_i^2 e_i^2 (z - X T)_i^2 / (1 - h_i) + T' Lambda T,

heteroscedasticity-consistent (HC2, leverages h_i), the last term for what shrinkage leaves in the
residuals. s / sd(s) is about standard normal, and large if the link bends the way it is seen to.
The weights w are those of the variance that goes with the kind, phi_r m (1 - m), phi_r m or
phi_r m^2 with phi_r from the residuals of regime r; if the variance is another, power is lost, not
the level. Level 1%, one-sided.

A slight bend has other causes, such as a floor of the outcome. The estimated coefficient

    (4)  c = s / z' W (z - X T)

is about one, or more, where effects do add up on the link's scale: .48 to .7 in the multiplicative
truth of the table with 1000 rows (.35 to 1.1 with 200), .54 to 2.5 in others of two and three
actions with Poisson, gamma and lognormal outcomes. Counts whose additive mean ends at zero have c
up to .33, and with three actions 4 of 24 such data sets were taken for multiplicative ones. So an
alarm needs c >= .4.

Measured with two actions, the first a cause of the second, both confounded, and laplace fits of the
regimes obs, a1 and a2 (share of fits in which this test, and the test of pairs, see something; log
odds or log Y per standard deviation of each action, confounders adding up there too; pairs in 20
fits where there are two actions):

    truth                                rows per regime   fits   this test   pairs
    log odds, 0.8                              2000         60      1.00       .40
    log odds, 1.2                              2000         20      1.00       .70
    log Y, 0.4                                  200         60       .98       .75
    log Y, 0.4                                 1000         60      1.00       -
    0/1, additive, p about .36                 1000         40       0         -
    0/1, additive, p from .1 to .9             2000         20       0         0
    counts, gamma, proportions, additive       1000        240       0         -
    counts of the families, three actions  1000, 2000       48       .04       .06

References
----------
Tukey (1949), "One degree of freedom for non-additivity", Biometrics 5.
"""

from collections.abc import Hashable
from math import sqrt
from typing import Any

import numpy as np
from scipy import linalg, special, stats

from bayes_intgen.base.types import Array, Indices
from bayes_intgen.data.outcome_kind import OutcomeKind
from bayes_intgen.design.interactions import NO_TERMS
from bayes_intgen.inference.laplace import LaplaceMode, find_mode
from bayes_intgen.inference.problem import Problem
from bayes_intgen.inference.verdicts.scale_result import LINKS, AdditiveScale
from bayes_intgen.moments.moments import Moments

__all__ = ["check_scale", "describe_scale", "link_feature"]

MOST_VALUES = 2**23  # of features over rows; rows are thinned to that
LEAST_MEAN = 0.02  # of a proportion, in its variance
LEAST_SHARE = 0.1  # of the average, for the mean of a count or a positive outcome
STEPS = 3
LEAST_LEFT = 1e-4  # of the spread of z, beside what is additive in it


def check_scale(problem: Problem, mode: LaplaceMode, moments: Moments) -> AdditiveScale | None:
    """Test an outcome that has another natural scale; None if it has not, or there are no rows.

    Parameters
    ----------
    problem, mode
        The problem that was fitted, and its hyperparameters at the mode. The test is of the same
        without interactions and lift tests.
    moments
        Of its features and those of ``interactions="none"``, with the rows that the first pass
        kept.
    """
    kind = moments.summary.outcome_range.kind
    samples = [moments.summary.regimes[regime].sample for regime in moments.regimes]
    if (
        kind not in LINKS
        or len(problem.design.blocks) == 1
        or not all(len(s.rows) for s in samples)
    ):
        return None
    null = problem.with_lifts(None) if problem.lifts else problem
    if problem.design.interactions in ("pairwise", "all") or problem.design.terms != NO_TERMS:
        design = problem.design.additive()
        null = Problem(design, moments.select(design.features), problem.priors)
    at = mode if null is problem else find_mode(null)
    most = max(MOST_VALUES // (len(samples) * len(null.design.weights)), 1)
    rows = [sample.thin(most).rows for sample in samples]
    regimes = np.repeat(np.arange(len(rows)), [len(part) for part in rows])
    x = []
    for regime, part in zip(moments.regimes, rows, strict=True):
        phi = null.design.features.evaluate(part[:, :-1])
        x.append(phi[:, null.design.positions] * null.design.active(regime))
    y = np.concatenate([part[:, -1] for part in rows])
    z, p_value, size, share = _test(null, at.mode, np.vstack(x), y, regimes, kind)
    facts = moments.summary.outcome_range.facts
    ends = 0 if facts is None else facts.zeros + (facts.ones if kind == "proportion" else 0)
    return AdditiveScale(kind, z, p_value, size, ends > 0, share)


def describe_scale(found: AdditiveScale | None) -> dict[Hashable, Any]:
    """Return the result as an attribute of a tree of draws, if there is one."""
    return {} if found is None else {"additive_scale": found.to_text()}


def link_feature(kind: OutcomeKind, mean: Array) -> Array:
    """Return z of (1) at fitted means, shape (rows,), in the outcome's unit."""
    average = float(mean.mean())
    if LINKS[kind] == "log":
        return (mean - average) ** 2 / (2 * max(average, 1e-300))
    mu = float(np.clip(average, LEAST_MEAN, 1 - LEAST_MEAN))
    straight = special.logit(mu) + (mean - mu) / (mu * (1 - mu))
    return np.asarray(special.expit(straight) - mean)


def _test(
    null: Problem, mode: Array, x: Array, y: Array, regimes: Indices, kind: OutcomeKind
) -> tuple[float, float, float, float]:
    """Return the standardised score, its p-value, the size of what is left out, and c."""
    scale = null.moments.outcome_scale
    seen = null.likelihood.seen  # the other weights have zeros in all rows
    rows, target = null.likelihood.centring.to_centred_rows(x)[:, seen], scale.standardise(y)
    given = null.conditional(mode)
    mean, precision = x @ given.mean, given.precision[seen]
    for _ in range(STEPS):
        variance = _variance(kind, scale.centre + scale.spread * mean)
        square = (target - mean) ** 2 / variance
        dispersion = np.bincount(regimes, square) / np.bincount(regimes)
        w = 1 / (variance * dispersion[regimes])
        ridge = _Ridge(rows, w, precision)
        mean = ridge.project(target)[0]
    e = target - mean
    z = _bend(link_feature(kind, scale.centre + scale.spread * mean) / scale.spread, mean, w)
    additive, t = ridge.project(z)
    left = z - additive
    leverage = np.minimum(ridge.leverages(), 0.5)
    spread = sqrt(float(np.sum((w * e * left) ** 2 / (1 - leverage)) + precision @ t**2))  # (3)
    information = float(z @ (w * left))
    if information <= LEAST_LEFT * float(w @ (z - np.average(z, weights=w)) ** 2):
        return 0.0, 0.5, 0.0, 0.0
    score = float(z @ (w * e))  # (2)
    statistic = score / spread
    share = score / information
    size = share * scale.spread * sqrt(float(np.mean(left**2)))
    return statistic, float(stats.norm.sf(statistic)), size, share


def _bend(z: Array, mean: Array, w: Array) -> Array:
    """Return what the feature has beyond a straight line in the fitted mean."""
    line = np.column_stack([np.ones_like(mean), mean])
    return np.asarray(z - line @ np.linalg.solve((line.T * w) @ line, line.T @ (w * z)))


def _variance(kind: OutcomeKind, mean: Array) -> Array:
    """Return the variance that goes with the kind, up to a factor for each regime."""
    if LINKS[kind] == "logit":
        p = np.clip(mean, LEAST_MEAN, 1 - LEAST_MEAN)
        return np.asarray(p * (1 - p))
    m = np.maximum(mean, LEAST_SHARE * float(mean.mean()))
    return m if kind == "count" else m**2


class _Ridge:
    """Weighted regression on rows of centred features with given prior precisions."""

    def __init__(self, x: Array, w: Array, precision: Array) -> None:
        self.x, self.w = x, w
        total = (x * w[:, None]).T @ x
        total[np.diag_indices(len(precision))] += precision
        self.scale = 1 / np.sqrt(np.diag(total))
        self.factor = linalg.cholesky(total * np.outer(self.scale, self.scale), lower=True)

    def project(self, values: Array) -> tuple[Array, Array]:
        """Return fitted values, shape (rows,), and coefficients of the features."""
        pull = self.scale * (self.x.T @ (self.w * values))
        t = self.scale * linalg.cho_solve((self.factor, True), pull)
        return self.x @ t, t

    def leverages(self) -> Array:
        """Return w_i x_i' (X'WX + Lambda)^-1 x_i, shape (rows,)."""
        root = linalg.solve_triangular(self.factor, (self.x * self.scale).T, lower=True)
        return np.asarray(self.w * (root**2).sum(axis=0))

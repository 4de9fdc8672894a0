"""Test of the paper's additivity: which ``interactions`` the data need.

The fit with ``interactions="none"`` leaves residuals. For each pair of actions ask whether they
still hold something that this fit has no room for: a product of the two in the causal part (which
takes ``"pairwise"``), or a bias of action k that depends on an action beyond its possible parents
(which takes ``"all"``). With X the features of the rows, a column per weight of the fit, Z those
of further weights (smooth products of two actions), W the precisions of the rows and Lambda the
prior precisions of the weights, the score of further weights with prior variances t D is

    (1)  s = Z' W (y - X m),
    (2)  T = (X' W X + Lambda)^-1 X' W Z,      L = (-T; 1),
    (3)  Cov(s) = L' (sum of w_i^2 e_i^2 x_i x_i') L + T' Lambda T,

with the squared residuals e_i^2 in place of a model of the variance (White 1980), and the second
term for what shrinkage leaves in the residuals. The statistic is

    (4)  s' D s,

whose null distribution is a weighted sum of chi-squares (Lin 1997, "Variance component testing in
generalised linear models with random effects", Biometrika 84): directions that the data say little
about count little. The scores of biases are first freed of what interactions of the same pairs
explain. Level 1% over all pairs together (Bonferroni).

Actions of one block always interact, and so are no pair; the bias of a block is tested as a whole,
on each action of the other blocks. Covariates are held to no such rule: they may modify every
effect and bias.

A bias that depends on an action beyond its parents can also mean that a dependence between the two
actions was missed, or that they share a confounder. Passing proves nothing (paper, Example 1).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

import numpy as np
from scipy import optimize, stats

from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.function import ActionBasis
from bayes_intgen.design.design import Interactions
from bayes_intgen.inference.problem import Problem
from bayes_intgen.inference.verdicts.additivity_result import (
    Additivity,
    InteractionKind,
    InteractionTest,
)
from bayes_intgen.moments.moments import Moments

__all__ = ["check_additivity", "probe_features", "quadratic_form_tail"]

SMOOTHEST = 2
MANY_PAIRS = 60

type Columns = Indices


def probe_features(bases: Mapping[str, ActionBasis], actions: Sequence[str]) -> FeatureMap:
    """Make the smooth products of two actions that the check needs the moments of.

    With many pairs (more than 60), only the product of their first functions. There may be bases of
    covariates beside those of the actions.
    """
    pairs = len(actions) * (len(actions) - 1) // 2
    return FeatureMap.pairs(bases, SMOOTHEST if pairs <= MANY_PAIRS else 0, actions)


def check_additivity(
    null: Problem, mode: Array, moments: Moments, fitted: Interactions
) -> Additivity:
    """Test every pair of actions against a fit without interactions.

    Parameters
    ----------
    null, mode
        The problem with ``interactions="none"``, and its hyperparameters at the mode.
    moments
        Of its features and of :func:`probe_features`, with those of the residuals.
    fitted
        The interactions of the fit that is judged.
    """
    probes = list(_probes(null, moments.features))
    if not probes:
        return Additivity(fitted, ())
    score, information, covariance = _scores(null, mode, moments, probes)
    ends = np.cumsum([len(probe.columns) for probe in probes])
    positions = [
        np.arange(end - len(probe.columns), end) for end, probe in zip(ends, probes, strict=True)
    ]
    scores = Scores(score, information, covariance)
    causal = [probe.kind == "interaction" for probe in probes]
    shared = np.concatenate([where for where, use in zip(positions, causal, strict=True) if use])
    scale = np.concatenate([probe.scale for probe in probes])[shared]
    feature_covariance = _feature_covariance(moments)
    tests = []
    for where, probe in zip(positions, probes, strict=True):
        own = scores.select(where)
        if probe.kind == "bias":  # a product in the causal part looks like one in every bias
            own = scores.free(where, shared, scale)
        statistic, p_value = own.test(probe.scale)
        # The size of what is left out: further weights at their posterior mean for t = 1.
        extra = np.linalg.solve(own.information + np.diag(probe.scale**-2), own.score)
        covariance = feature_covariance[np.ix_(probe.columns, probe.columns)]
        size = sqrt(max(float(extra @ covariance @ extra), 0.0))
        effect = size * moments.outcome_scale.spread
        tests.append(InteractionTest(probe.kind, probe.actions, p_value, effect, statistic))
    return Additivity(fitted, tuple(tests))


@dataclass(frozen=True)
class Scores:
    """Scores of further weights, their information and their robust covariance."""

    score: Array
    information: Array
    covariance: Array

    def select(self, where: Columns) -> "Scores":
        """Keep the scores of some weights."""
        block = np.ix_(where, where)
        return Scores(self.score[where], self.information[block], self.covariance[block])

    def free(self, where: Columns, others: Columns, scale: Array) -> "Scores":
        """Keep those of some weights, without what other weights explain.

        Those others have prior standard deviations ``scale``.
        """
        own, rest = self.select(where), self.select(others)
        to_own = self.information[np.ix_(others, where)]
        pull = np.linalg.solve(rest.information + np.diag(scale**-2), to_own).T
        cross = self.covariance[np.ix_(where, others)] @ pull.T
        covariance = own.covariance - cross - cross.T + pull @ rest.covariance @ pull.T
        return Scores(own.score - pull @ rest.score, own.information - pull @ to_own, covariance)

    def test(self, scale: Array) -> tuple[float, float]:
        """Return s' D s over its expectation, with D the squares of ``scale``, and its p-value."""
        weighted = scale * self.score  # (4)
        eigenvalues = np.linalg.eigvalsh(self.covariance * np.outer(scale, scale))
        value, expected = float(weighted @ weighted), max(float(eigenvalues.sum()), 1e-300)
        return value / expected, quadratic_form_tail(value, eigenvalues)


@dataclass(frozen=True)
class Probe:
    """Further weights that are tested together."""

    # as in :class:`InteractionTest`
    kind: InteractionKind
    actions: tuple[str, str]
    columns: Columns  # positions of their features, shape (q,)
    scale: Array  # their relative prior standard deviations, the root of D, shape (q,)

    def active(self, regime: Sequence[str]) -> bool:
        """Say whether the weights take part in the mean of a regime."""
        return self.kind == "interaction" or not {*self.actions[0].split("+")} & {*regime}


def _probes(null: Problem, features: FeatureMap) -> Iterator[Probe]:
    design = null.design
    wanted = set(probe_features(features.bases, design.actions).features)
    columns: dict[frozenset[str], list[int]] = {}
    for position, feature in enumerate(features.features):
        if feature in wanted:
            columns.setdefault(feature.actions, []).append(position)
    pairs: list[tuple[InteractionKind, Regime, str]] = [
        ("interaction", (action,), other)
        for action, other in combinations(design.actions, 2)
        if other not in design.block_of(action)
    ]
    pairs += [
        ("bias", block, other)
        for block in design.blocks
        for other in design.actions
        if other not in design.scope(block[0])
    ]
    for kind, block, other in pairs:
        chosen = np.concatenate([columns[frozenset({action, other})] for action in block])
        scale = np.array([features.relative_scale(column) for column in chosen])
        yield Probe(kind, (format_regime(block), other), chosen, scale)


def _scores(
    null: Problem, mode: Array, moments: Moments, probes: Sequence[Probe]
) -> tuple[Array, Array, Array]:
    """Return the scores of all probes, their information and their robust covariance."""
    residuals = moments.residuals
    if residuals is None:
        raise ValueError("moments: those of the residuals are needed for the check.")
    design, given = null.design, null.conditional(mode)
    log_sigma, _, _ = null.split(mode)
    # Sums over rows of (x, z) with all weights, those of the fit first, regime by regime.
    order = {feature.factors: i for i, feature in enumerate(moments.features.features)}
    mine = np.array([order[weight.feature.factors] for weight in design.weights])
    columns = np.concatenate([mine, *(probe.columns for probe in probes)])
    size, posterior = len(mine), given.covariance
    total, meat = (np.zeros((len(columns), len(columns))) for _ in range(2))
    cross, taken = np.zeros(len(columns)), null.effective_parameters(mode)
    for r, regime in enumerate(moments.regimes):
        extra = [np.full(len(probe.columns), probe.active(regime)) for probe in probes]
        active = np.concatenate([design.active(regime), *extra]).astype(float)
        w = np.exp(-2 * log_sigma[r])
        sums = moments.regression(regime)
        counted = sums.n / max(sums.n - taken[r], 1.0)  # the fit took those out of the e_i^2
        mask = np.outer(active, active)
        total += w * mask * sums.gram[np.ix_(columns, columns)]
        meat += w**2 * counted * mask * residuals[regime].meat[np.ix_(columns, columns)]
        cross += w * active * sums.cross[columns]
    shift = posterior @ total[:size, size:]  # T of (2)
    score = cross[size:] - total[size:, :size] @ given.mean  # (1)
    information = total[size:, size:] - total[size:, :size] @ shift
    projection = np.vstack([-shift, np.eye(len(columns) - size)])  # L of (2)
    prior = given.prior_part(total[size:, :size])
    covariance = projection.T @ meat @ projection + prior  # (3)
    return score, information, covariance


def _feature_covariance(moments: Moments) -> Array:
    """Covariance of the features, regimes weighted equally, shape (features, features)."""
    by_regime = []
    for regime in moments.regimes:
        sums = moments.regression(regime)
        mean = sums.gram[0] / sums.gram[0, 0]
        by_regime.append(sums.gram / sums.gram[0, 0] - np.outer(mean, mean))
    return np.asarray(np.mean(by_regime, axis=0))


def quadratic_form_tail(q: float, eigenvalues: Array) -> float:
    """Return P(sum_i lambda_i Z_i^2 > q) for independent normal Z_i, by a saddlepoint.

    With the cumulant generating function K(t) = -1/2 sum_i log(1 - 2 t lambda_i) and K'(t*) = q the
    tail is 1 - Phi(w + log(v / w) / w), where w = sign(t*) sqrt(2 (t* q - K(t*))) and
    v = t* sqrt(K''(t*)); its relative error stays small far out in the tail.

    Parameters
    ----------
    q
        The observed value.
    eigenvalues
        The lambda_i; negative ones, which rounding may leave, count as zero.

    References
    ----------
    Kuonen (1999), "Saddlepoint approximations for distributions of quadratic forms in normal
    variables", Biometrika 86.

    Examples
    --------
    >>> round(quadratic_form_tail(3.841, np.array([1.0])), 2)  # chi-square with one degree: 0.050
    0.05
    """
    lam = eigenvalues[eigenvalues > 1e-12 * max(float(eigenvalues.max(initial=0.0)), 1e-300)]
    if len(lam) == 0 or q <= 0:
        return 1.0
    lam, q = lam / lam.max(), q / float(lam.max())
    if len(lam) == 1 or np.ptp(lam) < 1e-9:
        return float(stats.chi2.sf(q, len(lam)))

    def slope(t: float) -> float:
        return float(np.sum(lam / (1 - 2 * t * lam)))

    mean = float(lam.sum())
    if abs(q - mean) < 1e-4 * mean:  # the formula is 0 / 0 at the mean; the tail is smooth there
        below, above = (quadratic_form_tail(q * (1 + e), lam) for e in (-1e-3, 1e-3))
        return (below + above) / 2
    # K'(t) runs from 0 at minus infinity to infinity at 1 / (2 max lambda), here 1/2
    top = 0.5 * (1 - 1e-12)
    least = -len(lam) / (2 * q) - 1.0
    t = optimize.brentq(lambda t: slope(t) - q, least, top, xtol=1e-14, rtol=1e-13)
    cumulant = -0.5 * float(np.sum(np.log1p(-2 * t * lam)))
    w = np.sign(t) * np.sqrt(max(2 * (t * q - cumulant), 0.0))
    v = t * np.sqrt(2 * np.sum((lam / (1 - 2 * t * lam)) ** 2))
    return float(stats.norm.sf(w + np.log(v / w) / w))

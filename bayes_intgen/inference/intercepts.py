"""Variances of random intercepts, by restricted maximum likelihood from sums per group.

The rows of a group (:mod:`bayes_intgen.moments.cluster_sums`) share an intercept with variance
tau_r^2 = lambda_r sigma_r^2 in regime r. The weights are integrated out here as everywhere, so that
what the groups tell about curves is not taken for intercepts: with m and C the mean and covariance
of the coefficients of the features at the mode and E_g the expected squared sum of residuals of
group g,

    (1)  E_g = (s_g^y - s_g' m)^2 + s_g' C s_g,      T_r = E sum v e^2,

lambda_r minimises

    (2)  n_r log(T_r - sum_g c_g E_g) + sum_g log(1 + lambda_r N_g),
         c_g = lambda_r / (1 + lambda_r N_g),

the profile over sigma_r of the expected likelihood; m and C follow, and so on until nothing moves
(the EM algorithm, no step of which lowers the likelihood). It is an empirical-Bayes estimate: that
it is not certain is left to the sandwich (:mod:`bayes_intgen.inference.sandwich`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log
from typing import Self

import numpy as np
from scipy import optimize

from bayes_intgen.base.parallel import stretches
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.design import Design
from bayes_intgen.inference.laplace import find_maximum
from bayes_intgen.inference.problem import Problem, WeightsGiven
from bayes_intgen.moments.cluster_sums import GROUPS_AT_ONCE, ClusterSums

__all__ = ["GroupMeans", "fit_intercepts"]

START = 0.1
ROUNDS, STEADY = 10, 0.05  # steps at most; change of log(lambda) that ends them
MOST_GROUPS = 4096  # that are looked at; the order of keys is random
LOG_RANGE = (-12.0, 6.0)
LEAST = 1e-5


def fit_intercepts(problem: Problem) -> Problem:
    """Return the problem, whose rows are in groups, with random intercepts of these."""
    moments = problem.moments
    ratios: dict[Regime, float] = {r: moments.ratios.get(r) or START for r in moments.regimes}
    known = problem.with_rows(moments.with_intercepts(ratios))
    x = find_maximum(known)
    for _ in range(ROUNDS):
        given = known.conditional(x)
        found = [_estimate(known, given, r) for r in range(len(moments.regimes))]
        before, ratios = ratios, dict(zip(moments.regimes, [lam for lam, _ in found], strict=True))
        x = np.concatenate([[log_sigma for _, log_sigma in found], x[len(found) :]])
        known = known.with_rows(moments.with_intercepts(ratios))
        if _steady(before, ratios):
            break
    return known


def _steady(before: Mapping[Regime, float], after: Mapping[Regime, float]) -> bool:
    changes = [np.log((after[r] + LEAST) / (before[r] + LEAST)) for r in after]
    return bool(np.abs(changes).max() < STEADY)


@dataclass(frozen=True)
class GroupMeans:
    """The posterior of the expected sums of the outcome over groups: s_g' theta_r."""

    places: Indices  # of the features among those whose sums the groups hold, the constant first
    theta: Array  # mean of the coefficients, shape (features,)
    covariance: Array = field(repr=False)  # of these, shape (features, features)

    @classmethod
    def of(cls, design: Design, features: FeatureMap, regime: Regime, given: WeightsGiven) -> Self:
        """Collect the weights that are active in the regime by their feature.

        ``features``: those whose sums the groups hold, among which are the design's.
        """
        order = {feature.factors: i for i, feature in enumerate(features.features)}
        places = np.array([order[feature.factors] for feature in design.features.features])
        root = given.root_of(design.gather(design.active(regime)).T)
        return cls(places, design.collect(given.mean, design.active(regime)), root.T @ root)

    def compare(self, groups: ClusterSums) -> tuple[Array, Array]:
        """Return s_g^y - s_g' theta, and the variance of s_g' theta, shape (groups,) each."""
        left, variance = groups.outcome.copy(), np.empty(len(groups.weight))
        for some in stretches(len(left), GROUPS_AT_ONCE):
            sums = np.column_stack([groups.weight[some], groups.sums[some]])[:, self.places]
            left[some] -= sums @ self.theta
            variance[some] = np.einsum("gi,gi->g", sums @ self.covariance, sums)
        return left, np.maximum(variance, 0.0)


def _estimate(problem: Problem, given: WeightsGiven, r: int) -> tuple[float, float]:
    """Return lambda_r, and log sigma_r with it."""
    moments, likelihood = problem.moments, problem.likelihood
    regime = moments.regimes[r]
    groups = moments.clusters[regime]
    step = -(-len(groups.weight) // MOST_GROUPS)
    some = groups if step == 1 else groups.thin(step)
    share = float(groups.weight.sum() / some.weight.sum())
    left, variance = GroupMeans.of(problem.design, moments.features, regime, given).compare(some)
    squares = left**2 + variance  # (1)
    mean, covariance = given.centred.mean, given.centred.covariance
    total = likelihood.square[r] - 2 * float(likelihood.cross[r] @ mean)
    total += float(mean @ likelihood.gram[r] @ mean) + float(
        np.vdot(likelihood.gram[r], covariance)
    )
    known = some.shrinkage(moments.ratios[regime])
    total += share * float(known @ squares)  # the sums of the likelihood are without intercepts
    n = float(likelihood.n[r])

    def deviance(log_ratio: float) -> float:  # (2)
        ratio = float(np.exp(log_ratio))
        rest = total - share * float(some.shrinkage(ratio) @ squares)
        return n * log(max(rest, 1e-12 * total)) + share * some.log_det(ratio)

    grid = np.linspace(*LOG_RANGE, 37)
    values = [deviance(at) for at in grid]
    best = int(np.argmin(values))
    ends = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    ratio = float(np.exp(optimize.minimize_scalar(deviance, bounds=ends, method="bounded").x))
    if best == 0:
        ratio = 0.0
    rest = total - share * float(some.shrinkage(ratio) @ squares)
    return ratio, 0.5 * float(np.log(max(rest, 1e-12 * total) / n))

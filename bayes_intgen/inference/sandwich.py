"""Sandwich covariance of the weights over clusters, or over blocks of times.

A random intercept is one way in which rows of a cluster depend on one another; slopes may vary too,
and times may wander. So the spread of the weights about their mean is not that of the model,
C = P^-1, but what the scores of independent units g show (Liang and Zeger 1986): with S_g the score
of a unit, the intercepts taken out, Lambda the prior precision and J units in all,

    (1)  V = C (J / (J - 1) sum_g S_g S_g' + Lambda) C,

and the weights are drawn from m + V^(1/2) times a variable of Student's t (Mueller 2013, "Risk of
Bayesian inference in misspecified models, and the sandwich covariance matrix", Econometrica 81).
Blocks of times that are next to one another count with Bartlett's weight, half (Newey and West
1987). In the coordinates in which the model's covariance is the identity, C = H H',

    (2)  V = H R H',      R = H' (J / (J - 1) sum_g S_g S_g' + Lambda) H,

R is computed once, at the mode, and H belongs to each draw of the hyperparameters.

The fit takes the residuals of a unit down by its leverage, which matters where settings are the
same for all rows of a cluster: the part of a score that a group has in common, whose leverage is

    (3)  h_g = w_r x_g' C x_g N_g (1 - c_g N_g),    x_g the mean of its regressors,

is divided by 1 - h_g, and the rest by 1 - h, where h is what the regime determines beyond the h_g,
over the number of distinct settings of all units. So is the jackknife over units (the correction
CR3 of Bell and McCaffrey 2002), for scores of which each determines one number.

Degrees of freedom are those of the regime with the fewest units,

    (4)  nu = (sum_g q_g)^2 / sum_g q_g^2 - 1,    q_g = E S_g' C S_g,

where q_g is (3) and the share of the rest that its rows have: J - 1 if units are alike. Of blocks,
which are averaged over with weights 1/2, 1, 1/2, there are two thirds as many.

Leverage corrects each score, but what a fit to J blocks has taken from the products of adjacent
ones remains: they are too small by 1/J of the variance, which takes the bias of the estimator with
Bartlett's weights to its 2/J (Kiefer and Vogelsang 2005, "A new asymptotic theory for
heteroskedasticity-autocorrelation robust tests", Econometric Theory 21: 1 - b + b^2/3 with a
bandwidth of b = 2/J). So of blocks

    (5)  S_g S_h'  counts  J / (J - 1)  times.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import solve_triangular

from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.data.grouping import unit_keys
from bayes_intgen.inference.intercepts import GroupMeans
from bayes_intgen.inference.problem import Problem, WeightsGiven
from bayes_intgen.moments.keyed_rows import add_by_key
from bayes_intgen.moments.meat import sum_of_squares, units_are_blocks
from bayes_intgen.moments.moments import Moments

__all__ = ["Sandwich", "UnitScores", "corrected_scores", "estimate_sandwich"]

LEAST_FREEDOM = 2.0
MOST_LEVERAGE, MOST_WITHIN = 0.9, 0.5
BLOCKS_ARE_WORTH = 1 / 1.5  # 1 over the sum of the squared weights


@dataclass(frozen=True)
class Sandwich:
    """By what the weights spread about their mean."""

    root: Array = field(repr=False)  # R^(1/2), shape (weights, weights)
    freedom: float  # nu
    units: int  # the fewest in a regime

    def draw(self, given: WeightsGiven, size: int, rng: np.random.Generator) -> Array:
        """Draw weights, shape (size, weights)."""
        noise = rng.standard_normal((size, len(self.root))) @ self.root
        noise *= np.sqrt(self.freedom / rng.chisquare(self.freedom, size))[:, None]
        centred = given.centred
        spread = solve_triangular(centred.factor, noise.T, lower=True, trans=1)
        return given.centring.to_weights(centred.mean + (centred.scaling[:, None] * spread).T)


def estimate_sandwich(problem: Problem, mode: Array, moments: Moments) -> Sandwich | None:
    """Estimate it at the mode; None if rows are independent, or no residuals are at hand.

    Parameters
    ----------
    problem, mode
        What was fitted, and its hyperparameters at the mode.
    moments
        Of its features at least, with the scores of groups of a first fit.
    """
    if not problem.moments.clusters or not all(own.scores for own in moments.clusters.values()):
        return None
    design, given = problem.design, problem.conditional(mode)
    by_block, log_sigma = units_are_blocks(moments), problem.split(mode)[0]
    centred = given.centred
    half = solve_triangular(centred.factor, np.eye(len(centred.mean)), lower=True, trans=1)
    half *= centred.scaling[:, None]  # H
    order = {feature.factors: i for i, feature in enumerate(moments.features.features)}
    mine = np.array([order[weight.feature.factors] for weight in design.weights])
    parts: list[tuple[Indices, Array]] = []
    freedom, fewest = [], []
    for r, regime in enumerate(moments.regimes):
        w = float(np.exp(-2 * log_sigma[r]))
        found = corrected_scores(problem, given, moments, r, w)
        placed = w * found.scores[:, mine] * design.active(regime)
        pulled = problem.likelihood.centring.to_centred_rows(placed) @ half  # H' S_g
        freedom.append(found.freedom)
        fewest.append(len(found.keys))
        parts.append((found.keys, pulled))
    keys, pulled = add_by_key(parts)
    spread = sum_of_squares(keys, pulled, by_block)
    spread += (half.T * given.precision) @ half
    if problem.likelihood.lifts:
        spread += half.T @ problem.likelihood.lifts.gram @ half
    values, vectors = np.linalg.eigh((spread + spread.T) / 2)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return Sandwich(root, max(min(freedom), LEAST_FREEDOM), min(fewest))


@dataclass(frozen=True)
class UnitScores:
    """The scores of the units of a regime, corrected for the leverage of each."""

    keys: Indices  # of the units, shape (units, 2)
    scores: Array  # shape (units, features)
    freedom: float  # (4) of this regime


def corrected_scores(
    problem: Problem, given: WeightsGiven, moments: Moments, r: int, w: float
) -> UnitScores:
    """Return the scores of the units of a regime.

    Parameters
    ----------
    problem, given
        The fit, and the distribution of its weights at the mode.
    moments
        Of its features, and of others whose scores are wanted too.
    r, w
        The regime, by position, and its precision.
    """
    regime, by_block = moments.regimes[r], units_are_blocks(moments)
    groups = moments.clusters[regime]
    means = GroupMeans.of(problem.design, moments.features, regime, given)
    residual, variance = means.compare(groups)
    common = 1 - groups.shrinkage(problem.moments.ratios.get(regime, 0.0)) * groups.weight
    leverage = w * common / groups.weight * variance  # (3)
    leverage = np.minimum(leverage, MOST_LEVERAGE)
    taken = w * float(np.vdot(problem.likelihood.gram[r], given.centred.covariance))
    rest = max(taken - float(leverage.sum()), 0.0)
    within = 1 / (1 - min(rest / distinct_settings(moments, regime), MOST_WITHIN))
    keys, scores = groups.unit_scores(common * residual / (1 - leverage), within, by_block)
    owners = unit_keys(groups.keys, by_block)
    _, expected = add_by_key([(owners, leverage + rest * groups.rows / groups.rows.sum())])
    alike = float(expected.sum() ** 2 / (expected @ expected))
    if by_block:
        scores = scores * np.sqrt(len(keys) / max(len(keys) - 1, 1))  # (5)
        alike *= BLOCKS_ARE_WORTH
    return UnitScores(keys, scores, alike - 1)


def distinct_settings(moments: Moments, regime: Regime) -> float:
    """Return how many distinct settings the units of a regime have, each counted by itself."""
    part = moments.summary.regimes[regime]
    marks, grouping = part.sample.marks, moments.grouping
    if marks is None or grouping is None or not len(part.sample.rows):
        return float(part.n)
    rows = part.sample.rows[:, : len(moments.actions)]
    keys = grouping.keys(regime, rows, marks)
    codes = np.unique(keys, axis=0, return_inverse=True)[1].ravel()
    distinct = np.unique(np.column_stack([codes, rows]), axis=0)
    return len(distinct) * part.n / len(rows)

"""What further rows are worth for the choice of the best action.

Before the rows are seen, the posterior means after them are random: given the hyperparameters, they
move by N(0, C - C_n) (design, section 12). With S = sum_r n_r H_r = Q diag(s) Q' in the directions
of :mod:`bayes_intgen.posterior.planning.reduction`, and theta a draw of the fit,

    (1)  m_n = E m + R Q diag(s / (1 + s))^1/2 Q' R^-1 (theta - m)
                   + C_n sum_r n_r w_r Gbar_r (m - E m)

has that covariance; without rows it is the posterior mean, and with ever more the draw itself. The
last part is what the rows show if the hyperparameters of the draw are right.
With a* the best setting in the posterior mean and v(a; m) the expected outcome,

    (2)  EVSI = E[max_a v(a; m_n) - v(a*; m_n)],

which for s to infinity is the expected regret of ``best_action``, from the same draws. The same
draws serve every option and size, so that differences between them are sharp. The budget is split
among several experiments so that what is best to know is known best: contrasts of the settings
that are best in some draw with a*.
"""

from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.parallel import one_blas_thread
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.posterior.estimands.action_search import Search
from bayes_intgen.posterior.estimands.expected_outcome import weight_draws
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.planning.hyper_points import HyperPoints
from bayes_intgen.posterior.planning.reduction import Reduced

__all__ = ["DecisionDraws", "rival_contrasts"]

MOST_DRAWS = 1000
MOST_DRAWS_WITH_BUDGET = 250  # of actions, where each choice is a knapsack problem
LEAST_DRAWS = 200
MOST_RIVALS = 12  # directions of contrasts between settings that may be best
KEPT_SHARE = 0.999  # of their sum of squares


@dataclass(frozen=True)
class DecisionDraws:
    """Draws of the weights, each with the point of the hyperparameters that it belongs to."""

    fit: Fitted
    search: Search
    deviations: Array  # theta - m, centred weights in standard units, shape (draws, weights)
    owner: Indices  # shape (draws,)
    points: HyperPoints
    centre: Array  # E m over all draws, centred weights in standard units, shape (weights,)
    mean: Array  # the same as coefficients of the features, outcome's unit, shape (features,)
    best: Indices  # the setting that is best in the mean, shape (groups, 1)
    regret: float  # (2) with all effects known, from all draws of the fit
    scale: float  # that, relative to the same from the draws here

    @classmethod
    def of(
        cls, fit: Fitted, points: HyperPoints, search: Search, random_seed: int
    ) -> "DecisionDraws":
        """Take draws of the fit; new ones at points of NUTS that stand for others."""
        unit = fit.outcome_scale.spread
        flat = weight_draws(fit).reshape(-1, len(fit.design.weights))
        active = fit.design.active(search.regime)
        theta = fit.design.collect(flat, active)
        mean = theta.mean(axis=0)
        best = search.choose(mean[None])
        regret = search.sign * _regret(search, theta, best)
        most = MOST_DRAWS if search.budget is None else MOST_DRAWS_WITH_BUDGET
        own = np.flatnonzero(points.owner >= 0)
        if len(own) >= LEAST_DRAWS:  # a Laplace approximation has many draws at each point
            chosen = own[:: -(-len(own) // most)]
            drawn, owner = flat[chosen] / unit, points.owner[chosen]
        else:
            rng = np.random.default_rng([random_seed, 10])
            each = -(-most // len(points.given))
            drawn = np.concatenate([given.draw(each, rng) for given in points.given])
            owner = np.repeat(np.arange(len(points.given)), each)
        known = search.sign * _regret(search, unit * fit.design.collect(drawn, active), best)
        scale = regret / known if known > 0 else 1.0
        means = np.array([given.centred.mean for given in points.given])
        deviations = points.centring.to_centred(drawn) - means[owner]
        centre = points.centring.to_centred(flat.mean(axis=0) / unit)
        return cls(fit, search, deviations, owner, points, centre, mean, best, regret, scale)

    def value(self, reduced: Reduced, rows: Array) -> float:
        """Return (2) for some rows of each option, in the outcome's unit."""
        return self._values(reduced, rows, np.ones(1))[0]

    def values_alone(self, reduced: Reduced, option: int, sizes: Array) -> list[float]:
        """Return (2) for several numbers of rows of one option."""
        unit = (np.arange(len(reduced.points[0].information)) == option).astype(float)
        return self._values(reduced, unit, sizes)

    def _values(self, reduced: Reduced, rows: Array, factors: Array) -> list[float]:
        """Return (2) for rows times each of some factors, which share a factorisation."""
        moved = np.zeros((len(factors), *self.deviations.shape))
        with one_blas_thread():
            for i, point in enumerate(reduced.points):
                own = np.flatnonzero(self.owner == i)
                values, vectors = np.linalg.eigh(np.tensordot(rows, point.information, 1))
                z = vectors.T @ (point.inverse @ self.deviations[own].T)  # (1), right to left
                pull = vectors.T @ (rows @ point.pull)
                back = point.root @ vectors
                for step, factor in zip(moved, factors, strict=True):
                    s = factor * np.maximum(values, 0.0)
                    along = np.sqrt(s / (1 + s))[:, None] * z + (factor * pull / (1 + s))[:, None]
                    step[own] = (back @ along).T
        return [self._value(step) for step in moved]

    def _value(self, moved: Array) -> float:
        """Return (2) for posterior means that have moved, of centred weights, standard units."""
        design, unit = self.fit.design, self.fit.outcome_scale.spread
        weights = self.points.centring.to_weights(moved)
        theta = self.mean + unit * design.collect(weights, design.active(self.search.regime))
        return self.scale * self.search.sign * _regret(self.search, theta, self.best)


def _regret(search: Search, theta: Array, best: Indices) -> float:
    """Return the mean over draws of how far a setting is from the best one, signed."""
    chosen = search.choose(theta)
    here = np.repeat(best, len(theta), axis=1)
    return float((search.gain(theta, chosen) - search.gain(theta, here)).mean())


def rival_contrasts(fit: Fitted, search: Search, best: Indices) -> Array:
    """Return functionals whose variances add up to the mean variance of the contrasts with a*.

    The contrasts are those of the settings that are best in some draw; shape (few, weights).
    """
    flat = weight_draws(fit).reshape(-1, len(fit.design.weights))
    active = fit.design.active(search.regime)
    chosen = search.choose(fit.design.collect(flat[:: -(-len(flat) // MOST_DRAWS)], active))
    steps = search.steps(chosen) - search.steps(best)
    functionals = steps[:, fit.design.positions] * active / np.sqrt(len(steps))
    _, size, directions = np.linalg.svd(functionals, full_matrices=False)
    share = np.cumsum(size**2) / max((size**2).sum(), 1e-300)
    count = min(int(np.searchsorted(share, KEPT_SHARE)) + 1, MOST_RIVALS, len(size))
    rivals: Array = size[:count, None] * directions[:count]
    return np.asarray(rivals)

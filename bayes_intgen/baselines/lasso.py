"""The lasso from second moments, exact up to rounding.

    minimise  1/2 w'Cw - b'w + alpha sum_j |w_j|

with C and b the mean products of standardised features and outcome: scikit-learn's
``||y - Xw||^2 / (2n) + alpha |w|_1``. Monomials are so strongly correlated that coordinate descent
needs many thousands of sweeps. The search over active sets and signs of Lee, Battle, Raina and Ng
(2007), "Efficient sparse coding algorithms", NeurIPS 19, ends at the optimum itself after about as
many steps as features enter. From the best point so far,

* if it is the minimum for the coefficients that are not zero, take in the feature whose derivative
  exceeds alpha most, with the sign that lowers the objective;
* go to the minimum of the quadratic that the objective is while no sign changes, or stop on the
  way where a coefficient passes zero, if the objective is lowest there;

until no other feature's derivative exceeds alpha.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.types import Array

__all__ = ["lasso_path"]

STEPS = 100  # per feature and penalty; a few are enough
JITTER = 1e-13  # per feature, on a diagonal of ones: copies of a feature then share its coefficient
ROUNDING = 1e-14


def lasso_path(gram: Array, cross: Array, alphas: Sequence[float]) -> Array:
    """Return the minimisers for several penalties, each starting from that for the next larger one.

    Parameters
    ----------
    gram
        C, shape (features, features); rows and columns of constant features are zero.
    cross
        b, shape (features,).
    alphas
        Penalties, in the unit of b.

    Returns
    -------
    ndarray
        The coefficients, shape (alphas, features).
    """
    path = np.zeros((len(alphas), len(cross)))
    coefficients = np.zeros_like(cross)
    firm = gram + JITTER * len(cross) * np.eye(len(cross))
    for position in np.argsort(alphas)[::-1]:
        coefficients = _Problem(firm, cross, float(alphas[position])).minimise(coefficients)
        path[position] = coefficients
    return path


@dataclass(frozen=True)
class _Problem:
    gram: Array
    cross: Array
    alpha: float

    def objective(self, coefficients: Array) -> Array:
        """Return the objective at coefficients of shape (points, features)."""
        quadratic = 0.5 * ((coefficients @ self.gram) * coefficients).sum(axis=1)
        return np.asarray(
            quadratic - coefficients @ self.cross + self.alpha * abs(coefficients).sum(axis=1)
        )

    def minimise(self, coefficients: Array) -> Array:
        """Search from some coefficients."""
        settled = not coefficients.any()
        for _ in range(STEPS * len(coefficients)):
            signs = np.sign(coefficients)
            if settled:
                gradient = self.gram @ coefficients - self.cross
                reach = np.where(signs == 0, abs(gradient), 0.0)
                entering = int(np.argmax(reach))
                sizes = abs(self.gram) @ abs(coefficients) + abs(self.cross)
                if reach[entering] <= self.alpha + ROUNDING * sizes.max():
                    break
                signs[entering] = -np.sign(gradient[entering])
            trial, arrived = self._step(coefficients, signs)
            before, after = self.objective(np.array([coefficients, trial]))
            if after < before:
                coefficients, settled = trial, arrived
            elif settled:
                break  # no further than rounding allows
            else:
                settled = True
        return coefficients

    def _step(self, coefficients: Array, signs: Array) -> tuple[Array, bool]:
        """Move the coefficients that have a sign; say whether they arrived at their minimum."""
        active = np.flatnonzero(signs)
        here = coefficients[active]
        pull = self.cross[active] - self.alpha * signs[active]
        there = np.linalg.solve(self.gram[np.ix_(active, active)], pull)
        passing = np.flatnonzero(here * there < 0)
        lengths = here[passing] / (here[passing] - there[passing])
        candidates = np.zeros((len(passing) + 1, len(coefficients)))
        candidates[:-1, active] = here + lengths[:, None] * (there - here)
        candidates[np.arange(len(passing)), active[passing]] = 0.0
        candidates[-1, active] = there
        best = int(np.argmin(self.objective(candidates)))
        kept_signs = bool((np.sign(there) == signs[active]).all())
        return candidates[best], kept_signs and best == len(passing)

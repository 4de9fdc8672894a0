"""Structural equations with jointly normal errors, fitted to regimes that switch some of them off.

Equations p = 1..K give the actions, the last one the outcome:

    (1)  x_p = phi_p(a)'theta_p + U_p,     U ~ N(0, Sigma),

with the functions phi_p of the parents of action p, or of all actions for the outcome, and no
cycles, so that the density of a row is that of its errors. A regime S takes the equations of its
actions away and leaves R = the others. With mean products Q_r of all functions and responses,

    log p = -1/2 sum_r n_r [log |Sigma_RR| + tr(Sigma_RR^-1 S_r)],  S_r = E_r[U_R U_R']        (2)

Given Sigma, theta is generalised least squares over all equations and regimes,

    (3)  sum_r n_r sum_q (Sigma_RR^-1)_pq (Q_r[phi_p, phi_q] theta_q - Q_r[phi_p, x_q]) = 0,

and given theta, Sigma takes a step of expectation-maximisation, the errors of what is set being
missing: with B = Sigma_MR Sigma_RR^-1,

    (4)  Sigma <- sum_r n_r / N [S_r,  S_r B';  B S_r,  Sigma_MM - B Sigma_RM + B S_r B'].

Both raise (2), so that their alternation ends at its maximum.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bayes_intgen.base.types import Array, Indices

__all__ = ["Equations", "RegimeProducts", "fit_equations"]

TOLERANCE = 1e-10  # change of the log density per row
MOST_ROUNDS = 5000
INNER = 3  # steps (4) to one of (3), which costs more
LEAST_VARIANCE = 1e-12


@dataclass(frozen=True)
class RegimeProducts:
    """One regime: its equations R, the last one that of the outcome, rows and mean products Q."""

    left: Indices
    n: int
    products: Array = field(repr=False)


@dataclass(frozen=True)
class Equations:
    """The fitted system.

    Parameters
    ----------
    theta
        Coefficients of each equation over all functions, zero for those it has not; shape
        (equations, functions).
    sigma
        Covariance of the errors.
    log_density
        (2) per row, up to a constant.
    """

    theta: Array
    sigma: Array
    log_density: float


def fit_equations(
    regimes: Sequence[RegimeProducts], functions: Sequence[Indices], responses: Indices
) -> Equations:
    """Maximise (2).

    Parameters
    ----------
    regimes
        Their products are of (functions, outcome), shape (functions + 1,) * 2.
    functions
        Positions of each equation's functions phi_p.
    responses
        Position of each response x_p among the columns of the products.
    """
    sigma = np.eye(len(functions))
    previous = -np.inf
    for _ in range(MOST_ROUNDS):
        theta = _least_squares(regimes, functions, responses, sigma)
        errors = [_error_products(regime, theta, responses) for regime in regimes]
        for _ in range(INNER):
            sigma = _expect(regimes, errors, sigma)
        density = _log_density(regimes, errors, sigma)
        if density - previous < TOLERANCE:
            break
        previous = density
    return Equations(theta, sigma, density)


def _least_squares(
    regimes: Sequence[RegimeProducts],
    functions: Sequence[Indices],
    responses: Indices,
    sigma: Array,
) -> Array:
    """Solve (3); of functions that are collinear on the rows, the solution of least norm."""
    ends = np.cumsum([0, *(len(own) for own in functions)])
    place = [slice(*ends[p : p + 2]) for p in range(len(functions))]
    matrix, vector = np.zeros((ends[-1], ends[-1])), np.zeros(ends[-1])
    for regime in regimes:
        inverse = regime.n * np.linalg.inv(sigma[np.ix_(regime.left, regime.left)])
        for i, p in enumerate(regime.left):
            own = functions[p]
            for j, q in enumerate(regime.left):
                if inverse[i, j]:
                    matrix[place[p], place[q]] += (
                        inverse[i, j] * regime.products[np.ix_(own, functions[q])]
                    )
                    vector[place[p]] += inverse[i, j] * regime.products[own, responses[q]]
    spread = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    spread[spread == 0] = 1.0
    scaled = matrix / np.outer(spread, spread)
    solution = np.linalg.lstsq(scaled, vector / spread, rcond=1e-11)[0] / spread
    theta = np.zeros((len(functions), len(regimes[0].products) - 1))
    for p, own in enumerate(functions):
        theta[p, own] = solution[place[p]]
    return theta


def _error_products(regime: RegimeProducts, theta: Array, responses: Indices) -> Array:
    """Return S_r."""
    contrast = np.zeros((len(regime.left), len(regime.products)))
    contrast[:, :-1] = -theta[regime.left]
    contrast[np.arange(len(regime.left)), responses[regime.left]] += 1.0
    return np.asarray(contrast @ regime.products @ contrast.T)


def _expect(regimes: Sequence[RegimeProducts], errors: Sequence[Array], sigma: Array) -> Array:
    """Take the step (4)."""
    total, rows = np.zeros_like(sigma), sum(regime.n for regime in regimes)
    for regime, seen in zip(regimes, errors, strict=True):
        left = regime.left
        away = np.setdiff1d(np.arange(len(sigma)), left)
        slope = np.linalg.solve(sigma[np.ix_(left, left)], sigma[np.ix_(left, away)]).T  # B
        expected = np.empty_like(sigma)
        expected[np.ix_(left, left)] = seen
        expected[np.ix_(away, left)] = slope @ seen
        expected[np.ix_(left, away)] = seen @ slope.T
        rest = sigma[np.ix_(away, away)] - slope @ sigma[np.ix_(left, away)]
        expected[np.ix_(away, away)] = rest + slope @ seen @ slope.T
        total += regime.n / rows * expected
    return total + LEAST_VARIANCE * np.eye(len(sigma))


def _log_density(regimes: Sequence[RegimeProducts], errors: Sequence[Array], sigma: Array) -> float:
    """Return (2) per row."""
    total = 0.0
    for regime, seen in zip(regimes, errors, strict=True):
        block = sigma[np.ix_(regime.left, regime.left)]
        total -= (
            regime.n / 2 * (np.linalg.slogdet(block)[1] + np.trace(np.linalg.solve(block, seen)))
        )
    return float(total / sum(regime.n for regime in regimes))

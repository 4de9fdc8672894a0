"""The strength, from 0 to 1, at which a violation overturns an answer.

See :mod:`bayes_intgen.checks.sensitivity.violations` for what a strength means.
"""

import numpy as np

from bayes_intgen.base.types import Array
from bayes_intgen.checks.sensitivity.violations import shared_shift

__all__ = ["loading_needed", "product_strength", "shared_strength"]

GRID = np.linspace(0.0, 0.995, 400)
SPLITS = 60


def product_strength(gap: Array, shifts: Array, spread: float) -> tuple[Array, Array]:
    """Return the bias kappa that closes each gap, and the strength at which it is reached.

    Parameters
    ----------
    gap
        What is to be overcome, outcome's unit, not negative; shape (answers,).
    shifts
        Changes of the answers by each of the five terms at unit size, shape (5, answers).
    spread
        Standard deviation of the outcome.

    Returns
    -------
    kappa, strength
        Infinite where no strength up to one suffices; shape (answers,).
    """
    size = np.abs(shifts[0])
    kappa = np.divide(gap, size, out=np.where(gap > 0, np.inf, 0.0), where=size > 0)
    strength = np.cbrt(kappa / spread)
    return kappa, np.where(strength <= 1, strength, np.inf)


def shared_strength(gap: Array, shifts: Array, spread: float) -> Array:
    """Return the least strength at which a shared confounder, of any signs, closes each gap."""
    signs = np.array([1.0, -1.0])
    reach = np.abs(
        shared_shift(
            shifts,
            *np.broadcast_arrays(spread * GRID[:, None], GRID[:, None], GRID[:, None] * signs),
        )
    ).max(axis=1)
    reach = np.maximum.accumulate(reach, axis=0)
    strength = np.full(len(gap), np.inf)
    for i, need in enumerate(gap):
        if reach[-1, i] >= need:
            strength[i] = np.interp(need, reach[:, i], GRID)
    return strength


def loading_needed(gap: Array, shifts: Array, spread: float, correlation: float) -> Array:
    """Return the least effect of a shared confounder on the outcome, in its sd, that closes a gap.

    The correlation of the innovations is given; how it splits into rho_j and rho_k, and the signs,
    are those that do most harm.
    """
    r = min(correlation, 0.99)
    if r <= 0:
        return np.where(gap > 0, np.inf, 0.0)
    first = np.geomspace(max(r, 1e-6), 1.0, SPLITS + 2)[1:-1]
    second = r / first
    j, k = np.concatenate([first, first]), np.concatenate([second, -second])
    most = np.abs(shared_shift(shifts, np.full(len(j), spread), j, k)).max(axis=0)
    loading: Array = np.divide(gap, most, out=np.where(gap > 0, np.inf, 0.0), where=most > 0)
    return loading

"""Tail probabilities of quadratic forms in normal variables."""

import numpy as np
from scipy import optimize, stats

from bayes_intgen.base.types import Array

__all__ = ["quadratic_form_tail"]


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

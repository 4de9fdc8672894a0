"""Tail probabilities of quadratic forms in normal variables of known or estimated covariance."""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from scipy import special

from bayes_intgen.base.types import Array

__all__ = ["QuadraticForm", "quadratic_form_tail", "quadratic_form_tails"]

MOST_STEPS = 100
AT_THE_MEAN = 1e-4  # the formula is 0 / 0 there, but the tail is smooth
BESIDE = np.array([-1e-3, 1e-3])
UNCLEAR = 0.05
GRID = (-7, 5, 25)  # in standard deviations of the logarithm


def quadratic_form_tail(q: float, eigenvalues: Array) -> float:
    """Return P(sum_i lambda_i Z_i^2 > q) for independent normal Z_i: see the function below.

    Examples
    --------
    >>> round(quadratic_form_tail(3.841, np.array([1.0])), 2)  # chi-square with one degree: 0.050
    0.05
    """
    return float(quadratic_form_tails(np.array([q], dtype=float), eigenvalues)[0])


def quadratic_form_tails(q: Array, eigenvalues: Array) -> Array:
    """Return P(sum_i lambda_i Z_i^2 > q) for independent normal Z_i, by a saddlepoint.

    With the cumulant generating function K(t) = -1/2 sum_i log(1 - 2 t lambda_i) and K'(t*) = q the
    tail is 1 - Phi(w + log(v / w) / w), where w = sign(t*) sqrt(2 (t* q - K(t*))) and
    v = t* sqrt(K''(t*)); its relative error stays small far out in the tail.

    Parameters
    ----------
    q
        The observed values, shape (n,).
    eigenvalues
        The lambda_i; negative ones, which rounding may leave, count as zero.

    References
    ----------
    Kuonen (1999), "Saddlepoint approximations for distributions of quadratic forms in normal
    variables", Biometrika 86.
    """
    lam = eigenvalues[eigenvalues > 1e-12 * max(float(eigenvalues.max(initial=0.0)), 1e-300)]
    tails = np.ones(len(q))
    above = q > 0
    if len(lam) == 0 or not above.any():
        return tails
    lam, q = lam / lam.max(), q / float(lam.max())
    if len(lam) == 1 or np.ptp(lam) < 1e-9:
        tails[above] = special.chdtrc(len(lam), q[above])
        return tails
    mean = float(lam.sum())
    middle = above & (np.abs(q - mean) < AT_THE_MEAN * mean)
    usual = above & ~middle
    tails[usual] = _saddlepoint(q[usual], lam)
    for i in np.flatnonzero(middle):
        tails[i] = _saddlepoint(q[i] * (1 + BESIDE), lam).mean()
    return tails


def _saddlepoint(q: Array, lam: Array) -> Array:
    """Return the tails at some q, none at the mean; the largest lambda is one."""
    t = _solve(q, lam)
    left = 1 - 2 * t[:, None] * lam
    cumulant = -0.5 * np.log1p(-2 * t[:, None] * lam).sum(axis=1)
    w = np.sign(t) * np.sqrt(np.maximum(2 * (t * q - cumulant), 0.0))
    v = t * np.sqrt(2 * ((lam / left) ** 2).sum(axis=1))
    return np.asarray(special.ndtr(-(w + np.log(v / w) / w)))


def _solve(q: Array, lam: Array) -> Array:
    """Return t with K'(t) = sum_i lambda_i / (1 - 2 t lambda_i) = q, by Newton steps.

    K' runs from 0 at minus infinity to infinity at t = 1/2. With s = 1 / (1 - 2 t) the equation is
    sum_i lambda_i s / (lambda_i + (1 - lambda_i) s) = q. Its left side rises in s, the more slowly
    the larger s is, so that Newton steps from below q rise towards the root without passing it; its
    slope at s = 0 is the number of lambda_i, so that q over this number is below.
    """
    s = q / len(lam)
    for _ in range(MOST_STEPS):
        share = s[:, None] / (lam + (1 - lam) * s[:, None])
        step = (q - share @ lam) / ((share / s[:, None]) ** 2 @ lam**2)
        s = s + step
        if (np.abs(step) <= 1e-13 * s).all():
            break
    t = 0.5 * (s - 1) / s
    # near the mean t is near zero, and what is left of q counts relative to it: K'(t) - K'(0)
    rise = lam**2 / (1 - 2 * t[:, None] * lam)
    left = q - lam.sum() - 2 * t * rise.sum(axis=1)
    return np.asarray(t + left / (2 * (rise**2 / lam**2).sum(axis=1)))


@dataclass(frozen=True)
class QuadraticForm:
    """The value q = s's of a form in normal s, with an estimate of Cov(s).

    Parameters
    ----------
    value
        The observed value q.
    covariance
        The estimate of Cov(s).
    freedom
        Degrees of freedom of this estimate.

    Examples
    --------
    >>> round(QuadraticForm(3.0**2, np.eye(1), 20.0).tail, 4)  # Student's t: 0.0071
    0.0071
    """

    value: float
    covariance: Array
    freedom: float

    @cached_property
    def rough_tail(self) -> float:
        """Satterthwaite's approximation of :attr:`tail`, from the first two moments of s's."""
        total = float(np.trace(self.covariance))
        squares = float(np.vdot(self.covariance, self.covariance))
        if squares <= 0:
            return 1.0
        return float(special.fdtrc(total**2 / squares, max(self.freedom, 1.0), self.value / total))

    @cached_property
    def tail(self) -> float:
        """P(s's > q F), with F a chi-square over its degrees of freedom, integrated over a grid.

        Above 0.05 it is the rough one, which is off by at most a tenth there.
        """
        if self.rough_tail > UNCLEAR:
            return self.rough_tail
        eigenvalues = np.linalg.eigvalsh(self.covariance)
        freedom = max(self.freedom, 1.0)
        steps = np.linspace(*GRID) * sqrt(2 / freedom)  # of log F
        ratios = np.exp(steps)
        shares = np.exp(freedom / 2 * (steps - ratios + 1))  # of log F, up to a factor
        tails = quadratic_form_tails(self.value * ratios, eigenvalues)
        return float(shares @ tails / shares.sum())

"""Tail probability of a quadratic form whose covariance is estimated."""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from scipy import special

from bayes_intgen.base.types import Array
from bayes_intgen.inference.verdicts.quadratic_form import quadratic_form_tails

__all__ = ["QuadraticForm"]

UNCLEAR = 0.05
GRID = (-7, 5, 25)  # in standard deviations of the logarithm


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

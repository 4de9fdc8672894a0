"""Two violations of pairwise confounding, as terms that they add to the mean of each regime.

Hidden variables are standardised. Where action k is left alone its confounder shows in the
innovation z_k (:mod:`bayes_intgen.checks.sensitivity.innovations`) with correlation rho_k; linear
and Gaussian mechanisms give E[C_k | a] = rho_k z_k. Where A_k is set, C_k does not show.

**Product.** Y has a further term gamma C_j C_k. As C_j and C_k are independent given the actions,

    delta_S(a) = gamma rho_j rho_k z_j z_k     if S leaves both alone, else 0.

What matters is the bias kappa = gamma rho_j rho_k that observational rows show, in the outcome's
unit. At strength s, by which gamma is s standard deviations of the outcome and rho_j = rho_k = s,
kappa = s^3 sd(Y).

**Shared confounder.** W moves A_j, A_k and Y, the latter by lambda W. Given both innovations, whose
correlation is rho_j rho_k, normal distributions give

    E[W | a] = (rho_j (1 - rho_k^2) z_j + rho_k (1 - rho_j^2) z_k) / (1 - rho_j^2 rho_k^2)

if S leaves both alone, rho_k z_k if it sets j only, rho_j z_j if it sets k only, and 0 if both;
delta_S = lambda E[W | a]. At strength s, lambda = s sd(Y) and rho_j = rho_k = s up to signs, so
that W explains the share s^2 of the variance of the outcome and of each innovation. For Theorem 1
with two actions the error is lambda s^3 (z_j + z_k) / (1 + s^2).

One strength for all arrows follows Cinelli and Hazlett's robustness value.

References
----------
Cinelli and Hazlett (2020), "Making sense of sensitivity: extending omitted variable bias", Journal
of the Royal Statistical Society B 82.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.checks.sensitivity.innovations import Innovation

__all__ = ["PairTerm", "product_shift", "shared_shift", "terms_of"]


@dataclass(frozen=True)
class PairTerm:
    """A product of innovations of a pair, in regimes that set a given part of it."""

    pair: tuple[str, str]
    innovations: tuple[Innovation, Innovation]  # z_j and z_k
    pattern: tuple[str, ...]  # the part of the pair that is set where the term is present
    factors: tuple[int, ...]  # which innovations are multiplied: positions in the pair

    def __call__(self, regime: Regime, phi: Array, values: Array) -> Array | None:
        """Evaluate the term at some rows of a regime."""
        if {*self.pair} & {*regime} != {*self.pattern}:
            return None
        result: Array = np.ones(len(values))
        for factor in self.factors:
            result = result * self.innovations[factor](phi, values)
        return result


def terms_of(
    pair: tuple[str, str], innovations: tuple[Innovation, Innovation]
) -> tuple[PairTerm, ...]:
    """Return the five terms that both violations of a pair are made of.

    The product; z_j and z_k where both are left alone; z_k where j is set; z_j where k is set.
    """
    first, second = pair
    made = [
        ((), (0, 1)),
        ((), (0,)),
        ((), (1,)),
        ((first,), (1,)),
        ((second,), (0,)),
    ]
    return tuple(PairTerm(pair, innovations, pattern, factors) for pattern, factors in made)


def product_shift(shifts: Array, kappa: npt.ArrayLike) -> Array:
    """Return the change of answers by a product of bias kappa, of any shape, in the outcome's unit.

    ``shifts``: changes by each of the five terms at unit size, shape (5, answers).
    """
    change: Array = np.multiply.outer(np.asarray(kappa, dtype=float), shifts[0])
    return change


def shared_shift(
    shifts: Array, loading: npt.ArrayLike, first: npt.ArrayLike, second: npt.ArrayLike
) -> Array:
    """Return the change of answers by a confounder that both actions share, shape (..., answers).

    ``shifts``: as in :func:`product_shift`; ``loading``: lambda, outcome's unit; ``first`` and
    ``second``: rho_j and rho_k, strictly between -1 and 1; all three of one shape.
    """
    size, j, k = (np.asarray(values, dtype=float) for values in (loading, first, second))
    rest = 1 - (j * k) ** 2
    coefficients = (j * (1 - k**2) / rest, k * (1 - j**2) / rest, k, j)  # E[W | a]
    terms = zip(coefficients, shifts[1:], strict=True)
    total = sum(np.multiply.outer(coefficient, shift) for coefficient, shift in terms)
    return np.asarray(size[..., None] * total)

"""Synthetic structural causal models whose joint effect is known in closed form."""

from bayes_intgen.scm.noise import Noise, Seed
from bayes_intgen.scm.polynomial import Polynomial, PolynomialSCM, sample_polynomial_scm

__all__ = ["Noise", "Polynomial", "PolynomialSCM", "Seed", "sample_polynomial_scm"]

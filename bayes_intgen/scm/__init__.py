"""Synthetic structural causal models whose joint effect is known in closed form."""

from bayes_intgen.scm.draw import sample_polynomial_scm
from bayes_intgen.scm.noise import Noise
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.polynomial_scm import PolynomialSCM
from bayes_intgen.scm.seeds import Seed

__all__ = ["Noise", "Polynomial", "PolynomialSCM", "Seed", "sample_polynomial_scm"]

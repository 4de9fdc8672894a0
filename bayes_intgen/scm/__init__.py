"""Synthetic structural causal models whose effects are known."""

from bayes_intgen.scm.common_support import sample_common_support_scm
from bayes_intgen.scm.draw import sample_polynomial_scm
from bayes_intgen.scm.linear import sample_linear_scm
from bayes_intgen.scm.noise import Noise
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.polynomial_scm import PolynomialSCM
from bayes_intgen.scm.protocol import SCM
from bayes_intgen.scm.seeds import Seed

__all__ = [
    "SCM",
    "Noise",
    "Polynomial",
    "PolynomialSCM",
    "Seed",
    "sample_common_support_scm",
    "sample_linear_scm",
    "sample_polynomial_scm",
]

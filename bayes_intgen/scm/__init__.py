"""Synthetic structural causal models whose effects are known."""

from bayes_intgen.scm import examples as examples
from bayes_intgen.scm.common_support import sample_common_support_scm
from bayes_intgen.scm.discrete_draw import sample_discrete_scm
from bayes_intgen.scm.discrete_scm import DiscreteSCM
from bayes_intgen.scm.discrete_variables import DiscreteMechanism, DiscreteNoise
from bayes_intgen.scm.indistinguishable import indistinguishable_scms
from bayes_intgen.scm.linear import sample_linear_scm
from bayes_intgen.scm.noise import Noise
from bayes_intgen.scm.partition_draw import sample_partition_scm
from bayes_intgen.scm.partition_scm import PartitionSCM
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.polynomial_draw import sample_polynomial_scm
from bayes_intgen.scm.polynomial_scm import PolynomialSCM
from bayes_intgen.scm.protocol import SCM
from bayes_intgen.scm.seeds import Seed
from bayes_intgen.scm.shared_noise_draw import (
    sample_correlated_noise_scm,
    sample_shared_confounder_scm,
)
from bayes_intgen.scm.shared_noise_scm import SharedNoiseSCM

__all__ = [
    "SCM",
    "DiscreteMechanism",
    "DiscreteNoise",
    "DiscreteSCM",
    "Noise",
    "PartitionSCM",
    "Polynomial",
    "PolynomialSCM",
    "Seed",
    "SharedNoiseSCM",
    "indistinguishable_scms",
    "sample_common_support_scm",
    "sample_correlated_noise_scm",
    "sample_discrete_scm",
    "sample_linear_scm",
    "sample_partition_scm",
    "sample_polynomial_scm",
    "sample_shared_confounder_scm",
]

"""A rough guess of the size of a feature's weight, relative to others: the smoother, the larger.

For what is decided before the hyperparameters are known: variance functions and tests.
"""

from math import exp, pi, sqrt

from bayes_intgen.design.basis.features import FeatureMap

__all__ = ["relative_scale"]

LENGTHSCALE = 0.6


def relative_scale(features: FeatureMap, column: int) -> float:
    """Return the root spectral density at a lengthscale of 0.6 half-widths; one if not a wave."""
    scale = 1.0
    for action, position in features.features[column].factors:
        frequency = features.bases[action].functions[position].frequency
        if frequency is not None:
            decay = exp(-((LENGTHSCALE * frequency) ** 2) / 2)
            scale *= sqrt(sqrt(2 * pi) * LENGTHSCALE * decay)
    return scale

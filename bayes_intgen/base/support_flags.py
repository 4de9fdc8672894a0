"""Support flags of a query point: how far it reaches beyond the data, or beyond what can be.

What each of them takes is written in :mod:`bayes_intgen.posterior.support`; ``misfit`` marks points
within the data of a fit that misses them (:mod:`bayes_intgen.posterior.misfit_flags`).
"""

__all__ = ["BEYOND", "EXTRAPOLATED", "IMPOSSIBLE", "MISFIT", "OUTSIDE", "SUPPORTED"]

SUPPORTED = "supported"
MISFIT = "misfit"
EXTRAPOLATED = "extrapolated"
OUTSIDE = "outside"
BEYOND = "beyond"
IMPOSSIBLE = "impossible"

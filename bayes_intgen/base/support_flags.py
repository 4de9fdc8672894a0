"""Support flags of a query point: how far it reaches beyond the data, or beyond what can be.

What each of them takes is written in :mod:`bayes_intgen.posterior.support`.
"""

__all__ = ["BEYOND", "EXTRAPOLATED", "IMPOSSIBLE", "OUTSIDE", "SUPPORTED"]

SUPPORTED = "supported"
EXTRAPOLATED = "extrapolated"
OUTSIDE = "outside"
BEYOND = "beyond"
IMPOSSIBLE = "impossible"

"""Regime-labelled samples: reading, validating and iterating over them."""

from bayes_intgen.data.points import Beyond, Points
from bayes_intgen.data.regime_data import RegimeData

__all__ = ["Beyond", "Points", "RegimeData"]

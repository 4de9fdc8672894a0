"""Estimands: what is asked of a fit beside its expected outcomes, all from the same draws."""

from bayes_intgen.estimands.average import average_contrast, average_outcome
from bayes_intgen.estimands.best_action import BestAction, best_action
from bayes_intgen.estimands.contrast import Contrast, contrast
from bayes_intgen.estimands.decomposition import decomposition
from bayes_intgen.estimands.dose_response import dose_response
from bayes_intgen.estimands.probability import probability
from bayes_intgen.estimands.synergy import synergy

__all__ = [
    "BestAction",
    "Contrast",
    "average_contrast",
    "average_outcome",
    "best_action",
    "contrast",
    "decomposition",
    "dose_response",
    "probability",
    "synergy",
]

"""Bases: the features that components are linear in."""

from bayes_intgen.basis.action import ActionBasis, BasisFunction, BasisSpec
from bayes_intgen.basis.categorical import Categorical
from bayes_intgen.basis.choice import BasisChoice, check_choice, freeze_bases, match_bases
from bayes_intgen.basis.features import Feature, FeatureMap
from bayes_intgen.basis.hsgp import HSGP
from bayes_intgen.basis.polynomial import Polynomial
from bayes_intgen.basis.smoothness import relative_scale

__all__ = [
    "HSGP",
    "ActionBasis",
    "BasisChoice",
    "BasisFunction",
    "BasisSpec",
    "Categorical",
    "Feature",
    "FeatureMap",
    "Polynomial",
    "check_choice",
    "freeze_bases",
    "match_bases",
    "relative_scale",
]

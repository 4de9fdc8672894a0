"""Sensitivity to what data cannot show: how strong a violation would overturn a conclusion."""

from bayes_intgen.sensitivity.analysis import sensitivity
from bayes_intgen.sensitivity.result import Sensitivity

__all__ = ["Sensitivity", "sensitivity"]

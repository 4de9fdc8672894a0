"""Falsification: what the data say against the assumptions, relative to a rung of the ladder."""

from bayes_intgen.checks.result import Checks
from bayes_intgen.checks.suite import check

__all__ = ["Checks", "check"]

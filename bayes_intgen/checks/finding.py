"""One test of the suite of checks: its subject, its result and its meaning.

The false alarms of the whole suite are held at 6%: each check has a share of that level, which
Bonferroni divides over its tests. A test fails when its p-value is at most its level and its
effect at least the least effect of its check: with many rows, deviations too small to matter are
certain and are no failure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isnan, nan
from types import MappingProxyType
from typing import Literal

__all__ = ["LEVELS", "CheckName", "Finding", "share_level"]

type CheckName = Literal[
    "additivity", "bias", "scale", "mechanism", "variance", "surplus", "sharing"
]

LEVELS: Mapping[CheckName, float] = MappingProxyType(
    {
        "additivity": 0.01,
        "bias": 0.01,
        "mechanism": 0.015,
        "variance": 0.01,
        "surplus": 0.015,
        "sharing": 0.01,
    }
)
"""Level of each check over all its tests; additivity and bias share one. They sum to 6%.

The check of the scale, which only outcomes with another natural one have, adds its own 1%
(:mod:`bayes_intgen.inference.verdicts.scale_of_additivity`).
"""


@dataclass(frozen=True)
class Finding:
    """The outcome of one test.

    Parameters
    ----------
    check
        ``additivity`` of the causal part, ``bias`` that depends on an action and its parents only,
        ``scale`` on which effects add up,
        ``mechanism`` of an action that is the same in all regimes, ``variance`` that follows the
        sum rule of the mean, ``surplus`` experiments predicted from the others, or ``sharing`` of a
        confounder that modifies nothing.
    subject
        The actions or the regime in question.
    statistic
        Observed value; NaN if the check could not be made.
    null
        Its distribution if nothing is wrong.
    p_value
        Not adjusted for the number of tests.
    effect
        Size of the deviation, outcome's unit.
    relative
        The same as a share of a natural spread (which one, the check says).
    least
        Least ``relative`` that is called a failure.
    meaning
        What a failure means and what to do, or why there was no test.
    level
        Level of this test.
    allowed
        Whether the interactions that are judged allow the deviation: then it is no failure.
    """

    check: CheckName
    subject: str
    statistic: float
    null: str
    p_value: float
    effect: float
    relative: float
    least: float
    meaning: str
    level: float = 0.0
    allowed: bool = False

    @classmethod
    def untestable(cls, check: CheckName, subject: str, reason: str) -> "Finding":
        """Say why there is no test."""
        return cls(check, subject, nan, "", nan, nan, nan, nan, f"not testable: {reason}")

    @property
    def tested(self) -> bool:
        """Whether there was a test."""
        return not isnan(self.p_value)

    @property
    def seen(self) -> bool:
        """Whether the deviation is beyond chance and large enough to matter."""
        return self.tested and self.p_value <= self.level and self.relative >= self.least

    @property
    def failed(self) -> bool:
        """Whether a deviation is seen that the judged interactions do not allow."""
        return self.seen and not self.allowed

    @property
    def verdict(self) -> str:
        """``failed``, ``allowed`` (seen, and the interactions allow it), ``passed`` or neither."""
        if not self.tested:
            return "not testable"
        return "failed" if self.failed else "allowed" if self.seen else "passed"


def share_level(findings: Iterable[Finding], level: float) -> list[Finding]:
    """Divide a level evenly over the findings that were tested."""
    listed = list(findings)
    tests = max(sum(finding.tested for finding in listed), 1)
    return [replace(finding, level=level / tests) for finding in listed]

"""The result of the test whether effects add up on another scale, and what can be done about it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bayes_intgen.data.outcome_kind import OutcomeKind

__all__ = ["LEAST_BEND", "LINKS", "AdditiveScale"]

LEVEL = 0.01
LEAST_BEND = 0.4  # of the link's bend; see the module that tests

type Link = Literal["log", "logit"]

LINKS: Mapping[OutcomeKind, Link] = {
    "binary": "logit",
    "proportion": "logit",
    "count": "log",
    "positive": "log",
}
"""The other scale on which effects on an outcome of some kind often add up."""


@dataclass(frozen=True)
class AdditiveScale:
    """Whether the data speak for effects that add up on another scale.

    Parameters
    ----------
    kind
        That of the outcome.
    statistic
        The standardised score of a departure in the direction of the link; standard normal if the
        expected outcome is additive.
    p_value
        One-sided.
    size
        Estimated spread of what an additive model leaves out, in the outcome's unit.
    has_ends
        Whether outcomes lie where the link is infinite: at zero, or for proportions at one.
    share
        Estimated share of the link's bend: about one, or more, where effects add up on its scale.
    """

    kind: OutcomeKind
    statistic: float
    p_value: float
    size: float
    has_ends: bool
    share: float = 1.0

    @property
    def link(self) -> Link:
        """The other scale: of log E[Y], or of log odds."""
        return LINKS[self.kind]

    @property
    def ok(self) -> bool:
        """Whether the data do not speak for the other scale: no bend at level 1%, or too slight."""
        return self.p_value > LEVEL or self.share < LEAST_BEND

    @property
    def remedy(self) -> str:
        """What to do if it is not, and how that changes the question."""
        if self.kind == "binary":
            return (
                "No function of single rows that are 0 or 1 mends this. interactions='pairwise' or "
                "'all' follows the actions, but not confounders whose log odds add up: check the "
                "answers by some rows in which all actions are set"
            )
        if self.has_ends:
            ends = "zeros" if self.link == "log" else "values of 0 or 1"
            return (
                f"There are {ends}, so that the {self.link} of the outcome is no remedy. "
                f"interactions='pairwise' or 'all' follows the actions, but not confounders whose "
                f"effects multiply: check the answers by some rows in which all actions are set"
            )
        if self.link == "log":
            return (
                "Remedy: fit log Y in its place. The question then is E[log Y | do(a)]; the "
                "exponential of a contrast is a ratio of geometric means, not of means, and no "
                "difference in units of Y"
            )
        return (
            "Remedy: fit log(Y / (1 - Y)) in its place. The question then is its mean; the "
            "exponential of a contrast is a ratio of odds, and no difference of proportions"
        )

    def to_text(self) -> str:
        """Write everything as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "AdditiveScale":
        """Rebuild from :meth:`to_text`."""
        state: Mapping[str, Any] = json.loads(text)
        return cls(**state)

    def __str__(self) -> str:
        other = "log E[Y]" if self.link == "log" else "the log odds of E[Y]"
        if self.ok and self.p_value <= LEVEL:
            return (
                f"scale: the expected outcome bends a little (p {self.p_value:.1g}; an additive "
                f"model is off by {self.size:.3g}), by {self.share:.0%} of what effects that add "
                f"up in {other} would"
            )
        if self.ok:
            return (
                f"scale: nothing speaks for effects that add up in {other} (p {self.p_value:.2g})"
            )
        return (
            f"ANOTHER SCALE: effects seem to add up in {other}, not in E[Y] (p {self.p_value:.1g}; "
            f"an additive model is off by {self.size:.3g}). {self.remedy}."
        )

"""The result of the test of additivity: which ``interactions`` the data need."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import nan
from typing import Any, Literal

import pandas as pd

from bayes_intgen.design.design import INTERACTIONS, Interactions

__all__ = ["Additivity", "InteractionKind", "InteractionTest"]

LEVEL = 0.01

type InteractionKind = Literal["interaction", "bias"]


@dataclass(frozen=True)
class InteractionTest:
    """The evidence on one interaction that ``interactions="none"`` do not allow.

    Parameters
    ----------
    kind
        ``interaction`` of two actions in the causal part, or ``bias`` of the first that depends on
        the second.
    actions
        The two actions; the first may be a block, by its label.
    p_value
        Of no interaction, not adjusted for the number of pairs.
    effect
        Estimated spread (standard deviation over the data) of what is left out, outcome's unit.
    statistic
        The quadratic form of the scores over its expectation, which is one without an interaction;
        NaN in files that did not keep it.
    """

    kind: InteractionKind
    actions: tuple[str, str]
    p_value: float
    effect: float
    statistic: float = nan

    def __str__(self) -> str:
        first, second = self.actions
        what = (
            f"{first} x {second}" if self.kind == "interaction" else f"bias of {first} on {second}"
        )
        return f"{what} (p {self.p_value:.1g}, {self.effect:.3g})"


@dataclass(frozen=True)
class Additivity:
    """Whether the interactions of a fit are wide enough for its data.

    Parameters
    ----------
    fitted
        The interactions of the fit.
    tests
        The evidence on every pair of actions, against ``interactions="none"``.
    """

    fitted: Interactions
    tests: tuple[InteractionTest, ...] = field(repr=False)

    @property
    def needed_interactions(self) -> Interactions:
        """The narrowest interactions that allow everything found at level 1%."""
        kinds = {test.kind for test in self.found}
        return "all" if "bias" in kinds else "pairwise" if kinds else "none"

    @property
    def found(self) -> tuple[InteractionTest, ...]:
        """The interactions that were found, the clearest first."""
        level = LEVEL / max(len(self.tests), 1)
        rejected = [test for test in self.tests if test.p_value <= level]
        return tuple(sorted(rejected, key=lambda test: test.p_value))

    @property
    def ok(self) -> bool:
        """Whether the interactions of the fit allow everything found."""
        return INTERACTIONS.index(self.needed_interactions) <= INTERACTIONS.index(self.fitted)

    @property
    def table(self) -> pd.DataFrame:
        """A row per test: ``kind``, ``actions``, ``p_value``, ``effect`` and ``found``."""
        rows = [
            {**asdict(test), "actions": " ".join(test.actions), "found": test in self.found}
            for test in self.tests
        ]
        return pd.DataFrame(rows, columns=["kind", "actions", "p_value", "effect", "found"])

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON types."""
        # "departures" is what files of the first version call the tests
        return {"fitted": self.fitted, "departures": [asdict(test) for test in self.tests]}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "Additivity":
        """Rebuild the result from :meth:`to_dict`."""
        tests = [{**test, "actions": tuple(test["actions"])} for test in state["departures"]]
        return cls(state["fitted"], tuple(InteractionTest(**test) for test in tests))

    def __str__(self) -> str:
        if not self.tests:
            return "additivity: one action or block, nothing to check"
        if not self.found:
            least = min(test.p_value for test in self.tests)
            lower = "; interactions='none' would do" if self.fitted != "none" else ""
            tests = f"{len(self.tests)} tests, least p {least:.2g}"
            return f"additivity: no interaction seen ({tests}){lower}"
        clearest = ", ".join(map(str, self.found[:3])) + (", ..." if len(self.found) > 3 else "")
        if self.ok:
            return f"additivity: interactions={self.fitted!r} allows what is seen: {clearest}"
        return (
            f"ADDITIVITY FAILS: the data need interactions={self.needed_interactions!r}, the fit "
            f"has {self.fitted!r}. Seen: {clearest}. A dependence between these actions that the "
            f"structure misses looks the same."
        )

"""What the test of additivity found, and which rung of the ladder of interactions that takes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import nan
from typing import Any, Literal

import pandas as pd

from bayes_intgen.design.design import INTERACTIONS, Interactions

__all__ = ["Additivity", "Departure", "DepartureKind"]

LEVEL = 0.01

type DepartureKind = Literal["interaction", "bias"]


@dataclass(frozen=True)
class Departure:
    """The evidence on one way of departing from additivity.

    Parameters
    ----------
    kind
        ``interaction`` of two actions in the causal part, or ``bias`` of the first that depends on
        the second.
    actions
        The two actions; the first may be a block, by its label.
    p_value
        Of no departure, not adjusted for the number of pairs.
    effect
        Estimated spread (standard deviation over the data) of what is left out, outcome's unit.
    statistic
        The quadratic form of the scores over its expectation, which is one without a departure;
        NaN in files that did not keep it.
    """

    kind: DepartureKind
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
    """Whether the rung of a fit is high enough for its data.

    Parameters
    ----------
    fitted
        The rung of the fit.
    departures
        The evidence on every pair of actions, against the lowest rung.
    """

    fitted: Interactions
    departures: tuple[Departure, ...] = field(repr=False)

    @property
    def needed_rung(self) -> Interactions:
        """The lowest rung with room for everything found at level 1%."""
        found = {departure.kind for departure in self.found}
        return "all" if "bias" in found else "pairwise" if found else "none"

    @property
    def found(self) -> tuple[Departure, ...]:
        """The departures that were found, the clearest first."""
        level = LEVEL / max(len(self.departures), 1)
        found = [departure for departure in self.departures if departure.p_value <= level]
        return tuple(sorted(found, key=lambda departure: departure.p_value))

    @property
    def ok(self) -> bool:
        """Whether the rung of the fit has room for everything found."""
        return INTERACTIONS.index(self.needed_rung) <= INTERACTIONS.index(self.fitted)

    @property
    def table(self) -> pd.DataFrame:
        """A row per departure: ``kind``, ``actions``, ``p_value``, ``effect`` and ``found``."""
        rows = [
            {
                **asdict(departure),
                "actions": " ".join(departure.actions),
                "found": departure in self.found,
            }
            for departure in self.departures
        ]
        return pd.DataFrame(rows, columns=["kind", "actions", "p_value", "effect", "found"])

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON types."""
        return {"fitted": self.fitted, "departures": [asdict(part) for part in self.departures]}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "Additivity":
        """Rebuild the result from :meth:`to_dict`."""
        parts = [{**part, "actions": tuple(part["actions"])} for part in state["departures"]]
        return cls(state["fitted"], tuple(Departure(**part) for part in parts))

    def __str__(self) -> str:
        if not self.departures:
            return "additivity: one action or block, nothing to check"
        if not self.found:
            least = min(departure.p_value for departure in self.departures)
            lower = "; interactions='none' would do" if self.fitted != "none" else ""
            tests = f"{len(self.departures)} tests, least p {least:.2g}"
            return f"additivity: no interaction seen ({tests}){lower}"
        clearest = ", ".join(map(str, self.found[:3])) + (", ..." if len(self.found) > 3 else "")
        if self.ok:
            return f"additivity: interactions={self.fitted!r} has room for what is seen: {clearest}"
        return (
            f"ADDITIVITY FAILS: the data need interactions={self.needed_rung!r}, the fit has "
            f"{self.fitted!r}. Seen: {clearest}. A dependence between these actions that the "
            f"structure misses looks the same."
        )

"""The result of the test of additivity: which ``interactions`` the data need."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite, nan
from typing import Any, Literal

import pandas as pd

from bayes_intgen.design.interactions import (
    NO_TERMS,
    InteractionClass,
    Interactions,
    InteractionTerms,
)

__all__ = ["Additivity", "InteractionKind", "InteractionTest"]

LEVEL = 0.01
OPEN = 0.1  # of a single test, above which an interaction may be left out for good

type InteractionKind = Literal["interaction", "bias", "modified effect", "modified bias"]


@dataclass(frozen=True)
class InteractionTest:
    """The evidence on one interaction that a fit does not allow.

    Parameters
    ----------
    kind
        ``interaction`` of two or three actions in the causal part, ``bias`` of the first that
        depends on the others, ``modified effect`` or ``modified bias`` of the first by a covariate.
    actions
        The two or three actions, or an action and a covariate; the first of a bias may be a block,
        by its label.
    p_value
        Of no interaction, not adjusted for the number of pairs.
    effect
        Estimated spread (standard deviation over the data) of what is left out, outcome's unit.
    statistic
        The quadratic form of the scores over its expectation, which is one without an interaction;
        NaN in files that did not keep it.
    least
        Spread of an interaction of two actions that this test would see in four cases of five,
        outcome's unit (:mod:`bayes_intgen.inference.verdicts.interaction_scores`); None for
        other tests, and in files that did not keep it.
    """

    kind: InteractionKind
    actions: tuple[str, ...]
    p_value: float
    effect: float
    statistic: float = nan
    least: float | None = None

    @property
    def terms(self) -> InteractionTerms:
        """What a design needs to allow it."""
        if self.kind == "interaction":
            return InteractionTerms(effect=(self.actions,))
        first, *others = self.actions
        own = tuple(first.split("+"))
        if self.kind.startswith("modified"):
            part = self.kind.removeprefix("modified ")
            return InteractionTerms(modified=((part, own, others[0]),))
        return InteractionTerms(bias=((own, (*own, *others)),))

    def __str__(self) -> str:
        first, *others = self.actions
        match self.kind:
            case "interaction":
                what = " x ".join(self.actions)
            case "bias":
                what = f"bias of {first} on {' and '.join(others)}"
            case _:
                what = f"{self.kind.removeprefix('modified ')} of {first} by {others[0]}"
        return f"{what} (p {self.p_value:.1g}, {self.effect:.3g})"


@dataclass(frozen=True)
class Additivity:
    """Whether the interactions of a fit are wide enough for its data.

    Parameters
    ----------
    fitted
        The interactions of the fit.
    tests
        The evidence on every pair and triple of actions, against a fit without interactions.
    terms
        What the data need, selected at level 1% over all tests; with ``"learned"``, what was used,
        selected at level 5% of each round.
    evidence
        The probability of each class of interactions, alike beforehand (a score approximation; of
        the first round).
    missing
        What the data need and the fit does not have.
    """

    fitted: Interactions
    tests: tuple[InteractionTest, ...] = field(repr=False)
    terms: InteractionTerms = NO_TERMS
    evidence: Mapping[str, float] = field(default_factory=dict)
    missing: InteractionTerms = NO_TERMS

    @property
    def needed_interactions(self) -> InteractionClass:
        """The narrowest class of interactions that allows all terms which the data need."""
        return self.terms.union(self.missing).needed_class

    @property
    def found(self) -> tuple[InteractionTest, ...]:
        """The interactions that were found, the clearest first."""
        level = LEVEL / max(len(self.tests), 1)
        rejected = [test for test in self.tests if test.p_value <= level]
        return tuple(sorted(rejected, key=lambda test: test.p_value))

    def misses(self, test: InteractionTest) -> bool:
        """Say whether what a test is about, or what holds it, is among what the fit lacks."""
        terms, missing = test.terms, self.missing
        return any({*own} <= {*names} for own in terms.effect for names in missing.effect) or any(
            block == other and {*own} <= {*names}
            for block, own in terms.bias
            for other, names in missing.bias
        )

    @property
    def ok(self) -> bool:
        """Whether the fit has all that the data need."""
        return not self.missing

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
        known = [{k: v for k, v in asdict(t).items() if v is not None} for t in self.tests]
        tests: dict[str, Any] = {"fitted": self.fitted, "departures": known}
        if not self.evidence:
            return tests
        return tests | {
            "terms": self.terms.to_dict(),
            "evidence": dict(self.evidence),
            "missing": self.missing.to_dict(),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "Additivity":
        """Rebuild the result from :meth:`to_dict`; files of the first version have tests only."""
        made = [{**test, "actions": tuple(test["actions"])} for test in state["departures"]]
        tests = tuple(InteractionTest(**test) for test in made)
        if "terms" not in state:
            return _from_tests(state["fitted"], tests)
        terms, missing = (InteractionTerms.from_dict(state[name]) for name in ("terms", "missing"))
        return cls(state["fitted"], tests, terms, state["evidence"], missing)

    def __str__(self) -> str:
        if not self.tests:
            return "additivity: one action or block, nothing to check"
        if self.missing:
            cure = "use interactions='learned'"
            if self.fitted == "learned":
                cure = (
                    "the fit could not take that up: its basis has no such products (HSGP() has), "
                    "or they are too many weights, or lift tests do not determine them"
                )
            return (
                f"ADDITIVITY FAILS: beyond interactions={self.fitted!r} the data need "
                f"{self.missing}; {cure}. Clearest: {self._clearest}. A dependence between these "
                f"actions that the structure misses looks the same."
            )
        if self.terms:
            sure = ", ".join(f"{name} {share:.2f}" for name, share in self.evidence.items())
            odds = f" (probability of each class: {sure})" if sure else ""
            if self.fitted == "learned":
                looks = (
                    ". A shared confounder, or a dependence that the structure misses, looks the "
                    "same as such a bias: see bayes_intgen.check"
                    if self.terms.bias
                    else ""
                )
                return f"interactions, learned: {self.terms}{odds}{looks}"
            return (
                f"additivity: interactions={self.fitted!r} allows what is seen: {self.terms}{odds}"
            )
        least = min(test.p_value for test in self.tests)
        return (
            f"additivity: no interaction found ({len(self.tests)} tests, least p {least:.2g}"
            f"{self._odds}); {self._advice}"
        )

    @property
    def missable(self) -> str:
        """How small an interaction of two actions is that the tests could miss, in words."""
        known = [test.least for test in self.tests if test.least is not None]
        sizes = [size for size in known if isfinite(size)]
        if not sizes:
            return "these rows could not show one" if known else "small ones could be missed"
        low, high = (f"{size:.2g}" for size in (min(sizes), max(sizes)))
        size = high if low == high else f"{low} to {high}"
        blind = len(known) - len(sizes)
        more = f", and any of {blind} further pairs" if blind else ""
        return (
            f"one with a spread (sd over the rows) below {size} in the outcome could be "
            f"missed{more}"
        )

    @property
    def open(self) -> tuple[InteractionTest, ...]:
        """Interactions in the effect that were not found, and not ruled out either."""
        left = [test for test in self.tests if test.kind == "interaction" and test.p_value <= OPEN]
        return tuple(sorted(left, key=lambda test: test.p_value))

    @property
    def _advice(self) -> str:
        if self.fitted in ("none", "learned"):
            if not any(test.kind == "interaction" for test in self.tests):
                return self.missable
            return f"{self.missable}: interactions='pairwise' counts it in its intervals"
        if not self.open:
            return f"interactions='none' would do ({self.missable})"
        return (
            f"but {self.open[0]} is not ruled out: interactions={self.fitted!r} counts it in its "
            f"intervals, and interactions='none' would not"
        )

    @property
    def _odds(self) -> str:
        most = max(self.evidence.values(), default=1.0)
        if self.evidence.get("none", 0.0) < most:
            return ""
        return f"; probability {self.evidence['none']:.2f}"

    @property
    def _clearest(self) -> str:
        found = sorted(self.tests, key=lambda test: test.p_value)[:3]
        return ", ".join(map(str, found))


def _from_tests(fitted: Interactions, tests: tuple[InteractionTest, ...]) -> Additivity:
    """Read the result of the first version: what single tests of pairs find is needed."""
    every = ("interaction", "bias")
    allowed = {"none": (), "pairwise": every[:1], "all": every, "learned": every}[fitted]
    plain = Additivity(fitted, tests)
    terms, missing = InteractionTerms(), InteractionTerms()
    for test in plain.found:
        terms = terms.union(test.terms)
        if test.kind not in allowed:
            missing = missing.union(test.terms)
    return Additivity(fitted, tests, terms, {}, missing)

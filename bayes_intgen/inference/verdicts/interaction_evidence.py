"""What a fit has of interactions, and how sure that is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bayes_intgen.design.design import Design
from bayes_intgen.design.interactions import INTERACTIONS, InteractionClass, InteractionTerms
from bayes_intgen.inference.verdicts.additivity_result import Additivity

__all__ = ["InteractionEvidence"]


@dataclass(frozen=True)
class InteractionEvidence(Mapping[str, float]):
    """The probability of each class of interactions, as a mapping, and what was used.

    The classes ``"none"``, ``"pairwise"`` and ``"all"`` are alike beforehand, and so are the terms
    within one; the evidence is that of scores (eq. 5 of
    :mod:`bayes_intgen.inference.verdicts.interaction_scores`). Without a test (explicit
    interactions, or moments in place of rows) the class of the fit has probability one.

    Parameters
    ----------
    probability
        Of each class.
    chosen
        The ``interactions`` of the model.
    used
        The narrowest class that has what the fit has.
    terms
        What interacts in the fit, with ``interactions="learned"``.
    tested
        Whether rows were tested for interactions.
    missable
        How small an interaction is that the tests could miss, in words, if they found none.

    Examples
    --------
    >>> sorted(posterior.interactions), posterior.interactions.used
    (['all', 'none', 'pairwise'], 'none')
    """

    probability: Mapping[str, float]
    chosen: str
    used: InteractionClass
    terms: InteractionTerms
    tested: bool
    missable: str = ""

    @classmethod
    def of(cls, design: Design, additivity: Additivity | None) -> "InteractionEvidence":
        """Read them off a design and its test of additivity."""
        used, chosen = design.interaction_class, design.interactions
        found = additivity.evidence if additivity and chosen == "learned" else {}
        probability = found or {name: float(name == used) for name in INTERACTIONS}
        none = additivity is not None and bool(additivity.tests) and not design.terms
        missable = additivity.missable if none and additivity else ""
        return cls(probability, chosen, used, design.terms, bool(found), missable)

    def __getitem__(self, name: str) -> float:
        return self.probability[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.probability)

    def __len__(self) -> int:
        return len(self.probability)

    def __str__(self) -> str:
        if self.chosen != "learned":
            return f"interactions: {self.chosen!r}, as chosen"
        if not self.tested:
            return "interactions: none; not tested, which takes rows and two actions"
        sure = ", ".join(f"{name} {share:.2f}" for name, share in self.items())
        text = f"interactions, learned: {self.terms} (probability of each class: {sure})"
        return f"{text}; {self.missable}" if self.missable else text

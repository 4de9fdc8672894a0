"""Choices of a model that are words: which actions may interact, and the likelihood."""

from typing import Literal

__all__ = [
    "CHOICES",
    "INTERACTIONS",
    "LIKELIHOODS",
    "InteractionClass",
    "Interactions",
    "Likelihood",
]

INTERACTIONS = ("none", "pairwise", "all")
CHOICES = ("learned", *INTERACTIONS)
LIKELIHOODS = ("normal", "student_t", "heteroscedastic")

type InteractionClass = Literal["none", "pairwise", "all"]
type Interactions = Literal["learned", "none", "pairwise", "all"]
type Likelihood = Literal["normal", "student_t", "heteroscedastic"]

"""The kind of an outcome, recognised from its rows: 0/1, counts, proportions, positive or real.

The kind says which values an outcome can have, and so which means are possible. Formula (1) of the
expected outcome holds for every kind, if the truth is additive on the outcome's own scale; that it
is not, but on another, is the usual case of some kinds
(:mod:`bayes_intgen.inference.verdicts.scale_of_additivity`).

================ =============================================================================
kind             all rows
================ =============================================================================
``binary``       are 0 or 1
``count``        are whole numbers from 0, at most 2^31
``proportion``   lie between 0 and 1
``positive``     are not negative, with a long upper tail
``real``         are none of these, or nothing is known of them
================ =============================================================================

A long upper tail: the skewness within the regimes, on average, is at least their coefficient of
variation, half of what the gamma law has; at least 0.5; and more than three standard errors of that
of a normal law, sqrt(6 / n). An outcome that is positive without being skewed, as a weight, lies
far from zero in units of its spread or has a bounded range, and is best described as real.

Of each regime are kept the number of rows, of zeros and of ones, whether all values are whole, and
the sums of squared and cubed deviations, merged by (Pébay 2008, SAND2008-6212)

    (1)  M3 = M3_a + M3_b + d^3 n_a n_b (n_a - n_b) / n^2 + 3 d (n_a M2_b - n_b M2_a) / n,

with d the difference of the means.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from math import inf, isfinite, sqrt
from typing import Any, Literal, get_args

import numpy as np

from bayes_intgen.base.types import Array

__all__ = ["KINDS", "OutcomeFacts", "OutcomeKind", "OutcomeRange", "recognise"]

MOST_COUNT = 2.0**31
LEAST_SKEWNESS = 0.5
CLEAR = 3.0  # standard errors

type OutcomeKind = Literal["binary", "count", "proportion", "positive", "real"]
KINDS: tuple[OutcomeKind, ...] = get_args(OutcomeKind.__value__)

LIMITS: Mapping[OutcomeKind, tuple[float, float]] = {
    "binary": (0.0, 1.0),
    "count": (0.0, inf),
    "proportion": (0.0, 1.0),
    "positive": (0.0, inf),
    "real": (-inf, inf),
}


@dataclass(frozen=True)
class OutcomeFacts:
    """What is kept of the outcomes of some rows."""

    n: int = 0
    zeros: int = 0  # number of rows with outcome 0
    ones: int = 0
    whole: bool = True  # whether all outcomes are whole numbers
    low: float = inf
    high: float = -inf
    mean: float = 0.0
    square: float = 0.0  # sum of squared deviations from the mean, M2
    cube: float = 0.0  # sum of cubed deviations, M3

    @classmethod
    def from_outcomes(cls, y: Array) -> "OutcomeFacts":
        """Summarise outcomes, shape (n,)."""
        if not len(y):
            return cls()
        mean = float(y[0] + (y - y[0]).mean())
        left = y - mean
        return cls(
            len(y),
            int(np.count_nonzero(y == 0)),
            int(np.count_nonzero(y == 1)),
            bool((y == np.rint(y)).all()),
            float(y.min()),
            float(y.max()),
            mean,
            float(left @ left),
            float(left @ left**2),
        )

    def merge(self, other: "OutcomeFacts") -> "OutcomeFacts":
        """Return the facts of the rows of both."""
        if not self.n or not other.n:
            return self if self.n else other
        n = self.n + other.n
        step = other.mean - self.mean
        a, b = self.n / n, other.n / n
        between = step * step * n * a * b
        cube = self.cube + other.cube + between * step * (a - b)  # (1)
        return OutcomeFacts(
            n,
            self.zeros + other.zeros,
            self.ones + other.ones,
            self.whole and other.whole,
            min(self.low, other.low),
            max(self.high, other.high),
            self.mean + step * b,
            self.square + other.square + between,
            cube + 3 * step * (a * other.square - b * self.square),
        )

    @property
    def skewness(self) -> float:
        """Third standardised moment; zero if it cannot be computed."""
        sd = sqrt(self.square / self.n) if self.n else 0.0
        skewness = self.cube / self.n / sd / sd / sd if sd > 0 else 0.0
        return skewness if isfinite(skewness) else 0.0

    @property
    def variation(self) -> float:
        """Coefficient of variation; infinite if the mean is not positive."""
        return sqrt(self.square / self.n) / self.mean if self.n and self.mean > 0 else inf

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "OutcomeFacts":
        """Rebuild from :meth:`to_dict`."""
        return cls(**state)


@dataclass(frozen=True)
class OutcomeRange:
    """The kind of an outcome, and what was seen of it over all regimes."""

    kind: OutcomeKind
    facts: OutcomeFacts | None = None  # None if nothing is known

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest possible value, and mean."""
        return LIMITS[self.kind]

    def __str__(self) -> str:
        facts = self.facts
        if facts is None:
            return "real numbers (nothing kept of the rows: from a file of an earlier version)"
        seen = f"from {facts.low:.4g} to {facts.high:.4g}"
        zeros, ones = facts.zeros / facts.n, facts.ones / facts.n
        masses = f", {zeros:.1%} at 0" * (zeros > 0) + f", {ones:.1%} at 1" * (ones > 0)
        if self.kind == "binary":
            return f"0/1, {ones:.1%} of the rows are 1"
        if self.kind == "count":
            return f"counts {seen}"
        if self.kind == "proportion":
            return f"proportions {seen}{masses}"
        if self.kind == "positive":
            return f"positive and skewed, {seen}" + f", {zeros:.1%} at 0" * (zeros > 0)
        return f"real numbers {seen}"


def recognise(regimes: Iterable[OutcomeFacts | None]) -> OutcomeRange:
    """Recognise the kind of an outcome from the facts of each regime.

    Examples
    --------
    >>> yes_no, counts = np.array([0.0, 1, 1, 0]), np.array([3.0, 0, 12, 5])
    >>> str(recognise([OutcomeFacts.from_outcomes(yes_no)]))
    '0/1, 50.0% of the rows are 1'
    >>> str(recognise([OutcomeFacts.from_outcomes(yes_no), OutcomeFacts.from_outcomes(counts)]))
    'counts from 0 to 12'
    """
    known: list[OutcomeFacts] = []
    for facts in regimes:
        if facts is None:
            return OutcomeRange("real")
        known += [facts] if facts.n else []
    total = OutcomeFacts()
    for facts in known:
        total = total.merge(facts)
    if not total.n or not total.low >= 0:
        return OutcomeRange("real", total if total.n else None)
    if total.whole and total.high <= MOST_COUNT:
        return OutcomeRange("binary" if total.high <= 1 else "count", total)
    if total.high <= 1:
        return OutcomeRange("proportion", total)
    skewness = float(np.mean([facts.skewness for facts in known]))
    variation = float(np.mean([facts.variation for facts in known]))
    least = max(variation, LEAST_SKEWNESS, CLEAR * sqrt(6 / total.n))
    return OutcomeRange("positive" if skewness >= least else "real", total)

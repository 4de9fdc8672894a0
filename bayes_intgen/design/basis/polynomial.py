"""Polynomials of one action, orthonormal under a normal distribution of that action.

With z = (a - mean) / sd, the functions are the normalised Hermite polynomials
h_d(z) = He_d(z) / sqrt(d!), for d = 1..D, so that E[h_d h_e] = 1{d = e} and E[h_d] = 0 when z is
standard normal. A unit weight is then a unit of standard deviation in the outcome for every
degree, which is what makes one prior scale serve them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any, ClassVar, Self

import numpy as np

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array, Scale
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.function import ActionBasis, BasisFunction

__all__ = ["Polynomial", "PolynomialBasis"]

MAX_DEGREE = 8


@dataclass(frozen=True)
class Polynomial:
    """Ask for polynomials up to a total degree (the paper uses 3).

    Parameters
    ----------
    degree
        Highest total degree, from 1 to 8: a1^2 a2 has total degree 3.

    Raises
    ------
    ModelError
        If the degree is not a whole number from 1 to 8.

    Examples
    --------
    >>> Polynomial(degree=2)
    Polynomial(degree=2)
    """

    degree: int = 3

    def __post_init__(self) -> None:
        whole = isinstance(self.degree, int | np.integer) and not isinstance(self.degree, bool)
        if not whole or not 1 <= self.degree <= MAX_DEGREE:
            raise ModelError(
                f"degree must be a whole number from 1 to {MAX_DEGREE}, got {self.degree!r}."
            )

    def freeze(self, action: str, summary: Summary) -> "PolynomialBasis":
        """Standardise by the action's mean and sd over regimes weighted equally.

        Examples
        --------
        >>> basis = ig.Polynomial(2).freeze("a1", ig.Moments.from_data(data).summary)
        >>> basis.evaluate(frame["a1"].to_numpy()).shape == (600, len(basis.functions))
        True
        """
        return PolynomialBasis(summary.scales[action], int(self.degree))

    def made(self, basis: ActionBasis) -> bool:
        """Say whether a frozen basis is of this kind and degree.

        Examples
        --------
        >>> basis = ig.Polynomial(2).freeze("a1", ig.Moments.from_data(data).summary)
        >>> ig.Polynomial(2).made(basis), ig.HSGP().made(basis)
        (True, False)
        """
        return isinstance(basis, PolynomialBasis) and basis.degree == self.degree


@dataclass(frozen=True)
class PolynomialBasis:
    """Normalised Hermite polynomials of one standardised action."""

    scale: Scale  # mean and standard deviation of the action
    degree: int  # the highest
    kind: ClassVar[str] = "polynomial"

    @cached_property
    def functions(self) -> Sequence[BasisFunction]:
        """The polynomials of degree 1 to ``degree``."""
        return [
            BasisFunction(
                name="" if d == 1 else f"^{d}",
                shape="linear" if d == 1 else "wiggly",
                share=d / self.degree,
            )
            for d in range(1, self.degree + 1)
        ]

    @property
    def limits(self) -> None:
        """Polynomials have none."""
        return None

    @property
    def description(self) -> str:
        """Kind and degree."""
        return f"polynomial of total degree {self.degree}"

    def evaluate(self, values: Array) -> Array:
        """Evaluate by the recurrence sqrt(d) h_d = z h_(d-1) - sqrt(d-1) h_(d-2)."""
        z = self.scale.standardise(values)
        columns = [np.ones_like(z), z]
        for d in range(2, self.degree + 1):
            columns.append((z * columns[-1] - sqrt(d - 1) * columns[-2]) / sqrt(d))
        return np.array(columns[1:]).T

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON types."""
        return {
            "kind": self.kind,
            "centre": self.scale.centre,
            "spread": self.scale.spread,
            "degree": self.degree,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the basis from :meth:`to_dict`."""
        return cls(Scale(state["centre"], state["spread"]), state["degree"])

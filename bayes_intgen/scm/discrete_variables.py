"""Variables with finitely many values: independent noises, and mechanisms as tables.

A mechanism X := g(parents) is the list of the values of g at every combination of its parents'
values, in the order of `itertools.product`. With noises among the parents, every discrete system
can be written in this way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import fsum, isfinite

from bayes_intgen.base.errors import ModelError

__all__ = ["DiscreteMechanism", "DiscreteNoise"]


@dataclass(frozen=True)
class DiscreteNoise:
    """An exogenous variable with finitely many values.

    Parameters
    ----------
    name
        Its name.
    values
        What it can be, in increasing order.
    probabilities
        The probability of each value.

    Raises
    ------
    ModelError
        If the values do not increase, or there is not one probability for each, non-negative and
        with sum one.

    Examples
    --------
    >>> DiscreteNoise.bernoulli("u", 0.25)
    DiscreteNoise(name='u', values=(0.0, 1.0), probabilities=(0.75, 0.25))
    """

    name: str
    values: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        if (
            not self.values
            or not all(map(isfinite, self.values))
            or list(self.values) != sorted(set(self.values))
        ):
            raise ModelError(
                f"values of {self.name!r} must be finite and increase, got {self.values}; sort "
                f"them, and name each once."
            )
        fitting = len(self.probabilities) == len(self.values)
        if not (
            fitting
            and all(p >= 0 for p in self.probabilities)
            and abs(fsum(self.probabilities) - 1) < 1e-12
        ):
            raise ModelError(
                f"probabilities of {self.name!r} must be one for each of its {len(self.values)} "
                f"values, non-negative and with sum one, got {self.probabilities}."
            )

    @classmethod
    def bernoulli(cls, name: str, probability: float) -> "DiscreteNoise":
        """Return a variable that is 1 with some probability, and 0 otherwise.

        Examples
        --------
        >>> DiscreteNoise.bernoulli("rain", 0.25).probabilities
        (0.75, 0.25)
        """
        return cls(name, (0.0, 1.0), (1 - probability, probability))


@dataclass(frozen=True)
class DiscreteMechanism:
    """An endogenous variable: a function of its parents, as a table.

    Parameters
    ----------
    name
        Name of the variable.
    parents
        Names of the variables that it depends on.
    table
        Its value at every combination of the values of its parents, the last parent running
        fastest and each parent through its values in increasing order.

    Raises
    ------
    ModelError
        If the table is empty or holds a value that is not finite.

    Examples
    --------
    >>> u, v = DiscreteNoise.bernoulli("u", 0.5), DiscreteNoise.bernoulli("v", 0.5)
    >>> either = DiscreteMechanism.tabulate("x", [u, v], max)
    >>> either.table, either.values
    ((0.0, 1.0, 1.0, 1.0), (0.0, 1.0))
    """

    name: str
    parents: tuple[str, ...]
    table: tuple[float, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.table or not all(map(isfinite, self.table)):
            raise ModelError(
                f"table of {self.name!r} must hold finite values, and at least one; "
                f"got {self.table}."
            )

    @property
    def values(self) -> tuple[float, ...]:
        """What the variable can be, in increasing order."""
        return tuple(sorted(set(self.table)))

    @classmethod
    def tabulate(
        cls,
        name: str,
        parents: Sequence["DiscreteNoise | DiscreteMechanism"],
        function: Callable[..., float],
    ) -> "DiscreteMechanism":
        """Tabulate a function, which takes the values of the parents in their order.

        Examples
        --------
        >>> coin = DiscreteNoise.bernoulli("coin", 0.5)
        >>> DiscreteMechanism.tabulate("x", [coin], lambda u: 2 * u).values
        (0.0, 2.0)
        """
        points = product(*(parent.values for parent in parents))
        table = tuple(float(function(*point)) for point in points)
        return cls(name, tuple(parent.name for parent in parents), table)

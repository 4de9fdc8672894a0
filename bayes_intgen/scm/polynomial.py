"""Polynomials in several inputs: the mechanisms of the synthetic models, and their averages."""

from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.errors import ModelError, QueryError
from bayes_intgen.base.types import Array
from bayes_intgen.scm.noise import Noise

__all__ = ["Polynomial"]


@dataclass(frozen=True)
class Polynomial:
    """A polynomial in several inputs.

    Parameters
    ----------
    powers
        The power of each input in each term, shape (terms, inputs).
    coefficients
        The factor of each term, shape (terms,).

    Raises
    ------
    ModelError
        If there is not one row of equally many non-negative powers per coefficient.

    Examples
    --------
    >>> product_plus_one = Polynomial(powers=((0, 0), (1, 1)), coefficients=(1.0, 2.0))
    >>> product_plus_one(np.array([[3.0, 5.0]]))
    array([31.])
    """

    powers: tuple[tuple[int, ...], ...]
    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        widths = {len(term) for term in self.powers}
        negative = any(power < 0 for term in self.powers for power in term)
        if len(widths) != 1 or negative or len(self.powers) != len(self.coefficients):
            raise ModelError(
                f"powers must hold one row per coefficient, each with one non-negative power per "
                f"input; got {self.powers} for {len(self.coefficients)} coefficients."
            )

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return len(self.powers[0])

    def __call__(self, x: Array) -> Array:
        """Evaluate at points of shape (n, inputs); returns shape (n,)."""
        if x.ndim != 2 or x.shape[1] != self.inputs:
            raise QueryError(f"x must have shape (n, {self.inputs}), got {x.shape}; stack columns.")
        total = np.zeros(len(x))
        for term, coefficient in zip(self.powers, self.coefficients, strict=True):
            product = np.full(len(x), coefficient)
            for column, power in enumerate(term):
                if power:
                    product *= x[:, column] ** power
            total += product
        return total

    def along_last(self, x: Array) -> Array:
        """Fix all inputs but the last.

        Returns the coefficients of the powers 0, 1, ... of the last input at points of shape
        (n, inputs - 1), with a row per point.

        Examples
        --------
        >>> product_plus_one = Polynomial(powers=((0, 0), (1, 1)), coefficients=(1.0, 2.0))
        >>> product_plus_one.along_last(np.array([[3.0]]))  # 1 + 6 x
        array([[1., 6.]])
        >>> product_plus_one.inputs
        2
        """
        along = np.zeros((len(x), max(term[-1] for term in self.powers) + 1))
        for term, coefficient in zip(self.powers, self.coefficients, strict=True):
            along[:, term[-1]] += coefficient * np.prod(x ** term[:-1], axis=1)
        return along

    def average_last(self, noise: Noise) -> "Polynomial":
        """Return the expectation over the last input, a polynomial in the other inputs.

        Examples
        --------
        >>> product_plus_one = Polynomial(powers=((0, 0), (1, 1)), coefficients=(1.0, 2.0))
        >>> product_plus_one.average_last(Noise("gaussian", 1.0)).coefficients
        (1.0, 0.0)
        """
        terms = zip(self.powers, self.coefficients, strict=True)
        averaged = tuple(coefficient * noise.moment(term[-1]) for term, coefficient in terms)
        return Polynomial(tuple(term[:-1] for term in self.powers), averaged)

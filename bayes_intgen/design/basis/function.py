"""The basis of one action: a few functions of one number.

All bases (polynomials here, eigenfunctions and category indicators beside them) meet this
interface; products of such functions are made in :mod:`bayes_intgen.design.basis.features`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Literal, Protocol

from bayes_intgen.base.types import Array
from bayes_intgen.data.summary import Summary

__all__ = ["ActionBasis", "BasisFunction", "BasisSpec"]


@dataclass(frozen=True)
class BasisFunction:
    """One function of one action.

    Parameters
    ----------
    name
        How it is written behind the action's name, as in ``a1^2``.
    shape
        ``linear`` in the action or in its normal score, an eigenfunction of the action itself
        (``wiggly``; ``smooth`` beside those of its warped coordinate, which are ``warped``), a
        square or cube of the normal score (``curved``), the indicator of a value that many rows
        have (``mass``) or of a ``level``, or a ``step`` where the outcome jumps: each has a prior
        scale of its own.
    share
        The part of the interaction budget it uses up, in (0, 1]: a product of functions of
        several actions is a feature when their shares sum to at most one. A polynomial of degree
        d out of a total of D has share d / D.
    frequency
        Angular frequency of an eigenfunction, in radians per unit of the lengthscale; its prior
        standard deviation falls with the root of the spectral density there. None otherwise.
    trend
        Whether it is the linear function beneath the eigenfunctions of a smooth action: in products
        of several actions it does not go with eigenfunctions.
    order
        The largest number of actions in a product that it may enter; None if only the shares count.
    coordinate
        The coordinate of the action that an eigenfunction is one of; the action itself by default.
        Each has a lengthscale of its own.
    smoothness
        Of the kernel: nu of a Matern kernel, infinite for the squared exponential.
    fine
        Whether it is too fine to be of use in the confounding bias of another action: it has a part
        in the effect and in the own bias of the action only.
    pooled
        Whether its prior scale is that of all pooled functions of its shape in a component, as of
        many covariates, most of which do little.
    """

    name: str
    shape: Literal["linear", "wiggly", "smooth", "warped", "curved", "mass", "level", "step"]
    share: float
    frequency: float | None = None
    trend: bool = False
    order: int | None = None
    coordinate: str = ""
    smoothness: float = inf
    fine: bool = False
    pooled: bool = False


class ActionBasis(Protocol):
    """Functions of one action, with every constant frozen."""

    @property
    def functions(self) -> Sequence[BasisFunction]:
        """The labels of the functions."""
        ...

    @property
    def limits(self) -> tuple[float, float] | None:
        """The range beyond which the functions stop being what they say, in the action's unit."""
        ...

    @property
    def description(self) -> str:
        """Kind and size in a few words, as in ``10 smooth functions, 5 of them in products``."""
        ...

    def evaluate(self, values: Array) -> Array:
        """Evaluate at the action's values (own unit or codes), shape (n,) to (n, functions)."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON types, under a ``kind`` that names the basis."""
        ...


class BasisSpec(Protocol):
    """A user's choice of basis, before any data are seen."""

    def freeze(self, action: str, summary: Summary) -> ActionBasis:
        """Fix every constant of the basis of one action from the first pass over the data."""
        ...

    def made(self, basis: ActionBasis) -> bool:
        """Say whether a frozen basis is of this kind and size."""
        ...

"""Indicators of the levels of one categorical action.

The functions are 1{a = l} for every level l, none left out. Their weights share one prior scale,
w_l ~ N(0, scale^2), so that the levels are exchangeable: neither their order nor a choice of
reference level plays a part, the difference of any two has the prior N(0, 2 scale^2), and a level
with few rows is drawn towards the others. A product with a function psi of another action gives
each level a curve of its own around the common one, exchangeable likewise.

The indicators are redundant with the constant, and the products with psi itself, by one direction
each. Under a proper prior this costs nothing: the weights are integrated out, and all that is hard
to tell apart is how much of the average over the levels goes by the constant's name. Centring the
indicators by the frequencies of the levels would leave the prior of every difference as it is. It
would tie the functions to the frequencies of one data set, and make the indicators sum to zero in
every row, so that at a large scale, where their prior says nothing, the precision of the weights
would be singular; as it is, the constant's fixed prior decides. So they are not centred. Nor are
they scaled: a unit weight is a unit of the outcome's spread over the levels, as in the other bases,
whereas dividing by an indicator's standard deviation would expect wild effects of rare levels.

Discrete actions are covered by the theory: sums over levels take the place of the integrals in the
proofs (Appendix A.1 of the paper).

References
----------
Gelman and Hill (2007), "Data Analysis Using Regression and Multilevel/Hierarchical Models",
chapters 11 and 12: varying intercepts and slopes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array
from bayes_intgen.data.summary import Summary
from bayes_intgen.design.basis.function import ActionBasis, BasisFunction

__all__ = ["Categorical", "CategoricalBasis"]

MAX_ORDER = 8
LEAST_ORDER = 3  # of the products that a level's share leaves room for


@dataclass(frozen=True)
class Categorical:
    """Ask for a value of its own at every level of a categorical action.

    Parameters
    ----------
    order
        The largest number of actions in a product that a level may enter, from 1 (none) to 8. By
        default it multiplies one function of another action: the level of a categorical one, an
        eigenfunction of an ``HSGP``, or a1 and a1^2 of ``Polynomial(3)``, since it counts as a
        linear function does in a cubic. At order 3 three categorical actions may have an effect
        all of their own for every combination, at the cost of as many weights.

    Raises
    ------
    ModelError
        If the order is not a whole number from 1 to 8.

    Examples
    --------
    >>> Categorical()
    Categorical(order=2)
    """

    order: int = 2

    def __post_init__(self) -> None:
        whole = isinstance(self.order, int | np.integer) and not isinstance(self.order, bool)
        if not whole or not 1 <= self.order <= MAX_ORDER:
            raise ModelError(
                f"order must be a whole number from 1 to {MAX_ORDER}, got {self.order!r}."
            )

    def freeze(self, action: str, summary: Summary) -> "CategoricalBasis":
        """Take the levels found in the data.

        Examples
        --------
        >>> frame = frame.assign(a1=(frame["a1"] > 0).map({True: "on", False: "off"}))
        >>> data = ig.RegimeData.from_frame(frame, "y", ["a1", "a2"], categorical=["a1"])
        >>> basis = ig.Categorical().freeze("a1", ig.Moments.from_data(data).summary)
        >>> basis.levels
        ('off', 'on')
        """
        return CategoricalBasis(summary.levels[action], int(self.order))

    def made(self, basis: ActionBasis) -> bool:
        """Say whether a frozen basis is of this kind and order.

        Examples
        --------
        >>> frame = frame.assign(a1=(frame["a1"] > 0).map({True: "on", False: "off"}))
        >>> data = ig.RegimeData.from_frame(frame, "y", ["a1", "a2"], categorical=["a1"])
        >>> basis = ig.Categorical().freeze("a1", ig.Moments.from_data(data).summary)
        >>> ig.Categorical().made(basis)
        True
        """
        return isinstance(basis, CategoricalBasis) and basis.order == self.order


@dataclass(frozen=True)
class CategoricalBasis:
    """Indicators of the levels of one action."""

    levels: tuple[str, ...]  # a value of the action is the position of its level
    order: int  # as in :class:`Categorical`
    kind: ClassVar[str] = "categorical"

    @cached_property
    def functions(self) -> Sequence[BasisFunction]:
        """One indicator per level."""
        share = 1 / max(self.order, LEAST_ORDER)
        return [
            BasisFunction(f"[{level}]", "level", share, order=self.order) for level in self.levels
        ]

    @property
    def limits(self) -> None:
        """Indicators have none: a value that is no level is refused earlier."""
        return None

    @property
    def description(self) -> str:
        """The levels."""
        return f"{len(self.levels)} levels ({', '.join(self.levels)})"

    def evaluate(self, values: Array) -> Array:
        """Evaluate at codes 0, 1, ..., shape (n,) to (n, levels)."""
        return np.equal.outer(values, np.arange(len(self.levels))).astype(float)

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON types."""
        return {"kind": self.kind, "levels": list(self.levels), "order": self.order}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the basis from :meth:`to_dict`."""
        return cls(tuple(state["levels"]), state["order"])

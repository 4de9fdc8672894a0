"""Which actions may interact: classes of all actions, or sets that were learned.

The ``interactions`` of a design say which features the causal part beta and the biases delta_k of
:mod:`bayes_intgen.design.design` may use, in ever wider classes of outcomes:

``"none"``
    beta = alpha + sum_k u_k(a_k); delta_k depends on a_k and the possible parents of A_k. The class
    of the paper's Assumption 2, Y = sum_k f_k(A_k, C_k) + U.
``"pairwise"``
    beta gains u_jk(a_j, a_k) for each pair: Y = g(A) + sum_k h_k(A_k, C_k) + U with g of order two.
``"all"``
    beta and delta_k use every feature of all actions: Y = sum_k h_k(A, C_k) + U. Each confounder is
    still one action's own, but may modify the effects of all. The features decide what "every" is:
    products of two actions for smooth curves, of any number within the degree for polynomials.
``"learned"``
    beta and delta_k as in ``"none"``, and what the terms name that a test of the rows has found: an
    effect u_jk(a_j, a_k) or u_jkl of the sets of ``effect``, a bias d_k that depends on the further
    actions of the sets of ``bias``. Every set stands for all of its subsets; products of three are
    made within sets of three only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.design.components import CAUSAL, bias_name

__all__ = [
    "CHOICES",
    "INTERACTIONS",
    "NO_TERMS",
    "InteractionClass",
    "InteractionTerms",
    "Interactions",
    "missing_terms",
    "order_of",
]

INTERACTIONS = ("none", "pairwise", "all")
CHOICES = ("learned", *INTERACTIONS)

type InteractionClass = Literal["none", "pairwise", "all"]
type Interactions = Literal["learned", "none", "pairwise", "all"]


def order_of(interactions: Interactions, n_actions: int) -> int:
    """Return the most actions of a feature of the causal part, across blocks and but for terms."""
    return {"none": 1, "learned": 1, "pairwise": 2, "all": n_actions}[interactions]


@dataclass(frozen=True)
class InteractionTerms:
    """Sets of actions that interact.

    Parameters
    ----------
    effect
        Sets of two or three actions which interact in the effect.
    bias
        Pairs of a block and a set of actions, those of the block among them: the bias of the block
        may depend on all of the set.
    """

    effect: tuple[Regime, ...] = ()
    bias: tuple[tuple[Regime, Regime], ...] = ()

    @property
    def needed_class(self) -> InteractionClass:
        """The narrowest class of all actions that has these terms."""
        if self.bias or any(len(names) > 2 for names in self.effect):
            return "all"
        return "pairwise" if self.effect else "none"

    @property
    def scopes(self) -> list[Regime]:
        """All sets, of effects and of biases."""
        return [*self.effect, *(names for _, names in self.bias)]

    @property
    def threes(self) -> list[Regime]:
        """The sets of three actions."""
        return [names for names in self.scopes if len(names) == 3]

    def scopes_of(self, block: Iterable[str]) -> list[frozenset[str]]:
        """Return the sets on which the bias of a block may depend beyond its parents."""
        return [frozenset(names) for own, names in self.bias if own == tuple(block)]

    def union(self, other: "InteractionTerms") -> "InteractionTerms":
        """Return the terms of both."""
        effect = dict.fromkeys((*self.effect, *other.effect))
        return InteractionTerms(tuple(effect), tuple(dict.fromkeys((*self.bias, *other.bias))))

    def __bool__(self) -> bool:
        return bool(self.effect or self.bias)

    def __str__(self) -> str:
        effects = [" x ".join(names) for names in self.effect]
        biases = [
            f"bias of {format_regime(block)} on {', '.join(n for n in names if n not in block)}"
            for block, names in self.bias
        ]
        return "; ".join([*effects, *biases]) or "none"

    def to_dict(self) -> dict[str, Any]:
        """Return the terms as JSON types."""
        return {
            "effect": [list(names) for names in self.effect],
            "bias": [[list(block), list(names)] for block, names in self.bias],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the terms from :meth:`to_dict`."""
        bias = tuple((tuple(block), tuple(names)) for block, names in state["bias"])
        return cls(tuple(map(tuple, state["effect"])), bias)


NO_TERMS = InteractionTerms()


def missing_terms(
    features: Iterable[tuple[str, frozenset[str]]], terms: InteractionTerms
) -> InteractionTerms:
    """Return the terms that none of some features stands for.

    ``features``: the component and the actions of each.
    """
    known: dict[str, set[frozenset[str]]] = {}
    for component, acting in features:
        known.setdefault(component, set()).add(acting)
    effect = [names for names in terms.effect if frozenset(names) not in known[CAUSAL]]
    bias = [
        (block, names)
        for block, names in terms.bias
        if not any(
            {*names} - {*block} <= acting and not acting.isdisjoint(block)
            for acting in known.get(bias_name(block), ())
        )
    ]
    return InteractionTerms(tuple(effect), tuple(bias))

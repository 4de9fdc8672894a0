"""Which actions interact, where this is learned: sets of actions in the effect and in biases.

In place of one of the classes of :mod:`bayes_intgen.design.design` for all actions, a design with
``interactions="learned"`` allows what its terms name: an effect u_jk(a_j, a_k) or u_jkl of the sets
of ``effect``, and a bias d_k that depends on the further actions of the sets of ``bias``. Every set
stands for all of its subsets. Products of three are made within sets of three only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from bayes_intgen.base.regimes import Regime, format_regime

__all__ = ["CHOICES", "INTERACTIONS", "NO_TERMS", "InteractionClass", "InteractionTerms"]

INTERACTIONS = ("none", "pairwise", "all")
CHOICES = ("learned", *INTERACTIONS)

type InteractionClass = Literal["none", "pairwise", "all"]


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

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

Covariates do not count as interacting actions. Up to two modify every effect and every bias. With
more of them, and ``"learned"``, each has functions of its own in every component, and modifies
those that ``modified`` names: the products of ten covariates with everything are too many to be
told from noise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Self

from bayes_intgen.base.blocks import Blocks
from bayes_intgen.base.choices import CHOICES, INTERACTIONS, InteractionClass, Interactions
from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.design.basis.hsgp import FEW_COVARIATES
from bayes_intgen.design.components import CAUSAL, bias_name

__all__ = [
    "CHOICES",
    "INTERACTIONS",
    "NO_TERMS",
    "InteractionClass",
    "InteractionTerms",
    "Interactions",
    "component_scopes",
    "covariates_modify_all",
    "missing_terms",
]


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
    modified
        Triples of ``"effect"`` or ``"bias"``, a block, and a covariate that modifies it.
    """

    effect: tuple[Regime, ...] = ()
    bias: tuple[tuple[Regime, Regime], ...] = ()
    modified: tuple[tuple[str, Regime, str], ...] = ()

    @property
    def needed_class(self) -> InteractionClass:
        """The narrowest class of all actions that has these terms, whatever covariates modify."""
        if self.bias or any(len(names) > 2 for names in self.effect):
            return "all"
        return "pairwise" if self.effect else "none"

    @property
    def threes(self) -> list[Regime]:
        """The sets of three actions."""
        sets = (*self.effect, *(names for _, names in self.bias))
        return [names for names in sets if len(names) == 3]

    def scopes_of(self, block: Iterable[str]) -> list[frozenset[str]]:
        """Return the sets on which the bias of a block may depend beyond its parents."""
        return [frozenset(names) for own, names in self.bias if own == tuple(block)]

    def union(self, other: "InteractionTerms") -> "InteractionTerms":
        """Return the terms of both."""
        effect = dict.fromkeys((*self.effect, *other.effect))
        bias = dict.fromkeys((*self.bias, *other.bias))
        modified = dict.fromkeys((*self.modified, *other.modified))
        return InteractionTerms(tuple(effect), tuple(bias), tuple(modified))

    def without(self, other: "InteractionTerms") -> "InteractionTerms":
        """Return the terms that the other ones lack."""
        return InteractionTerms(
            tuple(term for term in self.effect if term not in other.effect),
            tuple(term for term in self.bias if term not in other.bias),
            tuple(term for term in self.modified if term not in other.modified),
        )

    def __bool__(self) -> bool:
        return bool(self.effect or self.bias or self.modified)

    def __str__(self) -> str:
        effects = [" x ".join(names) for names in self.effect]
        biases = [
            f"bias of {format_regime(block)} on {', '.join(n for n in names if n not in block)}"
            for block, names in self.bias
        ]
        modified = [f"{part} of {format_regime(b)} by {name}" for part, b, name in self.modified]
        return "; ".join([*effects, *biases, *modified]) or "none"

    def to_dict(self) -> dict[str, Any]:
        """Return the terms as JSON types."""
        return {
            "effect": [list(names) for names in self.effect],
            "bias": [[list(block), list(names)] for block, names in self.bias],
            "modified": [[part, list(block), name] for part, block, name in self.modified],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the terms from :meth:`to_dict`."""
        bias = tuple((tuple(block), tuple(names)) for block, names in state["bias"])
        modified = tuple(
            (part, tuple(block), name) for part, block, name in state.get("modified", ())
        )
        return cls(tuple(map(tuple, state["effect"])), bias, modified)


NO_TERMS = InteractionTerms()


def covariates_modify_all(interactions: Interactions, covariates: Sequence[str]) -> bool:
    """Say whether every effect and every bias may be modified by covariates."""
    return interactions != "learned" or len(covariates) <= FEW_COVARIATES


@dataclass(frozen=True)
class ComponentScope:
    """Which variables a component may depend on."""

    component: str
    # those of which it has the finest functions: for a bias, the actions of its block
    own: frozenset[str]
    sets: tuple[frozenset[str], ...]  # its features are functions of subsets of one of these

    def has(self, names: frozenset[str], fine: bool) -> bool:
        """Say whether a feature of some variables belongs to the component."""
        return any(names <= one for one in self.sets) and (names <= self.own or not fine)


def component_scopes(
    blocks: Blocks,
    cuts: Sequence[Regime],
    parents: Mapping[str, Sequence[str]],
    interactions: Interactions,
    covariates: Sequence[str],
    terms: InteractionTerms = NO_TERMS,
    at_rest: Sequence[str] = (),
) -> list[ComponentScope]:
    """Return which variables each component may depend on.

    Arguments as in :class:`bayes_intgen.design.design.Design`. A block all of which is at rest has
    no bias.
    """
    actions = [action for block in blocks for action in block]
    effect: list[Iterable[str]] = [*blocks, *terms.effect]
    effect += [(*block, name) for part, block, name in terms.modified if part == "effect"]
    if interactions == "pairwise":
        effect += combinations(actions, 2)
    elif interactions == "all":
        effect = [actions]
    everything: Iterable[str] = (*actions, *covariates)
    parts = [(CAUSAL, everything, effect)]
    for block in (block for block in blocks if not {*block} <= {*at_rest}):
        for pattern in ((), *(cut for cut in cuts if cut[0] in block)):
            alone = {*block, *(p for k in block if k not in pattern for p in parents[k])}
            reached = (names for other, names in terms.bias if other == block)
            by = ((*b, name) for part, b, name in terms.modified if (part, b) == ("bias", block))
            bias: list[Iterable[str]] = [alone, *reached, *by]
            if interactions == "all":
                bias = [actions]
            parts.append((bias_name(block, pattern), block, bias))
    together = covariates_modify_all(interactions, covariates)
    joint = covariates if together else ()
    further = [] if together else [(name,) for name in covariates]
    return [
        ComponentScope(
            component,
            frozenset(own),
            tuple(
                frozenset(names)
                for names in (
                    *((*one, *joint) for one in sets),
                    *further,
                )
            ),
        )
        for component, own, sets in parts
    ]


def missing_terms(
    features: Iterable[tuple[str, frozenset[str]]], terms: InteractionTerms
) -> InteractionTerms:
    """Return the terms that none of some features stands for.

    ``features``: the component and the variables of each.
    """
    known: dict[str, set[frozenset[str]]] = {}
    for component, acting in features:
        known.setdefault(component, set()).add(acting)

    def has(component: str, block: Regime, others: set[str]) -> bool:
        sets = known.get(component, set())
        return any(others <= acting and not acting.isdisjoint(block) for acting in sets)

    return InteractionTerms(
        tuple(names for names in terms.effect if frozenset(names) not in known[CAUSAL]),
        tuple(
            (block, names)
            for block, names in terms.bias
            if not has(bias_name(block), block, {*names} - {*block})
        ),
        tuple(
            (part, block, name)
            for part, block, name in terms.modified
            if not has(CAUSAL if part == "effect" else bias_name(block), block, {name})
        ),
    )

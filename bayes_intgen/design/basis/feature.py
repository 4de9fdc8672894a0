"""A feature: a product of at most one function per action, of none the constant.

It carries labels only: which actions it touches and what prior group it belongs to. Which functions
may be multiplied is a matter of budgets: each has a share, and those of a product sum to one at
most; beside its trend a smooth action has eigenfunctions, which do not go with the trend of
another.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from bayes_intgen.base.errors import ModelError
from bayes_intgen.design.basis.function import ActionBasis, BasisFunction

__all__ = ["Feature", "check_unique", "clash", "function_of", "label_feature", "may_multiply"]

POOLED = "*"  # in place of a name, in the group of functions of many covariates
THREE_SHARES = 1.35  # what the shares of functions of three actions that act together may sum to

type Kind = Literal[
    "constant",
    "linear",
    "wiggly",
    "smooth",
    "warped",
    "curved",
    "mass",
    "step",
    "level",
    "pair",
    "higher",
]


@dataclass(frozen=True)
class Feature:
    """A product of functions of different actions; of none, it is the constant.

    Parameters
    ----------
    factors
        Pairs (action, position of the function in that action's basis).
    name
        How the feature is written, as in ``a1^2 a2``; ``1`` is the constant.
    kind
        What its prior depends on: ``constant``, the shape of a function of one action, ``pair`` or
        ``higher``.
    group
        The features that share a prior scale, mostly within a component: ``a1:linear``,
        ``a1:wiggly`` and so on, ``a1*a2``, or ``higher`` for products of three and more.
    """

    factors: tuple[tuple[str, int], ...]
    name: str
    kind: Kind
    group: str

    @cached_property
    def actions(self) -> frozenset[str]:
        """The actions the feature depends on."""
        return frozenset(action for action, _ in self.factors)


def function_of(factor: tuple[str, int], bases: Mapping[str, ActionBasis]) -> BasisFunction:
    """Return the function that a factor (action, position) is."""
    action, position = factor
    return bases[action].functions[position]


def may_multiply(
    factors: Sequence[tuple[str, int]],
    bases: Mapping[str, ActionBasis],
    threes: Collection[frozenset[str]] = (),
) -> bool:
    """Say whether functions can be multiplied: by the sum of their shares and their orders.

    ``threes``: sets of three actions which act together, whose shares may sum to more.
    """
    functions = [function_of(factor, bases) for factor in factors]
    if len(factors) == 3 and frozenset(name for name, _ in factors) in threes:
        enough = all(f.order is None or f.order > 1 for f in functions)
        return enough and sum(f.share for f in functions) <= THREE_SHARES
    enough = all(f.order is None or len(factors) <= f.order for f in functions)
    return enough and sum(f.share for f in functions) <= 1 + 1e-9


def clash(first: BasisFunction, second: BasisFunction) -> bool:
    """Say whether one is the trend of a smooth action and the other what stands beside a trend."""
    return any(a.trend and b.frequency is not None for a, b in ((first, second), (second, first)))


def label_feature(factors: Sequence[tuple[str, int]], bases: Mapping[str, ActionBasis]) -> Feature:
    """Make the feature of some factors: its name, kind and prior group."""
    name = " ".join(action + function_of((action, i), bases).name for action, i in factors) or "1"
    kind: Kind
    match factors:
        case []:
            kind, group = "constant", "constant"
        case [(action, position)]:
            function = function_of((action, position), bases)
            kind = function.shape
            group = f"{POOLED if function.pooled else action}:{kind}"
        case [(first, _), (second, _)]:
            kind, group = "pair", f"{first}*{second}"
        case _:
            kind, group = "higher", "higher"
    return Feature(tuple(factors), name, kind, group)


def check_unique(features: Sequence[Feature]) -> None:
    """Names and groups must tell features apart, whatever characters the actions' names hold."""
    names: dict[str, Feature] = {}
    groups: dict[str, tuple[Kind, frozenset[str]]] = {}
    for feature in features:
        many = feature.kind == "higher" or feature.group.startswith(f"{POOLED}:")
        meaning = (feature.kind, frozenset() if many else feature.actions)
        same_name = names.setdefault(feature.name, feature) is not feature
        if same_name or groups.setdefault(feature.group, meaning) != meaning:
            raise ModelError(
                f"actions: the names {sorted(feature.actions)} make different features look the "
                f"same ({feature.name!r}, {feature.group!r}); rename a column or a level."
            )

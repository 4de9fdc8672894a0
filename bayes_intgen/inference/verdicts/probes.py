"""Candidates of interactions: further weights which a design lacks, and that a test may ask for.

Of the effect: products of two actions, or of three. Of the bias of a block: products of one of its
actions with an action beyond its possible parents; or of an action with two others. Two of a smooth
action's first functions and its linear one take part, or all levels, in products of two; in
products of three the linear function or the levels.

Actions of one block always interact, and so are no candidates; the bias of a block is tested as a
whole, on each action of the other blocks. Covariates are held to no such rule. Where they are too
many to modify everything (:mod:`bayes_intgen.design.interactions`), the products of each with the
actions of each block are candidates, too: of the effect, and of the bias.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from math import comb

import numpy as np

from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.base.shared_work import shared
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.design import Design
from bayes_intgen.design.interactions import InteractionTerms, covariates_modify_all
from bayes_intgen.inference.verdicts.additivity_result import InteractionKind

__all__ = ["Probe", "find_probes", "probe_features"]

SMOOTHEST = 2
MANY_PAIRS = 60
MODIFICATIONS: tuple[InteractionKind, ...] = ("modified effect", "modified bias")
MANY_ACTIONS = 6  # beyond which products of three are not looked for


@dataclass(frozen=True)
class Probe:
    """Further weights that are tested together."""

    kind: InteractionKind
    # the actions of the effect; or those of a block, and the further ones of its bias, or the
    # covariate that modifies its effect or bias
    own: Regime
    further: Regime
    columns: Indices  # positions of their features, shape (q,)
    scale: Array  # their relative prior standard deviations, the root of D, shape (q,)

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions, those of a block as its label."""
        if self.kind == "interaction":
            return self.own
        return (format_regime(self.own), *self.further)

    @property
    def is_modification(self) -> bool:
        """Whether it is about a covariate."""
        return self.kind.startswith("modified")

    @cached_property
    def names(self) -> frozenset[str]:
        """All actions."""
        return frozenset((*self.own, *self.further))

    @property
    def terms(self) -> InteractionTerms:
        """What a design needs to have these weights."""
        if self.kind == "interaction":
            return InteractionTerms(effect=(self.own,))
        if self.is_modification:
            part = self.kind.removeprefix("modified ")
            return InteractionTerms(modified=((part, self.own, self.further[0]),))
        return InteractionTerms(bias=((self.own, (*self.own, *self.further)),))

    def active(self, regime: Sequence[str]) -> bool:
        """Say whether the weights take part in the mean of a regime."""
        if self.kind in ("interaction", "modified effect"):
            return True
        return not {*self.own} & {*regime}


def probe_features(design: Design) -> FeatureMap:
    """Make the smooth products of two and three actions that the test needs the moments of.

    With many pairs (more than 60), only the product of their first functions. Those with covariates
    are among them where these do not modify everything.
    """
    bases, actions, covariates = design.features.bases, design.actions, design.covariates
    smoothest = SMOOTHEST if comb(len(actions), 2) <= MANY_PAIRS else 0
    products = FeatureMap.pairs(bases, smoothest, actions)
    if len(actions) <= MANY_ACTIONS:
        products = products.union(FeatureMap.threes(bases, actions))
    if not covariates_modify_all(design.interactions, covariates):
        smoothest = SMOOTHEST if len(actions) * len(covariates) <= MANY_PAIRS else 0
        with_covariates = FeatureMap.pairs(bases, smoothest, design.variables)
        chosen = (f for f in with_covariates.features if len(f.actions - {*covariates}) == 1)
        products = products.union(FeatureMap(bases, tuple(chosen)))
    return products


def find_probes(design: Design, features: FeatureMap) -> list[Probe]:
    """List the candidates that a design lacks, of those products that features hold."""
    key = ("probes", id(design), features.factors)  # beside them what has the identity in the key
    return shared(key, lambda: (_find_probes(design, features), design))[0]


def _find_probes(design: Design, features: FeatureMap) -> list[Probe]:
    columns: dict[frozenset[str], list[int]] = {}
    wanted = set(probe_features(design).features)
    for position, feature in enumerate(features.features):
        if feature in wanted:
            columns.setdefault(feature.actions, []).append(position)
    found = []
    for probe_kind, own, further, products in _candidates(design):
        chosen = [column for names in products for column in columns.get(names, ())]
        if chosen:
            scale = np.array([features.relative_scale(column) for column in chosen])
            found.append(Probe(probe_kind, own, further, np.array(chosen), scale))
    return found


type Candidate = tuple[InteractionKind, Regime, Regime, list[frozenset[str]]]


def _candidates(design: Design) -> Iterator[Candidate]:
    """Yield kind, own and further actions, and the products that are tested."""
    known = [*map(frozenset, design.blocks), *map(frozenset, design.terms.effect)]
    for size in (2, 3):
        for names in combinations(design.actions, size):
            blocks = {design.block_of(name) for name in names}
            if len(blocks) == size and not any({*names} <= one for one in known):
                yield "interaction", names, (), [frozenset(names)]
    biased = [block for block in design.blocks if not {*block} <= {*design.at_rest}]
    for block in biased:
        scope = design.scope(block[0])
        reached = design.terms.scopes_of(block)
        for other in design.actions:
            if other not in scope and not any(other in names for names in reached):
                products = [frozenset({action, other}) for action in block]
                yield "bias", block, (other,), products
    threes = {frozenset(names) for names in design.terms.threes}
    for block in (block for block in biased if len(block) == 1):
        scope, reached = design.scope(block[0]), design.terms.scopes_of(block)
        others = [name for name in design.actions if name not in block]
        for pair in combinations(others, 2):
            three = frozenset((*block, *pair))
            if three in reached or (three in threes and three <= scope):
                continue
            products = [three] if {*pair} <= scope else [three, frozenset(pair)]
            yield "bias", block, pair, products
    if not covariates_modify_all(design.interactions, design.covariates):
        for block, name in product(design.blocks, design.covariates):
            products = [frozenset({action, name}) for action in block]
            for kind in MODIFICATIONS:
                if (kind.removeprefix("modified "), block, name) not in design.terms.modified:
                    yield kind, block, (name,), products

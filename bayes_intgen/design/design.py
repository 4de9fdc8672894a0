"""The structured design: every regime mean is linear in one common vector of weights.

With S the set of actions that are intervened on,

    (1)  m_S(a) = E[Y | do(a_S), a_rest] = alpha + sum_k u_k(a_k)
                  + sum over k not in S of d_k(a_k, a_pa(k)),
    (2)  m_S(a) = phi(a)' theta_S,      theta_S = beta + sum over k not in S of delta_k.

The two are one: alpha + sum_k u_k = phi' beta, and d_k = phi' delta_k. ``beta`` is the causal part
and ``delta_k`` the confounding bias of action k, which is switched off when A_k is set. A regime is
a choice of components (:mod:`bayes_intgen.design.interactions`: which features they use).

With ``blocks`` of several actions the same holds with blocks in place of actions (Corollary 1): the
causal part always has every feature within a block (again: smooth curves are of order two,
polynomials of any within the degree), and ``bias:<B>`` depends on the actions of B and the possible
parents of each of them. A regime that cuts a block, setting only the part T of it, has a free
component of its own, ``bias:<B>|<T>``, in the place of ``bias:<B>``: the confounder of B then shows
in the actions of B that are left alone and their parents only.

With the blocks a+b and c: the *pattern* of a regime in a block is the part of it that is set, (a,)
of a+c in a+b; it is a *cut* if it is neither empty nor all of the block. The *scope* of a bias is
the variables that it may depend on, a, b and their possible parents for that of a+b. *Components*
are ``causal`` (beta), ``bias:a+b``, ``bias:a+b|a`` for the cut (a,), and ``bias:c``.

With covariates Z, observed in every regime and settled before any action, all of this holds at each
z: the mechanisms given Z = z are a system of the same class, and

    m_S(a, z) = alpha(z) + sum_k u_k(a_k, z) + sum over k not in S of d_k(a_k, a_pa(k), z).

So covariates do not count as interacting actions: there always are functions of the covariates, and
every function of actions may be modified by them, within the budget of products.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from bayes_intgen.base.blocks import Blocks
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime, order_regime
from bayes_intgen.base.types import Array, Indices, Mask
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.design.basis.function import ActionBasis
from bayes_intgen.design.components import (
    CAUSAL,
    Waves,
    Weight,
    bias_name,
    components_of,
    frequency_table,
    kinds_of_groups,
)
from bayes_intgen.design.interactions import (
    NO_TERMS,
    InteractionClass,
    Interactions,
    InteractionTerms,
    component_scopes,
    missing_terms,
)

__all__ = ["CAUSAL", "Design", "Weight", "bias_name"]

MAX_WEIGHTS = 4000


@dataclass(frozen=True)
class Design:
    """Features, and which of them each component may use.

    Parameters
    ----------
    features
        The feature map phi of the actions and covariates.
    parents
        The possible parents of each action.
    interactions
        ``"none"``, ``"pairwise"``, ``"all"``, or ``"learned"`` with terms.
    blocks
        A partition of the actions; each is a block of its own by default.
    cuts
        The parts of blocks that regimes of the data set.
    covariates
        The variables that are covariates; any action may depend on each of them.
    terms
        What interacts, if this was learned.
    at_rest
        The actions that never move unless set, and so have no bias
        (:mod:`bayes_intgen.data.at_rest`): every regime counts as one that sets them.
    """

    features: FeatureMap
    parents: Mapping[str, tuple[str, ...]]
    interactions: Interactions = "none"
    blocks: Blocks = ()
    cuts: tuple[Regime, ...] = ()
    covariates: tuple[str, ...] = ()
    terms: InteractionTerms = NO_TERMS
    at_rest: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.blocks:
            object.__setattr__(self, "blocks", tuple((action,) for action in self.actions))

    @classmethod
    def build(
        cls,
        bases: Mapping[str, ActionBasis],
        parents: Mapping[str, tuple[str, ...]],
        interactions: Interactions = "none",
        blocks: Blocks = (),
        cuts: tuple[Regime, ...] = (),
        covariates: tuple[str, ...] = (),
        terms: InteractionTerms = NO_TERMS,
        at_rest: tuple[str, ...] = (),
    ) -> Self:
        """Make the features that the components need; arguments as in the class.

        ``bases``: of each action, then of each covariate. ``blocks``: none means that each action
        is a block of its own.

        Raises
        ------
        ModelError
            If there would be more than 4000 weights, which takes minutes for a single step.
        """
        actions = [name for name in bases if name not in covariates]
        blocks = blocks or tuple((action,) for action in actions)
        chosen = (interactions, covariates, terms, at_rest)
        scopes = component_scopes(blocks, cuts, parents, *chosen)
        wanted = {names for scope in scopes for names in scope.sets}
        features = FeatureMap.within(bases, wanted, terms.threes)
        design = cls(features, parents, interactions, blocks, cuts, covariates, terms, at_rest)
        if len(design.weights) > MAX_WEIGHTS:
            raise ModelError(
                f"{'covariates' if covariates else 'structure'}: {len(design.weights)} weights are "
                f"more than the {MAX_WEIGHTS} that can be handled; give fewer covariates or "
                f"levels, a causal order or a graph with fewer edges, or a smaller basis."
            )
        return design

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions."""
        return tuple(name for name in self.variables if name not in self.covariates)

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the actions, then of the covariates."""
        return self.features.variables

    @cached_property
    def weights(self) -> tuple[Weight, ...]:
        """All weights: the causal part, then the biases of each block."""
        chosen = (self.interactions, self.covariates, self.terms, self.at_rest)
        return tuple(  # of beta and delta_k of (2)
            Weight(scope.component, i, feature)
            for scope in component_scopes(self.blocks, self.cuts, self.parents, *chosen)
            for i, feature in enumerate(self.features.features)
            if scope.has(feature.actions, self.features.is_fine(i))
        )

    def with_interactions(
        self, interactions: Interactions, terms: InteractionTerms = NO_TERMS
    ) -> Self:
        """Return the design with other interactions, the rest alike."""
        rest = (interactions, self.blocks, self.cuts, self.covariates, terms, self.at_rest)
        return type(self).build(self.features.bases, self.parents, *rest)

    def additive(self) -> Self:
        """Return the design in which no actions interact, and no more covariates modify anything.

        That of a learned design has no terms; many covariates then modify nothing.
        """
        return self.with_interactions("learned" if self.interactions == "learned" else "none")

    @property
    def interaction_class(self) -> InteractionClass:
        """The narrowest class of all actions that has what the design has."""
        return self.terms.needed_class if self.interactions == "learned" else self.interactions

    def lacks(self, terms: InteractionTerms) -> InteractionTerms:
        """Return the terms that no weight of the design stands for."""
        return missing_terms(((w.component, w.feature.actions) for w in self.weights), terms)

    def block_of(self, action: str) -> Regime:
        """Return the block of an action."""
        return next(block for block in self.blocks if action in block)

    def scope(self, action: str, pattern: Regime = ()) -> set[str]:
        """Return the variables that the confounding bias of an action's block may depend on.

        ``pattern``: the part of the block that is set, whose parents then do not matter.
        """
        if self.interactions == "all":
            return {*self.actions, *self.covariates}
        block = self.block_of(action)
        parents = (p for k in block if k not in pattern for p in self.parents[k])
        return {*block, *parents, *self.covariates}

    @cached_property
    def positions(self) -> Indices:
        """Position of each weight's feature, shape (weights,)."""
        return np.array([weight.position for weight in self.weights])

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Names of the prior groups, in order of appearance."""
        return tuple(dict.fromkeys(w.group for w in self.weights if w.group is not None))

    def group_kinds(self, unset: Iterable[str] = (), gapped: Iterable[str] = ()) -> tuple[str, ...]:
        """Return what the prior of each group depends on: see :func:`kinds_of_groups`."""
        kinds = kinds_of_groups(self.weights, self.covariates, unset, gapped)
        return tuple(kinds[group] for group in self.groups)

    @cached_property
    def group_index(self) -> Indices:
        """Group of each weight, shape (weights,); constants have the number of groups."""
        order = {name: i for i, name in enumerate(self.groups)}
        return np.array([order.get(w.group or "", len(self.groups)) for w in self.weights])

    @cached_property
    def _frequency_table(self) -> tuple[tuple[Waves, ...], Array]:
        return frequency_table(self.weights, self.features.bases)

    @property
    def waves(self) -> tuple[Waves, ...]:
        """The coordinates of actions and covariates that have eigenfunctions."""
        return self._frequency_table[0]

    @property
    def frequencies(self) -> Array:
        """Frequency of each weight's eigenfunction of each coordinate; (weights, coordinates).

        Zero where the feature has none.
        """
        return self._frequency_table[1]

    @property
    def smooth_actions(self) -> tuple[str, ...]:
        """The names of these coordinates, each of which has a lengthscale."""
        return tuple(waves.name for waves in self.waves)

    def active(self, regime: Iterable[str]) -> Mask:
        """Return which weights take part in the mean of a regime S, shape (weights,).

        Those of the causal part, and by the sum over k not in S of (1) those of the biases of
        blocks that S does not set as a whole.

        Raises
        ------
        ModelError
            If it cuts a block as no regime of the data does.
        """
        everything = order_regime({*regime, *self.at_rest}, self.actions)
        if everything not in self._known:
            self._known[everything] = self._find_active(everything)
        return self._known[everything]

    @cached_property
    def _known(self) -> dict[Regime, Mask]:
        return {}

    def _find_active(self, everything: Regime) -> Mask:
        wanted = components_of(everything, self.blocks, self.cuts)
        active = np.array([weight.component in wanted for weight in self.weights])
        active.flags.writeable = False
        return active

    def component(self, name: str) -> Mask:
        """Return which weights belong to a component, shape (weights,)."""
        return np.array([weight.component == name for weight in self.weights])

    def collect(self, weights: Array, chosen: Mask) -> Array:
        """Sum the chosen weights by feature: theta_S for ``chosen = active(S)``.

        Shapes (..., weights) of draws and (weights,) to (..., features).
        """
        return weights @ self.gather(chosen)

    def gather(self, chosen: Mask) -> Array:
        """Return the matrix of zeros and ones that sums the chosen weights by feature, as in (2).

        Shape (weights, features).
        """
        matrix = np.zeros((len(self.weights), len(self.features.features)))
        matrix[np.flatnonzero(chosen), self.positions[chosen]] = 1.0
        return matrix

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON types."""
        parents = {action: list(names) for action, names in self.parents.items()}
        return {
            "features": self.features.to_dict(),
            "parents": parents,
            "interactions": self.interactions,
            "blocks": [list(block) for block in self.blocks],
            "cuts": [list(cut) for cut in self.cuts],
            "covariates": list(self.covariates),
            **({"terms": self.terms.to_dict()} if self.terms else {}),
            **({"at_rest": list(self.at_rest)} if self.at_rest else {}),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the design from :meth:`to_dict`."""
        parents = {action: tuple(names) for action, names in state["parents"].items()}
        features = FeatureMap.from_dict(state["features"])
        blocks, cuts = (tuple(map(tuple, state.get(name, ()))) for name in ("blocks", "cuts"))
        covariates = tuple(state.get("covariates", ()))
        terms = InteractionTerms.from_dict(state.get("terms", NO_TERMS.to_dict()))
        chosen = (covariates, terms, tuple(state.get("at_rest", ())))
        return cls(features, parents, state["interactions"], blocks, cuts, *chosen)

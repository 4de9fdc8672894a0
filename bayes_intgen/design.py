"""The structured design: every regime mean is linear in one common vector of weights.

Equations 1 and 2 of the model: with S the set of actions that are intervened on,

    m_S(a) = E[Y | do(a_S), a_rest] = phi(a)' theta_S,
    theta_S = beta + sum over k not in S of delta_k.

``beta`` is the causal part and ``delta_k`` the confounding bias of action k, which is switched off
when A_k is intervened on. A regime is a choice of components. Which features they use is the
``interactions`` argument, a ladder of ever wider classes of outcomes:

``"none"``
    beta = alpha + sum_k u_k(a_k); delta_k depends on a_k and the possible parents of A_k. The class
    of the paper's Assumption 2, Y = sum_k f_k(A_k, C_k) + U.
``"pairwise"``
    beta gains u_jk(a_j, a_k) for each pair: Y = g(A) + sum_k h_k(A_k, C_k) + U with g of order two.
``"all"``
    beta and delta_k use every feature of all actions: Y = sum_k h_k(A, C_k) + U. Each confounder is
    still one action's own, but may modify the effects of all. The features decide what "every" is:
    products of two actions for smooth curves, of any number within the degree for polynomials.

With covariates Z, observed in every regime and settled before any action, all of this holds at each
z: the mechanisms given Z = z are a system of the same class, and

    m_S(a, z) = alpha(z) + sum_k u_k(a_k, z) + sum over k not in S of d_k(a_k, a_pa(k), z).

So a covariate takes no part in the count of interacting actions: every rung has functions of the
covariates, and every function of actions may be modified by them, within the budget of products.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from bayes_intgen.basis import ActionBasis, Feature, FeatureMap
from bayes_intgen.errors import ModelError

__all__ = ["CAUSAL", "INTERACTIONS", "Design", "Interactions", "Weight", "bias_name"]

CAUSAL = "causal"
MAX_WEIGHTS = 4000

INTERACTIONS = ("none", "pairwise", "all")

type Array = npt.NDArray[np.float64]
type Interactions = Literal["none", "pairwise", "all"]


def bias_name(action: str) -> str:
    """Return the name of the component that holds the confounding bias of an action."""
    return f"bias:{action}"


@dataclass(frozen=True)
class Weight:
    """One weight: a feature within a component.

    Parameters
    ----------
    component
        ``causal`` or ``bias:<action>``.
    position
        Position of the feature in the feature map.
    feature
        The feature.
    """

    component: str
    position: int
    feature: Feature

    @property
    def name(self) -> str:
        """How the weight is written, as in ``bias:a1|a1^2 a2``."""
        return f"{self.component}|{self.feature.name}"

    @property
    def group(self) -> str | None:
        """Its prior group; None for constants, whose prior scale is fixed."""
        feature = self.feature
        return None if feature.kind == "constant" else f"{self.component}|{feature.group}"


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
        ``"none"``, ``"pairwise"`` or ``"all"``.
    covariates
        The variables that are covariates; any action may depend on each of them.
    """

    features: FeatureMap
    parents: Mapping[str, tuple[str, ...]]
    interactions: Interactions = "none"
    covariates: tuple[str, ...] = ()

    @classmethod
    def build(
        cls,
        bases: Mapping[str, ActionBasis],
        parents: Mapping[str, tuple[str, ...]],
        interactions: Interactions = "none",
        covariates: tuple[str, ...] = (),
    ) -> Self:
        """Make the features that the components need.

        Parameters
        ----------
        bases
            The basis of each action, then of each covariate.
        parents, interactions, covariates
            As in the class.

        Raises
        ------
        ModelError
            If there would be more than 4000 weights, which takes minutes for a single step.
        """
        actions = [name for name in bases if name not in covariates]
        scopes = [{action, *parents[action], *covariates} for action in actions]
        if interactions == "pairwise":
            scopes += [{*pair, *covariates} for pair in combinations(actions, 2)]
        if interactions == "all":
            scopes = [set(bases)]
        design = cls(FeatureMap.within(bases, scopes), parents, interactions, covariates)
        if len(design.weights) > MAX_WEIGHTS:
            raise ModelError(
                f"structure: {len(design.weights)} weights are more than the {MAX_WEIGHTS} that "
                f"can be handled; give a causal order or a graph with fewer edges, a smaller "
                f"basis, fewer levels, or fewer covariates."
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
        """All weights: the causal part, then the bias of each action."""
        features = self.features.features
        causal = [
            Weight(CAUSAL, i, feature)
            for i, feature in enumerate(features)
            if len(feature.actions - {*self.covariates}) <= self._order
        ]
        bias = [
            Weight(bias_name(action), int(i), features[i])
            for action in self.actions
            for i in self.features.positions(self.scope(action))
        ]
        return tuple(causal + bias)

    @property
    def _order(self) -> int:
        """The largest number of actions in a feature of the causal part."""
        return {"none": 1, "pairwise": 2, "all": len(self.actions)}[self.interactions]

    def scope(self, action: str) -> set[str]:
        """Return the variables that the confounding bias of an action may depend on."""
        others = self.actions if self.interactions == "all" else self.parents[action]
        return {action, *others, *self.covariates}

    @cached_property
    def positions(self) -> npt.NDArray[np.intp]:
        """Position of each weight's feature, shape (weights,)."""
        return np.array([weight.position for weight in self.weights])

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Names of the prior groups, in order of appearance."""
        return tuple(dict.fromkeys(w.group for w in self.weights if w.group is not None))

    @cached_property
    def group_kinds(self) -> tuple[str, ...]:
        """What the prior of each group depends on: covariate, or the kind of its features.

        Groups of one or two variables of which one is a covariate are of the kind ``covariate``;
        those of other features are linear, wiggly, level, pair or higher.
        """
        kinds: dict[str | None, str] = {}
        for weight in self.weights:
            feature = weight.feature
            given = not feature.actions.isdisjoint(self.covariates)
            covariate = given and feature.kind != "higher"
            kinds[weight.group] = "covariate" if covariate else feature.kind
        return tuple(kinds[group] for group in self.groups)

    @cached_property
    def group_index(self) -> npt.NDArray[np.intp]:
        """Group of each weight, shape (weights,); constants have the number of groups."""
        order = {name: i for i, name in enumerate(self.groups)}
        return np.array([order.get(w.group or "", len(self.groups)) for w in self.weights])

    @cached_property
    def frequencies(self) -> Array:
        """Frequency of each weight's eigenfunction of each variable; (weights, variables).

        Zero where the feature has none.
        """
        bases = self.features.bases
        table = np.zeros((len(self.weights), len(self.variables)))
        for row, weight in enumerate(self.weights):
            for action, position in weight.feature.factors:
                frequency = bases[action].functions[position].frequency
                table[row, self.variables.index(action)] = frequency or 0.0
        return table

    @cached_property
    def smooth_actions(self) -> tuple[str, ...]:
        """The actions and covariates that have eigenfunctions, and so a lengthscale."""
        waves = self.frequencies.any(axis=0)
        return tuple(name for name, wave in zip(self.variables, waves, strict=True) if wave)

    def active(self, regime: Iterable[str]) -> npt.NDArray[np.bool_]:
        """Return which weights take part in the mean of a regime, shape (weights,)."""
        switched_off = {bias_name(action) for action in regime}
        return np.array([weight.component not in switched_off for weight in self.weights])

    def component(self, name: str) -> npt.NDArray[np.bool_]:
        """Return which weights belong to a component, shape (weights,)."""
        return np.array([weight.component == name for weight in self.weights])

    def collect(self, weights: Array, chosen: npt.NDArray[np.bool_]) -> Array:
        """Sum the chosen weights by feature: theta_S for ``chosen = active(S)``.

        Parameters
        ----------
        weights
            Draws of the weights, shape (..., weights).
        chosen
            The weights that take part, shape (weights,).

        Returns
        -------
        ndarray
            Coefficients of the features, shape (..., features).
        """
        gather = np.zeros((len(self.weights), len(self.features.features)))
        gather[np.flatnonzero(chosen), self.positions[chosen]] = 1.0
        return weights @ gather

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON types."""
        parents = {action: list(names) for action, names in self.parents.items()}
        return {
            "features": self.features.to_dict(),
            "parents": parents,
            "interactions": self.interactions,
            "covariates": list(self.covariates),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the design from :meth:`to_dict`."""
        parents = {action: tuple(names) for action, names in state["parents"].items()}
        features = FeatureMap.from_dict(state["features"])
        return cls(features, parents, state["interactions"], tuple(state["covariates"]))

"""Correlated additive noise: confounders shared by all actions, as long as errors are normal.

Saengkyongam and Silva (2020) assume

    (1)  A_k = g_k(A_pa(k)) + U_k,     Y = f(A) + U_Y,     U ~ N(0, Sigma)  with any Sigma:

confounders may be shared and actions may interact, but every error is added and normal, so that
no confounder modifies an effect and no bias is curved. In a regime S only the errors of the other
actions are informative of U_Y,

    (2)  E[Y | do(a_S), a_rest] = f(a) + Sigma_{Y,R} Sigma_{RR}^-1 (a_R - g_R(a)),

with R the actions not in S, and E[Y | do(a)] = f(a). Polynomials f and g_k and the
covariance Sigma maximise the likelihood of all regimes together, from the moments of one pass
(:mod:`bayes_intgen.baselines.noise_covariance`). The classes of Jeunen et al. (2022) and Elahi et
al. (2024) are cases of (1).

f is identified when each action is set in some regime: there what moves with it is f. Sigma_jk is
when a regime leaves both alone.

What differs from :class:`bayes_intgen.InterventionModel`: there confounders belong to one action
(or block) each, and may have any distribution and any effect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

from bayes_intgen.base.errors import ModelError, NotIdentifiedError
from bayes_intgen.base.regimes import describe_experiments, format_regime
from bayes_intgen.baselines.fitted_additive_noise import FittedAdditiveNoise
from bayes_intgen.baselines.noise_covariance import RegimeProducts, fit_equations
from bayes_intgen.baselines.regime_moments import read_moments, require_data
from bayes_intgen.data.regime_data import RegimeData
from bayes_intgen.design.basis.polynomial import Polynomial
from bayes_intgen.design.structure import Parents, Structure, resolve_structure
from bayes_intgen.design.structure_learning import LearnedStructure, learn_structure
from bayes_intgen.moments.moments import Moments

__all__ = ["AdditiveNoise"]

STRENGTH = ("seen", "implied", "untested", "possible")


@dataclass(frozen=True)
class AdditiveNoise:
    """Structural equations with correlated normal errors (Saengkyongam and Silva 2020).

    Confounders may be shared by all actions, and actions may interact; but errors are added and
    jointly normal: no confounder modifies an effect. The equations stand in
    :mod:`bayes_intgen.baselines.additive_noise`. Actions are numbers, as their errors are normal
    where they are left alone; an action with few levels is answered as if it were so.

    Parameters
    ----------
    degree
        Highest total degree of the polynomials f and g_k.
    structure
        Which actions may depend on which others, without cycles: a list of all actions in causal
        order, a graph, pairs (parent, child), or ``"learned"`` from the experiments. Of learned
        pairs that would close a circle those of the weaker evidence are left out.

    Raises
    ------
    ModelError
        If an option is not valid.

    References
    ----------
    Saengkyongam and Silva (2020), "Learning Joint Nonlinear Effects from Single-variable
    Interventions in the Presence of Hidden Confounders", UAI.

    Examples
    --------
    >>> fit = ig.AdditiveNoise().fit(data)
    >>> fit.expected_outcome({"a1": [0.0, 0.1], "a2": 0.2}).sizes
    Frozen({'point': 2})
    >>> fit.noise.shape
    (3, 3)
    """

    degree: int = 2
    structure: Structure = "learned"

    def __post_init__(self) -> None:
        Polynomial(degree=self.degree)  # holds the rule

    def fit(self, data: RegimeData | Moments) -> FittedAdditiveNoise:
        """Maximise the likelihood of all regimes together.

        Parameters
        ----------
        data
            The rows, or their moments in polynomials of at least this degree.

        Raises
        ------
        NotIdentifiedError
            If an action is set in no regime; names what is missing.
        ModelError
            If an action is categorical, there are covariates, the structure has a circle, or
            moments are weighted or lack a function.

        Examples
        --------
        >>> fit = ig.AdditiveNoise(degree=1, structure=["a1", "a2"]).fit(data)
        >>> fit.expected_outcome({"a1": 0.1, "a2": 0.0}, do="a1").shape
        (1,)
        """
        require_data(data, "AdditiveNoise")
        if data.summary.levels:
            raise ModelError(
                f"data: the errors of the actions are normal in AdditiveNoise, but "
                f"{list(data.summary.levels)} are categorical. Use InterventionModel, "
                f"CausalAggregation or FactorModel, which take levels."
            )
        missing = [(a,) for a in data.actions if not any(a in r for r in data.regimes)]
        if missing:
            raise NotIdentifiedError(
                f"data: AdditiveNoise tells an effect from a confounder where the action is set, "
                f"but the regimes are {[format_regime(r) for r in data.regimes]}: missing "
                f"{describe_experiments(missing)}. Add such rows, or leave the actions out."
            )
        parents = self._parents(data)
        moments = read_moments(data, self.degree, [data.actions])
        features, k_all = moments.features, len(data.actions)
        functions = [features.positions(parents[name]) for name in data.actions]
        functions.append(np.arange(len(features.features)))
        linear = {
            f.factors[0][0]: i for i, f in enumerate(features.features) if _is_linear(f.factors)
        }
        responses = np.array([*(linear[name] for name in data.actions), len(features.features)])
        regimes = [
            RegimeProducts(
                np.array([k for k, a in enumerate(data.actions) if a not in regime] + [k_all]),
                moments.by_regime[regime].n,
                moments.raw(regime),
            )
            for regime in data.regimes
        ]
        equations = fit_equations(regimes, functions, responses)
        return FittedAdditiveNoise(
            data.actions,
            data.outcome,
            data.regimes,
            parents,
            features,
            moments.outcome_scale,
            equations,
        )

    def _parents(self, data: RegimeData | Moments) -> Parents:
        """Return the parents of each action, without a circle."""
        if self.structure == "learned":
            return _without_circles(learn_structure(data.summary))
        parents = resolve_structure(self.structure, data.actions)
        graph = nx.DiGraph([(p, child) for child, own in parents.items() for p in own])
        if not nx.is_directed_acyclic_graph(graph):
            raise ModelError(
                f"structure: AdditiveNoise needs one without circles, got {self.structure!r}; list "
                f"the actions in causal order, {list(data.actions)}, or give a graph."
            )
        return parents


def _without_circles(learned: LearnedStructure) -> Mapping[str, tuple[str, ...]]:
    """Take up edges from the strongest evidence on, but none that closes a circle."""
    graph = nx.DiGraph()
    graph.add_nodes_from(learned.actions)
    kept = [edge for edge in learned.edges if edge.status != "absent"]
    for edge in sorted(kept, key=lambda e: (STRENGTH.index(e.status), np.nan_to_num(e.p_value))):
        if not nx.has_path(graph, edge.child, edge.parent):
            graph.add_edge(edge.parent, edge.child)
    return {a: tuple(p for p in learned.actions if graph.has_edge(p, a)) for a in learned.actions}


def _is_linear(factors: Sequence[tuple[str, int]]) -> bool:
    return len(factors) == 1 and factors[0][1] == 0

"""Structural causal models with polynomial mechanisms, and their true effects.

The synthetic models of Kekić, Garrido Mejia and Schölkopf (ICML 2025), Appendix E, their equations
(95) to (100): for k = 1..K

    C_k = W_k
    A_k = L(g_k(A_pa(k), C_k, V_k))                       L the identity, or tanh               (1)
    Y   = sum_k f_k(A_k, C_k) + extra(A_1..A_K, C_1..C_K) + U                                   (2)

with polynomials f_k, g_k and extra, and independent noises U, V_k, W_k. V_k is absent from the
paper's equation (96) but has a row in its Table 4; here it is one more input of g_k. The paper has
no extra terms; with them come actions that interact (a_j a_k), confounders that modify the effect
of another action (a_j c_k) and confounders that act together (c_j c_k), which no estimator from
single interventions can allow for. An intervention on A_k replaces its mechanism by
L(N(mean_k, sd_k^2)).

Without its noise the outcome is a sum of terms w prod_k A_k^(p_k) C_k^(q_k). Given all actions the
confounders are independent of one another in every regime (C_k is tied to A_k and its parents at
most), so the truth that estimates are compared with is

    E[Y | do(a_S), a_rest] = sum w prod_k a_k^(p_k) E[C_k^(q_k) | ...]                          (3)

with the moments of p(C_k) for k in S and those of p(C_k | a_k, a_pa(k)) for the others. With terms
of single pairs (A_k, C_k) this is the paper's Proposition 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Points
from bayes_intgen.scm.conditional import Conditional, condition_on_action, unconditional
from bayes_intgen.scm.graph import Edges, check_graph, find_parents
from bayes_intgen.scm.link import Link, apply_link, check_link, invert_link
from bayes_intgen.scm.noise import Noise
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.system import System, refuse_impossible

__all__ = ["PolynomialSCM"]


@dataclass(frozen=True)
class PolynomialSCM(System):
    """A structural causal model with polynomial mechanisms and one confounder per action.

    Usually made by `sample_polynomial_scm`, `sample_common_support_scm` or `sample_linear_scm`.
    Nothing in it can change.

    Parameters
    ----------
    actions
        Names of the actions A_1..A_K, in a causal order.
    edges
        The pairs (parent, child) of actions.
    effects
        f_k for each action, with inputs (A_k, C_k).
    mechanisms
        g_k for each action, with inputs (parents in the order of `actions`, C_k, V_k).
    confounder_noises, action_noises, outcome_noise
        Distributions of W_k and V_k for each action, and of U.
    intervention_means, intervention_sds
        Mean and standard deviation, for each action, of L^-1(A_k) when A_k is intervened on.
    extra
        Polynomials that are added to Y, with inputs (all actions, all confounders). None in the
        paper.
    link
        L: ``"identity"`` as in the paper, or ``"tanh"``, which keeps all actions in (-1, 1).

    Raises
    ------
    ModelError
        If the parts do not fit together.

    Examples
    --------
    >>> scm = ig.scm.sample_polynomial_scm(3, random_seed=1)
    >>> scm.sample(100, do="a1+a3", random_seed=2).columns.tolist()
    ['a1', 'a2', 'a3', 'y']
    >>> sorted(scm.parents), scm.single_regimes
    (['a1', 'a2', 'a3'], ('obs', 'a1', 'a2', 'a3'))
    >>> at = {"a1": [0.0, 0.5], "a2": 0.1, "a3": -0.2}
    >>> scm.expected_outcome(at, do=["a1", "a2"]).attrs["do"]
    'a1+a2'
    """

    actions: tuple[str, ...]
    edges: Edges
    effects: tuple[Polynomial, ...] = field(repr=False)
    mechanisms: tuple[Polynomial, ...] = field(repr=False)
    confounder_noises: tuple[Noise, ...] = field(repr=False)
    action_noises: tuple[Noise, ...] = field(repr=False)
    outcome_noise: Noise = field(repr=False)
    intervention_means: tuple[float, ...] = field(repr=False)
    intervention_sds: tuple[float, ...] = field(repr=False)
    extra: tuple[Polynomial, ...] = field(default=(), repr=False)
    link: Link = "identity"

    def __post_init__(self) -> None:
        check_graph(self.actions, self.edges)
        noises = (self.confounder_noises, self.action_noises)
        interventions = (self.intervention_means, self.intervention_sds)
        per_action = (self.effects, self.mechanisms, *noises, *interventions)
        if {len(part) for part in per_action} != {len(self.actions)}:
            raise ModelError(
                f"all parts but edges and outcome_noise must have one entry for each of the "
                f"{len(self.actions)} actions, got {[len(part) for part in per_action]}."
            )
        inputs = [(f.inputs, g.inputs) for f, g in zip(self.effects, self.mechanisms, strict=True)]
        needed = [(2, len(parents) + 2) for parents in self.parents.values()]
        if inputs != needed:
            raise ModelError(
                f"effects and mechanisms must have {needed} inputs (action and confounder; "
                f"parents, confounder and noise), got {inputs}."
            )
        of_extra = [polynomial.inputs for polynomial in self.extra]
        if set(of_extra) - {2 * len(self.actions)}:
            raise ModelError(
                f"extra polynomials must have {2 * len(self.actions)} inputs (all actions, then "
                f"all confounders), got {of_extra}."
            )
        check_link(self.link)

    @property
    def parents(self) -> dict[str, tuple[str, ...]]:
        """The parents of each action, in the order of the actions."""
        return find_parents(self.actions, self.edges)

    def _draw(self, n: int, regime: Regime, rng: np.random.Generator) -> pd.DataFrame:
        columns: dict[str, Array] = {}
        confounders = []
        outcome = self.outcome_noise.sample(n, rng)
        for k, (name, parents) in enumerate(self.parents.items()):
            confounder = self.confounder_noises[k].sample(n, rng)
            if name in regime:
                z = rng.normal(self.intervention_means[k], self.intervention_sds[k], n)
            else:
                inputs = [columns[parent] for parent in parents]
                inputs += [confounder, self.action_noises[k].sample(n, rng)]
                z = self.mechanisms[k](np.column_stack(inputs))
            columns[name] = apply_link(self.link, z)  # (1)
            confounders.append(confounder)
            outcome += self.effects[k](np.column_stack([columns[name], confounder]))
        for polynomial in self.extra:  # (2)
            outcome += polynomial(np.column_stack([*columns.values(), *confounders]))
        return pd.DataFrame({**columns, self.outcome: outcome})

    def _true_mean(self, points: Points, regime: Regime) -> tuple[Array, float]:
        terms = _gather_terms(self.effects, self.extra)
        given = [self._confounder(k, points, regime, terms) for k in range(len(self.actions))]
        # by the fine rule and by the rough one, whose difference shows the error
        mean = _average(terms, points.values, [confounder.moments for confounder in given])
        rough = _average(terms, points.values, [confounder.rough for confounder in given])
        return mean, float(np.abs(mean - rough).max())

    def _confounder(self, k: int, points: Points, regime: Regime, terms: Polynomial) -> Conditional:
        """Return the moments of C_k given all actions, up to its highest power in the outcome."""
        name, noise = self.actions[k], self.confounder_noises[k]
        order = max(term[len(self.actions) + k] for term in terms.powers)
        if name in regime:
            return unconditional(noise, order, len(points))
        parents = [self.actions.index(parent) for parent in self.parents[name]]
        given = condition_on_action(
            self.mechanisms[k],
            noise,
            self.action_noises[k],
            points.values[:, parents],
            invert_link(self.link, points.values[:, k]),
            order,
        )
        refuse_impossible(~np.isfinite(given.moments).all(axis=1), points, name)
        return given


def _gather_terms(effects: Sequence[Polynomial], extra: Sequence[Polynomial]) -> Polynomial:
    """Write (2) without U as one polynomial in (A_1..A_K, C_1..C_K).

    Examples
    --------
    >>> product = Polynomial(((1, 1),), (3.0,))
    >>> _gather_terms([product, product], []).powers
    ((1, 0, 1, 0), (0, 1, 0, 1))
    """
    count = len(effects)
    powers: list[tuple[int, ...]] = []
    coefficients: list[float] = []
    for k, effect in enumerate(effects):
        for of_action, of_confounder in effect.powers:
            term = [0] * (2 * count)
            term[k], term[count + k] = of_action, of_confounder
            powers.append(tuple(term))
        coefficients += effect.coefficients
    for polynomial in extra:
        powers += polynomial.powers
        coefficients += polynomial.coefficients
    return Polynomial(tuple(powers), tuple(coefficients))


def _average(terms: Polynomial, actions: Array, moments: Sequence[Array]) -> Array:
    """Return (3), given the moments of each confounder, of shape (points, order + 1)."""
    count = actions.shape[1]
    total = np.zeros(len(actions))
    for term, coefficient in zip(terms.powers, terms.coefficients, strict=True):
        product = np.full(len(actions), coefficient)
        for k in range(count):
            product *= actions[:, k] ** term[k] * moments[k][:, term[count + k]]
        total += product
    return total

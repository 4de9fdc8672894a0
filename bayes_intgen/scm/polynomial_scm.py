"""Structural causal models with polynomial mechanisms, and their true effects.

The synthetic models of Kekić, Garrido Mejia and Schölkopf (ICML 2025), Appendix E, equations
(95) to (100): for k = 1..K

    C_k = W_k
    A_k = L(g_k(A_pa(k), C_k, V_k))                       L the identity, or tanh
    Y   = sum_k f_k(A_k, C_k) + extra(A_1..A_K, C_1..C_K) + U

with polynomials f_k, g_k and extra, and independent noises U, V_k, W_k. V_k is absent from the
paper's equation (96) but has a row in its Table 4; here it is one more input of g_k. The paper has
no extra terms; with them come actions that interact (a_j a_k), confounders that modify the effect
of another action (a_j c_k) and confounders that act together (c_j c_k), which no estimator from
single interventions can allow for. An intervention on A_k replaces its mechanism by
L(N(mean_k, sd_k^2)). Since C_k is then independent of A, the joint effect is a sum of moments:

    E[Y | do(a_1, ..., a_K)] = sum_k sum_ij alpha_kij a_k^i E[C_k^j] + E[extra(a, C)]

where alpha_kij are the coefficients of f_k: the truth that estimates are compared with.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Points
from bayes_intgen.scm.graph import Edges, check_graph, find_parents
from bayes_intgen.scm.link import Link, apply_link, check_link
from bayes_intgen.scm.noise import Noise
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.system import System
from bayes_intgen.scm.truth import LeftAlone, gather_terms, true_mean

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
    >>> scm.single_regimes
    ('obs', 'a1', 'a2', 'a3')
    >>> frame = scm.sample_regimes(scm.single_regimes, n=50, random_seed=2)
    >>> frame["regime"].value_counts()["a2"].item()
    50
    >>> at = {"a1": [0.0, 0.5], "a2": 0.1, "a3": -0.2}
    >>> scm.expected_outcome(at).sizes["point"]
    2
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
        found = [(f.inputs, g.inputs) for f, g in zip(self.effects, self.mechanisms, strict=True)]
        needed = [(2, len(parents) + 2) for parents in self.parents.values()]
        if found != needed:
            raise ModelError(
                f"effects and mechanisms must have {needed} inputs (action and confounder; "
                f"parents, confounder and noise), got {found}."
            )
        inputs = [polynomial.inputs for polynomial in self.extra]
        if set(inputs) - {2 * len(self.actions)}:
            raise ModelError(
                f"extra polynomials must have {2 * len(self.actions)} inputs (all actions, then "
                f"all confounders), got {inputs}."
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
            columns[name] = apply_link(self.link, z)
            confounders.append(confounder)
            outcome += self.effects[k](np.column_stack([columns[name], confounder]))
        for polynomial in self.extra:
            outcome += polynomial(np.column_stack([*columns.values(), *confounders]))
        return pd.DataFrame({**columns, self.outcome: outcome})

    def _true_mean(self, points: Points, regime: Regime) -> tuple[Array, float]:
        left_alone = [
            LeftAlone(
                self.mechanisms[k],
                self.confounder_noises[k],
                self.action_noises[k],
                tuple(self.actions.index(parent) for parent in parents),
            )
            for k, parents in enumerate(self.parents.values())
        ]
        terms = gather_terms(self.effects, self.extra)
        return true_mean(points, regime, left_alone, terms, self.link)

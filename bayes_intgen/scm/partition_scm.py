"""Structural causal models that are additive over blocks of actions, and their true effects.

Definition 2 of Kekić, Garrido Mejia and Schölkopf (ICML 2025), equations (22) to (24), with one
confounder per block. For every block B and every action k in B

    C_B = W_B
    A_k = L(g_k(A_pa(k), C_B) + V_k)                    L the identity, or tanh                 (1)
    Y   = sum_B f_B(A_B, C_B) + U                                                               (2)

with polynomials f_B and g_k and independent noises. The actions of a block share their confounder
and may interact in any way; parents may lie in any block. An intervention on A_k replaces its
mechanism by L(N(mean_k, sd_k^2)). Given all actions the confounders are independent, and C_B
depends on the actions of its block that are left alone, and on their parents:

    E[Y | do(a_S), a_rest] = sum_B sum_p f_Bp(a_B) E[C_B^p | a_k, a_pa(k) for k in B without S] (3)

with f_Bp(a_B) the factor of c^p in f_B. For blocks inside S these are moments of W_B, in closed
form; for the others a ratio of integrals over one variable.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import OBSERVATIONAL, Regime, format_regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Points
from bayes_intgen.scm.graph import Edges, check_graph, find_parents
from bayes_intgen.scm.link import Link, apply_link, check_link, invert_link
from bayes_intgen.scm.noise import Noise
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.shared_confounder import Clue, condition_on_clues
from bayes_intgen.scm.system import System, refuse_impossible

__all__ = ["PartitionSCM"]


@dataclass(frozen=True)
class PartitionSCM(System):
    """A structural causal model whose outcome is additive over blocks with one confounder each.

    Usually made by `sample_partition_scm`. Nothing in it can change.

    Parameters
    ----------
    actions
        Names of the actions A_1..A_K, in a causal order.
    blocks
        The names of the actions of each block, in the order of `actions`.
    edges
        The pairs (parent, child) of actions.
    effects
        f_B for each block, with inputs (the actions of the block, C_B).
    mechanisms
        g_k for each action, with inputs (parents in the order of `actions`, C_B).
    confounder_noises
        Distribution of W_B for each block.
    action_noises
        Distribution of V_k for each action, Gaussian or logistic.
    outcome_noise
        Distribution of U.
    intervention_means, intervention_sds
        Mean and standard deviation, for each action, of L^-1(A_k) when A_k is intervened on.
    link
        L: ``"tanh"``, which keeps all actions in (-1, 1), or ``"identity"``.

    Raises
    ------
    ModelError
        If the parts do not fit together.

    Examples
    --------
    >>> scm = ig.scm.sample_partition_scm(["a1+a2", "a3"], random_seed=1)
    >>> sorted(scm.parents), scm.regimes
    (['a1', 'a2', 'a3'], ('obs', 'a1+a2', 'a3'))
    >>> at = {"a1": [0.0, 0.5], "a2": 0.1, "a3": -0.2}
    >>> scm.expected_outcome(at).attrs
    {'do': 'a1+a2+a3', 'error': 0.0}
    >>> scm.expected_outcome(at, do="a3").attrs["error"] < 1e-9
    True
    """

    actions: tuple[str, ...]
    blocks: tuple[tuple[str, ...], ...]
    edges: Edges
    effects: tuple[Polynomial, ...] = field(repr=False)
    mechanisms: tuple[Polynomial, ...] = field(repr=False)
    confounder_noises: tuple[Noise, ...] = field(repr=False)
    action_noises: tuple[Noise, ...] = field(repr=False)
    outcome_noise: Noise = field(repr=False)
    intervention_means: tuple[float, ...] = field(repr=False)
    intervention_sds: tuple[float, ...] = field(repr=False)
    link: Link = "tanh"

    def __post_init__(self) -> None:
        check_graph(self.actions, self.edges)
        named = sorted(name for block in self.blocks for name in block)
        ordered = [tuple(a for a in self.actions if a in block) for block in self.blocks]
        if named != sorted(self.actions) or ordered != list(self.blocks) or () in self.blocks:
            raise ModelError(
                f"blocks must hold each of the actions {self.actions} once, in their order, and "
                f"none may be empty; got {self.blocks}."
            )
        per_action = (self.mechanisms, self.action_noises)
        interventions = (self.intervention_means, self.intervention_sds)
        if {len(part) for part in (*per_action, *interventions)} != {len(self.actions)} or {
            len(part) for part in (self.effects, self.confounder_noises)
        } != {len(self.blocks)}:
            raise ModelError(
                f"effects and confounder_noises must have one entry for each of the "
                f"{len(self.blocks)} blocks, mechanisms, action_noises and the two of the "
                f"interventions one for each of the {len(self.actions)} actions."
            )
        inputs = [polynomial.inputs for polynomial in (*self.effects, *self.mechanisms)]
        needed = [len(names) + 1 for names in (*self.blocks, *self.parents.values())]
        if inputs != needed:
            raise ModelError(
                f"effects and mechanisms must have {needed} inputs (actions of the block and "
                f"confounder; parents and confounder), got {inputs}."
            )
        if any(noise.kind == "uniform" for noise in self.action_noises):
            raise ModelError(
                "action_noises must be Gaussian or logistic, got a uniform one; its edges would "
                "spoil the integrals behind expected_outcome."
            )
        check_link(self.link)

    @property
    def parents(self) -> dict[str, tuple[str, ...]]:
        """The parents of each action, in the order of the actions."""
        return find_parents(self.actions, self.edges)

    @property
    def regimes(self) -> tuple[str, ...]:
        """Labels of the regimes of Corollary 1: observational, and each block as a whole."""
        return (OBSERVATIONAL, *(format_regime(block) for block in self.blocks))

    def _draw(self, n: int, regime: Regime, rng: np.random.Generator) -> pd.DataFrame:
        outcome = self.outcome_noise.sample(n, rng)
        confounders = [noise.sample(n, rng) for noise in self.confounder_noises]
        shared = {
            name: c for block, c in zip(self.blocks, confounders, strict=True) for name in block
        }
        columns: dict[str, Array] = {}
        for k, (name, parents) in enumerate(self.parents.items()):
            if name in regime:
                z = rng.normal(self.intervention_means[k], self.intervention_sds[k], n)
            else:
                inputs = [*(columns[parent] for parent in parents), shared[name]]
                z = self.mechanisms[k](np.column_stack(inputs))
                z += self.action_noises[k].sample(n, rng)
            columns[name] = apply_link(self.link, z)  # (1)
        for block, effect, c in zip(self.blocks, self.effects, confounders, strict=True):
            outcome += effect(np.column_stack([*(columns[name] for name in block), c]))  # (2)
        return pd.DataFrame({**columns, self.outcome: outcome})

    def _true_mean(self, points: Points, regime: Regime) -> tuple[Array, float]:
        mean, rough = np.zeros(len(points)), np.zeros(len(points))
        for b, block in enumerate(self.blocks):
            columns = [self.actions.index(name) for name in block]
            factors = self.effects[b].along_last(points.values[:, columns])
            clues = [self._clue(points, k) for k in columns if self.actions[k] not in regime]
            given = condition_on_clues(clues, self.confounder_noises[b], factors.shape[1] - 1)
            # (3), by the fine rule and by the rough one, whose difference shows the error
            mean += (factors * given.moments).sum(axis=1)
            rough += (factors * given.rough).sum(axis=1)
        return mean, float(np.abs(mean - rough).max())

    def _clue(self, points: Points, k: int) -> Clue:
        """Return what action k shows of its confounder when it is left alone."""
        name = self.actions[k]
        z = invert_link(self.link, points.values[:, k])
        refuse_impossible(~np.isfinite(z), points, name)
        parents = [self.actions.index(parent) for parent in self.parents[name]]
        residual = -self.mechanisms[k].along_last(points.values[:, parents])
        residual[:, 0] += z
        return Clue(residual, self.action_noises[k])

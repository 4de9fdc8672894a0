"""A random system of a family of curves, its rows, and its true joint effect.

The equations stand in :mod:`bayes_intgen.studies.curves.families`. Of a system are drawn: the
numbers of each curve, signs s_k, effects b_k of the confounders, and edges w_kj from earlier to
later actions. The same in all systems are r, the correlation of a latent value with its confounder,
and c, by how much a confounder modifies the effect of its action.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_intgen.base.types import Array
from bayes_intgen.studies.curves.families import NUMBERS, CurveFamily

__all__ = ["OUTCOME", "CurveSystem", "draw_system"]

OUTCOME = "y"
CORRELATION = 0.8  # r
MODIFICATION = 0.4  # c
EDGE_PROBABILITY = 0.4


@dataclass(frozen=True, eq=False)
class CurveSystem:
    """One system of a family.

    Parameters
    ----------
    family
        What it has in common with others.
    numbers
        Of each curve, shape (actions, `NUMBERS`).
    signs, confounding
        s_k and b_k, shape (actions,).
    edges
        w_kj in row k and column j, zero unless j < k, shape (actions, actions).
    """

    family: CurveFamily
    numbers: Array
    signs: Array
    confounding: Array
    edges: Array

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions, in a causal order."""
        return tuple(f"a{k + 1}" for k in range(len(self.signs)))

    def expected_outcome(self, settings: Array) -> Array:
        """Return E[Y | do(a)] at settings of all actions, shape (points, actions)."""
        effects = [self._effect(k, settings[:, k]) for k in range(len(self.signs))]
        return self.family.level + np.sum(effects, axis=0)

    def draw_settings(self, points: int, rng: np.random.Generator) -> Array:
        """Draw joint settings at which to ask, shape (points, actions)."""
        draw = self.family.asked or self.family.tested
        return np.column_stack([self.family.action(draw(rng, points)) for _ in self.signs])

    def sample(
        self, n: int, rng: np.random.Generator, do: Mapping[str, Array] | None = None
    ) -> pd.DataFrame:
        """Draw rows; ``do`` gives the values, shape (n,), of the actions that are set."""
        setting = do or {}
        confounder, own = rng.normal(size=(2, n, len(self.signs)))
        latent = CORRELATION * confounder + np.sqrt(1 - CORRELATION**2) * own
        values, seen, mean = np.empty_like(latent), np.empty_like(latent), self.family.level
        for k, name in enumerate(self.actions):
            weights = self.edges[k, :k]
            habit = (latent[:, k] + seen[:, :k] @ weights) / np.sqrt(1 + weights @ weights)
            values[:, k] = setting[name] if name in setting else self.family.action(habit)
            seen[:, k] = self.family.seen(values[:, k])
            effect = self._effect(k, values[:, k])
            mean = mean + effect * (1 + MODIFICATION * confounder[:, k])
            mean = mean + self.confounding[k] * confounder[:, k]
        outcome = self.family.outcome(np.asarray(mean), rng)
        return pd.DataFrame(values, columns=list(self.actions)).assign(**{OUTCOME: outcome})

    def sample_regimes(self, rng: np.random.Generator, most: int | None = None) -> pd.DataFrame:
        """Draw the rows observed and those of each experiment, labelled in ``regime``.

        Their numbers are those of the family, but at most ``most``.
        """
        n_obs, n_exp = (
            n if most is None else min(n, most) for n in (self.family.n_obs, self.family.n_exp)
        )
        tables = [self.sample(n_obs, rng).assign(regime="obs")]
        for name in self.actions:
            tested = self.family.action(self.family.tested(rng, n_exp))
            tables.append(self.sample(n_exp, rng, {name: tested}).assign(regime=name))
        return pd.concat(tables, ignore_index=True)

    def _effect(self, k: int, values: Array) -> Array:
        return float(self.signs[k]) * self.family.curve(values, self.numbers[k].tolist())


def draw_system(family: CurveFamily, n_actions: int, rng: np.random.Generator) -> CurveSystem:
    """Draw a system of a family."""
    square = (n_actions, n_actions)
    present = np.tril(rng.random(square) < EDGE_PROBABILITY, -1)
    return CurveSystem(
        family=family,
        numbers=rng.random((n_actions, NUMBERS)),
        signs=_signs(n_actions, rng),
        confounding=rng.uniform(0.5, 1.0, n_actions) * _signs(n_actions, rng),
        edges=present * rng.uniform(0.3, 0.7, square),
    )


def _signs(n: int, rng: np.random.Generator) -> Array:
    return np.where(rng.random(n) < 0.5, -1.0, 1.0)

"""Systems of actions with many covariates, whose effects are linear or two of which modify effects.

Covariates are standard normal and move every action and the outcome linearly. Each action has a
confounder of its own; in a system ``modified`` two pairs (action, covariate) have a product of the
action's effect and the covariate in the outcome. The truth is E[Y | do(a), z].
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["CovariateSystem", "draw_system"]

CURVES = (lambda a: np.tanh(1.5 * a), lambda a: 0.7 * a, lambda a: np.sin(1.2 * a))
SHIFTS = np.array([0.8, -0.7, 0.9])  # of the outcome by the confounders


@dataclass(frozen=True)
class CovariateSystem:
    """One system of three actions."""

    slopes: np.ndarray  # of the actions and of the outcome, shape (covariates, 4)
    edges: np.ndarray  # whether an action depends on the one before, shape (3,)
    modified: tuple[tuple[int, int, float], ...]  # action, covariate, strength

    @property
    def actions(self) -> list[str]:
        """Names of the actions."""
        return ["a1", "a2", "a3"]

    @property
    def covariates(self) -> list[str]:
        """Names of the covariates."""
        return [f"z{i + 1}" for i in range(len(self.slopes))]

    def truth(self, actions: np.ndarray, covariates: np.ndarray) -> np.ndarray:
        """E[Y | do(a), z], shape (n,)."""
        total = covariates @ self.slopes[:, 3]
        total = total + sum(curve(a) for curve, a in zip(CURVES, actions.T, strict=True))
        for k, z, strength in self.modified:
            total = total + strength * CURVES[k](actions[:, k]) * covariates[:, z]
        return np.asarray(total)

    def frame(self, n: int, seed: int) -> pd.DataFrame:
        """Draw n rows of each regime."""
        rng = np.random.default_rng([seed, n])
        tables = []
        for regime in ("obs", *self.actions):
            z = rng.normal(size=(n, len(self.slopes)))
            confounders, a = rng.normal(size=(n, 3)), np.zeros((n, 3))
            for k, name in enumerate(self.actions):
                natural = z @ self.slopes[:, k] + 0.8 * confounders[:, k]
                natural += 0.6 * rng.normal(size=n)
                if k:
                    natural += 0.6 * self.edges[k] * a[:, k - 1]
                a[:, k] = 1.3 * rng.normal(size=n) if name == regime else natural
            y = self.truth(a, z) + confounders @ SHIFTS + 0.5 * rng.normal(size=n)
            table = pd.DataFrame(np.hstack([a, z]), columns=[*self.actions, *self.covariates])
            tables.append(table.assign(y=y, regime=regime))
        return pd.concat(tables, ignore_index=True)

    def points(self, n: int, seed: int) -> pd.DataFrame:
        """Draw settings of all actions and covariates."""
        rng = np.random.default_rng([seed, 7])
        a = np.clip(1.3 * rng.normal(size=(n, 3)), -2.5, 2.5)
        z = rng.normal(size=(n, len(self.slopes)))
        return pd.DataFrame(np.hstack([a, z]), columns=[*self.actions, *self.covariates])


def draw_system(seed: int, modified: bool, n_covariates: int = 10) -> CovariateSystem:
    """Draw a system."""
    rng = np.random.default_rng([seed, n_covariates])
    slopes = 0.3 * rng.normal(size=(n_covariates, 4))
    edges = (rng.random(3) < 0.5).astype(float)
    pairs = zip(rng.permutation(3)[:2], rng.permutation(n_covariates)[:2], strict=True)
    strengths = rng.uniform(0.4, 0.8, 2)
    found = tuple((int(k), int(z), float(s)) for (k, z), s in zip(pairs, strengths, strict=True))
    return CovariateSystem(slopes, edges, found if modified else ())

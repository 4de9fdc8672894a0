"""Systems whose actions interact, with a known truth: four kinds of three actions each.

Actions are smooth, binary, or have four levels that are numbers; a random order of them, in which
each depends on an earlier one with probability one half; one confounder each, standard normal:

    A_k = threshold or rounding of (sum of parents / 2 + C_k + noise),
    Y = sum_k f_k(A_k) + g(A) + sum_k c_k C_k (1 + m_k(A)) + U.

``kind``: ``none``, g = 0 and m = 0; ``pairwise``, g a product of two actions, for one to three
pairs; ``three``, g a product of three and one of two; ``modified``, m_k(A) = r A_j for one to three
confounders, whose own mean does not enter E[Y | do(a)]. So the truth is sum_k f_k(a_k) + g(a).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

__all__ = ["KINDS", "System", "draw_system"]

KINDS = ("none", "pairwise", "three", "modified")
NAMES = ("a1", "a2", "a3")
CURVES: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda a: np.sin(1.3 * a),
    lambda a: np.tanh(1.5 * a),
    lambda a: 0.4 * a**2,
    lambda a: 0.7 * a,
)


@dataclass(frozen=True)
class System:
    """One system of three actions; its functions of actions take arrays of shape (n, 3)."""

    types: tuple[str, ...]
    order: tuple[int, ...]
    edges: np.ndarray  # (child, parent)
    curves: tuple[int, ...]
    products: tuple[tuple[tuple[int, ...], float], ...]  # of the effect
    modified: tuple[tuple[int, int, float], ...]  # confounder, action that modifies it, strength
    shift: np.ndarray  # c_k

    def code(self, k: int, latent: np.ndarray) -> np.ndarray:
        """Turn a latent value into a value of an action."""
        if self.types[k] == "binary":
            return (latent > 0).astype(float)
        if self.types[k] == "levels":
            return np.clip(np.round(latent + 1.5), 0, 3)
        return latent

    def unit(self, k: int, values: np.ndarray) -> np.ndarray:
        """Bring an action to about (-1.5, 1.5)."""
        return {"binary": 2 * values - 1, "levels": values - 1.5, "smooth": values}[self.types[k]]

    def truth(self, values: np.ndarray) -> np.ndarray:
        """E[Y | do(a)], shape (n,)."""
        units = np.stack([self.unit(k, values[:, k]) for k in range(3)])
        total = sum(CURVES[c](u) for c, u in zip(self.curves, units, strict=True))
        for actions, strength in self.products:
            total = total + strength * np.prod(units[list(actions)], axis=0)
        return np.asarray(total)

    def setting(self, k: int, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw values as an experiment sets them."""
        if self.types[k] == "binary":
            return rng.integers(0, 2, n).astype(float)
        if self.types[k] == "levels":
            return rng.integers(0, 4, n).astype(float)
        return 1.3 * rng.standard_normal(n)

    def sample(self, regime: str, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """Draw rows of a regime (``obs`` or the name of an action)."""
        confounders = rng.standard_normal((3, n))
        values = np.zeros((n, 3))
        for k in self.order:
            if regime == NAMES[k]:
                values[:, k] = self.setting(k, n, rng)
                continue
            parents = sum(
                self.edges[k, j] * self.unit(j, values[:, j]) for j in range(3) if self.edges[k, j]
            )
            noise = 0.7 * rng.standard_normal(n)
            values[:, k] = self.code(k, 0.5 * parents + 0.8 * confounders[k] + noise)
        bias = self.shift[:, None] * confounders
        for k, j, strength in self.modified:
            bias[k] *= 1 + strength * self.unit(j, values[:, j])
        y = self.truth(values) + bias.sum(axis=0) + 0.5 * rng.standard_normal(n)
        frame = pd.DataFrame(values, columns=list(NAMES))
        return frame.assign(y=y, regime=regime)

    def frame(self, n: int, seed: int) -> pd.DataFrame:
        """Draw n rows of each regime, observational and one experiment per action."""
        rng = np.random.default_rng([seed, n])
        return pd.concat([self.sample(r, n, rng) for r in ("obs", *NAMES)], ignore_index=True)

    def queries(self, n: int, seed: int) -> np.ndarray:
        """Draw settings of all actions as experiments set them; smooth ones within 90%."""
        rng = np.random.default_rng([seed, 7])
        values = np.stack([self.setting(k, n, rng) for k in range(3)], axis=1)
        smooth = [k for k in range(3) if self.types[k] == "smooth"]
        values[:, smooth] = np.clip(values[:, smooth], -2.1, 2.1)
        return values


def draw_system(kind: str, seed: int) -> System:
    """Draw a system of a kind."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    types = tuple(rng.choice(["smooth", "binary", "levels"], size=3, p=[0.5, 0.25, 0.25]).tolist())
    order = tuple(rng.permutation(3).tolist())
    edges = np.zeros((3, 3))
    for one, two in combinations(range(3), 2):
        if rng.random() < 0.5:
            edges[order[two], order[one]] = rng.choice([-1, 1]) * rng.uniform(0.6, 1.2)
    pairs = list(combinations(range(3), 2))
    strengths = rng.choice([-1, 1], 4) * rng.uniform(0.3, 0.8, 4)
    products: list[tuple[tuple[int, ...], float]] = []
    modified = []
    if kind in ("pairwise", "three"):
        number = rng.integers(1, 4) if kind == "pairwise" else 1
        chosen = rng.permutation(3)[:number]
        products = [(pairs[i], float(s)) for i, s in zip(chosen, strengths, strict=False)]
    if kind == "three":
        products.append(((0, 1, 2), float(strengths[3])))
    if kind == "modified":
        for k in rng.permutation(3)[: rng.integers(1, 4)]:
            j = int(rng.choice([j for j in range(3) if j != k]))
            modified.append((int(k), j, float(rng.uniform(0.4, 0.9))))
    curves = tuple(rng.integers(0, len(CURVES), 3).tolist())
    shift = rng.choice([-1, 1], 3) * rng.uniform(0.5, 1.2, 3)
    return System(types, order, edges, curves, tuple(products), tuple(modified), shift)

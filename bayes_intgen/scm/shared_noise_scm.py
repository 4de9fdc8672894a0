"""Systems whose actions and outcome share confounders that add up: those of related work.

    (1)  A_k = sum over parents j of b_kj A_j + U_k,     Y = f(A) + c_1 C + c_2 (C^2 - Var C) + V,

with (U_1..U_K, C) jointly normal with mean zero and any covariance. With c_2 = 0 this is the class
of Saengkyongam and Silva (2020), Y having the error U_Y = c_1 C + V; with f additive it is that of
Gimenez and Rothenhaeusler (2022). It is outside the paper's class, as one confounder moves several
actions. The residuals U_R of the actions R that are left alone are known given all actions, so that
C is normal with

    (2)  mu = Cov(C, U_R) Cov(U_R)^-1 u_R,     v = Var C - Cov(C, U_R) Cov(U_R)^-1 Cov(U_R, C),
    (3)  E[Y | do(a_S), a_rest] = f(a) + c_1 mu + c_2 (mu^2 + v - Var C),

and E[Y | do(a)] = f(a).
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Points
from bayes_intgen.scm.graph import Edges, check_graph
from bayes_intgen.scm.noise import Noise
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.system import System

__all__ = ["SharedNoiseSCM"]


@dataclass(frozen=True)
class SharedNoiseSCM(System):
    """A system with shared additive confounders, whose effects are all in closed form.

    Parameters
    ----------
    actions
        Names of the actions, in a causal order.
    edges, slopes
        Pairs (parent, child), and b_kj of each.
    effect
        f, with all actions as inputs.
    covariance
        Of (U_1..U_K, C), shape (K + 1, K + 1).
    confounding
        c_1 and c_2.
    outcome_noise
        Distribution of V.

    Raises
    ------
    ModelError
        If the parts do not fit together.

    Examples
    --------
    >>> scm = ig.scm.sample_correlated_noise_scm(2, random_seed=1)
    >>> scm.actions, scm.expected_outcome({"a1": 0.5, "a2": -0.5}, do="a2").attrs
    (('a1', 'a2'), {'do': 'a2', 'error': 0.0})
    """

    actions: tuple[str, ...]
    edges: Edges
    slopes: tuple[float, ...] = field(repr=False)
    effect: Polynomial = field(repr=False)
    covariance: tuple[tuple[float, ...], ...] = field(repr=False)
    confounding: tuple[float, float] = field(repr=False)
    outcome_noise: Noise = field(repr=False)

    def __post_init__(self) -> None:
        check_graph(self.actions, self.edges)
        count = len(self.actions)
        sigma = np.array(self.covariance)
        if len(self.slopes) != len(self.edges) or self.effect.inputs != count:
            raise ModelError(
                f"slopes must be as many as edges and the effect must have {count} inputs, got "
                f"{len(self.slopes)} for {len(self.edges)} edges and {self.effect.inputs}."
            )
        if sigma.shape != (count + 1, count + 1) or np.linalg.eigvalsh(sigma).min() <= 0:
            raise ModelError(
                f"covariance must be a positive definite matrix of {count + 1} rows, got shape "
                f"{sigma.shape}."
            )

    def _draw(self, n: int, regime: Regime, rng: np.random.Generator) -> pd.DataFrame:
        errors = rng.multivariate_normal(np.zeros(len(self.covariance)), self.covariance, n)
        sds, direct = self._spreads(), self._direct()
        values = np.zeros((n, len(self.actions)))
        for k, name in enumerate(self.actions):
            # an intervention has the observational mean, which is zero, and standard deviation
            values[:, k] = (
                rng.normal(0.0, sds[k], n) if name in regime else values @ direct[k] + errors[:, k]
            )
        c, (c_1, c_2) = errors[:, -1], self.confounding
        outcome = self.effect(values) + c_1 * c + c_2 * (c**2 - self.covariance[-1][-1])  # (1)
        table = pd.DataFrame(values, columns=list(self.actions))
        return table.assign(**{self.outcome: outcome + self.outcome_noise.sample(n, rng)})

    def _true_mean(self, points: Points, regime: Regime) -> tuple[Array, float]:
        sigma, direct = np.array(self.covariance), self._direct()
        left = [k for k, name in enumerate(self.actions) if name not in regime]
        mean = self.effect(points.values)
        if left:
            residuals = (points.values - points.values @ direct.T)[:, left]
            slope = np.linalg.solve(sigma[np.ix_(left, left)], sigma[left, -1])
            mu, known = residuals @ slope, sigma[left, -1] @ slope  # (2)
            c_1, c_2 = self.confounding
            mean = mean + c_1 * mu + c_2 * (mu**2 - known)  # (3)
        return mean, 0.0

    def _direct(self) -> Array:
        """Return b_kj in row k and column j."""
        direct = np.zeros((len(self.actions), len(self.actions)))
        for (parent, child), slope in zip(self.edges, self.slopes, strict=True):
            direct[self.actions.index(child), self.actions.index(parent)] = slope
        return direct

    def _spreads(self) -> Array:
        """Return the observational standard deviations of the actions."""
        total = np.linalg.inv(np.eye(len(self.actions)) - self._direct())
        covariance = total @ np.array(self.covariance)[:-1, :-1] @ total.T
        return np.asarray(np.sqrt(np.diag(covariance)))

"""Systems whose curves bend where the rows are.

Y = sum_k s_k f_k(A_k) (1 + C_k / 4) + b_k C_k + noise.

Each action has one confounder C_k of its own, so that the paper's assumptions hold and the expected
outcome under do(all) is sum_k s_k f_k(a_k).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

ACTIONS = ("a1", "a2", "a3")
CONFOUNDING = 0.8  # correlation of an action's latent value with its confounder


@dataclass(frozen=True)
class Kind:
    """How an action follows from a standard normal latent value, and what it does.

    Parameters
    ----------
    action
        From the latent value to the action.
    curve
        From the action and a number from 0 to 1, that of the system, to the effect.
    """

    action: Callable
    curve: Callable


def saturation(a, u):
    return 2 * a**1.5 / (a**1.5 + (0.5 + u) ** 1.5)


KINDS = {
    "saturation on log-normal spend": Kind(lambda z: np.exp(0.9 * z), saturation),
    "saturation, a third spends nothing": Kind(
        lambda z: np.where(z < -0.4, 0.0, np.exp(0.8 * z)), saturation
    ),
    "elasticity of a log-normal price": Kind(lambda z: np.exp(0.5 * z), lambda a, u: a ** -(1 + u)),
    "threshold": Kind(lambda z: z, lambda a, u: 1 / (1 + np.exp(-8 * (a - u + 0.5)))),
    "smooth": Kind(lambda z: z, lambda a, u: np.tanh(1.5 * (a - u + 0.5))),
}


class System:
    """One system of a kind, with 2000 observed rows and 1000 of each experiment."""

    def __init__(self, kind, seed):
        self.rng = np.random.default_rng([20261, seed])
        self.kind = KINDS[kind]
        self.u = self.rng.uniform(size=len(ACTIONS))
        self.sign = self.rng.choice([-1.0, 1.0], len(ACTIONS))
        self.confounding = self.rng.uniform(0.5, 1.0, len(ACTIONS))

    def effect(self, k, a):
        return self.sign[k] * self.kind.curve(a, self.u[k])

    def settings(self, n):
        return self.kind.action(self.rng.normal(size=(n, len(ACTIONS))))

    def truth(self, values):
        return sum(self.effect(k, values[:, k]) for k in range(len(ACTIONS)))

    def frame(self):
        """Draw the rows of all regimes."""
        tables = []
        for regime, n in (("obs", 2000), *((name, 1000) for name in ACTIONS)):
            c, v, z = self.rng.normal(size=(3, n, len(ACTIONS)))
            seen = self.kind.action(CONFOUNDING * c + np.sqrt(1 - CONFOUNDING**2) * v)
            a = np.where(np.array(ACTIONS) == regime, self.kind.action(z), seen)
            y = self.rng.normal(0, 0.3, n) + c @ self.confounding
            for k in range(len(ACTIONS)):
                y += self.effect(k, a[:, k]) * (1 + c[:, k] / 4)
            tables.append(pd.DataFrame(a, columns=ACTIONS).assign(y=y, regime=regime))
        return pd.concat(tables, ignore_index=True)

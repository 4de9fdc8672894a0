"""One action of an example: its mechanism, its effect, and the confounder behind both.

With x = log(a / typical) and a covariate z (0 if there is none) the action is

    x = season z + sum_j follows_j x_j + planned C + other V,            C, V ~ N(0, 1)         (1)

unless it is set, and it adds to the outcome

    f(a, C) = h(a) (1 + seasonal z) + (hidden + swing x) C.                                     (2)

Set, its mean contribution is h(a) (1 + seasonal z), because E[C] = 0. Left alone, C and x are
jointly normal given what x follows, so that

    E[C | a, z] = planned r / (planned^2 + other^2),   r = x - season z - sum_j follows_j x_j.  (3)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bayes_intgen.base.types import Array

__all__ = ["Curve", "Hill", "Lever", "Peak"]


@dataclass(frozen=True)
class Hill:
    """A response that rises and saturates: top a^n / (half^n + a^n).

    Parameters
    ----------
    top
        Height of the plateau, in the outcome's unit.
    half
        Where half of it is reached, in the action's unit.
    steepness
        The power n.
    """

    top: float
    half: float
    steepness: float = 1.0

    def __call__(self, a: Array) -> Array:
        """Return the response to values of the action, of the same shape."""
        power = np.power(a, self.steepness)
        return np.asarray(self.top * power / (self.half**self.steepness + power))


@dataclass(frozen=True)
class Peak:
    """A response that has a best value: -depth (log(a / best))^2.

    Parameters
    ----------
    best
        Where it is highest, in the action's unit.
    depth
        How fast it falls off, in the outcome's unit.
    """

    best: float
    depth: float

    def __call__(self, a: Array) -> Array:
        """Return the response to values of the action, of the same shape."""
        return np.asarray(-self.depth * np.log(a / self.best) ** 2)


type Curve = Hill | Peak


@dataclass(frozen=True)
class Lever:
    """An action and the confounder that is its own.

    Parameters
    ----------
    name
        Name of the action.
    curve
        The causal effect h of its value.
    typical
        Its median when it is left alone, in its unit.
    planned, other
        How strongly its confounder C, and other causes V, move it (standard deviations of x).
    hidden, swing
        Effect of the confounder on the outcome at the typical value, and how it changes with x; in
        the outcome's unit per standard deviation of C.
    tested
        Lowest and highest value in the experiment that sets it, which are drawn uniformly.
    follows
        Elasticities with respect to other, earlier actions.
    season
        How strongly it follows the covariate.
    seasonal
        By which share of itself the effect of the action grows per unit of the covariate.
    """

    name: str
    curve: Curve
    typical: float
    planned: float
    other: float
    hidden: float
    swing: float
    tested: tuple[float, float]
    follows: Mapping[str, float] = field(default_factory=dict)
    season: float = 0.0
    seasonal: float = 0.0

    def log_ratio(self, a: Array) -> Array:
        """Return x = log(a / typical)."""
        return np.asarray(np.log(a / self.typical))

    def left_alone(self, before: Mapping[str, Array], z: Array) -> Array:
        """Return the mean of x when it is left alone, given the x of earlier actions by name."""
        followed = [share * before[name] for name, share in self.follows.items()]
        return np.asarray(sum(followed, self.season * z))

    def causal(self, a: Array, z: Array) -> Array:
        """Return the mean contribution when the action is set: h(a) (1 + seasonal z)."""
        return np.asarray(self.curve(a) * (1 + self.seasonal * z))

    def loading(self, x: Array) -> Array:
        """Return the effect of one standard deviation of the confounder."""
        return np.asarray(self.hidden + self.swing * x)

    def bias(self, x: Array, before: Mapping[str, Array], z: Array) -> Array:
        """Return what is added to the mean when the action is left alone: loading E[C | a, z]."""
        share = self.planned / (self.planned**2 + self.other**2)
        return np.asarray(self.loading(x) * share * (x - self.left_alone(before, z)))

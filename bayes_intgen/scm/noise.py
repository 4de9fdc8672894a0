"""Exogenous noise: its distributions and their moments.

Every noise variable has mean zero and is Gaussian, Uniform or Logistic (Kekić, Garrido Mejia and
Schölkopf, ICML 2025, Appendix E and Table 4). With standard deviation s these are

    gaussian   N(0, s^2)                     E[X^4] = 3 s^4
    uniform    on [-s sqrt(3), s sqrt(3)]    E[X^4] = 9/5 s^4
    logistic   of scale s sqrt(3) / pi       E[X^4] = 21/5 s^4

All three are symmetric, so their odd moments vanish.
"""

from dataclasses import dataclass
from math import isfinite, pi, sqrt
from typing import Literal, get_args

import numpy as np

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array

__all__ = ["KINDS", "LIGHT_TAILED", "UNBOUNDED", "Kind", "Noise", "draw_noise", "draw_sign"]

Kind = Literal["gaussian", "uniform", "logistic"]

KINDS: tuple[Kind, ...] = get_args(Kind)
UNBOUNDED: tuple[Kind, ...] = ("gaussian", "logistic")  # an action can be anywhere
LIGHT_TAILED: tuple[Kind, ...] = ("gaussian", "uniform")  # tanh does not round to one

_KURTOSIS: dict[Kind, float] = {"gaussian": 3.0, "uniform": 9 / 5, "logistic": 21 / 5}
_REACH: dict[Kind, float] = {"gaussian": 8.0, "uniform": sqrt(3), "logistic": 16.0}


@dataclass(frozen=True)
class Noise:
    """A distribution with mean zero.

    Parameters
    ----------
    kind
        ``"gaussian"``, ``"uniform"`` or ``"logistic"``.
    sd
        Its standard deviation, in the units of the variable it drives.

    Raises
    ------
    ModelError
        If the kind is unknown, or the standard deviation is not a positive finite number.

    Examples
    --------
    >>> noise = Noise("uniform", sd=0.5)
    >>> noise.moment(2), noise.moment(3)
    (0.25, 0.0)
    """

    kind: Kind
    sd: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ModelError(
                f"kind must be the name of a noise distribution, got {self.kind!r}; "
                f"choose one of {list(KINDS)}."
            )
        if not (isfinite(self.sd) and self.sd > 0):
            raise ModelError(
                f"sd must be a positive finite number, got {self.sd!r}; "
                f"for almost no noise give a small one, such as 1e-9."
            )

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw ``n`` independent values, shape (n,); this advances ``rng``.

        Examples
        --------
        >>> Noise("gaussian", sd=1.0).sample(3, np.random.default_rng(1)).shape
        (3,)
        """
        match self.kind:
            case "gaussian":
                return rng.normal(0.0, self.sd, n)
            case "uniform":
                return rng.uniform(-self.sd * sqrt(3), self.sd * sqrt(3), n)
            case "logistic":
                return rng.logistic(0.0, self.sd * sqrt(3) / pi, n)

    @property
    def reach(self) -> float:
        """Half-width of the interval around zero that holds all but 10^-12 of the probability."""
        return _REACH[self.kind] * self.sd

    def density(self, x: Array) -> Array:
        """Return the probability density at ``x``, of the same shape.

        Examples
        --------
        >>> noise = Noise("uniform", sd=1.0)
        >>> noise.density(np.array([0.0, 2.0])).round(4).tolist(), round(noise.reach, 4)
        ([0.2887, 0.0], 1.7321)
        """
        match self.kind:
            case "gaussian":
                return np.asarray(np.exp(-0.5 * (x / self.sd) ** 2) / (sqrt(2 * pi) * self.sd))
            case "uniform":
                return np.where(np.abs(x) <= self.reach, 0.5 / self.reach, 0.0)
            case "logistic":
                decay = np.exp(-np.abs(x) * pi / (sqrt(3) * self.sd))  # never overflows
                return np.asarray(pi / (sqrt(3) * self.sd) * decay / (1 + decay) ** 2)

    def moment(self, order: int) -> float:
        """Return the raw moment E[X^order].

        Parameters
        ----------
        order
            A whole number from 0 to 4.

        Raises
        ------
        ModelError
            If the order is another one.

        Examples
        --------
        >>> Noise("gaussian", sd=2.0).moment(4)
        48.0
        """
        match order:
            case 0:
                return 1.0
            case 1 | 3:
                return 0.0
            case 2:
                return self.sd**2
            case 4:
                return _KURTOSIS[self.kind] * self.sd**4
            case _:
                raise ModelError(
                    f"order must be a whole number from 0 to 4, got {order!r}; "
                    f"for other moments average powers of a large sample."
                )


def draw_noise(sd: float, rng: np.random.Generator, kinds: tuple[Kind, ...] = KINDS) -> Noise:
    """Draw a distribution out of some, all equally probable."""
    return Noise(kinds[rng.integers(len(kinds))], sd)


def draw_sign(rng: np.random.Generator) -> float:
    """Draw 1 or -1."""
    return float(rng.choice([-1.0, 1.0]))

"""Families of curves, actions, experiments and noises that people have, each a record.

A system of a family has K actions, each with a confounder C_k ~ N(0, 1) of its own. With latent
values z_k, which an experiment on A_k draws by itself,

    A_k = action(z_k),    z_k ~ (r C_k + sqrt(1 - r^2) V_k + sum_j w_kj seen(A_j)) / norm_k,
    Y   = outcome(level + sum_k s_k f_k(A_k) (1 + c C_k) + b_k C_k),

and E[Y | do(a)] = level + sum_k s_k f_k(a_k), since confounders have mean zero. How r, c, s, w and
b are drawn stands in :mod:`bayes_intgen.studies.curves.system`; here is what a family chooses.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
from scipy.special import expit, ndtr
from scipy.stats import t as student

from bayes_intgen.base.arguments import show
from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array

__all__ = ["CURVE_FAMILIES", "NUMBERS", "CurveFamily", "read_families"]

NUMBERS = 2  # that a curve has, each uniform on (0, 1)
NOISE = 0.3

type Draw = Callable[[np.random.Generator, int], Array]


def identity(z: Array) -> Array:
    """Return the latent value itself."""
    return z


def spend(z: Array, sd: float = 0.9, none_below: float = -np.inf) -> Array:
    """Log-normal spend, and zero where the latent value is low."""
    return np.where(z < none_below, 0.0, np.exp(sd * z))


def two_clouds(z: Array) -> Array:
    """Two clouds around -2 and 2 with little in between."""
    return 1.6 * np.tanh(4 * z) + 0.4 * z


def whole_numbers(z: Array) -> Array:
    """Whole numbers around 20, hardly ever below zero, where they end."""
    return np.maximum(np.rint(20 + 6 * z), 0.0)


def long_tails(z: Array) -> Array:
    """Student's t with 3 degrees of freedom."""
    return np.asarray(student.ppf(ndtr(z), 3))


def rise(a: Array, u: Sequence[float], centre: float = 0.0, width: float = 1.0) -> Array:
    """Smooth rise from -1 to 1."""
    return np.asarray(np.tanh((1 + u[1]) * ((a - centre) / width - u[0] + 0.5)))


def saturation(a: Array, u: Sequence[float]) -> Array:
    """Hill curve that ends at 2; half of it is reached between 0.5 and 1.5."""
    power = 1 + 2 * u[1]
    high = a**power
    return np.asarray(2 * high / (high + (0.5 + u[0]) ** power))


def elasticity(a: Array, u: Sequence[float]) -> Array:
    """Demand that falls by 1 to 2 per cent with each per cent of the price."""
    return a ** -(1 + u[0])


def threshold(a: Array, u: Sequence[float]) -> Array:
    """Steep rise from 0 to 1 within half a standard deviation or so."""
    return np.asarray(expit(8 * (a - u[0] + 0.5)))


def jump(a: Array, u: Sequence[float]) -> Array:
    """Jump from 0 to 1."""
    return (a > u[0] - 0.5).astype(float)


def kink(a: Array, u: Sequence[float]) -> Array:
    """Nothing up to a point, a straight line from there."""
    return np.maximum(a - u[0] + 0.5, 0.0)


def wiggle(a: Array, u: Sequence[float]) -> Array:
    """Wave of period 1.6 to 2.5 around a straight line."""
    return 0.6 * np.sin((2.5 + 1.5 * u[1]) * a + 2 * np.pi * u[0]) + 0.3 * a


def normal(rng: np.random.Generator, n: int, sd: float = 1.0) -> Array:
    """Draw normal latent values."""
    return rng.normal(0.0, sd, n)


def one_of(*values: float) -> Draw:
    """Draw each of some latent values equally often."""
    return lambda rng, n: rng.choice(np.array(values), n)


def between(rng: np.random.Generator, n: int, low: float, high: float) -> Array:
    """Draw latent values anywhere between two."""
    return rng.uniform(low, high, n)


def add_noise(mean: Array, rng: np.random.Generator, sd: float = NOISE) -> Array:
    """Add independent normal noise."""
    return mean + rng.normal(0.0, sd, len(mean))


def count(mean: Array, rng: np.random.Generator) -> Array:
    """Draw Poisson counts; means below zero, about one in ten thousand, count as zero."""
    return rng.poisson(np.maximum(mean, 0.0)).astype(float)


def add_cluster_noise(
    mean: Array, rng: np.random.Generator, clusters: int = 20, sd: float = NOISE
) -> Array:
    """Add noise of which each cluster, a run of consecutive rows, shares a part."""
    cluster = np.arange(len(mean)) * clusters // len(mean)
    return add_noise(mean, rng) + rng.normal(0.0, sd, clusters)[cluster]


def within_three(a: Array) -> Array:
    """Cut at -3 and 3."""
    return np.clip(a, -3.0, 3.0)


def log_spend(a: Array) -> Array:
    """Logarithm, that of 0.2 for less."""
    return np.log(np.maximum(a, 0.2))


@dataclass(frozen=True)
class CurveFamily:
    """What the systems of a family have in common.

    Parameters
    ----------
    name
        Of letters and hyphens.
    what
        What it is, in a few words.
    action
        From latent values, which are about standard normal, to those of the action.
    curve
        From values of an action and its `NUMBERS` numbers to the effect.
    tested
        Draws the latent values that an experiment sets.
    asked
        Draws those of the settings at which to compare with the truth; None means as tested.
    outcome
        From expected outcomes, shape (rows,), to outcomes.
    seen
        From an action to what its children see of it, about as wide as a latent value.
    level
        Expected outcome without any effect.
    n_obs, n_exp
        Rows observed, and rows of each experiment.
    breaks
        The assumption that is broken; empty if none is, so that coverage is owed.
    """

    name: str
    what: str
    action: Callable[[Array], Array] = identity
    curve: Callable[[Array, Sequence[float]], Array] = rise
    tested: Draw = normal
    asked: Draw | None = None
    outcome: Callable[[Array, np.random.Generator], Array] = add_noise
    seen: Callable[[Array], Array] = within_three
    level: float = 0.0
    n_obs: int = 2000
    n_exp: int = 1000
    breaks: str = ""


_ALL = (
    CurveFamily("smooth", "a smooth rise"),
    CurveFamily(
        "saturating",
        "saturation on log-normal spend",
        action=spend,
        curve=saturation,
        seen=log_spend,
    ),
    CurveFamily(
        "many-zeros",
        "saturation on spend that is often zero",
        action=partial(spend, sd=0.8, none_below=-0.3),
        curve=saturation,
        seen=log_spend,
    ),
    CurveFamily(
        "elasticity",
        "price elasticity on log-normal prices",
        action=partial(spend, sd=0.5),
        curve=elasticity,
        seen=lambda a: 2 * np.log(a),
    ),
    CurveFamily("threshold", "a steep rise", curve=threshold),
    CurveFamily("jump", "a jump", curve=jump),
    CurveFamily("kink", "nothing, then a line", curve=kink),
    CurveFamily("wiggle", "a wave around a line", curve=wiggle),
    CurveFamily("few-levels", "experiments set -1, 0 or 1", tested=one_of(-1.0, 0.0, 1.0)),
    CurveFamily("two-arms", "experiments set one of two values", tested=one_of(-0.7, 0.7)),
    CurveFamily(
        "gap",
        "experiments set -1.5 or 1.5, plans lie in between",
        tested=one_of(-1.5, 1.5),
        asked=partial(between, low=-1.5, high=1.5),
    ),
    CurveFamily("two-clouds", "actions in two clouds", action=two_clouds),
    CurveFamily("counts", "a Poisson outcome", outcome=count, level=8.0),
    CurveFamily(
        "integers",
        "actions are whole numbers with many values",
        action=whole_numbers,
        curve=partial(rise, centre=20.0, width=6.0),
        seen=lambda a: (a - 20) / 6,
    ),
    CurveFamily("long-tails", "actions follow Student's t, 3 degrees", action=long_tails),
    CurveFamily("noisy", "noise above the signal", outcome=partial(add_noise, sd=2.5)),
    CurveFamily("small-experiments", "20000 rows and 60 each", n_obs=20_000, n_exp=60),
    CurveFamily("tiny-experiments", "100000 rows and 40 each", n_obs=100_000, n_exp=40),
    CurveFamily("sixty-each", "2000 rows and 60 of each experiment", n_exp=60),
    CurveFamily(
        "narrow-experiments",
        "experiments vary 0.4 times as much as habits",
        tested=partial(normal, sd=0.4),
    ),
    CurveFamily(
        "clusters",
        "rows of a cluster share an intercept",
        outcome=add_cluster_noise,
        breaks="rows are not independent",
    ),
)

CURVE_FAMILIES: Mapping[str, CurveFamily] = MappingProxyType(
    {family.name: family for family in _ALL}
)


def read_families(names: Iterable[str], argument: str = "families") -> list[str]:
    """Return names of families, or raise a ModelError that lists those there are.

    Examples
    --------
    >>> read_families(["jump", "kink"])
    ['jump', 'kink']
    """
    given = list(dict.fromkeys(names))
    unknown = [name for name in given if name not in CURVE_FAMILIES]
    if unknown or not given:
        raise ModelError(
            f"{argument} must be out of {', '.join(CURVE_FAMILIES)}, got {show(unknown or given)}."
        )
    return given

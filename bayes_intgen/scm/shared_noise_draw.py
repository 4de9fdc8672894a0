"""Random systems of related work, whose confounders are shared and add up.

Both kinds have slopes b of magnitude 0.3 to 0.8 and errors

    U_k = l_k C + m_k D + 0.5 V_k,     |l_k| and |m_k| from 0.4 to 0.9, random signs,

of standard normal C, D and V_k: C is shared by all actions and the outcome, D by the actions alone.

* correlated noise (Saengkyongam and Silva 2020): f is linear, or has all squares and products as
  well, with coefficients of magnitude 0.3 to 1; Y has the error 0.8 C + 0.3 V;
* shared confounder (the setting of Gimenez and Rothenhaeusler 2022): f is a sum of polynomials of
  single actions with coefficients of magnitude 0.3 to 1 over the factorial of their degree; the
  confounder adds 0.8 C + 0.3 (C^2 - 1) where the degree is above one, and 0.8 C where it is one.
"""

from itertools import combinations
from math import factorial

import numpy as np

from bayes_intgen.base.arguments import read_switch, read_whole
from bayes_intgen.base.types import Array
from bayes_intgen.scm.graph import draw_edges, number_actions
from bayes_intgen.scm.noise import Noise, draw_sign
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.seeds import Seed, named_generator
from bayes_intgen.scm.shared_noise_scm import SharedNoiseSCM

__all__ = ["sample_correlated_noise_scm", "sample_shared_confounder_scm"]

MOST_DEGREE = 8


def sample_correlated_noise_scm(
    n_actions: int, random_seed: Seed, products: bool = False, edge_probability: float = 0.3
) -> SharedNoiseSCM:
    """Draw a system with correlated normal errors, all of whose effects are exact.

    Parameters
    ----------
    n_actions
        Number K of actions a1..aK.
    random_seed
        An integer, generator (which is advanced) or seed sequence.
    products
        Whether the effect has squares and products of two actions.
    edge_probability
        Probability of each edge A_j -> A_k with j < k.

    Raises
    ------
    ModelError
        If an argument is not valid.

    Examples
    --------
    >>> scm = ig.scm.sample_correlated_noise_scm(3, random_seed=1, products=True)
    >>> scm.expected_outcome({"a1": 0.5, "a2": -0.5, "a3": 0.0}).attrs["error"]
    0.0
    """
    actions = number_actions(n_actions)
    rng = named_generator(random_seed, "mechanisms")
    powers = [_power(n_actions, k) for k in range(n_actions)]
    if read_switch(products, "products"):
        powers += [_power(n_actions, k, k) for k in range(n_actions)]
        powers += [_power(n_actions, *pair) for pair in combinations(range(n_actions), 2)]
    effect = Polynomial(tuple(powers), tuple(_size(rng, 0.3, 1.0) for _ in powers))
    return _system(actions, effect, (0.8, 0.0), edge_probability, rng)


def sample_shared_confounder_scm(
    n_actions: int, random_seed: Seed, degree: int = 3, edge_probability: float = 0.3
) -> SharedNoiseSCM:
    """Draw a system with a shared confounder that modifies no effect; all its effects are exact.

    Parameters
    ----------
    n_actions
        Number K of actions a1..aK.
    random_seed
        An integer, generator (which is advanced) or seed sequence.
    degree
        Of the polynomials of single actions, from 1 to 8; with 1 all is linear.
    edge_probability
        Probability of each edge A_j -> A_k with j < k.

    Raises
    ------
    ModelError
        If an argument is not valid.

    Examples
    --------
    >>> scm = ig.scm.sample_shared_confounder_scm(2, random_seed=1)
    >>> scm.expected_outcome({"a1": 0.5, "a2": -0.5}, do=[]).attrs
    {'do': 'obs', 'error': 0.0}
    """
    actions = number_actions(n_actions)
    rng = named_generator(random_seed, "mechanisms")
    highest = read_whole(degree, "degree", 1, MOST_DEGREE)
    powers = [_power(n_actions, *[k] * d) for d in range(1, highest + 1) for k in range(n_actions)]
    sizes = [_size(rng, 0.3, 1.0) / factorial(sum(power)) for power in powers]
    effect = Polynomial(tuple(powers), tuple(sizes))
    return _system(actions, effect, (0.8, 0.3 * (highest > 1)), edge_probability, rng)


def _system(
    actions: tuple[str, ...],
    effect: Polynomial,
    confounding: tuple[float, float],
    edge_probability: float,
    rng: np.random.Generator,
) -> SharedNoiseSCM:
    edges = draw_edges(actions, edge_probability, rng)
    slopes = tuple(_size(rng, 0.3, 0.8) for _ in edges)
    loadings = np.array([[_size(rng, 0.4, 0.9), _size(rng, 0.4, 0.9)] for _ in actions])
    covariance = _covariance(loadings)
    rows = tuple(tuple(row) for row in covariance.tolist())
    return SharedNoiseSCM(actions, edges, slopes, effect, rows, confounding, Noise("gaussian", 0.3))


def _covariance(loadings: Array) -> Array:
    """Return that of (U_1..U_K, C) for the loadings l and m, shape (K, 2)."""
    count = len(loadings)
    factors = np.vstack([loadings, [1.0, 0.0]])
    own = np.diag([0.25] * count + [0.0])
    return np.asarray(factors @ factors.T + own)


def _power(count: int, *chosen: int) -> tuple[int, ...]:
    return tuple(chosen.count(k) for k in range(count))


def _size(rng: np.random.Generator, low: float, high: float) -> float:
    return draw_sign(rng) * float(rng.uniform(low, high))

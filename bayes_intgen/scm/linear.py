"""Random linear Gaussian SCMs, all of whose effects are in closed form.

    A_k = m_k + sum over parents j of b_jk A_j + c_k C_k + V_k                                  (1)
    Y   = sum_k (beta_k A_k + gamma_k C_k) + U                                                  (2)

with magnitudes of b uniform in (0.3, 0.8) and of c, beta and gamma in (0.5, 1), all signs random,
m_k ~ N(0, 0.5^2), and Gaussian noises with standard deviations 0.5 of C_k, 0.3 of V_k and 0.1 of U.
An action that is left alone shows c_k C_k + V_k, so that by Gaussian conditioning

    E[Y | do(a_S), a_rest] = sum_k beta_k a_k + sum over k not in S of
        gamma_k c_k 0.25 / (0.25 c_k^2 + 0.09) (a_k - m_k - sum_j b_jk a_j).
"""

import numpy as np

from bayes_intgen.scm.graph import draw_edges, number_actions
from bayes_intgen.scm.noise import Noise, draw_sign
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.polynomial_scm import PolynomialSCM
from bayes_intgen.scm.seeds import Seed, named_generator

__all__ = ["sample_linear_scm"]

_SD_C, _SD_V, _SD_U = 0.5, 0.3, 0.1


def sample_linear_scm(
    n_actions: int, random_seed: Seed, edge_probability: float = 0.3
) -> PolynomialSCM:
    """Draw a linear Gaussian SCM with one confounder per action; all its effects are exact.

    Parameters
    ----------
    n_actions
        Number K of actions a1..aK.
    random_seed
        An integer, generator (which is advanced) or seed sequence.
    edge_probability
        Probability of each edge A_j -> A_k with j < k.

    Returns
    -------
    PolynomialSCM
        Its interventions have the observational mean and sd of their actions, computed exactly.

    Raises
    ------
    ModelError
        If `n_actions` is not a positive integer, `edge_probability` is not in [0, 1], or the seed
        is not one.

    Examples
    --------
    >>> scm = ig.scm.sample_linear_scm(2, random_seed=1)
    >>> scm.expected_outcome({"a1": 0.5, "a2": -0.5}, do=["a2"]).attrs
    {'do': 'a2', 'error': 0.0}
    """
    actions = number_actions(n_actions)
    rng = named_generator(random_seed, "mechanisms")
    edges = draw_edges(actions, edge_probability, rng)
    mean, direct, variance = np.zeros(n_actions), np.zeros((n_actions, n_actions)), []
    mechanisms = []
    for k, name in enumerate(actions):
        parents = [actions.index(parent) for parent, child in edges if child == name]
        slopes = [draw_sign(rng) * rng.uniform(0.3, 0.8) for _ in parents]
        constant, loading = rng.normal(0.0, 0.5), draw_sign(rng) * rng.uniform(0.5, 1.0)
        inputs = len(parents) + 2
        powers = (*_firsts(inputs), (0,) * inputs)
        mechanisms.append(Polynomial(powers, (*slopes, loading, 1.0, constant)))  # (1)
        direct[k, parents] = slopes
        mean[k] = constant + direct[k] @ mean
        variance.append((loading * _SD_C) ** 2 + _SD_V**2)
    # reduced form of (1): how the noises of all actions add up in each of them
    total = np.linalg.inv(np.eye(n_actions) - direct)
    sds = np.sqrt(total**2 @ variance)
    effects = [tuple(draw_sign(rng) * rng.uniform(0.5, 1.0) for _ in range(2)) for _ in actions]
    return PolynomialSCM(
        actions=actions,
        edges=edges,
        effects=tuple(Polynomial(_firsts(2), effect) for effect in effects),  # (2)
        mechanisms=tuple(mechanisms),
        confounder_noises=(Noise("gaussian", _SD_C),) * n_actions,
        action_noises=(Noise("gaussian", _SD_V),) * n_actions,
        outcome_noise=Noise("gaussian", _SD_U),
        intervention_means=tuple(mean.tolist()),
        intervention_sds=tuple(sds.tolist()),
    )


def _firsts(inputs: int) -> tuple[tuple[int, ...], ...]:
    """Return the powers of each input alone, to the first."""
    return tuple(tuple(int(i == j) for j in range(inputs)) for i in range(inputs))

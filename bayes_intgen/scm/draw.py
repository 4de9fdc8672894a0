"""Random polynomial SCMs, drawn as in the paper.

Kekić, Garrido Mejia and Schölkopf (ICML 2025), Appendix E: an edge A_j -> A_k (j < k) has
probability 0.3; f_k and g_k are polynomials of total degree two whose coefficients are Gaussian,
divided by the sum of their absolute values; noises have the standard deviations of Table 4; an
intervention has the mean and standard deviation that its action has without interventions.
"""

from dataclasses import replace
from itertools import combinations, combinations_with_replacement

import numpy as np

from bayes_intgen.errors import ModelError
from bayes_intgen.scm.noise import KINDS, Noise
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.polynomial_scm import PolynomialSCM
from bayes_intgen.scm.seeds import Seed, check_count, named_generator, seed_sequence

__all__ = ["draw_polynomial", "sample_polynomial_scm"]

_SD_U, _SD_V, _SD_W = 0.1, 0.1, 0.5  # Table 4
_CALIBRATION_ROWS = 200_000


def sample_polynomial_scm(
    n_actions: int, random_seed: Seed, edge_probability: float = 0.3
) -> PolynomialSCM:
    """Draw a polynomial SCM with actions a1..aK as in the paper's Appendix E.

    Parameters
    ----------
    n_actions
        Number K of actions.
    random_seed
        An integer, generator (which is advanced) or seed sequence.
    edge_probability
        Probability of each edge A_j -> A_k with j < k.

    Returns
    -------
    PolynomialSCM
        Its interventions have the mean and sd of 200,000 simulated observational rows.

    Raises
    ------
    ModelError
        If `n_actions` is not a positive integer, `edge_probability` is not in [0, 1], or the
        seed is not one.

    Examples
    --------
    >>> import bayes_intgen as ig
    >>> scm = ig.scm.sample_polynomial_scm(3, random_seed=1, edge_probability=1.0)
    >>> scm.parents
    {'a1': (), 'a2': ('a1',), 'a3': ('a1', 'a2')}
    """
    check_count(n_actions, "n_actions", "actions")
    if not 0 <= edge_probability <= 1:
        raise ModelError(
            f"edge_probability must be a probability, got {edge_probability!r}; the paper's is 0.3."
        )
    seed = seed_sequence(random_seed)
    rng = named_generator(seed, "mechanisms")
    actions = tuple(f"a{k + 1}" for k in range(n_actions))
    edges = tuple(pair for pair in combinations(actions, 2) if rng.random() < edge_probability)
    n_parents = [sum(child == name for _, child in edges) for name in actions]

    def noise(sd: float) -> Noise:
        return Noise(KINDS[rng.integers(len(KINDS))], sd)

    scm = PolynomialSCM(
        actions=actions,
        edges=edges,
        effects=tuple(draw_polynomial(2, rng) for _ in actions),
        mechanisms=tuple(draw_polynomial(count + 2, rng) for count in n_parents),
        confounder_noises=tuple(noise(_SD_W) for _ in actions),
        action_noises=tuple(noise(_SD_V) for _ in actions),
        outcome_noise=noise(_SD_U),
        intervention_means=(0.0,) * n_actions,  # not used by observational rows
        intervention_sds=(1.0,) * n_actions,
    )
    calibration = named_generator(seed, "calibration")
    observed = scm.sample(_CALIBRATION_ROWS, random_seed=calibration)[[*actions]].to_numpy()
    return replace(
        scm,
        intervention_means=tuple(observed.mean(axis=0).tolist()),
        intervention_sds=tuple(observed.std(axis=0).tolist()),
    )


def draw_polynomial(inputs: int, rng: np.random.Generator, degree: int = 2) -> Polynomial:
    """Draw a polynomial with all terms up to a total degree (paper: Appendix E, steps 1-3).

    Coefficients are N(0, 0.1^2), then divided by the sum of their absolute values.
    """
    # A term is a choice of `degree` factors among the inputs and the constant 1.
    choices = combinations_with_replacement(range(inputs + 1), degree)
    powers = tuple(tuple(chosen.count(i) for i in range(inputs)) for chosen in choices)
    raw = rng.normal(0.0, 0.1, len(powers))
    return Polynomial(powers, tuple((raw / np.abs(raw).sum()).tolist()))

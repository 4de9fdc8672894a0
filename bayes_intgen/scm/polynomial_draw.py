"""Random polynomial SCMs, drawn as in the paper.

Kekić, Garrido Mejia and Schölkopf (ICML 2025), Appendix E: an edge A_j -> A_k (j < k) has
probability 0.3; f_k and g_k are polynomials of total degree two whose coefficients are Gaussian,
divided by the sum of their absolute values; noises have the standard deviations of Table 4; an
intervention has the mean and standard deviation that its action has without interventions.

Beyond the paper, actions may interact in the outcome. With x_k = (a_k - mean_k) / sd_k in the units
of the interventions and w_jk ~ N(0, 1),

    extra(a) = s sum_{j<k} w_jk x_j x_k                                                         (1)

where s is such that the spread of this part under joint interventions, s (sum w_jk^2)^(1/2), is a
given multiple of that of sum_k E[f_k(a_k, C_k)].
"""

from dataclasses import replace
from itertools import combinations, combinations_with_replacement
from math import sqrt

import numpy as np

from bayes_intgen.base.arguments import read_real
from bayes_intgen.base.errors import ModelError
from bayes_intgen.scm.graph import draw_edges, find_parents, number_actions
from bayes_intgen.scm.link import invert_link
from bayes_intgen.scm.noise import draw_noise
from bayes_intgen.scm.partition_scm import PartitionSCM
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.polynomial_scm import PolynomialSCM
from bayes_intgen.scm.seeds import Seed, named_generator, seed_sequence

__all__ = ["calibrate_interventions", "draw_polynomial", "sample_polynomial_scm"]

_SD_U, _SD_V, _SD_W = 0.1, 0.1, 0.5  # Table 4
_CALIBRATION_ROWS = 200_000
_HERMITE_NODES = 8  # exact for the variance of polynomials of degree seven


def sample_polynomial_scm(
    n_actions: int,
    random_seed: Seed,
    edge_probability: float = 0.3,
    interactions: float = 0.0,
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
    interactions
        Spread of random terms a_j a_k in the outcome, as a multiple of the spread of the additive
        causal part, both under joint interventions; all pairs interact. The paper has none. Systems
        of one seed differ in nothing else.

    Returns
    -------
    PolynomialSCM
        Its interventions have the mean and sd of 200,000 simulated observational rows.

    Raises
    ------
    ModelError
        If `n_actions` is not a positive integer, `edge_probability` is not in [0, 1],
        `interactions` is negative or there is no pair to interact, or the seed is not one.

    Examples
    --------
    >>> scm = ig.scm.sample_polynomial_scm(3, random_seed=1, edge_probability=1.0)
    >>> scm.parents
    {'a1': (), 'a2': ('a1',), 'a3': ('a1', 'a2')}
    """
    actions = number_actions(n_actions)
    rule = "a finite multiple of at least 0 (1 makes them as large as the additive part)"
    interactions = read_real(interactions, "interactions", rule, 0.0)
    if interactions and n_actions == 1:
        raise ModelError("interactions need at least two actions, got n_actions=1; use 0.")
    seed = seed_sequence(random_seed)
    rng = named_generator(seed, "mechanisms")
    edges = draw_edges(actions, edge_probability, rng)
    parents = find_parents(actions, edges)
    scm = PolynomialSCM(
        actions=actions,
        edges=edges,
        effects=tuple(draw_polynomial(2, rng) for _ in actions),
        mechanisms=tuple(draw_polynomial(len(parents[name]) + 2, rng) for name in actions),
        confounder_noises=tuple(draw_noise(_SD_W, rng) for _ in actions),
        action_noises=tuple(draw_noise(_SD_V, rng) for _ in actions),
        outcome_noise=draw_noise(_SD_U, rng),
        intervention_means=(0.0,) * n_actions,  # not used by observational rows
        intervention_sds=(1.0,) * n_actions,
    )
    scm = calibrate_interventions(scm, named_generator(seed, "calibration"))
    if not interactions:
        return scm
    return replace(
        scm, extra=(_draw_pairs(scm, interactions, named_generator(seed, "interactions")),)
    )


def calibrate_interventions[S: (PolynomialSCM, PartitionSCM)](
    scm: S, rng: np.random.Generator
) -> S:
    """Give interventions the mean and sd of L^-1(A_k) in 200,000 observational rows."""
    rows = scm.sample(_CALIBRATION_ROWS, random_seed=rng)[[*scm.actions]].to_numpy()
    observed = invert_link(scm.link, rows)
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


def _draw_pairs(scm: PolynomialSCM, spread: float, rng: np.random.Generator) -> Polynomial:
    """Draw terms x_j x_k of a given spread relative to that of the additive causal part."""
    count = len(scm.actions)
    mean, sd = scm.intervention_means, scm.intervention_sds
    pairs = list(combinations(range(count), 2))
    weights = rng.normal(size=len(pairs))
    # w of (1), scaled by s
    weights *= spread * _additive_spread(scm) / sqrt(np.sum(weights**2))
    powers, coefficients = [], []
    for (j, k), weight in zip(pairs, weights.tolist(), strict=True):
        unit = weight / (sd[j] * sd[k])
        # (a_j - mean_j) (a_k - mean_k), multiplied out
        for chosen, factor in (
            ((j, k), 1.0),
            ((j,), -mean[k]),
            ((k,), -mean[j]),
            ((), mean[j] * mean[k]),
        ):
            powers.append(tuple(int(i in chosen) for i in range(2 * count)))
            coefficients.append(unit * factor)
    return Polynomial(tuple(powers), tuple(coefficients))


def _additive_spread(scm: PolynomialSCM) -> float:
    """Return the sd of sum_k E[f_k(A_k, C_k)] under joint interventions, by Gauss's rule."""
    x, weight = np.polynomial.hermite_e.hermegauss(_HERMITE_NODES)
    weight = weight / weight.sum()
    variance = 0.0
    for k, (effect, noise) in enumerate(zip(scm.effects, scm.confounder_noises, strict=True)):
        actions = scm.intervention_means[k] + scm.intervention_sds[k] * x
        causal = effect.average_last(noise)(actions[:, None])
        variance += float(weight @ (causal - weight @ causal) ** 2)
    return sqrt(variance)

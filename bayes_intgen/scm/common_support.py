"""Random SCMs whose actions fill the same range in every regime.

The paper asks that actions have the same support in all regimes (Assumption 1), but in its own
benchmark interventions reach far beyond the joint cloud of the observed actions. Here

    A_k = tanh(1.4 s_k C_k + q_k(A_pa(k), C_k) + V_k),      Y = sum_k f_k(A_k, C_k) + U         (1)

with random signs s_k, polynomials q_k of total degree two and f_k of degree three, both drawn like
the paper's (absolute coefficients sum to one), and standard deviations 0.5 of C_k, 0.4 of V_k and
0.1 of U. V_k is Gaussian or logistic, so that A_k can lie anywhere in (-1, 1) whatever its parents
and its confounder are; C_k is Gaussian or uniform, so that tanh does not round to one.
Interventions are tanh(N(mean_k, sd_k^2)), which is close to uniform.

The constants make the confounding strong and leave no corner empty. Over 40 systems of five actions
(seeds 0 to 39), E[Y | a] is off E[Y | do(a)] by 1.1 times the spread of the latter over joint
settings (root mean square; 0.4 to 2 in single systems). Of the 32 corners into which the medians
cut the box, the rarest holds 71% of an even share of the observational rows (at least 52%), and 94%
of the joint settings (at least 91%) lie within the ellipsoid that holds 95% of those rows. In 2% of
the joint settings an action lies beyond the 0.05% or 99.95% quantile of its observed values; in the
paper's systems in 30%.
"""

from bayes_intgen.scm.graph import draw_edges, find_parents, number_actions
from bayes_intgen.scm.noise import LIGHT_TAILED, UNBOUNDED, draw_noise, draw_sign
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.polynomial_draw import calibrate_interventions, draw_polynomial
from bayes_intgen.scm.polynomial_scm import PolynomialSCM
from bayes_intgen.scm.seeds import Seed, named_generator, seed_sequence

__all__ = ["sample_common_support_scm"]


def sample_common_support_scm(
    n_actions: int, random_seed: Seed, edge_probability: float = 0.3
) -> PolynomialSCM:
    """Draw a strongly confounded SCM whose actions fill (-1, 1) in every regime.

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
        With the link tanh.

    Raises
    ------
    ModelError
        If `n_actions` is not a positive integer, `edge_probability` is not in [0, 1], or the seed
        is not one.

    Examples
    --------
    >>> scm = ig.scm.sample_common_support_scm(3, random_seed=1)
    >>> rows = scm.sample_regimes(scm.single_regimes, n=1000, random_seed=2)
    >>> bool((rows[["a1", "a2", "a3"]].abs() < 1).all(axis=None))
    True
    """
    actions = number_actions(n_actions)
    seed = seed_sequence(random_seed)
    rng = named_generator(seed, "mechanisms")
    edges = draw_edges(actions, edge_probability, rng)
    mechanisms = []
    for parents in find_parents(actions, edges).values():
        curved = draw_polynomial(len(parents) + 1, rng)
        none = (0,) * len(parents)
        # (1): inputs are the parents, C_k and V_k
        powers = (*((*term, 0) for term in curved.powers), (*none, 1, 0), (*none, 0, 1))
        coefficients = (*curved.coefficients, 1.4 * draw_sign(rng), 1.0)
        mechanisms.append(Polynomial(powers, coefficients))

    scm = PolynomialSCM(
        actions=actions,
        edges=edges,
        effects=tuple(draw_polynomial(2, rng, degree=3) for _ in actions),
        mechanisms=tuple(mechanisms),
        confounder_noises=tuple(draw_noise(0.5, rng, LIGHT_TAILED) for _ in actions),
        action_noises=tuple(draw_noise(0.4, rng, UNBOUNDED) for _ in actions),
        outcome_noise=draw_noise(0.1, rng),
        intervention_means=(0.0,) * n_actions,  # not used by observational rows
        intervention_sds=(1.0,) * n_actions,
        link="tanh",
    )
    return calibrate_interventions(scm, named_generator(seed, "calibration"))

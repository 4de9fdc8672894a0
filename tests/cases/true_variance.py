"""The true variance of the outcome given the actions, in the paper's systems.

With Y = sum_k f_k(A_k, C_k) + U and independent C_1..C_K given the actions,

    Var_S(a) = Var U + sum_k ( E[f_k(a_k, C_k)^2] - E[f_k(a_k, C_k)]^2 ),

each under p(C_k) if A_k is set and under p(C_k | a_k, parents) if not.
"""

import numpy as np

from bayes_intgen.scm.conditional import condition_on_action


def true_variance(scm, values, do):
    """Var(Y | do(a_S), a_rest) of a PolynomialSCM at values of shape (points, K)."""
    total = np.full(len(values), scm.outcome_noise.sd**2)
    for k, (name, parents) in enumerate(scm.parents.items()):
        effect, confounder = scm.effects[k], scm.confounder_noises[k]
        degree = max(power for _, power in effect.powers)
        if name in do:
            prior = [confounder.moment(power) for power in range(2 * degree + 1)]
            moments = np.tile(prior, (len(values), 1))
        else:
            columns = [scm.actions.index(parent) for parent in parents]
            moments = condition_on_action(
                scm.mechanisms[k],
                confounder,
                scm.action_noises[k],
                values[:, columns],
                values[:, k],
                2 * degree,
            ).moments
        factors = np.zeros((len(values), degree + 1))  # of the powers of C_k
        for (of_action, of_confounder), factor in zip(
            effect.powers, effect.coefficients, strict=True
        ):
            factors[:, of_confounder] += factor * values[:, k] ** of_action
        powers = np.add.outer(np.arange(degree + 1), np.arange(degree + 1))
        second = np.einsum("ni,nj,nij->n", factors, factors, moments[:, powers])
        total += second - (factors * moments[:, : degree + 1]).sum(axis=1) ** 2
    return total

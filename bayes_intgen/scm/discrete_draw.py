"""Random discrete SCMs in which actions interact in any way and confounders do not.

    A_k := g_k(A_1, ..., A_k-1, C_k, V_k)                                                       (1)
    Y   := sum_k h_k(A_1, ..., A_K, C_k) + w C_1 C_2 + U                                        (2)

with binary actions, C_k and V_k of three values and U of two. g_k is random, but such that V_k can
make A_k either value whatever its parents are, and that C_k always matters to it. The values of h_k
are independent N(0, 1) at every combination, so that actions interact to any order and every
confounder modifies the effect of every action. With w = 0 each confounder is still its own action's
alone, and by the paper's Lemmas 1 and 2, which speak of the mechanisms of the actions only,

    sum_j E[Y | a_-j, do(a_j)] - (K - 1) E[Y | a] = E[Y | do(a)]

A product of two confounders leaves this class, and the left-hand side is too small by
w (E[C_1 | a] - E[C_1]) (E[C_2 | a] - E[C_2]). An experiment that sets both of these actions, as one
block, makes the rule hold again.
"""

from itertools import product
from math import isfinite

import numpy as np

from bayes_intgen.base.errors import ModelError
from bayes_intgen.scm.discrete_scm import DiscreteSCM
from bayes_intgen.scm.discrete_variables import DiscreteMechanism, DiscreteNoise
from bayes_intgen.scm.graph import number_actions
from bayes_intgen.scm.seeds import Seed, named_generator

__all__ = ["sample_discrete_scm"]

_LEVELS = 3
# What A_k can be at the three values of V_k; all of them let it be 0 and 1
_PATTERNS = [pattern for pattern in product((0.0, 1.0), repeat=_LEVELS) if 0 < sum(pattern) < 3]


def sample_discrete_scm(
    n_actions: int, random_seed: Seed, product_of_confounders: float = 0.0
) -> DiscreteSCM:
    """Draw a discrete SCM whose actions interact to any order; all its effects are exact.

    Parameters
    ----------
    n_actions
        Number K of binary actions a1..aK.
    random_seed
        An integer, generator (which is advanced) or seed sequence.
    product_of_confounders
        The factor w of a term C_1 C_2 in the outcome, which breaks what identification rests on.
        Systems of one seed differ in nothing else.

    Returns
    -------
    DiscreteSCM
        Every combination of actions is possible in every regime.

    Raises
    ------
    ModelError
        If `n_actions` is not a positive integer, `product_of_confounders` is not finite or there
        are no two confounders, or the seed is not one.

    Examples
    --------
    >>> scm = ig.scm.sample_discrete_scm(3, random_seed=1)
    >>> at = {"a1": 1, "a2": 0, "a3": 1}
    >>> rule = sum(scm.expected_outcome(at, do=[name]) for name in scm.actions)
    >>> rule = rule - 2 * scm.expected_outcome(at, do=[])
    >>> bool(abs(rule - scm.expected_outcome(at)) < 1e-12)
    True
    """
    names = number_actions(n_actions)
    if not isfinite(product_of_confounders) or (product_of_confounders and n_actions == 1):
        raise ModelError(
            f"product_of_confounders must be finite, and zero if there is one action, got "
            f"{product_of_confounders!r} for n_actions={n_actions}; use 0."
        )
    rng = named_generator(random_seed, "mechanisms")
    confounders = [_draw_noise(f"c{k + 1}", _LEVELS, rng) for k in range(n_actions)]
    noises = [_draw_noise(f"v{k + 1}", _LEVELS, rng) for k in range(n_actions)]
    u = _draw_noise("u", 2, rng)
    actions: list[DiscreteMechanism] = []
    for k, (name, c, v) in enumerate(zip(names, confounders, noises, strict=True)):
        parents = (*names[:k], c.name, v.name)
        # (1): for every combination of earlier actions, a different pattern for each value of C_k
        order = rng.permuted(np.tile(np.arange(len(_PATTERNS)), (2**k, 1)), axis=1)
        rows = np.array(_PATTERNS)[order[:, :_LEVELS]]
        actions.append(DiscreteMechanism(name, parents, tuple(rows.ravel().tolist())))
    effects = rng.normal(size=(n_actions, 2**n_actions, _LEVELS))
    # (2) over all actions, C_1, ..., C_K and U, one axis for the actions together
    total = np.zeros((2**n_actions, *(_LEVELS,) * n_actions, 2))
    for k, effect in enumerate(effects):
        shape = [2**n_actions, *(1,) * n_actions, 1]
        shape[k + 1] = _LEVELS
        total += effect.reshape(shape)
    if product_of_confounders:
        first, second = (np.array(c.values) for c in confounders[:2])
        pair = product_of_confounders * np.multiply.outer(first, second)
        total += pair.reshape(1, _LEVELS, _LEVELS, *(1,) * (n_actions - 1))
    total += np.array(u.values)
    parents = (*names, *(c.name for c in confounders), u.name)
    outcome = DiscreteMechanism("y", parents, tuple(total.ravel().tolist()))
    return DiscreteSCM(
        noises=(*confounders, *noises, u),
        mechanisms=(*actions, outcome),
        actions=names,
    )


def _draw_noise(name: str, levels: int, rng: np.random.Generator) -> DiscreteNoise:
    """Draw values from N(0, 1) and probabilities of at least 0.1 each."""
    values = np.sort(rng.normal(size=levels))
    probabilities = 0.1 + (1 - 0.1 * levels) * rng.dirichlet(np.ones(levels))
    return DiscreteNoise(name, tuple(values.tolist()), tuple(probabilities.tolist()))

"""The true effect of an SCM whose outcome is a polynomial in actions and confounders.

Y = sum of terms w prod_k A_k^(p_k) C_k^(q_k), plus noise. Given all actions the confounders are
independent of one another in every regime (C_k is tied to A_k and its parents at most), so

    E[Y | do(a_S), a_rest] = sum w prod_k a_k^(p_k) E[C_k^(q_k) | ...]                      (1)

with the moments of p(C_k) for k in S and those of p(C_k | a_k, a_pa(k)) for the others. With terms
of single pairs (A_k, C_k) this is Proposition 1 of Kekić, Garrido Mejia and Schölkopf (ICML 2025).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Points
from bayes_intgen.scm.conditional import Conditional, condition_on_action, unconditional
from bayes_intgen.scm.link import Link, invert_link
from bayes_intgen.scm.noise import Noise
from bayes_intgen.scm.polynomial import Polynomial
from bayes_intgen.scm.system import refuse_impossible

__all__ = ["LeftAlone", "gather_terms", "true_mean"]


@dataclass(frozen=True)
class LeftAlone:
    """How one action arises when it is left alone.

    Parameters
    ----------
    mechanism
        g_k with inputs (parents, C_k, V_k).
    confounder, noise
        Distributions of C_k and V_k.
    parents
        Positions of the parents among the actions.
    """

    mechanism: Polynomial
    confounder: Noise
    noise: Noise
    parents: tuple[int, ...]


def gather_terms(effects: Sequence[Polynomial], extra: Sequence[Polynomial]) -> Polynomial:
    """Write sum_k f_k(A_k, C_k) + extra terms as one polynomial in (A_1..A_K, C_1..C_K).

    Parameters
    ----------
    effects
        f_k for each action, with inputs (A_k, C_k).
    extra
        Further polynomials, with all actions and then all confounders as inputs.

    Examples
    --------
    >>> product = Polynomial(((1, 1),), (3.0,))
    >>> gather_terms([product, product], []).powers
    ((1, 0, 1, 0), (0, 1, 0, 1))
    """
    count = len(effects)
    powers: list[tuple[int, ...]] = []
    coefficients: list[float] = []
    for k, effect in enumerate(effects):
        for of_action, of_confounder in effect.powers:
            term = [0] * (2 * count)
            term[k], term[count + k] = of_action, of_confounder
            powers.append(tuple(term))
        coefficients += effect.coefficients
    for polynomial in extra:
        powers += polynomial.powers
        coefficients += polynomial.coefficients
    return Polynomial(tuple(powers), tuple(coefficients))


def true_mean(
    points: Points, regime: Regime, sources: Sequence[LeftAlone], terms: Polynomial, link: Link
) -> tuple[Array, float]:
    """Average the outcome over the confounders, given all actions.

    Parameters
    ----------
    points
        Values of all actions.
    regime
        The actions that are set.
    sources
        How each action arises when it is left alone.
    terms
        The outcome without its noise, as made by :func:`gather_terms`.
    link
        L in A_k = L(g_k).

    Returns
    -------
    tuple of array and float
        The mean outcome, shape (points,), and an estimate of the largest numerical error over the
        points (zero in closed form).

    Raises
    ------
    QueryError
        If an action that is not set can never have the value that it is said to have.
    """
    count = len(sources)
    confounders: list[Conditional] = []
    for k, (name, source) in enumerate(zip(points.actions, sources, strict=True)):
        order = max(term[count + k] for term in terms.powers)
        if name in regime:
            confounders.append(unconditional(source.confounder, order, len(points)))
            continue
        parents, z = points.values[:, source.parents], invert_link(link, points.values[:, k])
        given = condition_on_action(
            source.mechanism, source.confounder, source.noise, parents, z, order
        )
        refuse_impossible(~np.isfinite(given.moments).all(axis=1), points, name)
        confounders.append(given)
    # (1), by the fine rule and by the rough one, whose difference shows the error
    mean = _average(terms, points.values, [given.moments for given in confounders])
    rough = _average(terms, points.values, [given.rough for given in confounders])
    return mean, float(np.abs(mean - rough).max())


def _average(terms: Polynomial, actions: Array, moments: Sequence[Array]) -> Array:
    """Replace powers of the confounders by their moments, each of shape (points, order + 1)."""
    count = actions.shape[1]
    total = np.zeros(len(actions))
    for term, coefficient in zip(terms.powers, terms.coefficients, strict=True):
        product = np.full(len(actions), coefficient)
        for k in range(count):
            product *= actions[:, k] ** term[k] * moments[k][:, term[count + k]]
        total += product
    return total

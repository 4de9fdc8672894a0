"""The variance of the outcome under any regime obeys the same sum rule as its mean.

Given the actions, the outcome Y = sum_k f_k(A_k, C_k) + U of the paper's Assumption 2 is a sum of
independent terms: the mechanisms of the actions leave C_1..C_K independent of one another given a,
and p(C_k | a) is p(C_k) if A_k is set and else depends on a_k and the parents of A_k only (the
paper's Lemmas 1 and 2). Variances of independent terms add up as means do, so with S the set of
actions that are set

    Var_S(a) = omega + sum_k g_k(a_k) + sum over k not in S of h_k(a_k, a_pa(k)),

    omega = Var U,   g_k = Var f_k(a_k, C_k) under p(C_k),   g_k + h_k the same under p(C_k | a),

and for the joint effect Var_do(a) = sum_j Var_j(a) - (K - 1) Var_obs(a), all at the same a.
Averages over the actions, such as the residual variances of the regimes, add up only if the actions
are independent of one another, and say little of the variance at any one a.

So the variance is linear in weights with the masks of the mean (:mod:`bayes_intgen.design.design`).
Of the ``interactions``, "pairwise" adds a function of the actions alone to the outcome, which has
no variance: its masks are those of "none". With "all" each term is h_k(A, C_k), its variance a
function of all actions, and the masks are those of the mean.

The regression knows nothing of signs; where its variance falls below a floor, a hundredth of the
least residual variance of a regime, it is held there.
"""

from collections.abc import Iterable

import numpy as np

from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.design.design import Design
from bayes_intgen.design.identification.identify import affine_coefficients

__all__ = ["FLOOR", "combine_regimes", "variance_at"]

FLOOR = 0.01


def variance_at(design: Design, weights: Array, values: Array, regime: Regime) -> Array:
    """Evaluate Var_S(a), which may come out negative, in the unit of the weights.

    Parameters
    ----------
    design, weights
        Of the variance (:mod:`bayes_intgen.inference.variance_functions`), and its weights, shape
        (..., weights).
    values
        All actions in their own units, or codes of levels, shape (points, K).
    regime
        The actions S that are set.

    Returns
    -------
    ndarray
        Shape (..., points).
    """
    theta = design.collect(weights, design.active(regime))
    return np.asarray(theta @ design.features.evaluate(values).T)


def combine_regimes(design: Design, regimes: Iterable[Regime], target: Regime) -> Array | None:
    """Return the coefficient of each regime in the cumulants of a target, shape (regimes,).

    A target that is among the regimes is itself; of any other, the components that take part are an
    affine combination of those of the regimes, or there are no coefficients.
    """
    known = list(regimes)
    if target in known:
        return np.array([float(regime == target) for regime in known])
    columns = np.array([design.active(regime) for regime in known], dtype=float).T
    wanted = design.active(target).astype(float)
    return affine_coefficients(columns, wanted)

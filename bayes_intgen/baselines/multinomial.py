"""Multinomial logistic regression by Newton's method.

With p_l(a) the probability of value l = 0..L, log p_l / p_0 = phi(a)'w_l, maximised is

    (1)  sum_i log p_{y_i}(a_i) - 1/2 PENALTY |w|^2,

whose penalty, a normal prior with a standard deviation of thirty, only matters where some value
never occurs next to another, and coefficients would run away. The gradient and the negative
Hessian for values l and m are

    (2)  sum_i phi_i (1{y_i = l} - p_il) - PENALTY w_l,
    (3)  sum_i phi_i phi_i' p_il (1{l = m} - p_im) + PENALTY 1{l = m}.

Steps are halved while they lower (1).
"""

import numpy as np
from scipy.special import log_softmax, softmax

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array, Indices

__all__ = ["fit_multinomial", "softmax_rows"]

PENALTY = 1e-3
MOST_STEPS = 100
MOST_COEFFICIENTS = 2000
TOLERANCE = 1e-10


def fit_multinomial(phi: Array, position: Indices, count: int) -> Array:
    """Return w, shape (features, values - 1).

    Parameters
    ----------
    phi
        The functions, the constant among them, shape (n, features).
    position
        Which of the values each row has, from 0.
    count
        Number of values.

    Raises
    ------
    ModelError
        If there are more than 2000 coefficients.

    Examples
    --------
    >>> rows = np.repeat([0, 1], [3, 1])
    >>> fit_multinomial(np.ones((4, 1)), rows, 2).round(2).tolist()  # log 1/3
    [[-1.1]]
    """
    features, others = phi.shape[1], count - 1
    if features * others > MOST_COEFFICIENTS:
        raise ModelError(
            f"degree: {features} monomials for {count} values of the outcome are more than the "
            f"{MOST_COEFFICIENTS} coefficients that can be handled; choose a lower degree."
        )
    seen = np.equal.outer(position, np.arange(1, count)).astype(float)
    weights = np.zeros((features, others))
    height = _height(phi, position, weights)
    for _ in range(MOST_STEPS):
        shares = softmax_rows(phi @ weights)[:, 1:]
        gradient = phi.T @ (seen - shares) - PENALTY * weights  # (2)
        hessian = np.empty((others, features, others, features))
        for a in range(others):
            for b in range(others):
                curvature = shares[:, a] * ((a == b) - shares[:, b])
                hessian[a, :, b] = phi.T @ (curvature[:, None] * phi)  # (3)
        matrix = hessian.reshape(features * others, -1) + PENALTY * np.eye(features * others)
        step = np.linalg.solve(matrix, gradient.T.ravel()).reshape(others, features).T
        gain, size = 0.0, 1.0
        while size > 1e-6:
            trial = weights + size * step
            gain = _height(phi, position, trial) - height
            if gain >= 0:
                weights, height = trial, height + gain
                break
            size /= 2
        if gain <= TOLERANCE * len(phi):
            break
    return weights


def softmax_rows(scores: Array) -> Array:
    """Return probabilities from log odds against the first value, shape (n, values).

    Examples
    --------
    >>> softmax_rows(np.array([[0.0], [np.log(3)]])).round(2).tolist()
    [[0.5, 0.5], [0.25, 0.75]]
    """
    return np.asarray(softmax(_padded(scores), axis=1))


def _height(phi: Array, position: Indices, weights: Array) -> float:
    logs = log_softmax(_padded(phi @ weights), axis=1)
    return float(logs[np.arange(len(phi)), position].sum() - PENALTY / 2 * np.sum(weights**2))


def _padded(scores: Array) -> Array:
    return np.concatenate([np.zeros((len(scores), 1)), scores], axis=1)

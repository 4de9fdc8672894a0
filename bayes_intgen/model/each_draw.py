"""What takes a factorisation for each draw of the hyperparameters, compiled, on all cores."""

from math import log, pi

import numpy as np

from bayes_intgen.base.parallel import ordered_map, stretches
from bayes_intgen.base.types import Array
from bayes_intgen.model.marginal import MarginalLikelihood
from bayes_intgen.model.quadratic_part import draw_each

__all__ = ["draw_weights_of_each"]

DRAWS_AT_ONCE = 50


def draw_weights_of_each(
    likelihood: MarginalLikelihood, log_sigma: Array, log_sd: Array, noise: Array
) -> tuple[Array, Array]:
    """Draw the centred weights given each row of log standard deviations.

    Parameters
    ----------
    likelihood
        The sums.
    log_sigma, log_sd
        Of the residuals of each regime, and of the prior of each weight; shapes (draws, regimes)
        and (draws, weights), standard units.
    noise
        Standard normal, shape (draws, weights).

    Returns
    -------
    weights
        Shape (draws, weights), each row from (2) of :mod:`bayes_intgen.model.marginal`; NaN where
        a precision is not positive definite.
    log_density
        log p(y | hyperparameters), shape (draws,), (3) there; NaN likewise.

    Raises
    ------
    ValueError
        If the shapes do not go together: compiled code would read past their ends.
    """
    n, cross, seen = likelihood.n, likelihood.cross, likelihood.seen
    shape = (len(noise), cross.shape[1])
    if not noise.shape == log_sd.shape == shape or log_sigma.shape != (shape[0], len(n)):
        raise ValueError(f"noise, log_sd, log_sigma: shapes must go with {shape}, one row a draw.")
    w, lam = np.exp(-2 * log_sigma), np.ascontiguousarray(np.exp(-2 * log_sd[:, seen]))
    constant = w @ likelihood.square + 2 * log_sigma @ n
    constant -= np.sum(likelihood.log_weight - n * log(2 * pi))
    if likelihood.lifts:
        w = np.column_stack([w, np.ones(len(w))])
        cross = np.vstack([cross, likelihood.lifts.cross])
        constant -= 2 * likelihood.lifts.constant
    sums = likelihood.packed_gram, np.ascontiguousarray(cross[:, seen])
    noise_of_seen = np.ascontiguousarray(noise[:, seen])

    def draw(rows: slice) -> tuple[Array, Array]:
        weights, values = draw_each(w[rows], lam[rows], *sums, noise_of_seen[rows])
        return weights, values

    parts = zip(*ordered_map(draw, stretches(len(w), DRAWS_AT_ONCE)), strict=True)
    drawn, values = (np.concatenate(part) for part in parts)
    weights = np.exp(log_sd) * noise  # those that are not seen keep their prior, which cancels in p
    weights[:, seen] = drawn
    return weights, values - log_sd[:, seen].sum(axis=1) - 0.5 * constant

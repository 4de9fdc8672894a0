"""Moments of a confounder that several actions share, given these actions.

Let z_k = g_k(A_pa(k), C) + V_k with independent V_k. Where the actions k in R are left alone,

    E[C^p | a] = I_p / I_0,    I_p = int c^p p_C(c) prod_{k in R} p_Vk(z_k - g_k(a_pa(k), c)) dc (1)

With Gaussian or logistic V_k the integrand is smooth wherever p_C is, and Gauss's rule on equal
pieces of the range of C converges exponentially. The pieces are so narrow that V_k and C change by
two standard deviations at most in each, with the slope of g_k within four standard deviations of C.
A rule with fewer nodes, on a shorter range if C is unbounded, shows the error. Densities are
compared on the log scale, so that they cannot vanish altogether.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sqrt

import numpy as np

from bayes_intgen.base.errors import ModelError
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.scm.conditional import Conditional, unconditional
from bayes_intgen.scm.noise import Noise

__all__ = ["Clue", "condition_on_clues"]

RULES = ((12, 1.5), (9, 1.0))  # nodes in each piece, reaches of an unbounded confounder
FEWEST_PIECES, MOST_PIECES = 16, 4096
TYPICAL = 4.0  # standard deviations of C
VALUES_AT_ONCE = 500_000


@dataclass(frozen=True)
class Clue:
    """An action that is left alone.

    Parameters
    ----------
    residual
        z_k - g_k as a polynomial in C: coefficients of the powers 0, 1, ... at each point, shape
        (points, powers).
    noise
        Distribution of V_k, which the residual equals.
    """

    residual: Array
    noise: Noise


def condition_on_clues(clues: Sequence[Clue], confounder: Noise, order: int) -> Conditional:
    """Average powers 0..order of a confounder given the actions that it moves.

    Parameters
    ----------
    clues
        The actions that are left alone, at the same points. Without any, the moments are those of
        the confounder itself, in one row.
    confounder
        Distribution of C.
    order
        Highest power.

    Raises
    ------
    ModelError
        If an action shows its confounder too sharply, or there are no clues and the order is above
        four.
    """
    if not clues:
        return unconditional(confounder, order, 1)
    pieces = _pieces(clues, confounder)
    fine, rough = np.empty((2, len(pieces), order + 1))
    for count in np.unique(pieces):
        alike = np.flatnonzero(pieces == count)
        for some in np.array_split(alike, 1 + len(alike) * count * RULES[0][0] // VALUES_AT_ONCE):
            fine[some] = _ratio(clues, some, confounder, order, count, *RULES[0])
            rough[some] = _ratio(clues, some, confounder, order, count, *RULES[1])
    return Conditional(fine, rough)


def _pieces(clues: Sequence[Clue], confounder: Noise) -> Indices:
    """Return a power of two for each point, shape (points,)."""
    sharpest = np.full(len(clues[0].residual), 1 / confounder.sd)
    for clue in clues:
        powers = np.arange(1, clue.residual.shape[1])
        steepest = np.abs(clue.residual[:, 1:]) @ (
            powers * (TYPICAL * confounder.sd) ** (powers - 1)
        )
        sharpest = np.maximum(sharpest, steepest / clue.noise.sd)
    needed = RULES[0][1] * confounder.reach * sharpest
    if needed.max() > MOST_PIECES:
        raise ModelError(
            f"action_noises must not be so small that an action all but reveals its confounder: "
            f"effects under which it is left alone would need {needed.max():.0f} pieces of an "
            f"integral, more than {MOST_PIECES}; ask for the joint effect, do=None."
        )
    rounded = 2 ** np.ceil(np.log2(np.maximum(needed, FEWEST_PIECES)))
    return np.asarray(rounded, dtype=np.intp)


def _ratio(
    clues: Sequence[Clue],
    points: Indices,
    confounder: Noise,
    order: int,
    pieces: int,
    nodes: int,
    reaches: float,
) -> Array:
    """Return I_p / I_0 for p = 0..order by one rule, shape (points, order + 1)."""
    reach = confounder.reach * (1.0 if confounder.kind == "uniform" else reaches)
    edges = np.linspace(-reach, reach, pieces + 1)
    x, weight = np.polynomial.legendre.leggauss(nodes)
    c = (edges[:-1, None] + reach / pieces * (1 + x)).ravel()
    # the integrand of (1) on the log scale, less its largest value at each point
    height = _log_density(confounder, c)[None, :]
    for clue in clues:
        residual = clue.residual[points]
        powers = np.vander(c, residual.shape[1], increasing=True)
        height = height + _log_density(clue.noise, residual @ powers.T)
    mass = np.exp(height - height.max(axis=1, keepdims=True)) * np.tile(weight, pieces)
    moments = mass @ np.vander(c, order + 1, increasing=True)
    return np.asarray(moments / moments[:, :1])


def _log_density(noise: Noise, x: Array) -> Array:
    """Return the log of the density, up to a constant, within the support."""
    match noise.kind:
        case "gaussian":
            return -0.5 * (x / noise.sd) ** 2
        case "logistic":
            scaled = np.abs(x) * pi / (sqrt(3) * noise.sd)
            return np.asarray(-scaled - 2 * np.log1p(np.exp(-scaled)))
        case "uniform":
            return np.zeros_like(x)

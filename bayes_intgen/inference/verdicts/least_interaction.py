"""The least interaction that a score test would see: what "none was found" is worth.

A test of further weights b looks at their scores s (:mod:`bayes_intgen.inference.verdicts.\
interaction_scores`), whose mean is I b and whose covariance is C. It finds what interacts if

    |D^1/2 s|^2 > c,                                                                 (1)

with c the value at which its p-value is the level of the selection. Directions u of b are drawn
from the prior N(0, D), scaled so that the interaction has a spread of one over the data, u' S u =
1, with S the covariance of the features. For b = r u the left side of (1) is a parabola in r, above
c beyond the larger root

    a r^2 + 2 b r + d = c,   a = |D^1/2 I u|^2,  b = u' I D e,  d = |D^1/2 e|^2,  e ~ N(0, C).   (2)

The size that the test sees in four of five cases is the 80% quantile of that root. It is that of
shapes which the products of the basis have, alike beforehand: smoother ones are seen at less (at
half that size, if bilinear), and ones that bend more often than these products are not seen at all.
"""

import numpy as np
from scipy import special

from bayes_intgen.base.types import Array
from bayes_intgen.inference.verdicts.interaction_scores import Scores

__all__ = ["least_interaction"]

POWER = 0.8
DRAWS = 400
LARGEST = 10.0


def least_interaction(scores: Scores, spread: Array, level: float) -> float:
    """Return the size of an interaction that a test sees in four cases of five.

    Parameters
    ----------
    scores
        Of its weights.
    spread
        Covariance of its features over the data, shape (weights, weights).
    level
        Of the test.

    Returns
    -------
    float
        In the units of the scores' outcome, of which the spread is one; infinite if not even one
        of ten times that spread would be seen, since the rows hold nothing about it.
    """
    rng = np.random.default_rng(1)
    weights = scores.scale
    direction = rng.normal(size=(DRAWS, len(weights))) * weights
    own = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", direction, spread, direction), 0.0))
    if not (own > 0).all():
        return np.inf
    direction /= own[:, None]
    values, vectors = np.linalg.eigh(scores.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    noise = rng.normal(size=(DRAWS, len(weights))) @ root.T * weights
    signal = direction @ scores.information * weights
    a, b, d = (
        np.sum(x * y, axis=1) for x, y in ((signal, signal), (signal, noise), (noise, noise))
    )
    beyond = b**2 - a * (d - critical_value(scores, level))
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.where(beyond > 0, (np.sqrt(np.maximum(beyond, 0.0)) - b) / a, 0.0)  # (2)
    least = np.where(a > 0, np.maximum(least, 0.0), np.inf)
    size = float(np.quantile(least, POWER, method="higher"))
    return size if size < LARGEST else np.inf


def critical_value(scores: Scores, level: float) -> float:
    """Return the c of (1), by the first two moments of the form (Satterthwaite)."""
    covariance = scores.covariance * np.outer(scores.scale, scores.scale)
    total, squares = float(np.trace(covariance)), float(np.vdot(covariance, covariance))
    if squares <= 0:
        return np.inf
    own = total**2 / squares
    if scores.freedom < np.inf:
        return total * float(special.fdtri(own, max(scores.freedom, 1.0), 1 - level))
    return total * float(special.chdtri(own, level)) / own

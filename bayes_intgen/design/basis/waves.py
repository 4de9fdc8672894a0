"""Eigenfunctions of the Laplacian on an interval."""

from math import pi, sqrt

import numpy as np

from bayes_intgen.base.types import Array

__all__ = ["fill_waves"]


def fill_waves(x: Array, c: float, out: Array) -> None:
    """Write the eigenfunctions of the box [-c, c] at x into the rows of an array.

    Only the first is a sine: with t = w_1 (x + c), sin((j+1) t) = 2 cos(t) sin(j t) -
    sin((j-1) t).
    """
    angle = (x + c) * (pi / (2 * c))
    np.sin(angle, out=out[0])
    out[0] /= sqrt(c)
    twice = 2 * np.cos(angle)
    before: Array | float = 0.0
    for j in range(1, len(out)):
        np.multiply(twice, out[j - 1], out=out[j])
        out[j] -= before
        before = out[j - 1]

"""Sums of products for a regression with a constant, from moments that were kept centred."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.types import Array

__all__ = ["RegressionMoments"]


@dataclass(frozen=True)
class RegressionMoments:
    """Sums of products of the features (with the constant) and the outcome in one regime.

    Parameters
    ----------
    n
        Number of rows.
    gram
        sum phi phi', shape (features, features).
    cross
        sum phi y, shape (features,).
    square
        sum y^2, with y in standard units. All sums are weighted if the rows are.
    """

    n: int
    gram: Array
    cross: Array
    square: float

    @classmethod
    def from_centred(cls, moments: CentredMoments) -> Self:
        """Undo the centring of the moments of (phi without its constant, y)."""
        total = moments.weight
        raw = moments.scatter + total * np.outer(moments.mean, moments.mean)
        sums = total * moments.mean
        gram = np.block(
            [[np.full((1, 1), total), sums[None, :-1]], [sums[:-1, None], raw[:-1, :-1]]]
        )
        return cls(moments.n, gram, np.concatenate([sums[-1:], raw[:-1, -1]]), float(raw[-1, -1]))

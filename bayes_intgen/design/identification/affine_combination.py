"""Affine combinations of experiments: the arithmetic of what is identified.

With a column of indicators per experiment and a vector of them for the target, the target is
determined exactly when weights w solve columns @ w = wanted. A row of ones among the indicators, or
components that are part of every regime, makes the weights sum to one.
"""

import numpy as np

from bayes_intgen.base.types import Array

__all__ = ["TOLERANCE", "affine_weights"]

TOLERANCE = 1e-9


def affine_weights(columns: Array, wanted: Array) -> Array | None:
    """Return the weights of least norm that combine columns to a vector, or None.

    Parameters
    ----------
    columns
        Shape (coordinates, experiments).
    wanted
        Shape (coordinates,).

    Returns
    -------
    ndarray or None
        Shape (experiments,); None if the vector is not in the span of the columns.

    Examples
    --------
    >>> affine_weights(np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([1.0, 2.0])).round(9).tolist()
    [-1.0, 2.0]
    >>> affine_weights(np.array([[1.0], [0.0]]), np.array([1.0, 1.0])) is None
    True
    """
    weights = np.linalg.lstsq(columns, wanted, rcond=None)[0]
    return weights if np.abs(columns @ weights - wanted).max() <= TOLERANCE else None

"""Averages over the rows of a reference population.

E[Y | do(a_S), a_rest] is linear in phi(a), so that its average over rows i with weights w_i is
(sum_i w_i phi(a_i))' theta_S: one average of the features serves all draws.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.types import Array
from bayes_intgen.data.conversion import open_table
from bayes_intgen.data.points import Points
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["mean_features", "read_columns", "read_row_weights"]

VALUES_AT_ONCE = 2**22


def mean_features(fit: Fitted, rows: Points, row_weights: Array) -> Array:
    """Average the features over rows, in portions; shape (features,)."""
    features = fit.design.features
    portion = max(1, VALUES_AT_ONCE // len(features.features))
    total = np.zeros(len(features.features))
    for start in range(0, len(rows), portion):
        chosen = slice(start, start + portion)
        total += row_weights[chosen] @ features.evaluate(rows.values[chosen])
    return total


def read_row_weights(weights: Any, rows: int) -> Array:
    """Return weights that sum to one, of as many rows as there are; refuse others."""
    if weights is None:
        return np.full(rows, 1.0 / rows)
    try:
        row_weights = np.asarray(weights, dtype=float)
    except (TypeError, ValueError) as error:
        raise QueryError(f"weights must be numbers, one per row of the population: {error}") from (
            error
        )
    if row_weights.shape != (rows,):
        raise QueryError(
            f"weights must be one number per row of the population, {rows} in all, got shape "
            f"{row_weights.shape}."
        )
    if not (np.isfinite(row_weights).all() and (row_weights >= 0).all() and row_weights.any()):
        raise QueryError(
            f"weights must be finite, not negative and not all zero, got values from "
            f"{row_weights.min()} to {row_weights.max()}."
        )
    return np.asarray(row_weights / row_weights.sum())


def read_columns(population: Any) -> dict[str, Any]:
    """Return the columns of a table or a mapping."""
    if isinstance(population, Mapping):
        return dict(population)
    kinds = "must be a pandas, polars or pyarrow table, or a mapping of names to values"
    table = open_table(population, f"population {kinds}", QueryError)
    return {name: table[name].to_numpy() for name in table.columns}

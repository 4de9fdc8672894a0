"""Summary of the rows at one level of a categorical action or covariate, for the support flags.

In each regime and for each level: the moments of all columns over the rows at that level, which say
where the numeric variables lie there, and the numbers of rows at each level of every other
categorical one, which say what was seen together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.types import Array

__all__ = ["LevelRows"]


@dataclass(frozen=True)
class LevelRows:
    """Summary of the rows of one regime at one level."""

    moments: CentredMoments  # of all columns
    # number of those rows at each level of every categorical variable, by its column
    together: Mapping[int, Array]

    @classmethod
    def split(cls, values: Array, column: int, sizes: Mapping[int, int]) -> tuple[Self, ...]:
        """Split rows by the codes in a column.

        Parameters
        ----------
        values
            Actions, covariates, then outcome, shape (n, columns).
        column
            The column of a categorical variable.
        sizes
            Number of levels of each categorical variable, by its column.
        """
        by_level = []
        for code in range(sizes[column]):
            rows = values[values[:, column] == code]
            together = {
                other: np.bincount(rows[:, other].astype(int), minlength=size).astype(float)
                for other, size in sizes.items()
            }
            by_level.append(cls(CentredMoments.from_rows(rows), together))
        return tuple(by_level)

    def merge(self, other: "LevelRows") -> "LevelRows":
        """Return the summary of the rows of both."""
        together = {column: n + other.together[column] for column, n in self.together.items()}
        return LevelRows(self.moments.merge(other.moments), together)

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON types."""
        return {
            "n": self.moments.n,
            "mean": self.moments.mean.tolist(),
            "scatter": self.moments.scatter.tolist(),
            "together": {str(column): n.tolist() for column, n in self.together.items()},
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the state from :meth:`to_dict`."""
        n, mean, scatter = state["n"], np.array(state["mean"]), np.array(state["scatter"])
        together = {int(column): np.array(rows) for column, rows in state["together"].items()}
        return cls(CentredMoments(n, float(n), mean, scatter), together)

"""Types that every package uses: arrays by their kind, and the scale of a column."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Counts", "Indices", "Mask", "Scale"]

type Array = npt.NDArray[np.float64]
type Mask = npt.NDArray[np.bool_]
type Indices = npt.NDArray[np.integer]
type Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Scale:
    """Centre and spread that standardise a column, both in the column's unit."""

    centre: float
    spread: float

    def standardise(self, values: Array) -> Array:
        """Return (values - centre) / spread."""
        return (values - self.centre) / self.spread

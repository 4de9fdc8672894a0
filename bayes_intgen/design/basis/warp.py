"""Coordinates of an action: where its rows are, its frequent values, and waves along it.

The coordinate is a blend of the action, its rank and its normal score.

With x the action in half-widths from the middle of its range, F its distribution function over all
regimes (those that set the action and those that leave it alone count half each) and z = Phi^-1(F)
in units of its largest value,

    w(a) = r x + (1 - r) ( s (2 F(a) - 1) + (1 - s) z(a) ).

It runs from about -1 to 1. Where many rows lie close together, 2 F - 1 spreads them out, so that a
bend inside the bulk of a long-tailed action is as easy as one of a uniform action; z keeps the
tails, where F stands still: for a log-normal action it is its logarithm; and x keeps gaps apart.
Piecewise linear between knots that are frozen with the basis; beyond them it follows x.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import pi, sqrt
from typing import Any, Self

import numpy as np
from scipy import stats

from bayes_intgen.base.types import Array, Scale

__all__ = ["Warp", "fill_waves", "find_masses"]

KNOTS = 65
RAW = 0.1
RANK = 0.5
LEAST_LINEAR = 0.98
LEAST_SHARE, LEAST_ROWS, MOST_MASSES = 0.02, 8, 24  # of frequent values


@dataclass(frozen=True)
class Warp:
    """A monotone piecewise linear coordinate of an action."""

    knots: tuple[float, ...] = field(repr=False)  # values of the action, increasing, shape (knots,)
    heights: tuple[float, ...] = field(repr=False)  # the coordinate there, increasing
    slope: float  # its slope beyond the knots, per unit of the action
    scores: tuple[float, ...] = field(repr=False)  # z at the knots, in its own unit
    # whether z is far from linear in the action: their correlation over the rows is below 0.98
    bent: bool

    @classmethod
    def of(cls, kinds: Sequence[tuple[Array, Array]], box: Scale) -> Self:
        """Choose the knots.

        Parameters
        ----------
        kinds
            For each kind of regimes, rows of the action and how much each counts, shape (n,) both.
        box
            Middle and half-width of its range.
        """
        reach = np.array([box.centre - box.spread, box.centre + box.spread])
        grid = np.unique(np.concatenate([values for values, _ in kinds]))
        grid = grid[(reach[0] < grid) & (grid < reach[1])]
        if len(grid) < 2:
            return cls((box.centre,), (0.0,), 1 / box.spread, (0.0,), False)
        rank = np.mean([_middle_rank(grid, *rows, reach) for rows in kinds], axis=0)
        z = stats.norm.ppf(rank)
        score = z / np.abs(z).max()
        x = box.standardise(grid)
        heights = RAW * x + (1 - RAW) * (RANK * (2 * rank - 1) + (1 - RANK) * score)
        wanted = np.linspace(heights[0], heights[-1], KNOTS)
        chosen = np.unique(np.searchsorted(heights, wanted).clip(0, len(grid) - 1))
        knots, scores = grid[chosen], z[chosen]
        bent = _correlation(kinds, knots, scores) < LEAST_LINEAR
        columns = (tuple(column.tolist()) for column in (knots, heights[chosen], scores))
        knots_, heights_, scores_ = columns
        return cls(knots_, heights_, RAW / box.spread, scores_, bent)

    def __call__(self, values: Array) -> Array:
        """Evaluate, shape (n,) to (n,)."""
        beyond = values - np.clip(values, self.knots[0], self.knots[-1])
        return np.asarray(np.interp(values, self.knots, self.heights) + self.slope * beyond)

    def score(self, values: Array) -> Array:
        """Evaluate the normal score z, constant beyond the knots, shape (n,) to (n,)."""
        return np.asarray(np.interp(values, self.knots, self.scores))

    def curves(self, values: Array) -> Array:
        """Evaluate z, (z^2 - 1) / sqrt(2) and (z^3 - 3 z) / sqrt(6), shape (n,) to (3, n).

        They are orthonormal if z is standard normal.
        """
        z = self.score(values)
        return np.array([z, (z**2 - 1) / sqrt(2), (z**3 - 3 * z) / sqrt(6)])

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON types."""
        return {
            "knots": list(self.knots),
            "heights": list(self.heights),
            "slope": self.slope,
            "scores": list(self.scores),
            "bent": self.bent,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the coordinate from :meth:`to_dict`."""
        knots, heights = tuple(state["knots"]), tuple(state["heights"])
        return cls(knots, heights, state["slope"], tuple(state["scores"]), state["bent"])


def find_masses(kinds: Sequence[tuple[Array, Array]]) -> tuple[float, ...]:
    """Return the values that many rows have, in order.

    They must be frequent where the action is left alone: that an experiment tries a few values of
    an action does not make these special.
    """
    values, shares = kinds[0]
    distinct, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    often = (np.bincount(where, weights=shares) >= LEAST_SHARE) & (counts >= LEAST_ROWS)
    if len(distinct) == 2:
        return ()  # a line goes through two values
    return tuple(distinct[often].tolist()) if often.sum() <= MOST_MASSES else ()


def _correlation(kinds: Sequence[tuple[Array, Array]], knots: Array, scores: Array) -> float:
    """Return the correlation of the action with its normal score over the rows of all kinds."""
    values = np.clip(np.concatenate([values for values, _ in kinds]), knots[0], knots[-1])
    shares = np.concatenate([shares for _, shares in kinds])
    both = np.cov(np.vstack([values, np.interp(values, knots, scores)]), aweights=shares)
    return float(both[0, 1] / np.sqrt(both[0, 0] * both[1, 1]))


def _middle_rank(grid: Array, values: Array, weights: Array, reach: Array) -> Array:
    """Return the distribution function, linear between the middles of the rows of equal value."""
    distinct, where = np.unique(values, return_inverse=True)
    mass = np.bincount(where, weights=weights)
    rank = np.cumsum(mass) - mass / 2
    inside = (reach[0] < distinct) & (distinct < reach[1])
    at = np.concatenate([reach[:1], distinct[inside], reach[1:]])
    return np.asarray(np.interp(grid, at, np.concatenate([[0.0], rank[inside], [1.0]])))


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

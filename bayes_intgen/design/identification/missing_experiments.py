"""The cheapest further experiments that would identify a target.

A coordinate (what setting a block, or a part of it, does) that the target has and no experiment has
needs its own experiment; one that neither has needs none. Among the experiments on the others all
sets are tried, the small ones first. If these are more than 50,000, experiments are left out one
after the other for as long as that is possible: then none can be left out, but a smaller set might
exist.
"""

from collections.abc import Sequence
from itertools import combinations
from math import comb

import numpy as np

from bayes_intgen.base.types import Array, Mask

__all__ = ["TOLERANCE", "cheapest_experiments"]

TOLERANCE = 1e-9  # of combinations of zeros and ones, which rounding leaves

MOST_SETS = 50_000


def cheapest_experiments(
    columns: Array, options: Array, wanted: Array, cost: Sequence[tuple[bool, int]]
) -> list[int]:
    """Choose the fewest options that make ``wanted`` a combination of them and of the columns.

    Parameters
    ----------
    columns, wanted
        The indicator vectors of the experiments at hand, shape (coordinates, experiments), the
        first coordinate one; and that of the target.
    options
        Those of further experiments, each with at most one coordinate beside the first; together
        they span all coordinates.
    cost
        What each option costs; the sums decide between sets of equal size, then the order.

    Returns
    -------
    list of int
        Positions of the options, in increasing order.
    """
    seen, needed = columns.any(axis=1), wanted != 0
    own = [np.flatnonzero(option[1:]) + 1 for option in options.T]  # none for observational rows
    forced = [i for i, rows in enumerate(own) if len(rows) and (needed & ~seen)[rows].all()]
    free = [i for i, rows in enumerate(own) if not len(rows) or seen[rows].all()]
    base = np.column_stack([columns, options[:, forced]])
    left, sizes, _ = np.linalg.svd(base)
    # What experiments at hand or forced ones show is projected out of the rest.
    beyond = left[:, int((sizes > TOLERANCE).sum()) :].T
    rest, target = beyond @ options, beyond @ wanted
    free = [i for i in free if np.abs(rest[:, i]).max(initial=0.0) > TOLERANCE]
    tried = 0
    for size in range(len(free) + 1):
        tried += comb(len(free), size)
        if tried > MOST_SETS:
            break
        sets = list(combinations(free, size))
        spanning = _spans(rest, sets, target)
        enough = [chosen for chosen, ok in zip(sets, spanning, strict=True) if ok]
        if enough:
            best = min(enough, key=lambda chosen: ([sum(c) for c in _costs(chosen, cost)], chosen))
            return sorted([*forced, *best])
    # Too many sets to try: leave out one experiment after the other, the cheapest last.
    kept = list(free)
    for i in reversed(free):
        fewer = [j for j in kept if j != i]
        if _spans(rest, [tuple(fewer)], target)[0]:
            kept = fewer
    return sorted([*forced, *kept])


def _costs(chosen: Sequence[int], cost: Sequence[tuple[bool, int]]) -> list[list[int]]:
    return [[int(cost[i][0]) for i in chosen], [cost[i][1] for i in chosen]]


def _spans(columns: Array, sets: Sequence[Sequence[int]], target: Array) -> Mask:
    """Say for each set of columns whether the target is a combination of them."""
    chosen = columns[:, np.array(sets, dtype=int)].swapaxes(0, 1)
    fitted = chosen @ (np.linalg.pinv(chosen, rcond=TOLERANCE) @ target)[..., None]
    return np.asarray(np.abs(fitted[..., 0] - target).max(axis=1, initial=0.0) <= 1e3 * TOLERANCE)

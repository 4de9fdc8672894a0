"""The best choice of one option per group under a budget, exactly and for all draws at once.

For groups g of options i with values v_gi(draw) and costs c_gi, which are the same in every draw,

    maximise  sum_g v_g,i(g)   subject to   sum_g c_g,i(g) <= B:

the multiple-choice knapsack problem. Half of the groups are merged into a table of the best value
for each attainable cost, the other half into another, and the two are matched by what the first
leaves of the budget (Horowitz and Sahni 1974). Equal costs share an entry, so that grids whose
costs have a common step need a few hundred entries where all combinations are many millions; no
cost is rounded. Since costs do not depend on the draw, all sorting and matching is done once.

References
----------
Horowitz and Sahni (1974), "Computing partitions with applications to the knapsack problem",
Journal of the ACM 21. Kellerer, Pferschy and Pisinger (2004), "Knapsack Problems", chapter 11.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayes_intgen.errors import QueryError

__all__ = ["choose_best", "costs_in_use"]

TOLERANCE = 1e-9  # of costs, relative to the largest that can be spent
MAX_ENTRIES = 2_000_000

type Array = npt.NDArray[np.float64]
type Indices = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Table:
    """The best value for each attainable cost of some groups.

    Parameters
    ----------
    cost
        Attainable costs, strictly increasing, shape (entries,).
    value
        The best value at exactly that cost, shape (entries, draws).
    steps
        For each group merged, the option taken and the entry of the table before, both of shape
        (entries, draws).
    """

    cost: Array
    value: Array
    steps: tuple[tuple[Indices, Indices], ...] = ()

    def trace(self, entry: Indices) -> list[Indices]:
        """Return the options of each group that led to an entry in each draw."""
        draws = np.arange(self.value.shape[1])
        options = []
        for taken, before in reversed(self.steps):
            options.append(taken[entry, draws])
            entry = before[entry, draws]
        return options[::-1]


def choose_best(
    values: Sequence[Array], costs: Sequence[Array], budget: float | None = None
) -> Indices:
    """Choose one option of each group so that the sum of the values is largest.

    Parameters
    ----------
    values
        Of each group, shape (options, draws).
    costs
        Of each group, shape (options,), of any sign.
    budget
        What may be spent in all; None for no limit. A choice may exceed it by rounding errors, one
        part in 10^9 of the largest sum of costs.

    Returns
    -------
    ndarray
        The option of each group in each draw, shape (groups, draws).

    Raises
    ------
    QueryError
        If nothing is within the budget, or costs without a common step make the tables too large.

    Examples
    --------
    >>> values = [np.array([[0.0], [3.0]]), np.array([[0.0], [4.0], [5.0]])]
    >>> choose_best(values, [np.array([0.0, 1.0]), np.array([0.0, 1.0, 2.0])], budget=2.0).ravel()
    array([1, 1])
    """
    if budget is None:
        return np.array([value.argmax(axis=0) for value in values])
    slack = TOLERANCE * costs_in_use(costs)
    least = [cost.min() for cost in costs]
    if sum(least) > budget + slack:
        raise QueryError(
            f"budget: even the cheapest setting costs {sum(least):.6g}, more than {budget:.6g}; "
            f"raise the budget or lower the bounds."
        )
    half = len(costs) // 2
    order = np.argsort([len(cost) for cost in costs], kind="stable")
    parts = [order[:half], order[half : 2 * half], order[2 * half :]]
    tables = []
    for part in parts:
        table = Table(np.zeros(1), np.zeros((1, values[0].shape[1])))
        others = sum(least) - sum(least[g] for g in part)
        for position, g in enumerate(part):
            room = budget + slack - others - sum(least[h] for h in part[position + 1 :])
            table = _merge(table, values[g], costs[g], room, slack)
        tables.append(table)
    entries = _match(tables[0], tables[1], tables[2], budget + slack)
    chosen = np.empty((len(costs), values[0].shape[1]), dtype=np.intp)
    for part, table, entry in zip(parts, tables, entries, strict=True):
        for g, options in zip(part, table.trace(entry), strict=True):
            chosen[g] = options
    return chosen


def costs_in_use(costs: Sequence[Array]) -> float:
    """Return the largest size that a sum of costs can have."""
    return float(sum(np.abs(cost).max() for cost in costs))


def _merge(table: Table, value: Array, cost: Array, room: float, slack: float) -> Table:
    """Add a group to a table, leaving out what exceeds the room."""
    if len(table.cost) * len(cost) > MAX_ENTRIES:
        raise QueryError(
            f"cost: the settings have more than {MAX_ENTRIES:,} different costs, because the steps "
            f"of the grids have no common cost; choose a coarser grid, or grids whose steps cost "
            f"the same (a step times the cost of a unit)."
        )
    sums = table.cost[:, None] + cost[None, :]
    order = np.argsort(sums, axis=None, kind="stable")
    ordered = sums.ravel()[order]
    fresh = np.concatenate([[True], np.diff(ordered) > slack])
    last = np.concatenate([np.flatnonzero(fresh)[1:] - 1, [len(ordered) - 1]])
    distinct = ordered[last]
    places = np.empty(len(order), dtype=np.intp)
    places[order] = np.cumsum(fresh) - 1
    position = places.reshape(sums.shape)
    kept = int(np.searchsorted(distinct, room, side="right"))
    best = np.full((kept, value.shape[1]), -np.inf)
    taken, before = (np.zeros(best.shape, dtype=np.int32) for _ in range(2))
    for option in range(len(cost)):  # within one option no two entries have the same cost
        source = np.flatnonzero(position[:, option] < kept)
        target = position[source, option]
        candidate = table.value[source] + value[option]
        better = candidate > best[target]
        best[target] = np.where(better, candidate, best[target])
        taken[target] = np.where(better, option, taken[target])
        before[target] = np.where(better, source[:, None], before[target])
    return Table(distinct[:kept], best, (*table.steps, (taken, before)))


def _match(first: Table, second: Table, third: Table, budget: float) -> tuple[Indices, ...]:
    """Return the entries of three tables whose values together are best within the budget."""
    if len(second.cost) * len(third.cost) > MAX_ENTRIES:
        raise QueryError(
            f"cost: more than {MAX_ENTRIES:,} combinations of costs would have to be compared, "
            f"because the steps of the grids have no common cost; choose a coarser grid, or grids "
            f"whose steps cost the same (a step times the cost of a unit)."
        )
    running = np.maximum.accumulate(first.value, axis=0)
    improved = np.diff(running, axis=0, prepend=-np.inf) > 0
    rows = np.arange(len(first.cost))[:, None]
    attained = np.maximum.accumulate(np.where(improved, rows, 0), axis=0)
    draws = np.arange(first.value.shape[1])
    best = np.full(len(draws), -np.inf)
    entries: list[Indices] = [np.zeros(len(draws), dtype=np.intp) for _ in range(3)]
    for k, cost in enumerate(third.cost):
        affordable = np.searchsorted(first.cost, budget - cost - second.cost, side="right") - 1
        partners = np.flatnonzero(affordable >= 0)
        if len(partners) == 0:
            continue
        candidates = running[affordable[partners]] + second.value[partners]
        top = candidates.argmax(axis=0)
        total = candidates[top, draws] + third.value[k]
        better = total > best
        best = np.where(better, total, best)
        found = (attained[affordable[partners[top]], draws], partners[top], k)
        entries = [np.where(better, new, old) for new, old in zip(found, entries, strict=True)]
    return tuple(entries)

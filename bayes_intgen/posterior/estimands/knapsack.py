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
from math import prod
from typing import NoReturn

import numpy as np

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.types import Array, Indices

__all__ = ["choose_best"]

TOLERANCE = 1e-9  # of the budget, relative to the largest sum of costs
SAME = 1e-3  # of that: costs no further apart than this are equal
MAX_ENTRIES = 2_000_000
VALUES_AT_ONCE = 2**23
LEAST_DRAWS = 32


@dataclass(frozen=True)
class Table:
    """The best value for each attainable cost of some groups.

    Attainable costs increase strictly, shape (entries,), and have a best value per draw, shape
    (entries, draws). For a single group ``options`` says which of its options that is; for several,
    ``summed`` holds the tables of which the entries are sums, and the entry of each.
    """

    cost: Array
    value: Array
    options: Indices | None = None
    summed: tuple[tuple["Table", Indices], ...] = ()

    def trace(self, entry: Indices) -> list[Indices]:
        """Return the options of each group that led to an entry in each draw."""
        draws = np.arange(self.value.shape[1])
        if self.options is not None:
            return [self.options[entry, draws]]
        return [own for table, index in self.summed for own in table.trace(index[entry, draws])]


def choose_best(
    values: Sequence[Array], costs: Sequence[Array], budget: float | None = None
) -> Indices:
    """Choose one option of each group so that the sum of the values is largest.

    Parameters
    ----------
    values, costs
        Of each group, shape (options, draws) and (options,); costs may have any sign.
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
    slack = TOLERANCE * float(sum(np.abs(cost).max() for cost in costs))
    least = [cost.min() for cost in costs]
    if sum(least) > budget + slack:
        raise QueryError(
            f"budget: even the cheapest setting costs {sum(least):.6g}, more than {budget:.6g}; "
            f"raise the budget or lower the bounds."
        )
    # Two halves of like size, and one group left over, keep the tables that are matched small.
    order = [int(g) for g in np.argsort([-len(cost) for cost in costs], kind="stable")]
    third = [order.pop()] if len(order) > 1 and len(order) % 2 else []
    split = (order[::2], order[1::2], third)
    sizes = [prod(len(costs[g]) for g in lot) for lot in split]
    rows = max(LEAST_DRAWS, VALUES_AT_ONCE // min(max(sizes), MAX_ENTRIES))
    draws = values[0].shape[1]
    chosen = []
    for start in range(0, draws, rows):
        portion = [value[:, start : start + rows] for value in values]
        chosen.append(_choose(portion, costs, split, budget + slack, SAME * slack))
    return np.concatenate(chosen, axis=1)


def _choose(
    values: Sequence[Array],
    costs: Sequence[Array],
    split: Sequence[Sequence[int]],
    budget: float,
    same: float,
) -> Indices:
    """Merge three lots of groups into a table each, and match these."""
    least = np.array([cost.min() for cost in costs])
    draws = values[0].shape[1]
    tables = []
    for lot in split:
        table = Table(np.zeros(1), np.zeros((1, draws)))
        for position, g in enumerate(lot):
            room = budget - least.sum() + least[list(lot[: position + 1])].sum()
            table = _merge(table, _tabulate(values[g], costs[g], same), room, same)
        tables.append(table)
    entries = _match(tables[0], tables[1], tables[2], budget)
    chosen = np.empty((len(costs), draws), dtype=np.intp)
    for lot, table, entry in zip(split, tables, entries, strict=True):
        for g, options in zip(lot, table.trace(entry), strict=True):
            chosen[g] = options
    return chosen


def _gather_costs(costs: Array, same: float) -> tuple[Array, Indices]:
    """Return the distinct values among costs, increasing, and the position of each cost in them."""
    order = np.argsort(costs, kind="stable")
    ordered = costs[order]
    fresh = np.concatenate([[True], np.diff(ordered) > same])
    last = np.concatenate([np.flatnonzero(fresh)[1:] - 1, [len(ordered) - 1]])
    position = np.empty(len(costs), dtype=np.intp)
    position[order] = np.cumsum(fresh) - 1
    return ordered[last], position


def _tabulate(value: Array, cost: Array, same: float) -> Table:
    """Turn the options of one group into a table."""
    distinct, position = _gather_costs(cost, same)
    order = np.argsort(position, kind="stable")
    starts = np.searchsorted(position[order], np.arange(len(distinct)))
    counts = np.diff([*starts, len(order)])
    best = value[order[starts]]
    options = np.broadcast_to(order[starts][:, None], best.shape).astype(np.int32)
    for rank in range(1, int(counts.max())):  # a further option of the same cost
        entries = np.flatnonzero(counts > rank)
        rivals = order[starts[entries] + rank]
        better = value[rivals] > best[entries]
        best[entries] = np.where(better, value[rivals], best[entries])
        options[entries] = np.where(better, rivals[:, None], options[entries])
    return Table(distinct, best, options)


def _merge(table: Table, group: Table, room: float, same: float) -> Table:
    """Add a group to a table, leaving out what exceeds the room."""
    if len(table.cost) * len(group.cost) > MAX_ENTRIES:
        _refuse()
    long, short = (group, table) if len(group.cost) > len(table.cost) else (table, group)
    sums = long.cost[:, None] + short.cost[None, :]
    distinct, flat = _gather_costs(sums.ravel(), same)
    position = flat.reshape(sums.shape)
    kept = int(np.searchsorted(distinct, room, side="right"))
    best = np.full((kept, group.value.shape[1]), -np.inf)
    of_long, of_short = (np.zeros(best.shape, dtype=np.int32) for _ in range(2))
    for k in range(len(short.cost)):  # within one k no two sums are the same
        source = np.flatnonzero(position[:, k] < kept)
        target = position[source, k]
        candidate = long.value[source] + short.value[k]
        better = candidate > best[target]
        best[target] = np.where(better, candidate, best[target])
        of_long[target] = np.where(better, source[:, None], of_long[target])
        of_short[target] = np.where(better, k, of_short[target])
    of_table, of_group = (of_short, of_long) if long is group else (of_long, of_short)
    return Table(distinct[:kept], best, summed=((table, of_table), (group, of_group)))


def _match(first: Table, second: Table, third: Table, budget: float) -> tuple[Indices, ...]:
    """Return the entries of three tables whose values together are best within the budget."""
    if len(second.cost) * len(third.cost) > MAX_ENTRIES:
        _refuse()
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
        rivals = (attained[affordable[partners[top]], draws], partners[top], k)
        entries = [np.where(better, new, old) for new, old in zip(rivals, entries, strict=True)]
    return tuple(entries)


def _refuse() -> NoReturn:
    raise QueryError(
        f"cost: more than {MAX_ENTRIES:,} sums of costs would have to be compared, because the "
        f"steps of the grids have no common cost; choose a coarser grid, or grids whose steps cost "
        f"the same (a step times the cost of a unit)."
    )

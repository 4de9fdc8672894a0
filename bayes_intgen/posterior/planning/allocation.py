"""How many rows of each experiment: the least mean variance of the goals for a budget.

Design, section 12: minimise over n >= 0, sum_r (c_r n_r + [n_r > 0] F_r) <= B,

    (1)  f(n) = mean over goals and hyperparameters of l'C_n l,
    (2)  s_r = -df/d(c_r n_r) = mean of y'H_r y / c_r,      y = (I + sum_r n_r H_r)^-1 V'R'l.

Without the fixed costs F the problem is convex. It is solved in the shares of the budget by
sequential quadratic programming, then by Frank-Wolfe steps until their gap

    (3)  B max_r s_r - sum_r c_r n_r s_r >= f(n) - min f

is below a thousandth of f: the certificate that no other allocation is better by more. With fixed
costs the sets of experiments are tried one by one, or, with more than five, dropped one by one as
long as that helps. Then rows are rounded down, and what is left of the budget goes to whatever
gains most by one more row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import optimize

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.parallel import one_blas_thread
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.posterior.planning.options import Option
from bayes_intgen.posterior.planning.reduction import Reduced

__all__ = ["Allocation", "allocate"]

GAP = 1e-3  # of the mean variance
MOST_STEPS = 100
MOST_SETS = 5  # options of which every subset is tried, if running one has a cost of its own


@dataclass(frozen=True)
class Allocation:
    """Rows of each option, and how far their mean variance may be from the least possible."""

    rows: Array  # whole numbers, shape (options,)
    gap: float  # (3) relative to f, before rounding; of the experiments that are run


@dataclass(frozen=True)
class Spending:
    """(1) as a function of the shares of a budget that some options get."""

    reduced: Reduced
    rows: Array  # that the whole budget buys of each of them, shape (chosen,)
    chosen: Indices

    def __call__(self, shares: Array) -> tuple[float, Array]:
        """Return (1) and its gradient, shape (chosen,)."""
        value, gradient = 0.0, np.zeros(len(shares))
        for share, point in zip(self.reduced.share, self.reduced.points, strict=True):
            products = point.information[self.chosen]
            total = np.tensordot(shares * self.rows, products, 1)
            total[np.diag_indices(len(total))] += 1.0
            y = np.linalg.solve(total, point.goals.T)
            value += share * float((point.rest + np.einsum("gq,qg->g", point.goals, y)).mean())
            # (2)
            gradient -= share * np.array([np.vdot(y, h @ y) for h in products]) / y.shape[1]
        return value, gradient * self.rows


def allocate(reduced: Reduced, options: Sequence[Option], budget: float) -> Allocation:
    """Find the allocation; with fixed costs that of the best set of experiments.

    Raises
    ------
    QueryError
        If the budget buys not a single row.
    """
    costs = np.array([option.cost for option in options])
    fixed = np.array([option.fixed for option in options])
    if not (costs + fixed <= budget).any():
        raise QueryError(
            f"budget: {budget:g} buys no row of any option; one of {options[0].label!r} costs "
            f"{costs[0] + fixed[0]:g}."
        )
    with one_blas_thread():
        best = _of_a_set(reduced, costs, budget, np.arange(len(options)), fixed)
        for chosen in (
            _other_sets(len(options)) if fixed.any() and len(options) <= MOST_SETS else ()
        ):
            rival = _of_a_set(reduced, costs, budget, chosen, fixed)
            best = min(best, rival, key=lambda found: found[0])
        while fixed.any() and len(options) > MOST_SETS and len(best[2]) > 1:
            rivals = (np.setdiff1d(best[2], [r]) for r in best[2])
            rival = min(
                (_of_a_set(reduced, costs, budget, chosen, fixed) for chosen in rivals),
                key=lambda found: found[0],
            )
            if rival[0] >= best[0]:
                break
            best = rival
        value, gap, chosen, shares = best
        if not np.isfinite(value):  # all of them together cost too much to be run at all
            value, gap, chosen, shares = min(
                (
                    _of_a_set(reduced, costs, budget, np.array([r]), fixed)
                    for r in range(len(costs))
                ),
                key=lambda found: found[0],
            )
        rows = np.zeros(len(options))
        rows[chosen] = _round(reduced, costs, budget - fixed[chosen].sum(), chosen, shares)
    return Allocation(rows, gap)


def _other_sets(count: int) -> list[Indices]:
    return [np.array(c) for size in range(1, count) for c in combinations(range(count), size)]


def _of_a_set(
    reduced: Reduced, costs: Array, budget: float, chosen: Indices, fixed: Array
) -> tuple[float, float, Indices, Array]:
    """Return (1), the gap (3) relative to it, and the shares, for some of the options."""
    left = budget - float(fixed[chosen].sum())
    shares = np.full(len(chosen), 1 / len(chosen))
    if left < costs[chosen].min():
        return np.inf, np.inf, chosen, shares
    spending = Spending(reduced, left / costs[chosen], chosen)
    unit, _ = spending(np.zeros(len(chosen)))
    if len(chosen) > 1:
        found = optimize.minimize(
            lambda x: tuple(part / unit for part in spending(x)),
            shares,
            jac=True,
            method="SLSQP",
            bounds=[(0.0, 1.0)] * len(chosen),
            constraints={"type": "eq", "fun": lambda x: x.sum() - 1, "jac": np.ones_like},
            options={"ftol": 1e-7, "maxiter": 60},
        )
        shares = np.clip(found.x, 0.0, 1.0)
        shares /= shares.sum()
    for _ in range(MOST_STEPS):
        value, gradient = spending(shares)
        gap = float(gradient @ shares - gradient.min())  # (3)
        if gap <= GAP * value:
            break
        towards = np.eye(len(chosen))[gradient.argmin()] - shares
        step = optimize.minimize_scalar(
            lambda t, start=shares, line=towards: spending(start + t * line)[0],
            bounds=(0.0, 1.0),
            method="bounded",
        ).x
        shares = shares + step * towards
    return value, gap / value, chosen, shares


def _round(reduced: Reduced, costs: Array, budget: float, chosen: Indices, shares: Array) -> Array:
    """Return whole numbers of rows within the budget."""
    own = costs[chosen]
    rows = np.floor(shares * budget / own + 1e-9)
    for _ in range(len(chosen)):
        left = budget - rows @ own
        affordable = own <= left + 1e-9 * budget
        if not affordable.any():
            break
        _, gradient = Spending(reduced, np.ones(len(chosen)), chosen)(rows)
        gain = np.where(affordable, -gradient / own, -np.inf)
        best = int(gain.argmax())
        rows[best] += np.floor(left / own[best] + 1e-9)
    return np.asarray(rows)

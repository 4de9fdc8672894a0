"""The plan that is worth most for the choice of the best setting."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.types import Array
from bayes_intgen.posterior.estimands.action_search import Search
from bayes_intgen.posterior.estimands.best_action import chosen_values, find_untested
from bayes_intgen.posterior.estimands.expected_outcome import theta_draws
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.planning.allocation import allocate
from bayes_intgen.posterior.planning.amount import Amount, cost_of
from bayes_intgen.posterior.planning.decision import DecisionDraws, rival_contrasts
from bayes_intgen.posterior.planning.hyper_points import HyperPoints
from bayes_intgen.posterior.planning.options import Option
from bayes_intgen.posterior.planning.plan_for_goals import describe_rows, notes_on
from bayes_intgen.posterior.planning.plan_result import Decision, Plan
from bayes_intgen.posterior.planning.reduction import Reduced, reduce_points

__all__ = ["plan_decision"]

SIZES = 7
RANGE = (1e-2, 1e2)  # of the rows so far, where no amount is given
RIVALS = "difference between settings that may be best and the best as of now"


@dataclass(frozen=True)
class Candidate:
    """Rows of each option, and what they are worth."""

    rows: Array
    evsi: float
    net: float  # in the unit of the costs; the worth alone if there are none


@dataclass(frozen=True)
class Valuation:
    """What rows are worth, and what they cost."""

    draws: DecisionDraws
    reduced: Reduced
    options: list[Option]
    value: float | None  # of one unit of the outcome; None if there are no costs

    def of(self, rows: Array) -> Candidate:
        """Return the value of some rows of each option."""
        return self._price(rows, self.draws.value(self.reduced, rows))

    def alone(self, option: int, sizes: Array) -> list[Candidate]:
        """Return that of several numbers of rows of one option alone."""
        values = self.draws.values_alone(self.reduced, option, sizes) if len(sizes) else []
        unit = np.arange(len(self.options)) == option
        return [self._price(n * unit, v) for n, v in zip(sizes, values, strict=True)]

    def _price(self, rows: Array, evsi: float) -> Candidate:
        if self.value is None:
            return Candidate(rows, evsi, evsi)
        return Candidate(rows, evsi, self.value * evsi - cost_of(self.options, rows))


def plan_decision(
    fit: Fitted,
    points: HyperPoints,
    options: list[Option],
    search: Search,
    amount: Amount,
    value: float | None,
    random_seed: int,
    moved: Collection[str] = (),
) -> Plan:
    """Try every option alone and the best split of each amount; keep what is worth most.

    ``value``: of one unit of the outcome in the unit of the costs; None if there are no costs.
    ``moved``: actions that options set to other values than their rows so far.
    """
    draws = DecisionDraws.of(fit, points, search, random_seed)
    priced, limit = amount.limit(options)
    ladder = _ladder(fit, options, amount, limit, value, draws.regret)
    bought = np.array([max((max(ladder) - o.fixed) / o.cost, 1.0) for o in priced])
    if amount.exact is not None:
        bought = np.maximum(bought, amount.rows_of(options).sum())
    rivals = rival_contrasts(fit, search, draws.best)
    reduced = reduce_points(points, options, rivals, bought, draws.centre)
    valuation = Valuation(draws, reduced, options, value)
    alone = []
    for i, option in enumerate(priced):
        sizes = np.floor((np.array(ladder) - option.fixed) / option.cost + 1e-9)
        alone.append(valuation.alone(i, np.unique(sizes[sizes >= 1])))
    nothing = Candidate(np.zeros(len(options)), 0.0, 0.0)
    if amount.exact is not None:
        chosen = valuation.of(amount.rows_of(options))
    else:
        affordable = [spent for spent in ladder if spent <= limit]
        within = [c for own in alone for c in own if cost_of(priced, c.rows) <= limit * (1 + 1e-9)]
        mixed = [valuation.of(allocate(reduced, priced, s).rows) for s in _some(affordable, priced)]
        chosen = max([nothing, *within, *mixed], key=lambda candidate: candidate.net)
        if not amount:
            chosen = _refine(valuation, chosen)
    spread = fit.outcome_scale.spread
    before, after = (
        spread * np.sqrt(reduced.variances(rows).sum()) for rows in (nothing.rows, chosen.rows)
    )
    index = pd.Index([RIVALS], name="goal")
    recommended = {
        action: float(group.settings[index_of[0], k])
        for group, index_of in zip(search.groups, draws.best, strict=True)
        for k, action in enumerate(group.grids)
    }
    levels = fit.summary.levels
    theta = theta_draws(fit, search.regime)
    picked = search.choose(theta.reshape(-1, theta.shape[-1]))
    values = [chosen_values(search.groups, choice) for choice in (draws.best, picked)]
    decision = Decision(
        {a: levels[a][int(v)] if a in levels else v for a, v in recommended.items()},
        chosen.evsi,
        draws.regret,
        1.0 if value is None else value,
        cost_of(options, chosen.rows) if value is not None else 0.0,
        value is not None,
        tuple(gap for gap in find_untested(fit, search.held, *values) if gap.action not in moved),
    )
    return Plan(
        table=describe_rows(options, chosen.rows),
        sd_before=pd.Series([before], index, name="sd_before"),
        sd_after=pd.Series([after], index, name="sd_after"),
        curve=_curve(valuation, alone, spread),
        goal="the best setting",
        support=pd.Series(["supported"], index, name="support"),
        decision=decision,
        simulated=tuple(option.label for option in options if option.simulated),
        notes=tuple(notes_on(options)),
    )


def _ladder(
    fit: Fitted,
    options: list[Option],
    amount: Amount,
    limit: float,
    value: float | None,
    regret: float,
) -> list[float]:
    """Return what is spent at each step of the search, geometrically."""
    if np.isfinite(limit):
        return [float(s) for s in np.geomspace(limit / 100, limit, SIZES)]
    so_far = sum(part.n for part in fit.summary.regimes.values())
    cheapest = min(option.cost + option.fixed for option in options)
    least, most = (share * so_far * min(o.cost for o in options) for share in RANGE)
    worth = (value or 1.0) * regret  # nobody pays more than that
    bottom = max(min(least, worth / 10), cheapest)
    return [float(s) for s in np.geomspace(bottom, max(most, 10 * bottom), 2 * SIZES - 1)]


def _some(affordable: list[float], options: list[Option]) -> list[float]:
    """Return the amounts that are split among several options: what buys a row, at most four."""
    least = min(option.cost + option.fixed for option in options)
    amounts = [spent for spent in affordable if spent >= least]
    return amounts[::-2][:4]


def _refine(valuation: Valuation, chosen: Candidate) -> Candidate:
    """Scale the best plan up and down, as sizes so far were a factor apart."""
    if not chosen.rows.any():
        return chosen
    factors = np.geomspace(0.4, 2.5, 9)
    rivals = [valuation.of(np.floor(chosen.rows * factor)) for factor in factors]
    return max([chosen, *rivals], key=lambda candidate: candidate.net)


def _curve(valuation: Valuation, alone: list[list[Candidate]], spread: float) -> pd.DataFrame:
    rows = []
    for i, (option, own) in enumerate(zip(valuation.options, alone, strict=True)):
        for candidate in own:
            variance = float(valuation.reduced.variances(candidate.rows).sum())
            entry = {
                "regime": option.label,
                "rows": int(candidate.rows[i]),
                "sd": spread * np.sqrt(variance),
                "evsi": candidate.evsi,
                "cost": cost_of([option], candidate.rows[[i]]),
            }
            if valuation.value is not None:
                entry["net"] = candidate.net
            rows.append(entry)
    if not rows:
        raise QueryError("budget: it buys no row of any option; raise it, or lower the costs.")
    return pd.DataFrame(rows)

"""How much may be run: rows in all, rows of each option, or a budget."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayes_intgen.base.arguments import read_real, read_whole, show
from bayes_intgen.base.errors import QueryError, RegimeError
from bayes_intgen.base.regimes import Regime, format_regime, read_regime
from bayes_intgen.base.types import Array
from bayes_intgen.posterior.planning.options import Option

__all__ = ["Amount"]

MOST_ROWS = 10**9


@dataclass(frozen=True)
class Amount:
    """One of three, or none of them if as much is to be run as pays."""

    total: int | None = None  # rows in all
    budget: float | None = None
    exact: Mapping[Regime, int] | None = None  # rows of each option

    @classmethod
    def read(cls, rows: Any, budget: Any, regimes: Sequence[Regime]) -> "Amount":
        """Read the arguments ``rows`` and ``budget``; the regimes are the options."""
        if rows is not None and budget is not None:
            raise QueryError(
                "rows: give either rows or a budget, because one follows from the other."
            )
        if budget is not None:
            rule = "a number above zero"
            limit = read_real(budget, "budget", rule, 0.0, open_ends=True, error=QueryError)
            return cls(budget=limit)
        if rows is None:
            return cls()
        if not isinstance(rows, Mapping):
            return cls(total=read_whole(rows, "rows", 1, MOST_ROWS, QueryError))
        actions = tuple(dict.fromkeys(action for regime in regimes for action in regime))
        exact = {}
        for label, count in rows.items():
            try:
                found = {*read_regime(label, actions, "rows")}
            except RegimeError as error:
                raise QueryError(str(error)) from error
            named = [regime for regime in regimes if {*regime} == found]
            if not named:
                raise QueryError(
                    f"rows: {show(label)} is not among the options "
                    f"{[format_regime(regime) for regime in regimes]}."
                )
            what = f"rows: those of {label!r}"
            exact[named[0]] = read_whole(count, what, 0, MOST_ROWS, QueryError)
        if not any(exact.values()):
            raise QueryError("rows must hold at least one row of some option, got none.")
        return cls(exact=exact)

    def __bool__(self) -> bool:
        return self != Amount()

    def limit(self, options: Iterable[Option]) -> tuple[list[Option], float]:
        """Return what is spent at most, and the options at the prices that count for it.

        Each row counts one if a number of rows is to be split.
        """
        known = list(options)
        if self.total is not None:
            return [replace(option, cost=1.0, fixed=0.0) for option in known], float(self.total)
        if self.exact is not None:
            return known, cost_of(known, self.rows_of(known))
        return known, np.inf if self.budget is None else self.budget

    def rows_of(self, options: Iterable[Option]) -> Array:
        """Return the rows of each option that were given exactly."""
        return np.array([float((self.exact or {}).get(o.regime, 0)) for o in options])


def cost_of(options: Sequence[Option], rows: Array) -> float:
    """Return what some rows of each option cost together."""
    return float(sum(o.cost * n + o.fixed * (n > 0) for o, n in zip(options, rows, strict=True)))

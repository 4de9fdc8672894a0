"""An estimand that several fits can answer: expected outcomes, contrasts, or effects, as text."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import format_regime, read_do
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Beyond, Points
from bayes_intgen.data.reference import reference_contrasts
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.contrast import contrast
from bayes_intgen.posterior.estimands.expected_outcome import expected_outcome
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["Estimand"]


@dataclass(frozen=True)
class Estimand:
    """Expected outcomes, or contrasts of them, as JSON types."""

    names: tuple[str, ...]  # one for each
    # values of actions and covariates, levels as text; no baseline asks for the expected outcomes
    # themselves
    at: dict[str, list[Any]]
    baseline: dict[str, list[Any]] | None
    do: str  # the label of the regime

    @classmethod
    def read(
        cls, fit: Fitted, at: Any, baseline: Any, do: str | Iterable[str] | None
    ) -> "Estimand":
        """Read points that the fit can answer; without any, each action moves as in ``effects``."""
        regime = read_do(do, fit.actions)
        label = format_regime(regime)
        if at is None:
            if baseline is not None:
                raise QueryError("baseline: give the points to be compared with it, too, as at.")
            moves = [m for m in reference_contrasts(fit.summary) if m.action in regime]
            if not moves:
                raise QueryError("do: nothing is set, so that no action can be moved; give at.")
            after = query.points_of(fit, np.array([move.after for move in moves]))
            before: Points | None = query.points_of(fit, np.array([move.before for move in moves]))
            names = tuple(f"effect of {move.name}" for move in moves)
        else:
            after = query.read_points(fit, at)
            before = None if baseline is None else query.read_baseline(fit, baseline, after)
            names = tuple(f"point {name}" for name in after.index)
        start = None if before is None else _columns(before)
        estimand = cls(names, _columns(after), start, label)
        estimand._answer(fit, "error")
        return estimand

    def draws(self, fit: Fitted) -> Array:
        """Return posterior draws of the answers, shape (draws, answers)."""
        answer = self._answer(fit, "clamp")
        return np.asarray(answer.to_numpy().reshape(-1, answer.sizes["point"]))

    def support(self, fit: Fitted) -> list[str]:
        """Return the flag of each answer."""
        return [str(flag) for flag in self._answer(fit, "clamp")["support"].to_numpy()]

    def _answer(self, fit: Fitted, beyond: Beyond) -> xr.DataArray:
        do = [] if self.do == "obs" else self.do
        if self.baseline is None:
            return expected_outcome(fit, self.at, do, beyond)
        return contrast(fit, self.at, self.baseline, do, beyond=beyond)

    def to_text(self) -> str:
        """Write everything as JSON text."""
        return json.dumps(vars(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> "Estimand":
        """Rebuild from :meth:`to_text`."""
        state = json.loads(text)
        return cls(tuple(state["names"]), state["at"], state["baseline"], state["do"])


def _columns(points: Points) -> dict[str, list[Any]]:
    columns = points.coords()
    return {name: np.asarray(columns[name][1]).tolist() for name in points.variables}

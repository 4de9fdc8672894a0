"""A question that can be put to several fits: effects at points, contrasts, or standard moves."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import format_regime, read_do
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Points
from bayes_intgen.data.reference import reference_contrasts
from bayes_intgen.posterior.estimands.contrast import contrast
from bayes_intgen.posterior.estimands.paired_points import read_baseline
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["Question"]


@dataclass(frozen=True)
class Question:
    """Expected outcomes, or contrasts of them, as JSON types.

    Parameters
    ----------
    names
        A name for each.
    at, baseline
        Values of actions and covariates, levels as text; no baseline asks for the expected
        outcomes themselves.
    do
        The label of the regime.
    """

    names: tuple[str, ...]
    at: dict[str, list[Any]]
    baseline: dict[str, list[Any]] | None
    do: str

    @classmethod
    def read(
        cls, posterior: Fitted, at: Any, baseline: Any, do: str | Iterable[str] | None
    ) -> "Question":
        """Read points; without any, each action is moved as in ``posterior.effects``.

        Raises
        ------
        QueryError
            If points cannot be read, lie beyond the box, or there is a baseline but no points.
        NotIdentifiedError
            If the data do not determine the answer.
        """
        regime = read_do(do, posterior.actions)
        label = format_regime(regime)
        if at is None:
            if baseline is not None:
                raise QueryError("baseline: give the points to be compared with it, too, as at.")
            moves = [m for m in reference_contrasts(posterior.summary) if m.action in regime]
            if not moves:
                raise QueryError("do: nothing is set, so that no action can be moved; give at.")
            ends = [
                Points(
                    posterior.actions,
                    np.array(values),
                    np.arange(len(moves)),
                    posterior.summary.levels,
                    posterior.covariates,
                )
                for values in ([m.after for m in moves], [m.before for m in moves])
            ]
            after: Points = ends[0]
            before: Points | None = ends[1]
            names = tuple(f"effect of {move.name}" for move in moves)
        else:
            after = posterior.points(at)
            before = None if baseline is None else read_baseline(posterior, baseline, after)
            names = tuple(f"point {name}" for name in after.index)
        found = cls(names, _columns(after), None if before is None else _columns(before), label)
        found.draws(posterior, beyond="error")
        return found

    def draws(self, posterior: Fitted, beyond: Any = "clamp") -> Array:
        """Return posterior draws of the answers, shape (draws, answers)."""
        do = [] if self.do == "obs" else self.do
        if self.baseline is None:
            answer = posterior.expected_outcome(self.at, do, beyond)
        else:
            answer = contrast(posterior, self.at, self.baseline, do, beyond=beyond)
        return np.asarray(answer.to_numpy().reshape(-1, answer.sizes["point"]))

    def support(self, posterior: Fitted) -> list[str]:
        """Return the flag of each answer."""
        do = [] if self.do == "obs" else self.do
        if self.baseline is None:
            answer = posterior.expected_outcome(self.at, do, "clamp")
        else:
            answer = contrast(posterior, self.at, self.baseline, do, beyond="clamp")
        return [str(flag) for flag in answer["support"].to_numpy()]

    def to_text(self) -> str:
        """Write everything as JSON text."""
        parts = {name: getattr(self, name) for name in ("names", "at", "baseline", "do")}
        return json.dumps(parts, sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> "Question":
        """Rebuild from :meth:`to_text`."""
        state = json.loads(text)
        return cls(tuple(state["names"]), state["at"], state["baseline"], state["do"])


def _columns(points: Points) -> dict[str, list[Any]]:
    columns = points.coords()
    return {name: np.asarray(columns[name][1]).tolist() for name in points.variables}

"""Summaries as JSON types, and back: everything but the thinned rows."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_intgen.base.centred_moments import CentredMoments
from bayes_intgen.base.regimes import format_regime, parse_regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.gap import Gap
from bayes_intgen.data.level_summary import LevelRows
from bayes_intgen.data.outcome_kind import OutcomeFacts
from bayes_intgen.data.regime_summary import RegimeSummary, ThinnedSample

if TYPE_CHECKING:
    from bayes_intgen.data.summary import Summary

__all__ = ["from_dict", "to_dict"]


def to_dict(self: "Summary", near: bool = False) -> dict[str, Any]:
    """Return everything but the thinned rows, as JSON types; gaps only if there are any.

    With ``near``, also where some rows lie (:attr:`RegimeSummary.near`).
    """
    gaps = {
        name: [[gap.low, gap.high, gap.share] for gap in gaps]
        for name, gaps in self.gaps.items()
        if gaps
    }
    return ({"gaps": gaps} if gaps else {}) | {
        "actions": list(self.actions),
        "covariates": list(self.covariates),
        "outcome": self.outcome,
        "levels": {name: list(levels) for name, levels in self.levels.items()},
        "tested": {name: list(map(list, ends)) for name, ends in self.tested.items()},
        "regimes": {
            format_regime(regime): {
                "n": summary.n,
                "mean": summary.moments.mean.tolist(),
                "scatter": summary.moments.scatter.tolist(),
                "low": summary.low.tolist(),
                "high": summary.high.tolist(),
                "core": summary.core.tolist(),
                "levels": {
                    str(column): [rows.to_dict() for rows in by_level]
                    for column, by_level in summary.levels.items()
                },
            }
            | ({"near": _pack(summary.near)} if near and len(summary.near) else {})
            | ({"outcome": summary.outcome.to_dict()} if summary.outcome else {})
            for regime, summary in self.regimes.items()
        },
    }


def from_dict(cls: "type[Summary]", state: Mapping[str, Any]) -> "Summary":
    """Rebuild a summary (without thinned rows) from :meth:`to_dict`."""
    actions, covariates = tuple(state["actions"]), tuple(state["covariates"])
    levels = {name: tuple(texts) for name, texts in state["levels"].items()}
    width = len(actions) + len(covariates) + 1
    regimes = {}
    for label, saved in state["regimes"].items():
        n, mean, scatter = saved["n"], np.array(saved["mean"]), np.array(saved["scatter"])
        regimes[parse_regime(label, actions)] = RegimeSummary(
            CentredMoments(n, float(n), mean, scatter),
            np.array(saved["low"]),
            np.array(saved["high"]),
            ThinnedSample.empty(width),
            np.array(saved["core"]),
            {
                int(column): tuple(map(LevelRows.from_dict, by_level))
                for column, by_level in saved["levels"].items()
            },
            _unpack(saved["near"], width - 1) if "near" in saved else None,
            OutcomeFacts.from_dict(saved["outcome"]) if "outcome" in saved else None,
        )
    tested = {name: tuple(map(tuple, ends)) for name, ends in state.get("tested", {}).items()}
    gaps = None
    if "gaps" in state:
        saved_gaps = state["gaps"].items()
        gaps = {name: tuple(Gap(*gap) for gap in kept) for name, kept in saved_gaps}
    return cls(actions, state["outcome"], regimes, levels, covariates, tested, gaps)


def _pack(rows: Array) -> str:
    """Write rows in single precision as text."""
    return b64encode(rows.astype("<f4").tobytes()).decode()


def _unpack(text: str, width: int) -> Array:
    return np.frombuffer(b64decode(text), dtype="<f4").astype(float).reshape(-1, width)

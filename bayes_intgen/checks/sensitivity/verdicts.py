"""Verdicts on one pair of actions: how strong a violation must be, and whether there is room."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.base.types import Array
from bayes_intgen.checks.sensitivity.strength import (
    loading_needed,
    product_strength,
    shared_strength,
)

__all__ = ["Known", "judge"]


@dataclass(frozen=True)
class Known:
    """What violations are compared with.

    Parameters
    ----------
    spread
        Standard deviation of the outcome.
    strongest
        That of the strongest confounding bias seen, outcome's unit.
    room
        Largest bias of a product that the data leave room for, outcome's unit.
    correlation
        Largest correlation of the two innovations that they leave room for.
    """

    spread: float
    strongest: float
    room: float
    correlation: float


def judge(
    pair: tuple[str, str], names: Sequence[str], draws: Array, shifts: Array, known: Known
) -> list[dict[str, Any]]:
    """Return a row per contrast for each of the two violations of a pair.

    Parameters
    ----------
    pair, names
        The actions, and a name of each contrast.
    draws
        Of the contrasts, shape (draws, contrasts).
    shifts
        Their changes by each of the five terms at unit size, shape (5, contrasts).
    known
        What violations are compared with.
    """
    mean = draws.mean(axis=0)
    low, high = np.quantile(draws, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2], axis=0)
    near = np.where(low > 0, low, np.where(high < 0, -high, 0.0))
    gaps = (near, np.abs(mean))
    products = [product_strength(gap, shifts, known.spread) for gap in gaps]
    shared = [shared_strength(gap, shifts, known.spread) for gap in gaps]
    loadings = [loading_needed(gap, shifts, known.spread, known.correlation) for gap in gaps]
    rows = []
    for kind in ("product", "shared"):
        product = kind == "product"
        for i, name in enumerate(names):
            strengths = [s[i] for s in ([p[1] for p in products] if product else shared)]
            verdicts = []
            for j, strength in enumerate(strengths):
                none = not np.isfinite(strength)
                if product:
                    excluded = products[j][0][i] > known.room
                else:
                    excluded = loadings[j][i] > 1
                    none = none and excluded
                verdicts.append("impossible" if none else "excluded" if excluded else "open")
            bias = products[0][0][i] if product else np.nan
            rows.append(
                {
                    "violation": kind,
                    "actions": ", ".join(pair),
                    "contrast": name,
                    "estimate": mean[i],
                    "strength_interval": strengths[0],
                    "strength_mean": strengths[1],
                    "bias_needed": bias,
                    "times_seen": bias / known.strongest if known.strongest > 0 else np.inf,
                    "room": known.room if product else known.correlation,
                    "loading_needed": np.nan if product else loadings[0][i],
                    "verdict": "undecided" if near[i] == 0 else verdicts[0],
                    "verdict_mean": verdicts[1],
                }
            )
    return rows

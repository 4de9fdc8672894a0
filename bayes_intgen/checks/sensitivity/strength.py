"""How strong a violation must be to overturn an answer, and whether the data leave room for it.

Strengths run from 0 to 1; see :mod:`bayes_intgen.checks.sensitivity.violations` for their meaning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.base.types import Array
from bayes_intgen.checks.sensitivity.violations import shared_shift

__all__ = ["Known", "judge", "loading_needed", "product_strength", "shared_strength"]

GRID = np.linspace(0.0, 0.995, 400)
SPLITS = 60


def product_strength(gap: Array, shifts: Array, spread: float) -> tuple[Array, Array]:
    """Return the bias kappa that closes each gap, and the strength at which it is reached.

    ``gap``: what is to be overcome, outcome's unit, not negative, shape (answers,); ``shifts``:
    changes of the answers by each of the five terms at unit size, shape (5, answers);
    ``spread``: standard deviation of the outcome. Infinite where no strength up to one suffices.
    """
    size = np.abs(shifts[0])
    kappa = np.divide(gap, size, out=np.where(gap > 0, np.inf, 0.0), where=size > 0)
    strength = np.cbrt(kappa / spread)
    return kappa, np.where(strength <= 1, strength, np.inf)


def shared_strength(gap: Array, shifts: Array, spread: float) -> Array:
    """Return the least strength at which a shared confounder, of any signs, closes each gap."""
    signs = np.array([1.0, -1.0])
    reach = np.abs(
        shared_shift(
            shifts,
            *np.broadcast_arrays(spread * GRID[:, None], GRID[:, None], GRID[:, None] * signs),
        )
    ).max(axis=1)
    reach = np.maximum.accumulate(reach, axis=0)
    strength = np.full(len(gap), np.inf)
    for i, need in enumerate(gap):
        if reach[-1, i] >= need:
            strength[i] = np.interp(need, reach[:, i], GRID)
    return strength


def loading_needed(gap: Array, shifts: Array, spread: float, correlation: float) -> Array:
    """Return the least effect of a shared confounder on the outcome, in its sd, that closes a gap.

    The correlation of the innovations is given; how it splits into rho_j and rho_k, and the signs,
    are those that do most harm.
    """
    r = min(correlation, 0.99)
    if r <= 0:
        return np.where(gap > 0, np.inf, 0.0)
    first = np.geomspace(max(r, 1e-6), 1.0, SPLITS + 2)[1:-1]
    second = r / first
    j, k = np.concatenate([first, first]), np.concatenate([second, -second])
    most = np.abs(shared_shift(shifts, np.full(len(j), spread), j, k)).max(axis=0)
    loading: Array = np.divide(gap, most, out=np.where(gap > 0, np.inf, 0.0), where=most > 0)
    return loading


@dataclass(frozen=True)
class Known:
    """What violations are compared with."""

    spread: float  # standard deviation of the outcome
    strongest: float  # that of the strongest confounding bias seen, outcome's unit
    room: float  # largest bias of a product that the data leave room for, outcome's unit
    correlation: float  # largest correlation of the two innovations that they leave room for


def judge(
    pair: tuple[str, str], names: Sequence[str], draws: Array, shifts: Array, known: Known
) -> list[dict[str, Any]]:
    """Return a row per contrast for each of the two violations of a pair.

    ``names`` and ``draws``: of the contrasts, the latter of shape (draws, contrasts); ``shifts``:
    their changes by each of the five terms at unit size, shape (5, contrasts).
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
            # for the near end of the interval, then for the mean
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

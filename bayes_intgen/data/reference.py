"""Reference values of all variables, and the contrast that puts each action into one number.

A numeric action goes from its mean minus one standard deviation to its mean plus one, or, if it has
two values only, from the lower to the higher; a categorical one from its most frequent level to
each other level. Meanwhile the other actions, and the
covariates, stay at their means and most frequent levels, the reference values. Means, standard
deviations and frequencies are over all regimes, weighted equally.
"""

from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.types import Array
from bayes_intgen.data.summary import Summary

TWO_VALUES = 1e-9

__all__ = ["ReferenceContrast", "reference_contrasts", "reference_values", "two_values"]


@dataclass(frozen=True)
class ReferenceContrast:
    """Two settings that differ in one action, the other variables at their reference values."""

    action: str  # the action that differs
    name: str  # ``a1``, or ``channel[tv]`` for the step to the level ``tv``
    # its values, in the action's unit or as levels
    start: float | str
    end: float | str
    # all actions and covariates at both ends, shape (variables,); codes for categorical ones
    before: Array
    after: Array


def reference_contrasts(summary: Summary) -> list[ReferenceContrast]:
    """Return the contrasts of all actions, in their order."""
    reference = reference_values(summary)
    contrasts = []
    for k, action in enumerate(summary.actions):
        if action in summary.levels:
            levels = summary.levels[action]
            start = levels[int(reference[k])]
            for code, level in enumerate(levels):
                if level != start:
                    after, name = _replace(reference, k, code), f"{action}[{level}]"
                    contrasts.append(
                        ReferenceContrast(action, name, start, level, reference, after)
                    )
        else:
            mean, spread = float(reference[k]), summary.scales[action].spread
            low, high = two_values(summary, action) or (mean - spread, mean + spread)
            before, after = _replace(reference, k, low), _replace(reference, k, high)
            contrasts.append(ReferenceContrast(action, action, low, high, before, after))
    return contrasts


def two_values(summary: Summary, action: str) -> tuple[float, float] | None:
    """Return the two values of a numeric action that has no others; None if it has.

    Of all distributions between two ends, those on the ends alone have the largest variance, which
    is the product of the distances of the mean from both.
    """
    k, parts = summary.actions.index(action), summary.regimes.values()
    low = min(float(part.low[k]) for part in parts)
    high = max(float(part.high[k]) for part in parts)
    missing = [
        (high - part.moments.mean[k]) * (part.moments.mean[k] - low)
        - part.moments.scatter[k, k] / part.n
        for part in parts
    ]
    return (low, high) if max(missing) <= TWO_VALUES * (high - low) ** 2 else None


def reference_values(summary: Summary) -> Array:
    """Return the mean of each numeric variable and the code of the most frequent level of others.

    Shape (variables,): the actions, then the covariates.
    """
    return np.array(
        [
            float(np.argmax(summary.level_shares(name)))
            if name in summary.levels
            else summary.scales[name].centre
            for name in summary.variables
        ]
    )


def _replace(values: Array, position: int, value: float) -> Array:
    changed = values.copy()
    changed[position] = value
    return changed

"""Reference values of all variables, and the contrast that puts each action into one number.

A numeric action goes from its mean minus one standard deviation to its mean plus one, or, if it has
two values only, from the lower to the higher; a categorical one from its most frequent level to
each other level. Meanwhile the other actions, and the covariates, stay at their reference values:
the mean of a number, the more frequent one of two values of an action, the most frequent level.
Means, standard deviations and frequencies are over all regimes, weighted equally.
"""

from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.types import Array
from bayes_intgen.data.few_values import two_values
from bayes_intgen.data.summary import Summary

__all__ = ["ReferenceContrast", "reference_contrasts", "reference_values"]


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
            mean, spread = summary.scales[action].centre, summary.scales[action].spread
            low, high = two_values(summary, action) or (mean - spread, mean + spread)
            before, after = _replace(reference, k, low), _replace(reference, k, high)
            contrasts.append(ReferenceContrast(action, action, low, high, before, after))
    return contrasts


def reference_values(summary: Summary) -> Array:
    """Return the value at which each variable is held, or the code of the level.

    Shape (variables,): the actions, then the covariates.
    """
    return np.array([_reference(summary, name) for name in summary.variables])


def _reference(summary: Summary, name: str) -> float:
    if name in summary.levels:
        return float(np.argmax(summary.level_shares(name)))
    mean = summary.scales[name].centre
    pair = two_values(summary, name) if name in summary.actions else None
    return mean if pair is None else min(pair, key=lambda value: abs(value - mean))


def _replace(values: Array, position: int, value: float) -> Array:
    changed = values.copy()
    changed[position] = value
    return changed

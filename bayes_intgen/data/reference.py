"""Reference values of all variables, and the contrast that puts each action into one number.

A numeric action goes from its mean minus one standard deviation to its mean plus one, but no
farther than its experiments do: an end beyond their core range is taken back to it, and one in a
gap between the values that they set to the nearer of these (doses of 0 to 10 with many zeros have a
mean minus sd below zero). One that has two values only goes from the lower to the higher; a
categorical one from its most frequent level to each other level. Meanwhile the other actions, and
the covariates, stay at their reference values: their means (of two values of an action the more
frequent one, and where experiments set values on both sides of a gap the nearer of these) and most
frequent levels. Means, standard deviations and frequencies are over all regimes, weighted equally.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.types import Array
from bayes_intgen.data.few_values import two_values
from bayes_intgen.data.gap import Gap
from bayes_intgen.data.summary import Summary

__all__ = ["ReferenceContrast", "numeric_move", "reference_contrasts", "reference_values"]


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
            low, high = numeric_move(summary, action)
            before, after = _replace(reference, k, low), _replace(reference, k, high)
            contrasts.append(ReferenceContrast(action, action, low, high, before, after))
    return contrasts


def numeric_move(summary: Summary, action: str) -> tuple[float, float]:
    """Return the two values between which a numeric action is moved, the lower one first."""
    both = two_values(summary, action)
    if both:
        return both
    scale, column = summary.scales[action], summary.actions.index(action)
    start, end = scale.centre - scale.spread, scale.centre + scale.spread
    cores = [part.core[:, column] for part in summary.showing(action)]
    low = min((float(core[0]) for core in cores), default=start)
    high = max((float(core[1]) for core in cores), default=end)
    if not low < high:  # no experiment sets it, or all to one value
        low, high = summary.row_core(action)
    if start < high and low < end:
        low, high = max(low, start), min(high, end)
    for gap in summary.gaps[action]:
        middle = (gap.low + gap.high) / 2
        if gap.low < low < gap.high:
            low = gap.high if low > middle and gap.high < high else gap.low
        if gap.low < high < gap.high:
            high = gap.low if high < middle and low < gap.low else gap.high
    return low, high


def reference_values(summary: Summary) -> Array:
    """Return the value at which each variable is held, or the code of the level.

    A mean in a gap between the values that experiments set, as that of an action that is on or off,
    gives way to the nearer of these. Shape (variables,): the actions, then the covariates.
    """
    return np.array([_reference(summary, name) for name in summary.variables])


def _reference(summary: Summary, name: str) -> float:
    if name in summary.levels:
        return float(np.argmax(summary.level_shares(name)))
    mean = summary.scales[name].centre
    pair = two_values(summary, name) if name in summary.actions else None
    if pair:
        return min(pair, key=lambda value: abs(value - mean))
    return _out_of_gaps(mean, summary.gaps.get(name, ()))


def _out_of_gaps(value: float, gaps: Sequence[Gap]) -> float:
    for gap in gaps:
        if gap.low < value < gap.high:
            return gap.low if value <= (gap.low + gap.high) / 2 else gap.high
    return value


def _replace(values: Array, position: int, value: float) -> Array:
    changed = values.copy()
    changed[position] = value
    return changed

"""From where to where an action moves when its effect is put into one number.

A numeric action goes from its mean minus one standard deviation to its mean plus one, a categorical
one from its most frequent level to each other level. Meanwhile the other actions, and the
covariates, stay at their means and most frequent levels. Means, standard deviations and frequencies
are over all regimes, weighted equally.
"""

from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.types import Array
from bayes_intgen.data.summary import Summary

__all__ = ["Move", "standard_moves", "usual_values"]


@dataclass(frozen=True)
class Move:
    """A step of one action, the other variables held.

    Parameters
    ----------
    action
        The action that moves.
    name
        ``a1``, or ``channel[tv]`` for the step to the level ``tv``.
    start, end
        Both ends of the step, in the action's unit or as levels.
    before, after
        All actions and covariates at both ends, shape (variables,); codes for categorical ones.
    """

    action: str
    name: str
    start: float | str
    end: float | str
    before: Array
    after: Array


def standard_moves(summary: Summary) -> list[Move]:
    """Return the moves of all actions, in their order."""
    usual = usual_values(summary)
    moves = []
    for k, action in enumerate(summary.actions):
        if action in summary.levels:
            levels = summary.levels[action]
            usual_level = levels[int(usual[k])]
            for code, level in enumerate(levels):
                if level != usual_level:
                    after = _replace(usual, k, code)
                    name = f"{action}[{level}]"
                    moves.append(Move(action, name, usual_level, level, usual, after))
        else:
            low, high = (usual[k] + side * summary.scales[action].spread for side in (-1, 1))
            before, after = _replace(usual, k, low), _replace(usual, k, high)
            moves.append(Move(action, action, float(low), float(high), before, after))
    return moves


def usual_values(summary: Summary) -> Array:
    """Return the mean of each numeric variable and the code of the most frequent level of others.

    Shape (variables,): the actions, then the covariates.
    """
    return np.array([_usual_value(summary, name) for name in summary.variables])


def _usual_value(summary: Summary, name: str) -> float:
    if name in summary.levels:
        return float(np.argmax(summary.level_shares(name)))
    return summary.scales[name].centre


def _replace(values: Array, position: int, value: float) -> Array:
    changed = values.copy()
    changed[position] = value
    return changed

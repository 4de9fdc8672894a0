"""Values that an action can be given on the page: a slider with round steps, or a few buttons.

Numbers of the page are exact since a slider stops at these values only. They lie within the core
range of the experiments that set the action (or, for one that is only seen, of the regimes that
leave it alone) and of its lift tests.
"""

from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.few_values import FEW, distinct_values
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["Control", "make_controls"]

STEPS = 80  # at most, of a slider
ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Control:
    """The values of one action, in its own unit or as codes of levels.

    Parameters
    ----------
    name
        The action.
    values
        Increasing, shape (values,).
    labels
        How each is written.
    start
        The position at which it starts.
    buttons
        Whether there is a button per value, in place of a slider.
    is_set
        Whether the regime sets the action; it is seen otherwise.
    levels
        Whether the values are codes.
    """

    name: str
    values: Array
    labels: tuple[str, ...]
    start: int
    buttons: bool
    is_set: bool
    levels: bool


def make_controls(fit: Fitted, regime: Regime, start: Array) -> list[Control]:
    """Return the control of each action; ``start``: values of all variables where they start."""
    return [
        _make_control(fit, k, action in regime, float(start[k]))
        for k, action in enumerate(fit.actions)
    ]


def round_steps(low: float, high: float, whole: bool = False, most: int = STEPS) -> Array:
    """Return multiples of a round step between two ends; of whole numbers if asked for.

    Examples
    --------
    >>> round_steps(0.03, 0.98, most=10).tolist()
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    >>> round_steps(0.0, 12.0, whole=True).tolist()[:3]
    [0.0, 1.0, 2.0]
    """
    least = (high - low) / most
    if not least > 0:
        return np.array([low])
    power = floor(log10(least))
    size = next(size for size in ROUND if size * 10.0**power >= least * (1 - 1e-9))
    step = size * 10.0**power
    if whole:
        step = max(1.0, ceil(step - 1e-9))
    slack = 1e-9 * step
    first, last = ceil((low - slack) / step), floor((high + slack) / step)
    digits = max(0, 1 - floor(log10(step)))
    values = np.round(np.arange(first, last + 1) * step, digits) + 0.0  # no negative zero
    return values if len(values) > 1 else np.array([low, high])


def _make_control(fit: Fitted, column: int, is_set: bool, at: float) -> Control:
    summary, name = fit.summary, fit.actions[column]
    if name in summary.levels:
        codes = np.arange(len(summary.levels[name]), dtype=float)
        return Control(name, codes, summary.levels[name], int(at), True, is_set, True)
    shown = [part for regime, part in summary.regimes.items() if (name in regime) == is_set]
    parts = shown or list(summary.regimes.values())
    low = min(float(part.core[0, column]) for part in parts)
    high = max(float(part.core[1, column]) for part in parts)
    if is_set:
        ends = [end[0] for end in summary.tested.get(name, ())]
        low, high = min([low, *ends]), max([high, *ends])
    limits = fit.design.features.bases[name].limits
    if limits is not None:
        low, high = max(low, limits[0]), min(high, limits[1])
    rows = np.concatenate([distinct_values(part, column) for part in parts])
    few = np.unique(rows[(low <= rows) & (rows <= high)])
    buttons = 1 < len(few) <= FEW
    whole = len(rows) > 0 and bool((rows == np.rint(rows)).all())
    values = few if buttons else round_steps(low, high, whole)
    start = int(np.argmin(np.abs(values - at)))
    labels = tuple(f"{value:.10g}" for value in values)
    return Control(name, values, labels, start, buttons, is_set, False)

"""Controls among observational rows: many in which all actions have a resting value at once.

Where nobody interferes, actions have a value of their own, such as a dose of zero, in some rows
each. Let p_k be the share of rows with A_k at rest among those where another action is not. If
actions came to rest one by one, all would be at rest in a share prod_k p_k of the rows. Where it is
much more, say q, rows of another kind are among them: controls, in which somebody held everything
at rest. Their share is

    (q - prod_k p_k) / (1 - prod_k p_k).                                             (1)

Controls labelled ``obs`` are taken as units that happened to be there, and then the curve of every
bias has to bend at the resting value towards what the controls show. Labelled by all that is held
there, they are what they are: a cell of an experiment that sets all actions, and an anchor of their
joint effect. Rows may also come to rest together on their own, as in a week without any
advertising; these are ``obs``. Settings that the rows of a cluster share are many, none of them far
more frequent than the next. If all observational rows are at rest there is nothing to tell apart
(:mod:`bayes_intgen.data.at_rest`).
"""

from dataclasses import dataclass

import numpy as np

from bayes_intgen.data.at_rest import describe_values
from bayes_intgen.data.summary import Summary

__all__ = ["MixedControls", "find_controls"]

LEAST_ROWS, LEAST_SHARE = 10, 0.05
MANY = 3.0  # times what comes about one by one, or of the next frequent setting
FEW_VALUES = 2  # of an action that is on or off, for which everything at rest is common


@dataclass(frozen=True)
class MixedControls:
    """Observational rows of which many have all actions at rest, while others vary."""

    setting: str  # the resting values, as ``a1 = 0, a2 = 0``
    share: float  # of the observational rows
    label: str  # of a regime that sets all actions

    def __str__(self) -> str:
        return (
            f"CONTROLS AMONG OBS: {self.share:.0%} of the rows of regime obs are at "
            f"{self.setting} all at once, while the others vary. If somebody held "
            f"everything there (controls), label these rows {self.label!r}, as an experiment that "
            f"sets all: taken as observations they say that units which came there on their own "
            f"are like them, and answers near there are biased. If they came there on their own, "
            f"all is well"
        )


def find_controls(summary: Summary) -> MixedControls | None:
    """Look for controls among the observational rows; None if there is no sign of any."""
    part, count = summary.regimes.get(()), len(summary.actions)
    if part is None or count < 2 or len(part.near) < LEAST_ROWS:
        return None
    rows = part.near[:, :count]
    settings, frequency = np.unique(rows, axis=0, return_counts=True)
    rest = settings[np.argmax(frequency)]
    still = rows == rest  # shape (rows, actions)
    every = still.all(axis=1)
    if every.sum() < LEAST_ROWS or every.all():
        return None
    if every.sum() <= MANY * np.sort(frequency)[-2]:  # rows of a cluster have settings in common
        return None
    if any(len(np.unique(column)) <= FEW_VALUES for column in rows[~every].T):
        return None
    others = [~np.delete(still, k, axis=1).all(axis=1) for k in range(count)]
    one_by_one = [still[own, k].mean() if own.any() else 1.0 for k, own in enumerate(others)]
    expected, share = float(np.prod(one_by_one)), float(every.mean())
    if share <= MANY * expected or (share - expected) / (1 - expected) < LEAST_SHARE:  # (1)
        return None
    mean, sd = part.near_scale
    values = mean[:count] + sd[:count] * rest
    near_zero = np.abs(values) < 1e-6 * sd[:count]  # rows are kept in single precision
    values = np.where(near_zero, 0.0, values.round(6))
    shown = describe_values(
        dict(zip(summary.actions, values.tolist(), strict=True)), summary.levels
    )
    return MixedControls(shown, share, "+".join(summary.actions))

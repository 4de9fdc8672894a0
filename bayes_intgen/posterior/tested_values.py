"""Values of an action that count as seen by lift tests.

A test tells the mean outcome at the two values between which it moved an action, against one
another, and nothing of the values in between: these rest on the smoothness of the curve. So a value
counts as seen if it is one that was tested, or lies between two neighbouring tested values no
farther apart than half of the half-width of the action's rows (a quarter of their range). Where
rows show the action over a range, both ends of that range count as tested too.

With covariates z, an effect is known at the z of its test only. Then only the tests at a like z
count: the same levels, and each number no farther away than a quarter of the half-width of its
rows, as values between two tested ones half a half-width apart are no farther from the nearer one.
A test averaged over several values of z tells the effect at none of them.
"""

import numpy as np

from bayes_intgen.base.types import Array, Mask
from bayes_intgen.data.summary import Summary

__all__ = ["is_tested"]

WIDEST_GAP = 0.5  # between neighbours, in half-widths of the rows


def is_tested(
    values: Array,
    column: int,
    summary: Summary,
    shown: tuple[float, ...] = (),
    anywhere: bool = False,
) -> Mask:
    """Say of some points whether lift tests have seen their value of one action, which was tested.

    ``values`` are actions and covariates, numbers or codes of levels, shape (points, variables);
    ``shown`` both ends of the range over which rows show the action, if any, which is not used with
    covariates. With ``anywhere`` the covariates at which the action was tested do not matter.
    """
    name = summary.variables[column]
    ends = np.array(summary.tested[name])
    by_z = bool(summary.covariates) and not anywhere
    tested = ends[:, 0] if by_z else np.concatenate([ends[:, 0], shown])
    alike = np.ones((len(values), len(tested)), dtype=bool)
    if by_z:
        for i, covariate in enumerate(summary.covariates, start=1):
            given = values[:, summary.variables.index(covariate)]
            reach = WIDEST_GAP / 2 * _half_width(covariate, summary)
            alike &= np.abs(given[:, None] - ends[:, i]) <= reach
    asked = values[:, column, None]
    below = np.where(alike & (tested <= asked), tested, -np.inf).max(axis=1)
    above = np.where(alike & (tested >= asked), tested, np.inf).min(axis=1)
    return np.asarray(above - below <= WIDEST_GAP * _half_width(name, summary))


def _half_width(name: str, summary: Summary) -> float:
    """Half of the core range of the rows; none of levels, which are alike or not."""
    if name in summary.levels:
        return 0.0
    low, high = summary.row_core(name)
    return (high - low) / 2

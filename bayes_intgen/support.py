"""How far a question reaches beyond the data.

Each query point gets a flag, from ranges and covariances of the first pass alone:

``supported``
    For every action k that is set: a_k lies within its range over the regimes that set A_k (they
    show u_k) and, for every action j that is set too and may depend on A_k, within its range over
    the regimes that set A_j (they tell u_k from the bias of j). For every action k that is not set:
    (a_k, a_parents(k)) lies within the cloud of a regime that leaves A_k alone, its squared
    Mahalanobis distance at most the 99.9% quantile of chi-square.
``extrapolated``
    Not supported, though each action is within its own range over all regimes.
``outside``
    An action lies beyond its observed range over all regimes.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt
from scipy import stats

from bayes_intgen.regimes import Regime
from bayes_intgen.summary import Summary

__all__ = ["EXTRAPOLATED", "OUTSIDE", "SUPPORTED", "classify_support"]

SUPPORTED = "supported"
EXTRAPOLATED = "extrapolated"
OUTSIDE = "outside"
CLOUD_PROBABILITY = 0.999
LEAST_WIDTH = 1e-6  # of a cloud in any direction, in standard deviations of the actions

type Array = npt.NDArray[np.float64]
type Mask = npt.NDArray[np.bool_]


def classify_support(
    values: Array, do: Regime, summary: Summary, parents: Mapping[str, tuple[str, ...]]
) -> npt.NDArray[np.str_]:
    """Flag query points.

    Parameters
    ----------
    values
        Actions in their own units, shape (points, K).
    do
        The actions that are set.
    summary
        The first pass over the data.
    parents
        The possible parents of each action.

    Returns
    -------
    ndarray
        ``supported``, ``extrapolated`` or ``outside`` for each point, shape (points,).
    """
    actions = summary.actions
    position = {action: k for k, action in enumerate(actions)}
    supported = np.ones(len(values), dtype=bool)
    for action in actions:
        if action in do:
            children = [other for other in do if action in parents[other]]
            for setter in (action, *children):
                supported &= _in_range(values, position[action], summary, _sets(setter))
        else:
            columns = [position[name] for name in (action, *parents[action])]
            supported &= _in_cloud(values, columns, summary, action)
    inside = np.ones(len(values), dtype=bool)
    for action in actions:
        inside &= _in_range(values, position[action], summary, lambda regime: True)
    return np.where(~inside, OUTSIDE, np.where(supported, SUPPORTED, EXTRAPOLATED))


def _sets(action: str) -> Callable[[Regime], bool]:
    return lambda regime: action in regime


def _in_range(
    values: Array, column: int, summary: Summary, chosen: Callable[[Regime], bool]
) -> Mask:
    parts = [part for regime, part in summary.regimes.items() if chosen(regime)]
    if not parts:
        return np.zeros(len(values), dtype=bool)
    low = min(part.low[column] for part in parts)
    high = max(part.high[column] for part in parts)
    return np.asarray((low <= values[:, column]) & (values[:, column] <= high))


def _in_cloud(values: Array, columns: Iterable[int], summary: Summary, action: str) -> Mask:
    chosen = np.array(list(columns))
    unit = np.array([summary.scales[summary.actions[k]].spread for k in chosen])
    radius = stats.chi2.ppf(CLOUD_PROBABILITY, len(chosen))
    inside = np.zeros(len(values), dtype=bool)
    for regime, part in summary.regimes.items():
        if action not in regime:
            moments = part.moments.select(chosen)
            centred = (values[:, chosen] - moments.mean) / unit
            covariance = moments.covariance / np.outer(unit, unit)
            covariance += LEAST_WIDTH**2 * np.eye(len(chosen))
            inside |= (centred * np.linalg.solve(covariance, centred.T).T).sum(axis=1) <= radius
    return inside

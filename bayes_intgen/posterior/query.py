"""What a query to a fit starts from: its points, their support, and whether the data identify it.

Of the mean of a regime the affine rule decides (Theorem 1, Proposition 1 and Corollary 1), of a
contrast the rank condition (:mod:`bayes_intgen.design.identification.rank_condition`).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.support_flags import BEYOND
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Points
from bayes_intgen.data.reference import usual_values
from bayes_intgen.design.design import Design
from bayes_intgen.design.identification.identify import identify_from, require_known_cuts
from bayes_intgen.design.identification.model_identification import require_determined
from bayes_intgen.design.identification.rank_condition import RankCondition
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.support import classify_support, find_beyond

__all__ = [
    "complete_points",
    "flag_points",
    "mean_functionals",
    "points_of",
    "rank_condition",
    "read_points",
    "require_action",
    "require_identified_contrast",
    "require_identified_mean",
]


def read_points(fit: Fitted, at: Any) -> Points:
    """Read query points, which give all actions and covariates.

    Examples
    --------
    >>> read_points(posterior, {"a1": [0.0, 0.1], "a2": 0.2}).values.tolist()
    [[0.0, 0.2], [0.1, 0.2]]
    """
    summary = fit.summary
    return Points.read(at, summary.actions, summary.levels, summary.covariates)


def complete_points(fit: Fitted, some: Mapping[str, Any]) -> Points:
    """Read query points that give some variables by name, the others at their reference values.

    Examples
    --------
    >>> complete_points(posterior, {"a1": [0.0, 0.1]}).values.shape  # a2 at its mean
    (2, 2)
    """
    reference = usual_values(fit.summary)
    return Points.complete(some, fit.actions, fit.summary.levels, reference, fit.covariates)


def points_of(fit: Fitted, values: Array) -> Points:
    """Return numbered points of values that need no checks, shape (points, variables)."""
    numbers = np.arange(len(values))
    return Points(fit.actions, values, numbers, fit.summary.levels, fit.covariates)


def flag_points(fit: Fitted, points: Points, regime: Regime, beyond: str) -> npt.NDArray[np.str_]:
    """Return support flags, and refuse points beyond the box unless they are to be clamped.

    Examples
    --------
    >>> points = complete_points(posterior, {"a1": [0.1, 9.0]})
    >>> flag_points(posterior, points, ("a1", "a2"), "clamp").tolist()
    ['supported', 'outside']
    """
    far = find_beyond(points, fit.design.features.bases, beyond)
    parents, blocks = fit.design.parents, fit.design.blocks
    flags = classify_support(points.values, regime, fit.summary, parents, blocks)
    return np.where(far, BEYOND, flags)


def rank_condition(fit: Fitted) -> RankCondition:
    """Return what the regimes and lift tests of the fit identify under its design."""
    tree, name = fit.idata, "lift_functional"
    kept = tree["constant_data"].dataset if "constant_data" in tree.children else {}
    lifts = kept[name].to_numpy() if name in kept else None
    return RankCondition(fit.design, tuple(fit.summary.regimes), lifts)


def require_identified_mean(fit: Fitted, regime: Regime) -> None:
    """Refuse a regime whose mean the data do not identify.

    Raises
    ------
    QueryError
        If it sets a part of a block, as no experiment does.
    NotIdentifiedError
        Names the missing experiments.
    """
    require_known_cuts(fit.summary.regimes, regime, fit.design.blocks)
    if not identify_from(fit.summary.regimes, regime, fit.design.blocks).identified:
        require_determined(rank_condition(fit), regime)  # says what is missing


def require_identified_contrast(fit: Fitted, before: Array, after: Array, regime: Regime) -> None:
    """Refuse contrasts that the data do not identify.

    That the mean of the regime is identified is sufficient for every contrast of it, but not
    necessary.

    Parameters
    ----------
    fit
        The fit.
    before, after
        Both ends of the contrasts, shape (points, variables) each.
    regime
        The actions that are set.

    Raises
    ------
    QueryError, NotIdentifiedError
        As :func:`require_identified_mean`.
    """
    require_known_cuts(fit.summary.regimes, regime, fit.design.blocks)
    moved = (before != after).any(axis=0)
    names = [name for name, moves in zip(fit.design.variables, moved, strict=True) if moves]
    steps = mean_functionals(fit.design, after, regime)
    steps = steps - mean_functionals(fit.design, before, regime)
    require_determined(rank_condition(fit), regime, names, steps)


def mean_functionals(design: Design, values: Array, regime: Regime) -> Array:
    """Return t of each point, with t' weights the mean of a regime there; shape (points, weights).

    Examples
    --------
    >>> points = complete_points(posterior, {"a1": [0.0, 0.1]})
    >>> rows = mean_functionals(posterior.design, points.values, ("a1",))
    >>> rows.shape == (2, len(posterior.design.weights))
    True
    """
    phi = design.features.evaluate(values)
    return phi[:, design.positions] * design.active(regime)


def require_action(fit: Fitted, name: str, argument: str = "action") -> None:
    """Refuse a name that is not that of an action."""
    if name not in fit.actions:
        raise QueryError(f"{argument} must be one of {list(fit.actions)}, got {name!r}.")

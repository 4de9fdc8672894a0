"""Steps shared by all estimands: read points, flag their support, refuse what is not identified.

Of the mean of a regime the affine rule decides (Theorem 1, Proposition 1 and Corollary 1), of a
contrast the rank condition (:mod:`bayes_intgen.design.identification.rank_condition`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.support_flags import (
    BEYOND,
    EXTRAPOLATED,
    IMPOSSIBLE,
    MISFIT,
    OUTSIDE,
    SUPPORTED,
)
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Points
from bayes_intgen.data.reference import reference_values
from bayes_intgen.design.design import Design
from bayes_intgen.design.identification.identify import identify_from, require_known_cuts
from bayes_intgen.design.identification.model_identification import require_identified_effect
from bayes_intgen.design.identification.rank_condition import RankCondition
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.misfit_flags import find_misfit_points
from bayes_intgen.posterior.possible_means import has_impossible_mean
from bayes_intgen.posterior.support import classify_support, find_beyond

__all__ = [
    "SEVERITY",
    "complete_points",
    "contrast_functionals",
    "flag_points",
    "mean_functionals",
    "naming",
    "points_of",
    "rank_condition",
    "read_baseline",
    "read_points",
    "repeat_points",
    "require_action",
    "require_identified_contrast",
    "require_identified_mean",
    "worst_support",
]

SEVERITY = (SUPPORTED, MISFIT, EXTRAPOLATED, OUTSIDE, BEYOND, IMPOSSIBLE)

type Flags = npt.NDArray[np.str_]


def read_points(fit: Fitted, at: Any) -> Points:
    """Read query points, which give all actions and covariates."""
    summary = fit.summary
    return Points.read(at, summary.actions, summary.levels, summary.covariates)


def complete_points(fit: Fitted, some: Mapping[str, Any]) -> Points:
    """Read query points that give some variables by name, the others at their reference values."""
    reference = reference_values(fit.summary)
    return Points.complete(some, fit.actions, fit.summary.levels, reference, fit.covariates)


def points_of(fit: Fitted, values: Array) -> Points:
    """Return numbered points of values that need no checks, shape (points, variables)."""
    numbers = np.arange(len(values))
    return Points(fit.actions, values, numbers, fit.summary.levels, fit.covariates)


def flag_points(fit: Fitted, points: Points, regime: Regime, beyond: str) -> Flags:
    """Return support flags, and refuse points beyond the box unless they are to be clamped.

    ``misfit`` stands in the place of ``supported`` where the fit misses its own data by much
    against the interval of the mean of the regime.
    """
    far = find_beyond(points, fit.design.features.bases, beyond)
    parents, blocks = fit.design.parents, fit.design.blocks
    flags = classify_support(points.values, regime, fit.summary, parents, blocks)
    flags = np.where(far, BEYOND, flags)
    within = flags == SUPPORTED
    missed = np.zeros(len(flags), dtype=bool)
    missed[within] = find_misfit_points(fit, points.values[within], regime)
    flags = np.where(missed, MISFIT, flags)
    return np.where(has_impossible_mean(fit, points, regime), IMPOSSIBLE, flags)


def rank_condition(fit: Fitted) -> RankCondition:
    """Return what the regimes and lift tests of the fit identify under its design."""
    tree, name = fit.idata, "lift_functional"
    kept = tree["constant_data"].dataset if "constant_data" in tree.children else {}
    lifts = kept[name].to_numpy() if name in kept else None
    return RankCondition(fit.design, tuple(fit.summary.regimes), lifts)


def require_identified_mean(fit: Fitted, regime: Regime) -> None:
    """Refuse a regime whose mean the data do not identify, or that cuts a block as none does."""
    require_known_cuts(fit.summary.regimes, regime, fit.design.blocks)
    if not identify_from(fit.summary.regimes, regime, fit.design.blocks).identified:
        require_identified_effect(rank_condition(fit), regime)  # says what is missing


def require_identified_contrast(fit: Fitted, before: Array, after: Array, regime: Regime) -> None:
    """Refuse contrasts that the data do not identify, given both ends, shape (points, variables).

    That the mean of the regime is identified is sufficient for each of them, but not necessary.
    """
    require_known_cuts(fit.summary.regimes, regime, fit.design.blocks)
    moved = (before != after).any(axis=0)
    names = [name for name, moves in zip(fit.design.variables, moved, strict=True) if moves]
    steps = contrast_functionals(fit.design, before, after, regime)
    require_identified_effect(rank_condition(fit), regime, names, steps)


def mean_functionals(design: Design, values: Array, regime: Regime) -> Array:
    """Return t of each point, t' weights being the mean there; shape (points, weights)."""
    phi = design.features.evaluate(values)
    return phi[:, design.positions] * design.active(regime)


def contrast_functionals(design: Design, before: Array, after: Array, regime: Regime) -> Array:
    """Return what means at some points have more than at others, as functionals of the weights."""
    return mean_functionals(design, after, regime) - mean_functionals(design, before, regime)


def require_action(fit: Fitted, name: str, argument: str = "action") -> None:
    """Refuse a name that is not that of an action."""
    if name not in fit.actions:
        raise QueryError(f"{argument} must be one of {list(fit.actions)}, got {name!r}.")


def repeat_points(points: Points, like: Points, name: str) -> Points:
    """Return as many points as there are in ``like``: the same number, or one repeated."""
    if len(points) not in (1, len(like)):
        raise QueryError(
            f"{name} must hold one point or as many as at, got {len(points)} for {len(like)}; "
            f"give one {name} for all points, or one for each."
        )
    if len(points) > 1 and points.carried is not None and like.carried is not None:
        own, other = points.carried.tolist(), like.carried.tolist()
        if own != other and set(own) == set(other):
            raise QueryError(
                f"{name} carries the labels of at in another order, so that it is open which "
                f"belong together; put both into one order (.loc[at.index]), or drop its labels "
                f"(.to_numpy() or .reset_index(drop=True))."
            )
    values = np.broadcast_to(points.values, like.values.shape)
    return replace(points, values=values, index=like.index)


def worst_support(*flags: Flags) -> Flags:
    """Return the worst of several flags, point by point.

    Examples
    --------
    >>> worst_support(["supported", "outside"], ["extrapolated", "supported"]).tolist()
    ['extrapolated', 'outside']
    """
    ranks = [[SEVERITY.index(flag) for flag in column] for column in flags]
    return np.array(SEVERITY)[np.max(ranks, axis=0)]


@contextmanager
def naming(argument: str) -> Iterator[None]:
    """Say in the message of a QueryError about points which argument these were."""
    try:
        yield
    except QueryError as error:
        if str(error).startswith(("beyond ", "shift: ")):
            raise
        raise QueryError(f"{argument}: {str(error).removeprefix('at: ')}") from error


def read_baseline(fit: Fitted, baseline: Any, like: Points) -> Points:
    """Read the points that others are compared with: one, or one for each of them."""
    with naming("baseline"):
        points = read_points(fit, baseline)
    return repeat_points(points, like, "baseline")

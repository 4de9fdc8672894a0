"""Pairs of points that an estimand compares: reading both ends, and the worse of their flags."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.support_flags import BEYOND, EXTRAPOLATED, OUTSIDE, SUPPORTED
from bayes_intgen.data.points import Points
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.query import read_points

__all__ = ["naming", "read_baseline", "repeat_points", "worst_support"]

SEVERITY = (SUPPORTED, EXTRAPOLATED, OUTSIDE, BEYOND)

type Flags = npt.NDArray[np.str_]


def repeat_points(points: Points, like: Points, name: str) -> Points:
    """Return as many points as there are in ``like``: the same number, or one repeated.

    Raises
    ------
    QueryError
        If the numbers differ and there is more than one.
    """
    if len(points) not in (1, len(like)):
        raise QueryError(
            f"{name} must hold one point or as many as at, got {len(points)} for {len(like)}; "
            f"give one {name} for all points, or one for each."
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

"""The posterior probability that an effect, or an expected outcome, exceeds a threshold.

P(m(a) - m(b) > t | data) is the share of draws in which it does: a statement about the mean
outcome, not about that of a single unit.
"""

from collections.abc import Iterable
from typing import Any, get_args

import xarray as xr

from bayes_intgen.base.arguments import read_choice, read_real
from bayes_intgen.base.errors import QueryError
from bayes_intgen.data.points import Beyond
from bayes_intgen.posterior.estimands.contrast import Contrast, contrast
from bayes_intgen.posterior.estimands.expected_outcome import expected_outcome
from bayes_intgen.posterior.fitted import Fitted

__all__ = ["probability"]


def probability(
    fit: Fitted,
    at: Any,
    baseline: Any = None,
    do: str | Iterable[str] | None = None,
    threshold: float = 0.0,
    scale: Contrast = "difference",
    beyond: Beyond = "error",
) -> xr.DataArray:
    """Posterior probability that an effect exceeds a threshold.

    Parameters
    ----------
    at, baseline, do, scale, beyond
        As in :meth:`contrast`. Without a baseline the expected outcome itself is compared with
        the threshold.
    threshold
        In the outcome's unit, or a plain number for a ratio or a lift; zero, which asks whether
        there is a rise, by default.

    Returns
    -------
    xarray.DataArray
        Dim (point), with the support flags. It is about the mean outcome, not one unit's.

    Raises
    ------
    QueryError
        As :meth:`contrast`, or if the threshold is not a finite number.
    NotIdentifiedError
        If the data do not determine this effect.

    Examples
    --------
    >>> origin = {"a1": 0.0, "a2": 0.0}
    >>> posterior.probability(origin, baseline=origin).item()  # never above itself
    0.0
    """
    limit = read_real(threshold, "threshold", error=QueryError)
    read_choice(scale, "scale", get_args(Contrast.__value__), QueryError)
    if baseline is not None:
        draws = contrast(fit, at, baseline, do, scale, beyond)
    elif scale != "difference":
        raise QueryError(
            f"scale: a {scale} compares with a baseline, and none was given; give one, or leave "
            f"out scale to compare the expected outcome itself with the threshold."
        )
    else:
        draws = expected_outcome(fit, at, do, beyond)
    answer = (draws > limit).mean(("chain", "draw")).rename("probability")
    answer.attrs |= {**draws.attrs, "threshold": limit}
    return answer

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
    """Return the share of draws in which an effect exceeds a threshold.

    The arguments are those of :meth:`bayes_intgen.Posterior.probability`.
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
        draws = fit.expected_outcome(at, do, beyond)
    answer = (draws > limit).mean(("chain", "draw")).rename("probability")
    answer.attrs |= {**draws.attrs, "threshold": limit}
    return answer

"""``bayes-intgen query --average``: expected outcomes averaged over the rows of a table."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.metrics import credible_interval

if TYPE_CHECKING:
    from bayes_intgen.posterior.posterior import Posterior

__all__ = ["average_over"]


def average_over(
    posterior: "Posterior", points: pd.DataFrame, rows: pd.DataFrame, do: Any, interval: float
) -> pd.DataFrame:
    """Set the actions that are columns of the points in all rows, and average, point by point.

    The answer has the actions, ``mean``, ``sd``, ``lower``, ``upper``, and ``supported``, the share
    of the rows that are supported.

    Raises
    ------
    QueryError
        If the points name no action, or covariates, over which the average is.
    """
    actions = [name for name in posterior.actions if name in points]
    both = [name for name in posterior.covariates if name in points]
    if both or not actions:
        what = f"the covariates {both}, too" if both else "no action"
        raise QueryError(
            f"--average: POINTS holds {what}; give columns of actions alone, as the average is "
            f"over the other columns of its rows."
        )
    answers = []
    for row in points[actions].to_dict("records"):
        setting = {str(name): value for name, value in row.items()}
        draws = posterior.average_outcome(rows, do, setting=setting)
        lower, upper = credible_interval(draws, interval)
        answers.append(
            {
                **setting,
                "mean": float(draws.mean()),
                "sd": float(np.std(draws.to_numpy(), ddof=1)),
                "lower": float(lower),
                "upper": float(upper),
                "supported": min(float(draws["supported_share"]), 1.0),
            }
        )
    return pd.DataFrame(answers)

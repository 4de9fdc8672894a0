"""Summaries of the expected outcome, a row per point."""

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from bayes_intgen.base.metrics import INTERVAL, credible_interval
from bayes_intgen.data.points import Beyond, Points
from bayes_intgen.posterior import query
from bayes_intgen.posterior.estimands.expected_outcome import expected_outcome
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.support import find_beyond

__all__ = ["portions", "table"]

VALUES_AT_ONCE = 2**24


def table(
    fit: Fitted,
    at: Any,
    do: str | Iterable[str] | None = None,
    probability: float = INTERVAL,
    beyond: Beyond = "error",
) -> pd.DataFrame:
    """Summarise :meth:`expected_outcome`, one row per point.

    The points are worked through in portions, so that their number is not bound by memory.

    Parameters
    ----------
    at, do, beyond
        As in :meth:`expected_outcome`.
    probability
        Probability inside the equal-tailed credible interval.

    Returns
    -------
    pandas.DataFrame
        The actions and covariates, then ``mean``, ``sd``, ``lower``, ``upper`` and ``support``.

    Examples
    --------
    >>> table = posterior.table({"a1": [0.0, 0.1], "a2": 0.2}, probability=0.5)
    >>> list(table.columns), len(table)
    (['a1', 'a2', 'mean', 'sd', 'lower', 'upper', 'support'], 2)
    """
    points = query.read_points(fit, at)
    find_beyond(points, fit.design.features.bases, beyond)
    tables = []
    for _, some in portions(fit, points):
        draws = expected_outcome(fit, some, do, beyond)
        lower, upper = credible_interval(draws, probability)
        columns = {name: draws[name] for name in points.variables}
        columns["mean"] = draws.mean(("chain", "draw"))
        columns["sd"] = draws.std(("chain", "draw"), ddof=1)
        columns |= {"lower": lower, "upper": upper, "support": draws["support"]}
        tables.append(pd.DataFrame({name: column.to_numpy() for name, column in columns.items()}))
    return pd.concat(tables).set_index(pd.Index(points.index, name="point"))


def portions(fit: Fitted, points: Points) -> Iterator[tuple[int, Points]]:
    """Cut points into portions whose draws fit into memory, each with the number of its first."""
    sizes = fit.idata["posterior"].sizes
    rows = max(1, VALUES_AT_ONCE // (sizes["chain"] * sizes["draw"]))
    for start in range(0, len(points), rows):
        yield start, points.take(start, start + rows)

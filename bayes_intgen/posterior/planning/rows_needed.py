"""How many rows of each experiment an interval of some width takes."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from bayes_intgen.base.arguments import read_real
from bayes_intgen.base.errors import QueryError
from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.base.types import Array
from bayes_intgen.data.points import Beyond
from bayes_intgen.posterior.fitted import Fitted
from bayes_intgen.posterior.planning.amount import MOST_ROWS
from bayes_intgen.posterior.planning.goals import read_goals
from bayes_intgen.posterior.planning.hyper_points import read_hyper_points
from bayes_intgen.posterior.planning.options import read_options, read_regimes
from bayes_intgen.posterior.planning.plan_for_goals import draw_sd
from bayes_intgen.posterior.planning.reduction import Reduced, reduce_points

__all__ = ["rows_needed"]

POINTS = 16  # of the hyperparameters
SIZES = 200


def rows_needed(
    fit: Fitted,
    at: Any,
    baseline: Any = None,
    half_width: float | None = None,
    options: Iterable[Any] | None = None,
    *,
    probability: float = INTERVAL,
    do: str | Iterable[str] | None = None,
    average: bool = False,
    settings: Mapping[str, Any] | None = None,
    random_seed: int = 1,
    beyond: Beyond = "error",
) -> pd.DataFrame:
    """Say how many further rows of each option alone make intervals narrow enough.

    Parameters
    ----------
    at, baseline, options, do, average, settings, random_seed, beyond
        As in :meth:`plan`.
    half_width
        Half the width of the interval that is wanted, for every one of the points, in the outcome's
        unit.
    probability
        Of the interval, which is taken as that of a normal distribution.

    Returns
    -------
    pandas.DataFrame
        ``regime``; ``rows``, missing where no number suffices (not a billion rows); and
        ``half_width``, that with these rows, or with a billion where that is not enough.

    Raises
    ------
    QueryError, NotIdentifiedError
        As :meth:`plan`.

    Examples
    --------
    >>> origin, moved = {"a1": 0.0, "a2": 0.0}, {"a1": 0.1, "a2": 0.0}
    >>> now = 1.645 * float(posterior.contrast(moved, origin).std())
    >>> needed = posterior.rows_needed(moved, origin, half_width=now / 2, options=["a1"])
    >>> bool(needed["rows"].item() > 200)  # half the width takes more than were there
    True
    """
    rule = "a number above zero"
    wanted = read_real(half_width, "half_width", rule, 0.0, open_ends=True, error=QueryError)
    rule = "a number between 0 and 1"
    inside = read_real(probability, "probability", rule, 0.0, 1.0, open_ends=True, error=QueryError)
    regimes = read_regimes(fit, options)
    goals = read_goals(fit, at, baseline, do, regimes, average=average, beyond=beyond)
    points = read_hyper_points(fit, POINTS)
    costs = [1.0] * len(regimes), [0.0] * len(regimes)
    choices = read_options(fit, points, regimes, costs, settings, random_seed)
    most = np.full(len(choices), float(MOST_ROWS))
    reduced = reduce_points(points, choices, goals.functionals, most)
    scale = draw_sd(fit, goals.functionals) / np.sqrt(reduced.variances(np.zeros(len(choices))))
    factor = float(stats.norm.ppf(0.5 + inside / 2))
    found = []
    for i, option in enumerate(choices):
        rows, reached = _search(reduced, i, scale, wanted / factor)
        found.append({"regime": option.label, "rows": rows, "half_width": factor * reached})
    return pd.DataFrame(found).astype({"rows": "Int64"})


def _search(reduced: Reduced, option: int, scale: Array, wanted: float) -> tuple[int | None, float]:
    """Return the least number of rows with which no sd is above the wanted one, and that sd.

    None, and the sd of the most rows, if there is no such number.
    """
    low, high = 0, MOST_ROWS

    def worst(sizes: Array) -> Array:
        return np.asarray((scale * np.sqrt(reduced.curves(option, sizes))).max(axis=1))

    start, end = worst(np.array([0.0, float(MOST_ROWS)]))
    if start <= wanted:
        return 0, float(start)
    if end > wanted:
        return None, float(end)
    while high - low > 1:  # low is too few, high is enough
        sizes = np.unique(np.geomspace(max(low, 1), high, SIZES).round())
        enough = worst(sizes) <= wanted
        first = int(enough.argmax())
        high = int(sizes[first])
        low = int(sizes[first - 1]) if first else low
        if not first:
            break
    return high, float(worst(np.array([float(high)]))[0])

"""A sample of rows as if they were independent, for tests that know of no clusters.

The correlation of two columns over n rows in groups of m_g each has the variance of one over

    (1)  n / D,    D = 1 + (m - 1) rho_1 rho_2,    m = sum m_g^2 / n,

independent rows, with the shares rho of each column's variance that rows of a group have in common,
here by analysis of variance. Every D-th row of each group is kept: all of them where one of the two
was drawn for each row, one of a group where both are the same for all of its rows.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayes_intgen.base.regimes import Regime
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.data.grouping import Grouping, unit_keys
from bayes_intgen.data.regime_summary import ThinnedSample

__all__ = ["independent_rows", "shared_setting", "shared_variance"]


def independent_rows(
    regime: Regime, sample: ThinnedSample, columns: Sequence[int], grouping: Grouping
) -> Array:
    """Keep so many rows that tests of two columns, by position, may take them as independent.

    ``grouping``: what says which rows are a group.
    """
    rows = sample.rows
    if sample.marks is None or len(rows) == 0:
        return rows
    codes = _codes(regime, sample, grouping)
    sizes = np.bincount(codes)
    shares = [shared_variance(rows[:, k], codes) for k in columns]
    excess = (float(sizes @ sizes) / len(rows) - 1) * float(np.prod(shares))  # (1)
    step = int(np.ceil(1 + excess - 0.1))
    if step <= 1:
        return rows
    place = pd.Series(codes).groupby(codes).cumcount().to_numpy()
    return np.asarray(rows[place % step == 0])


def shared_setting(
    regime: Regime,
    sample: ThinnedSample,
    grouping: Grouping | None,
    variables: int | None = None,
    by_block: bool = False,
) -> float:
    """Return the largest share of a variable's variance that lies between groups of rows.

    ``variables``: how many of them, from the first, are looked at; all by default. ``by_block``:
    whether all groups of a block of times count as one.
    """
    if sample.marks is None or grouping is None or not len(sample.rows):
        return 0.0
    codes = _codes(regime, sample, grouping, by_block)
    columns = sample.rows[:, :-1].T[:variables]
    return max(shared_variance(column, codes) for column in columns)


def _codes(
    regime: Regime, sample: ThinnedSample, grouping: Grouping, by_block: bool = False
) -> Indices:
    """Return the number of the group that each row is in; rows have marks."""
    if sample.marks is None:
        raise ValueError("sample: its rows have no marks.")
    keys = grouping.keys(regime, sample.rows, sample.marks)
    keys = unit_keys(keys, by_block) if by_block else keys
    return np.unique(keys, axis=0, return_inverse=True)[1].ravel()


def shared_variance(values: Array, codes: Indices) -> float:
    """Return the share of the variance that lies between groups, from zero to one.

    Examples
    --------
    >>> shared_variance(np.array([1.0, 1.0, 2.0, 2.0]), np.array([0, 0, 1, 1]))
    1.0
    """
    sizes = np.bincount(codes)
    groups, n = np.count_nonzero(sizes), len(values)
    if groups < 2 or n <= groups:
        return 0.0
    means = np.bincount(codes, values) / np.maximum(sizes, 1)
    within = float(np.sum((values - means[codes]) ** 2)) / (n - groups)
    between = float(np.sum(sizes * (means - values.mean()) ** 2)) / (groups - 1)
    typical = (n - float(sizes @ sizes) / n) / (groups - 1)
    total = between + (typical - 1) * within
    return float(np.clip((between - within) / total, 0.0, 1.0)) if total > 0 else 0.0

"""Signs that rows depend on one another although nobody said so: their order, and copies.

The order of the rows is tested (:mod:`bayes_intgen.inference.verdicts.row_order`) unless clusters
or times are declared: the residuals then are those of their groups' means, and what is left is what
the sandwich allows for.

A row that repeats another in every column may be a copy. Where the outcome takes many values,
independent rows hardly ever agree in all columns: with q the share of pairs of distinct rows whose
outcomes agree, fewer than a few of n rows agree by chance. Told is a share of more than 2% of the
rows of a regime, where ties of the outcome among distinct rows are rarer than a tenth of that.

Rows of a cluster may have their settings in common. A flexible mean then follows the clusters, so
that residuals show nothing. Told are regimes in which every one of two or more actions has about as
many distinct values as there are distinct settings (80%: some may be equal at a bound), more than
ten, in three rows or more each on average: levels of a design hardly ever have that.
"""

from collections.abc import Mapping

import numpy as np

from bayes_intgen.base.regimes import format_regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.grouping import unit_keys
from bayes_intgen.data.implied_groups import SETTINGS
from bayes_intgen.data.independent_rows import shared_setting
from bayes_intgen.data.summary import Summary
from bayes_intgen.inference.sandwich import Sandwich
from bayes_intgen.inference.verdicts.dependence_result import (
    MUCH_REPEATED,
    DependenceOfRows,
    OrderTest,
    RepeatedRows,
    SharedSettings,
)
from bayes_intgen.inference.verdicts.row_order import LEAST_ROWS, MOST_ROWS
from bayes_intgen.moments.meat import units_are_blocks
from bayes_intgen.moments.moments import Moments

__all__ = ["check_dependence", "count_settings", "repeated_share", "shared_settings"]

FEW_SETTINGS, ROWS_OF_A_SETTING, ALIKE = 10, 3, 0.8


def check_dependence(
    moments: Moments,
    order: tuple[OrderTest, ...],
    sandwich: Sandwich | None,
    declared: Mapping[str, object],
) -> DependenceOfRows:
    """Say how rows depend on one another, as declared and as it seems.

    Parameters
    ----------
    moments
        Those of the fit.
    order
        Tests of the order of the rows, before blocks of adjacent ones were made if they were.
    sandwich
        By what the weights spread, if units are declared.
    declared
        The columns of marks, by argument.
    """
    grouped, labels = moments.clusters, {r: format_regime(r) for r in moments.regimes}
    units: dict[str, int] = {}
    shares: dict[str, float] | None = None
    settings: dict[str, float] | None = None
    if grouped:
        by_block = units_are_blocks(moments)
        units = {
            labels[r]: len(np.unique(unit_keys(own.keys, by_block), axis=0))
            for r, own in grouped.items()
        }
        shares = {labels[r]: q / (1 + q) for r, q in moments.ratios.items()}
        among = moments.grouping, len(moments.actions), by_block
        settings = {
            labels[r]: shared_setting(r, part.sample, *among)
            for r, part in moments.summary.regimes.items()
        }
    samples = {r: part.sample.rows for r, part in moments.summary.regimes.items()}
    repeated = tuple(
        RepeatedRows(labels[regime], share)
        for regime, rows in samples.items()
        if (share := repeated_share(rows[:MOST_ROWS])) > MUCH_REPEATED
    )
    by_settings = moments.marks.cluster == (SETTINGS,)
    told = bool(grouped) and not (moments.summary.block_rows or by_settings)
    return DependenceOfRows(
        dict(declared),
        units,
        bool(grouped) and units_are_blocks(moments),
        shares,
        settings,
        None if sandwich is None else sandwich.freedom,
        order,
        () if "weights" in declared or told else repeated,
        () if told or (repeated and not by_settings) else shared_settings(moments.summary),
        tuple(moments.grouping.held) if grouped and moments.grouping else (),
        {labels[r]: rows for r, rows in moments.summary.block_rows.items()},
        by_settings,
    )


def shared_settings(summary: Summary) -> tuple[SharedSettings, ...]:
    """Return the regimes of which rows have their settings in common, as far as is known."""
    found = []
    for regime, part in summary.regimes.items():
        rows = part.sample.rows[:MOST_ROWS, : len(summary.actions)]
        number = count_settings(rows)
        if number:
            found.append(SharedSettings(format_regime(regime), number, len(rows) / number))
    return tuple(found)


def count_settings(actions: Array) -> int:
    """Return the number of distinct settings if rows seem to have them in common, otherwise zero.

    Examples
    --------
    >>> a = np.random.default_rng(1).normal(size=(20, 2))
    >>> count_settings(a), count_settings(np.repeat(a, 5, axis=0))
    (0, 20)
    """
    n, width = actions.shape
    if width < 2 or n < LEAST_ROWS:
        return 0
    most = n / ROWS_OF_A_SETTING
    if any(len(np.unique(column)) > most for column in actions.T):  # there are more settings then
        return 0
    number = len(np.unique(actions, axis=0))
    if not FEW_SETTINGS < number <= most:
        return 0
    alike = all(len(np.unique(column)) >= ALIKE * number for column in actions.T)
    return number if alike else 0


def repeated_share(rows: Array) -> float:
    """Return the share of rows that repeat another in every column; zero if chance may do that.

    Examples
    --------
    >>> rows = np.random.default_rng(1).normal(size=(50, 3))
    >>> repeated_share(rows), repeated_share(np.vstack([rows, rows[:25]])).__round__(2)
    (0.0, 0.33)
    """
    if len(rows) < LEAST_ROWS:
        return 0.0
    if len(np.unique(rows[:, -1])) == len(rows):  # which is quicker to see
        return 0.0
    distinct = np.unique(rows, axis=0)
    share = 1 - len(distinct) / len(rows)
    ties = 1 - len(np.unique(distinct[:, -1])) / len(distinct)
    return float(share) if ties < max(share, MUCH_REPEATED) / 10 else 0.0

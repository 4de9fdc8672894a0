"""Regime data without some regimes, the rows of one, or with the codes of other levels."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bayes_intgen.base.errors import RegimeError
from bayes_intgen.base.regimes import Regime, parse_regime, read_dropped
from bayes_intgen.base.types import Array
from bayes_intgen.data.conversion import Levels
from bayes_intgen.data.first_pass import check_columns_usable, levels_in_use, summarise

if TYPE_CHECKING:
    from bayes_intgen.data.regime_data import RegimeData

__all__ = ["drop", "rows_of_regime", "with_levels"]


def drop(self: "RegimeData", regimes: str | Iterable[str]) -> "RegimeData":
    """Return the data without the rows of some regimes.

    Raises
    ------
    RegimeError
        If a label names a regime that is not in the data, or nothing would be left.
    DataError
        If a column is constant in what is left.

    Examples
    --------
    >>> data.drop("a2").labels
    ('obs', 'a1')
    """
    dropped = read_dropped(regimes, self.actions, self.regimes)
    kept = {r: rows for r, rows in self.summary.regimes.items() if r not in dropped}
    if not kept:
        raise RegimeError("regimes: at least one regime must be left; drop fewer.")
    summary = replace(self.summary, regimes=kept)
    check_columns_usable(self.columns, summary)
    return with_levels(replace(self, summary=summary), levels_in_use(summary))


def rows_of_regime(self: "RegimeData", regime: str | Regime) -> Array:
    """Return all rows of one regime, given by label or as one of :attr:`RegimeData.regimes`.

    The columns are as in :meth:`RegimeData.batches`.

    Raises
    ------
    RegimeError
        If the data have no such regime.

    Examples
    --------
    >>> data.rows("a1").shape  # a1, a2, y
    (200, 3)
    """
    wanted = regime if isinstance(regime, tuple) else parse_regime(regime, self.actions)
    if wanted not in self.regimes:
        raise RegimeError(f"regime {regime!r} is not in the data: {list(self.labels)}.")
    return np.concatenate([values for own, values in self.batches() if own == wanted])


def with_levels(data: "RegimeData", levels: Levels) -> "RegimeData":
    """Return the data with other levels; if codes change, the rows are summarised again."""
    if levels == data.levels:
        return data
    counts = {regime: rows.n for regime, rows in data.summary.regimes.items()}
    arguments = (data.source, data.columns, levels, counts, data.rows_before, data.regimes)
    return replace(data, summary=summarise(*arguments))

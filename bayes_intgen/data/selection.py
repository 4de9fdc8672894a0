"""Regime data without some regimes, or with the codes of other levels."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from bayes_intgen.base.errors import RegimeError
from bayes_intgen.base.regimes import read_dropped
from bayes_intgen.data.conversion import Levels
from bayes_intgen.data.first_pass import check_columns_usable, levels_in_use, summarise

if TYPE_CHECKING:
    from bayes_intgen.data.regime_data import RegimeData

__all__ = ["drop", "with_levels"]


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


def with_levels(data: "RegimeData", levels: Levels) -> "RegimeData":
    """Return the data with other levels; if codes change, the rows are summarised again."""
    if levels == data.levels:
        return data
    counts = {regime: rows.n for regime, rows in data.summary.regimes.items()}
    arguments = (data.source, data.columns, levels, counts, data.rows_before, data.regimes)
    return replace(data, summary=summarise(*arguments))

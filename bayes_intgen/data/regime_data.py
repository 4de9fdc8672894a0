"""Samples of actions and outcome under several regimes, validated once.

The data of the paper (its equations 4 and 5): observational rows and rows of experiments, told
apart by a label, and covariates of every row if there are any. Everything downstream may rely on
what this module has checked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, overload

import numpy as np

from bayes_intgen.base.regimes import Regime, format_regime
from bayes_intgen.base.types import Array
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.conversion import Levels, regime_batches
from bayes_intgen.data.description import data_html, describe_data
from bayes_intgen.data.first_pass import (
    RowsBefore,
    read_summary,
)
from bayes_intgen.data.levels import check_known
from bayes_intgen.data.many_outcomes import ManyOutcomes, read_many_outcomes
from bayes_intgen.data.marks import Marks
from bayes_intgen.data.open_source import open_source
from bayes_intgen.data.selection import drop, rows_of_regime, with_levels
from bayes_intgen.data.sources import Source
from bayes_intgen.data.sql import read_sql
from bayes_intgen.data.summary import Summary

__all__ = ["RegimeData"]


@dataclass(frozen=True)
class RegimeData:
    """Regime-labelled samples of actions and an outcome.

    Make one with :meth:`from_frame`. It holds the rows of a frame, or only the path of a file
    whose rows are read again when needed.

    Parameters
    ----------
    columns
        The names of the columns in use.
    summary
        The first pass: counts, ranges and a sample of the rows of each regime, in canonical order
        (observational, then single interventions in the order of the actions, then larger sets),
        and the levels of each categorical column, sorted; batches hold their codes 0, 1, ...
    source
        Where the rows come from.
    rows_before
        The number of rows of each regime before each partition of the source.

    Examples
    --------
    >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"], regime="regime")
    >>> data.regimes, data.labels
    (((), ('a1',), ('a2',)), ('obs', 'a1', 'a2'))
    >>> data.n_rows, data.levels
    (600, {})
    """

    columns: Columns
    summary: Summary
    source: Source = field(repr=False)
    rows_before: tuple[RowsBefore, ...] = field(default=({},), repr=False, compare=False)

    @overload
    @classmethod
    def from_frame(
        cls,
        frame: Any,
        outcome: str,
        actions: Sequence[str],
        regime: str | Mapping[str, str] = ...,
        categorical: Iterable[str] = ...,
        covariates: Iterable[str] = ...,
        cluster: str | Iterable[str] | None = ...,
        time: str | None = ...,
        weights: str | None = ...,
        labels: Mapping[str, str] | None = ...,
    ) -> Self: ...

    @overload
    @classmethod
    def from_frame(
        cls,
        frame: Any,
        outcome: list[str] | tuple[str, ...],
        actions: Sequence[str],
        regime: str | Mapping[str, str] = ...,
        categorical: Iterable[str] = ...,
        covariates: Iterable[str] = ...,
        cluster: str | Iterable[str] | None = ...,
        time: str | None = ...,
        weights: str | None = ...,
        labels: Mapping[str, str] | None = ...,
    ) -> ManyOutcomes: ...

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        outcome: str | list[str] | tuple[str, ...],
        actions: Sequence[str],
        regime: str | Mapping[str, str] = "regime",
        categorical: Iterable[str] = (),
        covariates: Iterable[str] = (),
        cluster: str | Iterable[str] | None = None,
        time: str | None = None,
        weights: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Self | ManyOutcomes:
        """Read and validate a table.

        Parameters
        ----------
        frame
            A pandas, polars or pyarrow table with one row per unit. Rows that need not fit into
            memory come from the path of a CSV, Parquet or Arrow file, a pyarrow dataset, a polars
            lazy frame, a DuckDB relation, an Ibis table or whatever offers Arrow streams, or a
            function that yields tables, the same ones at each call; a Dask table, a list of
            delayed tables, or a Spark table, is summed up where its partitions are.
        outcome
            Column of the outcome, in any unit. Or a list of many, in which a name may be a pattern
            such as ``"gene_*"``: they are read in one pass, into :class:`ManyOutcomes`.
        actions
            Columns of the actions, in any units.
        regime
            Column of the regime labels: ``"obs"`` for observational rows, the name of the action
            that an experiment set, or several names joined by ``"+"``. Or a flag per action, as in
            ``{"tv": "tv_test"}``: the column that is true (or 1) where an experiment set the action
            and false (or 0) elsewhere; a row without a true flag is observational.
        categorical
            The actions and covariates whose values are levels, of which none is more than another:
            text, whole numbers, booleans or categories. All others hold numbers. An empty cell of
            a CSV file is a missing value.
        covariates
            Columns of properties Z of the units that may influence any action and the outcome,
            known in every regime and settled before any action: no action may change them, and
            nothing may select the rows by what came after. Every answer then holds at a given z,
            E[Y | do(a_S), a_rest, z].
        cluster
            Column, or columns, of what groups rows that depend on one another: regions, users,
            plates. Without it (and without ``time``) rows are taken to be independent, unless
            their order shows that they are not, or they have their settings in common: a fit then
            takes blocks of adjacent rows, or rows of equal settings, as clusters, and says so (of
            partitions of Dask or Spark, or with a likelihood of single rows, it only says so).
        time
            Column of the time of each row, numbers or dates: rows of a cluster (without one, of a
            regime) depend on those that came shortly before. Settings may be held for several
            times.
        weights
            Column of the number of units that each row is the mean of: its variance is divided by
            them.
        labels
            What labels of the table mean that are spelt otherwise, as in
            ``{"history": "obs", "price test": "price"}``; others are read as they are.

        Raises
        ------
        DataError
            If a column is missing, of the wrong type, has missing or infinite values, or is
            constant over all regimes; if a categorical one has more than 50 levels.
        RegimeError
            If a label is unknown or empty, or a regime has fewer than 8 rows.
        FileError
            If the path does not lead to a readable CSV or Parquet file.

        Examples
        --------
        >>> table = frame.assign(week=range(600))
        >>> data = ig.RegimeData.from_frame(
        ...     table, outcome="y", actions=["a1", "a2"], regime="regime", covariates=["week"]
        ... )
        >>> data.actions, data.covariates, data.variables, data.outcome
        (('a1', 'a2'), ('week',), ('a1', 'a2', 'week'), 'y')
        >>> table["a1_test"], table["a2_test"] = table["regime"] == "a1", table["regime"] == "a2"
        >>> flags = {"a1": "a1_test", "a2": "a2_test"}
        >>> ig.RegimeData.from_frame(table, "y", ["a1", "a2"], regime=flags).labels
        ('obs', 'a1', 'a2')
        """
        roles = (actions, regime, categorical, covariates, cluster, time, weights, labels)
        if isinstance(outcome, list | tuple):
            return read_many_outcomes(frame, outcome, cls, *roles)
        columns = Columns.read(outcome, *roles)
        source = open_source(frame, columns)
        summary, rows_before = read_summary(source, columns)
        return cls(columns, summary, source, rows_before)

    from_sql = classmethod(read_sql)

    @classmethod
    def further(cls, frame: Any, columns: Columns) -> Self:
        """Read rows that add to earlier ones, whose columns are known: of any number, and alike.

        Raises
        ------
        DataError
            If a column is missing, of the wrong type, or has missing or infinite values.
        RegimeError
            If a label is unknown or empty.
        FileError
            If a path does not lead to a readable file.

        Examples
        --------
        >>> ig.RegimeData.further(frame.head(3), data.columns).n_rows
        3
        """
        source = open_source(frame, columns)
        summary, rows_before = read_summary(source, columns, further=True)
        return cls(columns, summary, source, rows_before)

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions."""
        return self.columns.actions

    @property
    def covariates(self) -> tuple[str, ...]:
        """Names of the covariates."""
        return self.columns.covariates

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the actions, then of the covariates."""
        return self.columns.variables

    @property
    def outcome(self) -> str:
        """Name of the outcome."""
        return self.columns.outcome

    @property
    def levels(self) -> Levels:
        """The levels of each categorical column, sorted."""
        return self.summary.levels

    @property
    def regimes(self) -> tuple[Regime, ...]:
        """The regimes, in canonical order."""
        return tuple(self.summary.regimes)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the regimes, in canonical order."""
        return tuple(format_regime(regime) for regime in self.regimes)

    @property
    def n_rows(self) -> int:
        """Number of rows over all regimes."""
        return sum(regime.n for regime in self.summary.regimes.values())

    drop = drop  # the first argument of the function is self

    def recode(self, levels: Levels) -> "RegimeData":
        """Return the data with the levels, and so the codes, of earlier data.

        Raises
        ------
        DataError
            If other columns are categorical, or there is a level that the earlier data lack.

        Examples
        --------
        >>> data.recode({}) is data  # nothing is categorical, and nothing changes
        True
        """
        check_known(self.levels, levels)
        return with_levels(self, levels)

    def batches(self) -> Iterator[tuple[Regime, Array]]:
        """Yield the rows of one regime at a time, in their original order within each regime.

        Yields
        ------
        regime
            The regime of all rows of the batch.
        values
            Actions, covariates, then outcome, in their own units; shape (rows, columns). A
            categorical column has the codes of its levels.

        Examples
        --------
        >>> [(regime, values.shape) for regime, values in data.batches()]
        [((), (200, 3)), (('a1',), (200, 3)), (('a2',), (200, 3))]
        """
        for regime, rows in self._marked_batches():
            yield regime, self.columns.split(rows)[0]

    def _marked_batches(self) -> Iterator[tuple[Regime, Array]]:
        yield from regime_batches(self.source.batches(), self.columns, self.levels, self.regimes)

    def marks(self, regime: Regime) -> Marks:
        """Return the marks of all rows of one regime, in the order of :meth:`rows`.

        Examples
        --------
        >>> data.marks(("a1",)).kept, data.marks(("a1",)).table.shape  # none were given
        ((), (200, 0))
        """
        own = [rows for r, rows in self._marked_batches() if r == regime]
        return self.columns.split(np.concatenate(own))[1]

    rows = rows_of_regime

    __str__ = describe_data
    _repr_html_ = data_html

"""Samples of actions and outcome under several regimes: validated once, here.

The data of the paper (its equations 4 and 5): observational rows and rows of experiments, told
apart by a label, and covariates of every row if there are any. Everything downstream may rely on
what this module has checked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from bayes_intgen.base.arguments import show
from bayes_intgen.base.errors import DataError, RegimeError
from bayes_intgen.base.html import html_block, html_table
from bayes_intgen.base.regimes import (
    Regime,
    check_action_names,
    check_covariate_names,
    format_regime,
    parse_regime,
    read_regime,
)
from bayes_intgen.base.types import Array
from bayes_intgen.data.columns import Columns, check_categorical
from bayes_intgen.data.conversion import Texts
from bayes_intgen.data.first_pass import Extent, check_varies, find_levels, measure
from bayes_intgen.data.levels import list_levels
from bayes_intgen.data.open_source import open_source
from bayes_intgen.data.regime_flags import read_flags
from bayes_intgen.data.regime_summary import RegimeSummary
from bayes_intgen.data.sources import NoRows, Source

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
    extents
        Row count and ranges of each regime, in canonical order: observational, then single
        interventions in the order of the actions, then larger sets.
    source
        Where the rows come from.
    levels
        The levels of each categorical column, sorted; batches hold their codes 0, 1, ...
    first_pass
        A summary of each regime, if reading the rows for the first time gave it: no column is
        categorical, and the rows do not lie in partitions.
    starts
        Of rows in partitions, the number of rows of each regime before each partition.

    Examples
    --------
    >>> import bayes_intgen as ig
    >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    >>> frame = scm.sample_regimes([(), ("a1",), ("a2",)], n=100, random_seed=2)
    >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"], regime="regime")
    >>> data.regimes
    ('obs', 'a1', 'a2')
    >>> data.n_rows
    300
    """

    columns: Columns
    extents: dict[Regime, Extent]
    source: Source = field(repr=False)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    first_pass: Mapping[Regime, RegimeSummary] | None = field(
        default=None, repr=False, compare=False
    )
    starts: tuple[Mapping[Regime, int], ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        outcome: str,
        actions: Sequence[str],
        regime: str | Mapping[str, str] = "regime",
        categorical: Iterable[str] = (),
        covariates: Iterable[str] = (),
    ) -> Self:
        """Read and validate a table.

        Parameters
        ----------
        frame
            A pandas, polars or pyarrow table with one row per unit. Rows that need not fit into
            memory come from the path of a CSV, Parquet or Arrow file, a pyarrow dataset, a polars
            lazy frame, or a function that yields tables one after the other, the same ones at each
            call; a Dask table, or a list of delayed tables, is summed up where its partitions are.
        outcome
            Column of the outcome, in any unit.
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
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=100, random_seed=2)
        >>> frame["week"] = range(300)
        >>> data = ig.RegimeData.from_frame(
        ...     frame, outcome="y", actions=["a1", "a2"], regime="regime", covariates=["week"]
        ... )
        >>> data.actions, data.covariates, data.variables, data.outcome
        (('a1', 'a2'), ('week',), ('a1', 'a2', 'week'), 'y')
        >>> frame["a1_test"], frame["a2_test"] = frame["regime"] == "a1", frame["regime"] == "a2"
        >>> flags = {"a1": "a1_test", "a2": "a2_test"}
        >>> ig.RegimeData.from_frame(frame, "y", ["a1", "a2"], regime=flags).regimes
        ('obs', 'a1', 'a2')
        """
        names = check_action_names(actions)
        known = check_covariate_names(covariates, names)
        coded = check_categorical(categorical, names, known)
        flags = read_flags(regime, names)
        label = "" if isinstance(regime, Mapping) else regime
        columns = Columns(outcome, names, label, coded, known, flags)
        source = open_source(frame, columns)
        found = measure(source, columns)
        levels = find_levels(columns, found.extents.values())
        return cls(columns, found.extents, source, levels, found.summaries, found.starts)

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
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_linear_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=100, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> ig.RegimeData.further(frame.head(3), data.columns).n_rows
        3
        """
        source = open_source(frame, columns)
        found = measure(source, columns, further=True)
        levels = find_levels(columns, found.extents.values())
        return cls(columns, found.extents, source, levels, found.summaries, found.starts)

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
    def regimes(self) -> tuple[str, ...]:
        """Labels of the regimes, in canonical order."""
        return tuple(format_regime(regime) for regime in self.extents)

    @property
    def n_rows(self) -> int:
        """Number of rows over all regimes."""
        return sum(extent.n for extent in self.extents.values())

    def drop(self, regimes: str | Iterable[str]) -> Self:
        """Return the data without the rows of some regimes.

        Raises
        ------
        RegimeError
            If a label names a regime that is not in the data, or nothing would be left.
        DataError
            If a column is constant in what is left.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> data.drop("a2").regimes
        ('obs', 'a1')
        """
        if not isinstance(regimes, Iterable):
            raise RegimeError(f"regimes must be a label or several, got {show(regimes)}.")
        labels = [regimes] if isinstance(regimes, str) else list(regimes)
        dropped = {read_regime(label, self.actions, "regimes") for label in labels}
        absent = [format_regime(regime) for regime in dropped if regime not in self.extents]
        if absent:
            raise RegimeError(
                f"regimes: the data have no regime {absent}; they have {list(self.regimes)}."
            )
        kept = {regime: e for regime, e in self.extents.items() if regime not in dropped}
        if not kept:
            raise RegimeError("regimes: at least one regime must be left; drop fewer.")
        check_varies(self.columns, kept.values())
        levels = find_levels(self.columns, kept.values())
        return replace(self, extents=kept, levels=levels)

    def recode(self, levels: Mapping[str, tuple[str, ...]]) -> Self:
        """Return the data with the levels, and so the codes, of earlier data.

        Raises
        ------
        DataError
            If other columns are categorical, or there is a level that the earlier data lack.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> data.recode({}).regimes  # nothing is categorical, and nothing changes
        ('obs', 'a1', 'a2')
        """
        if set(levels) != set(self.levels):
            raise DataError(
                f"categorical: the columns {list(self.levels)} are categorical here, but "
                f"{list(levels)} in the earlier data; read both with the same categorical."
            )
        for name, known in levels.items():
            new = [level for level in self.levels[name] if level not in known]
            if new:
                raise DataError(
                    f"categorical: column {name!r} has the levels {new}, which the earlier data "
                    f"lack; they have {list(known)}. Leave those rows out, or start again from "
                    f"all rows."
                )
        return replace(self, levels=levels)

    def without_rows(self) -> Self:
        """Return what is known of the data, to be sent to where the rows are.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_linear_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=100, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> data.without_rows().regimes, list(data.without_rows().batches())
        (('obs', 'a1', 'a2'), [])
        """
        return replace(self, source=NoRows(), first_pass=None, starts=())

    def within(self, source: Source) -> Self:
        """Return the same data with only some of the rows at hand; the extents stay.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_linear_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=100, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> again = data.without_rows().within(data.source)
        >>> len(again.rows("a1"))
        100
        """
        return replace(self, source=source)

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
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> [(regime, values.shape) for regime, values in data.batches()]
        [((), (200, 3)), (('a1',), (200, 3)), (('a2',), (200, 3))]
        """
        for label, values, texts in self.source.batches():
            regime = parse_regime(label, self.actions)
            if regime in self.extents:
                yield regime, self._translate(values, texts)

    def _translate(self, values: Array, texts: Texts) -> Array:
        """Replace the codes of a batch by those of the data."""
        if not texts:
            return values
        translated = values.copy()
        for name, found in texts.items():
            order = {level: code for code, level in enumerate(self.levels[name])}
            codes = np.array([order.get(level, -1) for level in found], dtype=float)
            position = self.columns.values.index(name)
            translated[:, position] = codes[values[:, position].astype(int)]
        return translated

    def rows(self, regime: str) -> Array:
        """Return all rows of one regime: actions, covariates, then outcome; shape (n, columns).

        A categorical column has the codes of its levels.

        Raises
        ------
        RegimeError
            If the data have no such regime.

        Examples
        --------
        >>> import bayes_intgen as ig
        >>> scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
        >>> frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
        >>> data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
        >>> data.rows("a1").shape  # a1, a2, y
        (200, 3)
        """
        wanted = parse_regime(regime, self.actions)
        if wanted not in self.extents:
            raise RegimeError(f"regime {regime!r} is not in the data: {list(self.regimes)}.")
        return np.concatenate([values for found, values in self.batches() if found == wanted])

    def __str__(self) -> str:
        width = max(len("regime"), *(len(label) for label in self.regimes))
        given = f", covariates {list(self.covariates)}" if self.covariates else ""
        lines = [
            f"RegimeData: outcome {self.outcome!r}, actions {list(self.actions)}{given}",
            *(f"levels of {name}: {list_levels(found)}" for name, found in self.levels.items()),
            f"{'regime':<{width}}  {'rows':>12}  actions set",
        ]
        for regime, extent in self.extents.items():
            setting = ", ".join(regime) or "none (observational)"
            lines.append(f"{format_regime(regime):<{width}}  {extent.n:>12,}  {setting}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            (format_regime(regime), extent.n, ", ".join(regime) or "none (observational)")
            for regime, extent in self.extents.items()
        ]
        given = [f"covariates: {', '.join(self.covariates)}"] if self.covariates else []
        return html_block(
            f"RegimeData: outcome {self.outcome}, actions {', '.join(self.actions)}",
            [*given, *(f"levels of {k}: {list_levels(found)}" for k, found in self.levels.items())],
            [html_table(["regime", "rows", "actions set"], rows)],
        )

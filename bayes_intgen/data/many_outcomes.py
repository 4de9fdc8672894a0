"""Rows with many outcomes, read in one pass: the actions once, and a column per outcome.

Tables of metrics, genes or products have many outcomes and the same actions. What cannot be used
of the outcomes (constant, missing in some rows, no numbers) is left out, by name and with its
reason, and stops none of the others. An outcome with missing values is not fitted to the rest of
its rows, because rows that lack it are seldom a random part of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_intgen.base.arguments import show
from bayes_intgen.base.errors import DataError, RegimeError
from bayes_intgen.base.html import html_block
from bayes_intgen.base.regimes import read_dropped
from bayes_intgen.base.types import Array
from bayes_intgen.data.columns import Columns
from bayes_intgen.data.conversion import LabelledBatch
from bayes_intgen.data.first_pass import check_range, read_summary
from bayes_intgen.data.open_source import column_names, open_source
from bayes_intgen.data.sources import FrameSource

if TYPE_CHECKING:
    from bayes_intgen.data.regime_data import RegimeData

__all__ = ["ManyOutcomes", "read_many_outcomes"]

MOST_BYTES = 2**32  # of outcomes that are held
SHOWN = 5


@dataclass(frozen=True)
class ManyOutcomes:
    """Regime-labelled samples of actions and many outcomes.

    Made by :meth:`bayes_intgen.RegimeData.from_frame` from a list of outcomes, and fitted by
    :func:`bayes_intgen.fit_outcomes`. ``many["y1"]`` is the data of one outcome.

    Parameters
    ----------
    columns
        The names of the columns; its ``outcomes`` are those that can be used.
    rows
        Batches of rows of one label: the label, the actions and covariates with the marks behind
        them, the levels.
    outcomes
        The outcomes in these rows, shape (outcomes, rows) for each batch.
    excluded
        Why each outcome that cannot be used was left out.
    kind
        The class of the data of one outcome.

    Examples
    --------
    >>> table = frame.assign(sold=frame["y"] > 0, visits=frame["y"] + 1, shop="north")
    >>> many = ig.RegimeData.from_frame(table, ["y", "visits", "s*"], ["a1", "a2"])
    >>> print(many)
    ManyOutcomes: 3 outcomes ('y', 'visits', 'sold'), actions ['a1', 'a2'], 600 rows
    left out: shop (no numbers in it)
    >>> many.excluded["shop"]
    'no numbers in it'
    >>> many["visits"].outcome, many.names, many.actions
    ('visits', ('y', 'visits', 'sold'), ('a1', 'a2'))
    """

    columns: Columns
    rows: tuple[LabelledBatch, ...] = field(repr=False)
    outcomes: tuple[Array, ...] = field(repr=False)
    excluded: Mapping[str, str]
    kind: "type[RegimeData]" = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the outcomes that can be used."""
        return self.columns.outcomes

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions."""
        return self.columns.actions

    @property
    def n_rows(self) -> int:
        """Number of rows over all regimes."""
        return sum(len(values) for _, values, _ in self.rows)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __getitem__(self, name: str) -> "RegimeData":
        """Return the data of one outcome, as if it had been read alone."""
        if name not in self.names:
            why = f" It was left out: {self.excluded[name]}." if name in self.excluded else ""
            raise DataError(f"outcome {name!r} is not among {shorten(self.names)}.{why}")
        position = self.names.index(name)
        columns = replace(self.columns, outcome=name, outcomes=())
        width = len(columns.variables)
        batches: list[LabelledBatch] = [
            (label, np.insert(values, width, y[position], axis=1), texts)
            for (label, values, texts), y in zip(self.rows, self.outcomes, strict=True)
        ]
        source = FrameSource(batches)
        summary, rows_before = read_summary(source, columns)
        return self.kind(columns, summary, source, rows_before)

    def drop(self, regimes: str | Iterable[str]) -> "ManyOutcomes":
        """Return the data without the rows of some regimes.

        Raises
        ------
        RegimeError
            If a label names a regime that is not in the data, or nothing would be left.

        Examples
        --------
        >>> ig.RegimeData.from_frame(frame, ["y"], ["a1", "a2"]).drop("a2").n_rows
        400
        """
        own = [self.columns.regime_of(label) for label, _, _ in self.rows]
        dropped = read_dropped(regimes, self.actions, dict.fromkeys(own))
        kept = [i for i, regime in enumerate(own) if regime not in dropped]
        if not kept:
            raise RegimeError("regimes: at least one regime must be left; drop fewer.")
        rows = tuple(self.rows[i] for i in kept)
        return _usable(replace(self, rows=rows, outcomes=tuple(self.outcomes[i] for i in kept)))

    def __str__(self) -> str:
        lines = [
            f"ManyOutcomes: {len(self):,} outcomes ({shorten(self.names)}), actions "
            f"{list(self.actions)}, {self.n_rows:,} rows"
        ]
        by_reason: dict[str, list[str]] = {}
        for name, reason in self.excluded.items():
            by_reason.setdefault(reason, []).append(name)
        lines += [f"left out: {', '.join(n)} ({reason})" for reason, n in by_reason.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        first, *others = str(self).splitlines()
        return html_block(first, others, [])


def shorten(names: Sequence[str]) -> str:
    """List names, the middle ones of many left out.

    Examples
    --------
    >>> shorten(["a", "b"]), shorten([f"y{i}" for i in range(9)])
    ("'a', 'b'", "'y0', 'y1', 'y2', ... 'y8'")
    """
    if len(names) <= SHOWN:
        return ", ".join(map(repr, names))
    return f"{', '.join(map(repr, names[: SHOWN - 2]))}, ... {names[-1]!r}"


def read_many_outcomes(
    frame: Any, patterns: Iterable[str], kind: "type[RegimeData]", *roles: Any
) -> ManyOutcomes:
    """Read a table with many outcomes in one pass.

    Parameters
    ----------
    frame
        As in :meth:`bayes_intgen.RegimeData.from_frame`.
    patterns
        Names of outcomes, or patterns of names, such as ``gene_*``, which match no column that has
        another part to play.
    kind
        The class of the data of one outcome.
    roles
        All other arguments of ``from_frame``, in their order.

    Raises
    ------
    DataError
        As ``from_frame``, but not for an outcome that cannot be used, unless none can.
    """
    wanted = list(patterns)
    if not wanted or not all(isinstance(name, str) and name for name in wanted):
        raise DataError(
            f"outcome must be the name of a column, or a list of names and patterns such as "
            f"'gene_*', got {show(wanted)}."
        )
    plain = Columns.read(wanted[0], *roles)
    names = _match(
        wanted, column_names(frame), {*plain.variables, *plain.labels, *plain.marks.used}
    )
    columns = replace(plain, outcome=names[0], outcomes=names)
    width = len(columns.variables)
    rows, outcomes = [], []
    total = 0
    for label, values, texts in open_source(frame, columns).batches():
        total += values[:, width:].nbytes
        if total > MOST_BYTES:
            raise DataError(
                f"outcome: {len(names):,} outcomes of so many rows take more than "
                f"{MOST_BYTES / 2**30:.0f} GiB; read some of them at a time."
            )
        own = np.arange(width, width + len(names))
        rows.append((label, np.ascontiguousarray(np.delete(values, own, axis=1)), texts))
        outcomes.append(np.ascontiguousarray(values[:, own].T))
    if not rows:
        raise DataError("frame: the table has no rows.")
    many = _usable(ManyOutcomes(columns, tuple(rows), tuple(outcomes), {}, kind))
    many[many.names[0]]  # whatever is wrong with labels, actions or covariates is said here
    return many


def _match(wanted: Sequence[str], present: Sequence[str], taken: set[str]) -> tuple[str, ...]:
    """Return the names that are wanted, each once, in the order in which they are asked for."""
    names: dict[str, None] = {}
    for pattern in wanted:
        if pattern in present or not any(sign in pattern for sign in "*?["):
            names[pattern] = None  # if it is not present, the source says so
            continue
        found = [n for n in present if fnmatchcase(n, pattern) and n not in taken]
        if not found:
            raise DataError(
                f"outcome: no column matches {pattern!r} beside those that are taken; the table "
                f"has {shorten(present)}."
            )
        names |= dict.fromkeys(found)
    return tuple(names)


def _usable(many: ManyOutcomes) -> ManyOutcomes:
    """Leave out the outcomes that cannot be used, and say why."""
    with np.errstate(invalid="ignore"):
        low = np.min([y.min(axis=1) for y in many.outcomes], axis=0)
        high = np.max([y.max(axis=1) for y in many.outcomes], axis=0)
        missing = np.sum([np.isnan(y).sum(axis=1) for y in many.outcomes], axis=0)
        infinite = np.sum([np.isinf(y).sum(axis=1) for y in many.outcomes], axis=0)
    excluded = dict(many.excluded)
    for i, name in enumerate(many.names):
        if missing[i] == many.n_rows:
            excluded[name] = "no numbers in it"
        elif missing[i] or infinite[i]:
            excluded[name] = (
                f"{missing[i] + infinite[i]:,} of {many.n_rows:,} values are missing or infinite; "
                f"drop or impute those rows"
            )
        else:
            try:
                check_range(name, "outcome", float(low[i]), float(high[i]))
            except DataError as error:
                excluded[name] = str(error).partition(f"{name!r} ")[2].partition(";")[0]
    kept = [i for i, name in enumerate(many.names) if name not in excluded]
    if not kept:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in excluded.items())
        raise DataError(f"outcome: none of the outcomes can be used ({reasons}).")
    names = tuple(many.names[i] for i in kept)
    columns = replace(many.columns, outcome=names[0], outcomes=names)
    outcomes = tuple(y if len(kept) == len(y) else y[kept] for y in many.outcomes)
    return replace(many, columns=columns, outcomes=outcomes, excluded=excluded)

"""Roles of the columns of a table: outcome, actions, covariates, and labels or flags of regimes.

A flag per action may stand in place of one column of labels. A marketing table often has a column
``tv_test`` that is true in the weeks of the experiment on tv. A row of which no flag is true is
observational, one of which several are comes from an experiment on all of these.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from bayes_intgen.base.errors import DataError
from bayes_intgen.base.regimes import (
    Regime,
    check_action_names,
    check_covariate_names,
    format_regime,
    parse_regime,
)
from bayes_intgen.base.types import Array, Indices
from bayes_intgen.data.labels import Spellings, read_spellings
from bayes_intgen.data.marks import MarkColumns, Marks

__all__ = ["Columns", "Flags", "check_categorical", "check_finite", "label_rows", "read_flags"]

MOST_FLAGS = 62

type Flags = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Columns:
    """The names of the columns in use."""

    outcome: str  # column of the outcome Y
    actions: tuple[str, ...]  # columns of the actions A_1..A_K, their names already checked
    regime: str  # column of the regime labels; empty if there are flags
    # the actions and covariates that hold levels instead of numbers
    categorical: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()  # columns of the covariates Z, their names already checked
    flags: Flags = ()  # actions, each with the column that says whether it was set
    # columns of the cluster, the time and the weights
    marks: MarkColumns = field(default_factory=MarkColumns)
    # several outcomes that are read in one pass, of which `outcome` is the first; in none or all
    outcomes: tuple[str, ...] = ()
    spellings: Spellings = ()  # labels of the table, each with the one that it stands for

    def __post_init__(self) -> None:
        outcomes = [("outcome", name) for name in self.outcomes or (self.outcome,)]
        for role, name in (*outcomes, *(("regime", n) for n in self.labels)):
            if not isinstance(name, str) or not name:
                raise DataError(f"{role} must be the name of a column, got {name!r}.")
            if name in self.variables:
                part = "an action" if name in self.actions else "among the covariates"
                raise DataError(
                    f"{role} names column {name!r}, which is also {part}; "
                    f"every column can play one part only."
                )
        for name in self.outcomes or (self.outcome,):
            if name in self.labels:
                raise DataError(f"outcome and regime both name column {name!r}.")

    @classmethod
    def read(
        cls,
        outcome: str,
        actions: Sequence[str],
        regime: str | Mapping[str, str],
        categorical: Iterable[str] = (),
        covariates: Iterable[str] = (),
        cluster: str | Iterable[str] | None = None,
        time: str | None = None,
        weights: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Self:
        """Check the arguments of :meth:`bayes_intgen.RegimeData.from_frame`."""
        names = check_action_names(actions)
        known = check_covariate_names(covariates, names)
        coded = check_categorical(categorical, names, known)
        label = "" if isinstance(regime, Mapping) else regime
        marks = MarkColumns.read(cluster, time, weights, (outcome, *names))
        flags = read_flags(regime, names)
        spellings = () if labels is None else read_spellings(labels, names, bool(flags))
        return cls(outcome, names, label, coded, known, flags, marks, spellings=spellings)

    def regime_of(self, label: object) -> Regime:
        """Return the regime that a label of the table stands for."""
        meaning = dict(self.spellings).get(str(label).strip(), label)
        return parse_regime(meaning, self.actions)

    @property
    def origin(self) -> dict[str, Any]:
        """The arguments of ``from_frame`` that say which regime, cluster and time a row has."""
        labels = {"labels": dict(self.spellings)} if self.spellings else {}
        return {"regime": dict(self.flags) or self.regime, **labels, **self.marks.given}

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns that say which regime a row is of: that of the labels, or the flags."""
        return tuple(name for _, name in self.flags) if self.flags else (self.regime,)

    @property
    def used(self) -> tuple[str, ...]:
        """All columns in use; a covariate, say, may be the cluster too."""
        return tuple(dict.fromkeys((*self.values, *self.labels, *self.marks.used)))

    @property
    def variables(self) -> tuple[str, ...]:
        """The actions followed by the covariates: what the outcome's mean is a function of."""
        return (*self.actions, *self.covariates)

    @property
    def values(self) -> tuple[str, ...]:
        """The variables followed by the outcome: the columns of an array of rows."""
        return (*self.variables, *(self.outcomes or (self.outcome,)))

    def split(self, rows: Array) -> tuple[Array, Marks]:
        """Part rows as a source has them, (n, columns), into values and marks."""
        width = len(self.values)
        return rows[:, :width], Marks(self.marks.kept, rows[:, width:])

    @property
    def numeric(self) -> tuple[str, ...]:
        """Those of the values that are numbers, not levels."""
        return tuple(name for name in self.values if name not in self.categorical)

    def role(self, name: str) -> str:
        """Say which argument a column came in by."""
        if name == self.outcome or name in self.outcomes:
            return "outcome"
        if name in self.covariates:
            return "covariates"
        if name in self.labels:
            return "regime"
        marks = [role for role, own in self.marks.by_role if own == name]
        return "actions" if name in self.actions or not marks else marks[0]

    def check_present(self, names: Iterable[str]) -> None:
        """Raise a DataError that lists the columns a table lacks."""
        have = list(names)
        for name in self.used:
            if name not in have:
                hint = " Is the separator a comma?" if len(have) == 1 else ""
                longer = [own for own in have if "," in str(own) and name in str(own)]
                if longer:
                    hint = f" In lists of a command such a name is quoted: '\"{longer[0]}\"'."
                raise DataError(
                    f"{self.role(name)}: the table has no column {name!r}; it has {have}. "
                    f"Name one of those, or rename the column.{hint}"
                )


def check_categorical(
    categorical: Iterable[str], actions: Sequence[str], covariates: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the categorical actions and covariates in the order of both.

    Raises
    ------
    DataError
        If it is one text, or a name is not that of an action or covariate.
    """
    if isinstance(categorical, str) or not isinstance(categorical, Iterable):
        raise DataError(
            f"categorical must be a list of names of actions, got {categorical!r}; "
            f"write ['a1', 'a2']."
        )
    names = list(categorical)
    variables = (*actions, *covariates)
    unknown = [name for name in names if name not in variables]
    if unknown:
        among = f"actions {list(actions)}"
        if covariates:
            among += f" or covariates {list(covariates)}"
        raise DataError(
            f"categorical names {unknown}, which are not among the {among}; "
            f"list them there too, or correct the name."
        )
    return tuple(name for name in variables if name in names)


def check_finite(values: Array, name: str, role: str, first_row: int) -> None:
    """Raise a DataError that counts the missing and the infinite values of a column."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum()):  # much faster than looking at each value
            return
    bad = ~np.isfinite(values)
    if not bad.any():  # a sum that overflows
        return
    missing = int(np.isnan(values).sum())
    infinite = int(bad.sum()) - missing
    row = first_row + int(np.argmax(bad))
    way = "Write 0 where it is false" if role == "regime" else "Drop or impute those rows first"
    raise DataError(
        f"{role}: column {name!r} must hold finite numbers, but {missing} values are missing (NaN) "
        f"and {infinite} infinite, the first in row {row} (counted from 0). "
        f"{way}."
    )


def read_flags(regime: object, actions: Sequence[str]) -> Flags:
    """Read pairs of an action and the column of its flag off a mapping; none off anything else.

    Raises
    ------
    DataError
        If it names something that is no action, or a flag has no name of a column.
    """
    if not isinstance(regime, Mapping):
        return ()
    unknown = [name for name in regime if name not in actions]
    if unknown or not regime:
        raise DataError(
            f"regime: flags must be given by action, {list(actions)}, got {list(regime)}; write "
            f"{{'{actions[0]}': 'name of the column that says whether an experiment set it'}}."
        )
    if len(regime) > MOST_FLAGS:
        raise DataError(f"regime: at most {MOST_FLAGS} flags, got {len(regime)}; give labels.")
    columns = list(regime.values())
    if not all(isinstance(name, str) and name for name in columns):
        raise DataError(f"regime: flags must be names of columns, got {columns}.")
    if len({*columns}) < len(columns):
        raise DataError(f"regime: every action must have a flag of its own, got {columns}.")
    return tuple((name, str(regime[name])) for name in actions if name in regime)


def label_rows(values: Sequence[Array], flags: Flags, first_row: int) -> tuple[Indices, list[str]]:
    """Turn flags into a code per row and the label of each code.

    Parameters
    ----------
    values
        The column of each flag, shape (rows,), one or zero.
    flags
        Its action and its name.
    first_row
        The number of the first row, for error messages.

    Raises
    ------
    DataError
        If a value is neither one nor zero (nor true nor false).

    Examples
    --------
    >>> label_rows(np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]), (("tv", "t"), ("web", "w")), 0)
    (array([0, 1, 2]), ['obs', 'tv', 'tv+web'])
    """
    sums = np.zeros(len(values[0]), dtype=np.int64)  # bit k says whether flag k is set
    for bit, (column, (_, name)) in enumerate(zip(values, flags, strict=True)):
        wrong = (column != 0) & (column != 1)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataError(
                f"regime: the flags of column {name!r} must be true or false (1 or 0), got "
                f"{column[row]:g} in row {first_row + row} (counted from 0); correct that cell."
            )
        sums += column.astype(np.int64) << bit
    distinct, codes = np.unique(sums, return_inverse=True)
    labels = [
        format_regime([name for bit, (name, _) in enumerate(flags) if total >> bit & 1])
        for total in distinct.tolist()
    ]
    return codes.astype(np.intp), labels

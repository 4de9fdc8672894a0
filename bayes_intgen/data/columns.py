"""Which columns of a table play which part, and what may stand in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bayes_intgen.base.errors import DataError
from bayes_intgen.base.types import Array
from bayes_intgen.data.regime_flags import Flags

__all__ = ["Columns", "check_categorical", "check_finite"]


@dataclass(frozen=True)
class Columns:
    """The names of the columns in use.

    Parameters
    ----------
    outcome
        Column of the outcome Y.
    actions
        Columns of the actions A_1..A_K, their names already checked.
    regime
        Column of the regime labels; empty if there are flags.
    categorical
        The actions and covariates that hold levels instead of numbers.
    covariates
        Columns of the covariates Z, their names already checked.
    flags
        Actions, each with the column that says whether it was set.
    """

    outcome: str
    actions: tuple[str, ...]
    regime: str
    categorical: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    flags: Flags = ()

    def __post_init__(self) -> None:
        for role, name in (("outcome", self.outcome), *(("regime", n) for n in self.labels)):
            if not isinstance(name, str) or not name:
                raise DataError(f"{role} must be the name of a column, got {name!r}.")
            if name in self.variables:
                part = "an action" if name in self.actions else "among the covariates"
                raise DataError(
                    f"{role} names column {name!r}, which is also {part}; "
                    f"every column can play one part only."
                )
        if self.outcome in self.labels:
            raise DataError(f"outcome and regime both name column {self.outcome!r}.")

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns that say which regime a row is of: that of the labels, or the flags."""
        return tuple(name for _, name in self.flags) if self.flags else (self.regime,)

    @property
    def used(self) -> tuple[str, ...]:
        """All columns in use."""
        return (*self.values, *self.labels)

    @property
    def variables(self) -> tuple[str, ...]:
        """The actions followed by the covariates: what the outcome's mean is a function of."""
        return (*self.actions, *self.covariates)

    @property
    def values(self) -> tuple[str, ...]:
        """The variables followed by the outcome: the columns of an array of rows."""
        return (*self.variables, self.outcome)

    def role(self, name: str) -> str:
        """Say which argument a column came in by."""
        if name == self.outcome:
            return "outcome"
        if name in self.covariates:
            return "covariates"
        return "regime" if name in self.labels else "actions"

    def check_present(self, found: Iterable[str]) -> None:
        """Raise a DataError that lists the columns a table lacks."""
        have = list(found)
        for name in self.used:
            if name not in have:
                hint = " Is the separator a comma?" if len(have) == 1 else ""
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

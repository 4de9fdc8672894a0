"""A flag per action in place of one column of labels: which actions each row's experiment set.

A marketing table often has a column ``tv_test`` that is true in the weeks of the experiment on tv.
A row of which no flag is true is observational, one of which several are comes from an experiment
on all of these.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from bayes_intgen.base.errors import DataError
from bayes_intgen.base.regimes import format_regime
from bayes_intgen.base.types import Array, Indices

__all__ = ["Flags", "label_rows", "read_flags"]

MOST_FLAGS = 62

type Flags = tuple[tuple[str, str], ...]


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
    sums = np.zeros(len(values[0]), dtype=np.int64)
    for bit, (column, (_, name)) in enumerate(zip(values, flags, strict=True)):
        wrong = (column != 0) & (column != 1)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataError(
                f"regime: the flags of column {name!r} must be true or false (1 or 0), got "
                f"{column[row]:g} in row {first_row + row} (counted from 0); correct that cell."
            )
        sums += column.astype(np.int64) << bit
    found, codes = np.unique(sums, return_inverse=True)
    labels = [
        format_regime([name for bit, (name, _) in enumerate(flags) if total >> bit & 1])
        for total in found.tolist()
    ]
    return codes.astype(np.intp), labels

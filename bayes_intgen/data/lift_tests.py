"""Lift tests: experiments of which an effect and its standard error are known, but no rows.

A lift test changed one action from one value to another and reports by how much the mean outcome
changed with it. A direct effect is the change while all other actions are held,

    E[Y | do(a_k = to, others)] - E[Y | do(a_k = from, others)],

a total effect the change while the others follow as they will,

    E[Y | do(a_k = to)] - E[Y | do(a_k = from)].

Tables of such results are read here; :mod:`bayes_intgen.model.lift_likelihood` turns them into
linear functionals of the weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Any, Self, get_args

import numpy as np
import pandas as pd

from bayes_intgen.base.errors import DataError
from bayes_intgen.base.html import html_block, html_table
from bayes_intgen.data.conversion import Levels
from bayes_intgen.data.levels import level_text
from bayes_intgen.data.lift_table import (
    COLUMNS,
    Columns,
    LiftKind,
    check_columns,
    read_kind,
    read_number,
    read_others,
    read_table,
)

__all__ = ["Columns", "LiftKind", "LiftTest", "LiftTests"]


@dataclass(frozen=True)
class LiftTest:
    """Result of one lift test.

    Parameters
    ----------
    label
        Its label: the index of its row.
    action
        The action that was changed.
    start, end
        From where to where: numbers in the action's unit, or levels.
    effect, standard_error
        In the outcome's unit.
    kind
        ``"direct"`` or ``"total"``.
    settings
        Values of other actions, as far as the row gives them.
    others
        Rows of the others over which the effect is averaged: at ``start``, then at ``end``. The
        two are one and the same object where the others do not follow the action.
    """

    label: str
    action: str
    start: Any
    end: Any
    effect: float
    standard_error: float
    kind: LiftKind = "direct"
    settings: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[Columns, Columns] | None = field(default=None, repr=False)

    def code(self, levels: Levels) -> tuple[float, float]:
        """Return both ends as numbers: codes of levels for a categorical action.

        Raises
        ------
        DataError
            If an end is not a finite number, or not a level of the data, or both are the same.
        """
        first, second = (self._code(value, levels) for value in (self.start, self.end))
        if first == second:
            raise DataError(
                f"lifts: row {self.label} moves {self.action!r} from {self.start!r} to "
                f"{self.end!r}, which is no move; correct the row or leave it out."
            )
        return first, second

    def held(self, name: str, end: int, levels: Levels) -> float:
        """Return the one value of another variable at an end; NaN if there is none or several."""
        known = dict(self.settings) | dict(self.others[end] if self.others else {})
        values = set(np.ravel(known[name]).tolist()) if name in known else set()
        if len(values) != 1:
            return nan
        value = values.pop()
        if name in levels:
            text = level_text(value)
            return float(levels[name].index(text)) if text in levels[name] else nan
        return float(value) if isinstance(value, int | float) else nan

    def _code(self, value: Any, levels: Levels) -> float:
        if self.action in levels:
            text = level_text(value)
            if text not in levels[self.action]:
                raise DataError(
                    f"lifts: row {self.label}: action {self.action!r} has no level {value!r}; the "
                    f"data have {list(levels[self.action])}."
                )
            return float(levels[self.action].index(text))
        return read_number(value, self.label, f"the value of {self.action!r}")


@dataclass(frozen=True)
class LiftTests:
    """Results of lift tests, for ``InterventionModel.fit(data, lifts=...)``.

    Their errors are taken to be normal, with known standard errors, and independent of one another
    and of the rows of the fit. Tests that share a control arm are not quite independent.

    Each is compared with the other data, and a contradiction is named. Where no rows tell the
    effect of an action, there is only the word of its tests: if the signs of all of them are wrong,
    or their unit, they agree with one another and nothing can show it.

    Parameters
    ----------
    tests
        The results; made by :meth:`from_frame`.

    Examples
    --------
    >>> rows = {"action": ["tv", "tv"], "from": [0.0, 0.0], "to": [1.0, 2.0],
    ...         "effect": [0.5, 0.8], "standard_error": [0.2, 0.3]}
    >>> lifts = ig.LiftTests.from_frame(pd.DataFrame(rows))
    >>> len(lifts), lifts.tests[0].effect
    (2, 0.5)
    """

    tests: tuple[LiftTest, ...]

    @classmethod
    def from_frame(cls, frame: Any, others: Any = None) -> Self:
        """Read a table with one result per row.

        Parameters
        ----------
        frame
            A pandas, polars or pyarrow table, or a path to a CSV or Parquet file, with the columns
            ``action``, ``from`` and ``to`` (in the action's unit, or levels), ``effect`` and
            ``standard_error`` (or ``se``; both in the outcome's unit), and possibly ``kind``:
            ``"direct"`` (the default) or ``"total"``. Columns named after other actions hold the
            values at which these were held; they matter only where actions interact.
        others
            Rows of the other actions over which effects are averaged: a table; or, by row (label of
            a pandas index, else its number from 0), a table or a pair of them, as the others were
            at ``from`` and at ``to``. A pair goes with a total effect.

        Raises
        ------
        DataError
            If a column is missing, or a value is not of its kind.
        FileError
            If there is no such file.

        Examples
        --------
        >>> rows = {"action": ["tv"], "from": [0.0], "to": [2.0], "effect": [0.8], "se": [0.3]}
        >>> print(ig.LiftTests.from_frame(pd.DataFrame(rows)))
        LiftTests: 1 direct effect of tv
        """
        columns, labels = read_table(frame, "frame of lifts")
        error = check_columns(columns)
        if not len(labels):
            raise DataError("frame of lifts: the table must hold at least one row, got none.")
        tests = []
        for i, label in enumerate(labels):
            row = {name: values[i] for name, values in columns.items()}
            effect = read_number(row["effect"], label, "the effect")
            se = read_number(row[error], label, "the standard error")
            if se <= 0:
                raise DataError(
                    f"lifts: row {label}: the standard error must be positive, got {se}; an effect "
                    f"without its standard error cannot be weighed."
                )
            known = {*COLUMNS, error, "kind"}
            held = {k: v for k, v in row.items() if k not in known and not pd.isna(v)}
            rows = read_others(others, frame, label, i)
            kind = read_kind(row.get("kind"), label)
            if rows is not None and rows[0] is not rows[1] and kind == "direct":
                raise DataError(
                    f"others: row {label} is a direct effect, for which the others are the same at "
                    f"both ends; give one table, or kind 'total'."
                )
            ends = (row["from"], row["to"])
            action = str(row["action"])
            tests.append(LiftTest(label, action, *ends, effect, se, kind, held, rows))
        return cls(tuple(tests))

    def tested(
        self, actions: Sequence[str], levels: Levels, covariates: Sequence[str] = ()
    ) -> dict[str, tuple[tuple[float, ...], ...]]:
        """Return, by action, where its tests began and ended, with the covariates there.

        Numbers, or codes of levels; NaN for a covariate that is not given or was averaged over.

        Raises
        ------
        DataError
            If a test names an unknown action, or its ends are not of the action's kind.

        Examples
        --------
        >>> rows = {"action": ["tv"], "from": [0.0], "to": [2.0], "effect": [0.8], "se": [0.3]}
        >>> ig.LiftTests.from_frame(pd.DataFrame(rows)).tested(["tv", "price"], {})
        {'tv': ((0.0,), (2.0,))}
        """
        unknown = sorted({test.action for test in self.tests} - set(actions))
        if unknown:
            raise DataError(f"lifts: {unknown} are not actions; the actions are {list(actions)}.")
        ends: dict[str, dict[tuple[float, ...], None]] = {}  # in order: NaN cannot be sorted
        for test in self.tests:
            for end, value in enumerate(test.code(levels)):
                given = (test.held(name, end, levels) for name in covariates)
                ends.setdefault(test.action, {})[value, *given] = None
        return {action: tuple(sorted(values)) for action, values in ends.items()}

    def __len__(self) -> int:
        return len(self.tests)

    def __str__(self) -> str:
        phrases = []
        for kind in get_args(LiftKind.__value__):
            names = [test.action for test in self.tests if test.kind == kind]
            if names:
                noun = "effect" if len(names) == 1 else "effects"
                phrases.append(f"{len(names)} {kind} {noun} of {', '.join(dict.fromkeys(names))}")
        return f"LiftTests: {'; '.join(phrases)}"

    def _repr_html_(self) -> str:
        columns = ["row", "action", "from", "to", "effect", "standard error", "kind"]
        rows = [
            (t.label, t.action, t.start, t.end, t.effect, t.standard_error, t.kind)
            for t in self.tests
        ]
        return html_block(str(self), (), [html_table(columns, rows)])

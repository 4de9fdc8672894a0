"""Leave-one-out check of lift tests: the result.

A test that contradicts the rest, for the sign or the unit of its effect is wrong, or for its arms
were not alike, must not pull the answer unseen. So each is compared with its leave-one-out
prediction, from all rows and all other tests, and the tests of one action together with that from
the rows, as wrong ones that agree hide one another. The comparison is made in
:mod:`bayes_intgen.inference.verdicts.lift_conflicts`. Level 1% over all comparisons together
(Bonferroni).

A wrong test is among the data that the others are compared with, and may make right ones conflict:
the worst is named first, and which of the others stand is seen in a fit without it. Tests of an
action that no rows show have only one another: if the signs of all of them are wrong, or their
unit, nothing can show it.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
import xarray as xr

from bayes_intgen.base.errors import ConflictWarning
from bayes_intgen.base.html import html_block, html_frame
from bayes_intgen.base.types import Array, Mask
from bayes_intgen.data.lift_tests import LiftTests

__all__ = ["GroupVerdict", "LiftCheck", "RowVerdicts"]

LEVEL = 0.01
COLUMNS = ("action", "from", "to", "effect", "standard_error", "kind")
NUMBERS = ("effect", "standard_error")
TEXTS = tuple(name for name in COLUMNS if name not in NUMBERS)
GROUPS = ("lift_action_name", "lift_group_size", "lift_group_p_value")  # as GroupVerdict


@dataclass(frozen=True)
class RowVerdicts:
    """Each test against its leave-one-out prediction, in the outcome's unit.

    Parameters
    ----------
    predicted, sd
        Mean and standard deviation of the leave-one-out prediction of the effect, without the
        test's own error; shape (tests,).
    z
        (effect - predicted) / sqrt(standard error^2 + sd^2).
    p_value
        Two-sided, averaged over draws of the hyperparameters.
    """

    predicted: Array
    sd: Array
    z: Array
    p_value: Array


@dataclass(frozen=True)
class GroupVerdict:
    """All tests of one action against the other data.

    Parameters
    ----------
    action
        The action.
    size
        Number of its tests.
    p_value
        Of the chi-square of its effects jointly, averaged over draws of the hyperparameters.
    """

    action: str
    size: int
    p_value: float


@dataclass(frozen=True)
class LiftCheck:
    """The lift tests of a fit, and whether they agree with the other data.

    Parameters
    ----------
    tests
        A row per test: ``action``, ``from``, ``to``, ``effect``, ``standard_error``, ``kind``.
    rows
        The verdict on each.
    groups
        The verdict on those of each action that has several, if the rows tell its effect too.
    functionals
        t of each test: the sums of weights that they observe, shape (tests, weights).
    """

    tests: pd.DataFrame
    rows: RowVerdicts = field(repr=False)
    groups: tuple[GroupVerdict, ...] = field(repr=False)
    functionals: Array = field(repr=False)

    @classmethod
    def of(
        cls,
        lifts: LiftTests,
        rows: RowVerdicts,
        groups: Sequence[GroupVerdict],
        functionals: Array,
    ) -> Self:
        """Put tests and verdicts together."""
        listed = [
            (test.action, test.start, test.end, test.effect, test.standard_error, test.kind)
            for test in lifts.tests
        ]
        index = pd.Index([test.label for test in lifts.tests], name="row")
        tests = pd.DataFrame(listed, index=index, columns=list(COLUMNS))
        return cls(tests, rows, tuple(groups), functionals)

    @property
    def ok(self) -> bool:
        """Whether no test, and no action's tests together, conflict with the other data."""
        return not (self._conflicts().any() or self._groups())

    @property
    def table(self) -> pd.DataFrame:
        """A row per test: its effect, its leave-one-out prediction, and whether they conflict.

        Columns ``action``, ``from``, ``to``, ``effect``, ``standard_error``, ``kind``,
        ``predicted``, ``sd``, ``z``, ``p_value`` and ``conflict``.
        """
        return self.tests.assign(**vars(self.rows), conflict=self._conflicts())

    @property
    def _level(self) -> float:
        return LEVEL / (len(self.tests) + len(self.groups))

    def _conflicts(self) -> Mask:
        return np.asarray(self.rows.p_value <= self._level)

    def _groups(self) -> list[GroupVerdict]:
        return [group for group in self.groups if group.p_value <= self._level]

    def warn(self) -> None:
        """Issue a ConflictWarning if tests conflict with the other data."""
        if not self.ok:
            warnings.warn(str(self), ConflictWarning, stacklevel=3)

    def __str__(self) -> str:
        counts = self.tests["action"].value_counts(sort=False)
        total = f"{len(self.tests)} lift {'test' if len(self.tests) == 1 else 'tests'}"
        head = f"{total} ({', '.join(f'{name}: {count}' for name, count in counts.items())})"
        if self.ok:
            least = min([*self.rows.p_value, *(group.p_value for group in self.groups)])
            return f"{head}: in keeping with the other data (least p {least:.2g})"
        table = self._worst_first()
        conflicts = [
            f"row {label}, {row['action']} from {row['from']} to {row['to']}: effect "
            f"{row['effect']:.3g} +- {row['standard_error']:.2g}, the other data say "
            f"{row['predicted']:.3g} +- {row['sd']:.2g} (p {row['p_value']:.1g})"
            for label, row in table.head(3).iterrows()
        ]
        conflicts += ["..."] if len(table) > 3 else []
        conflicts += [
            f"all {group.size} tests of {group.action} together (p {group.p_value:.1g})"
            for group in self._groups()
        ]
        others = (
            f" {len(table)} tests conflict, and those after the first may follow from it, as it is "
            f"among their other data: correct it or leave it out, and fit again."
            if len(table) > 1
            else ""
        )
        return (
            f"LIFT TESTS CONFLICT with the other data: {'; '.join(conflicts)}.{others} {head}; "
            f"look at signs, units and what was held in these tests before you use the answer: "
            f"they are part of it."
        )

    def _repr_html_(self) -> str:
        warnings = [] if self.ok else [str(self)]
        title = str(self) if self.ok else "Lift tests against the other data"
        return html_block(title, (), [html_frame(self.table)], warnings)

    def _worst_first(self) -> pd.DataFrame:
        """Return the rows of the table that conflict; p-values too small for a float by their z."""
        order = np.lexsort([-np.abs(self.rows.z), self.rows.p_value])
        return self.table.iloc[order[self._conflicts()[order]]]

    def to_dataset(self) -> xr.Dataset:
        """Return everything as variables along ``lift_test``, ``term`` and ``lift_action``."""
        variables: dict[str, Any] = {
            f"lift_{name}": ("lift_test", [str(value) for value in self.tests[name]])
            for name in TEXTS
        }
        variables |= {
            f"lift_{name}": ("lift_test", self.tests[name].to_numpy(float)) for name in NUMBERS
        }
        variables |= {f"lift_{k}": ("lift_test", v) for k, v in vars(self.rows).items()}
        variables["lift_label"] = ("lift_test", [str(label) for label in self.tests.index])
        variables["lift_functional"] = (("lift_test", "term"), self.functionals)
        if self.groups:
            by_column = zip(*(vars(group).values() for group in self.groups), strict=True)
            variables |= {
                name: ("lift_action", list(column))
                for name, column in zip(GROUPS, by_column, strict=True)
            }
        coords = {"lift_test": np.arange(len(self.tests))}
        return xr.Dataset(variables, coords=coords)

    def add_to(self, tree: xr.DataTree) -> None:
        """Keep everything with the draws of the fit."""
        known = tree["constant_data"].dataset
        tree["constant_data"].dataset = known.merge(self.to_dataset())

    @classmethod
    def from_dataset(
        cls, data: xr.Dataset, levels: Mapping[str, tuple[str, ...]]
    ) -> "LiftCheck | None":
        """Rebuild the result from :meth:`to_dataset`; None if there were no lift tests."""
        if "lift_effect" not in data:
            return None
        columns: dict[str, list[Any]] = {
            name: data[f"lift_{name}"].to_numpy().tolist() for name in COLUMNS
        }
        for name in ("from", "to"):
            pairs = zip(columns["action"], columns[name], strict=True)
            columns[name] = [text if action in levels else float(text) for action, text in pairs]
        labels = pd.Index(data["lift_label"].to_numpy().tolist(), name="row")
        names = ("predicted", "sd", "z", "p_value")
        rows = RowVerdicts(*(data[f"lift_{name}"].to_numpy() for name in names))
        groups: list[GroupVerdict] = []
        if "lift_group_size" in data:
            table = zip(*(data[name].to_numpy().tolist() for name in GROUPS), strict=True)
            groups = [GroupVerdict(*row) for row in table]
        functionals = data["lift_functional"].to_numpy()
        return cls(pd.DataFrame(columns, index=labels), rows, tuple(groups), functionals)

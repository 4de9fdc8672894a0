"""Values that no argument of some kind may take, and the calls that they are put into.

Nothing here is random, so that a case that escapes can be found again by its name.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

import bayes_intgen as ig

NAN, INF = float("nan"), float("inf")
THING = object()
LIST = np.array([1.0, 2.0])


def but(values: tuple[Any, ...], *removed: object) -> tuple[Any, ...]:
    """Return values without some of them: these very objects."""
    return tuple(value for value in values if not any(value is other for other in removed))


# What is no number of any kind, no text, no name, no collection.
NO_NUMBER = ("many", "", None, [], [1], {}, b"1", THING, LIST, 1 + 2j, pd.NaT)
NO_SIZE = (*NO_NUMBER, True, -1, 1.5, 3.0, NAN, INF, np.float64(3), 10**18)
NO_COUNT = (*NO_SIZE, 0)
NO_SEED = (*NO_NUMBER, True, -1, 1.5, NAN, INF)
NO_REAL = (*NO_NUMBER, True, NAN, INF, -INF)
NO_TEXT = (None, 3, 1.5, NAN, True, b"a1", [], ["a1"], {}, THING, LIST)
NO_CHOICE = (*NO_TEXT, "", "another", "NUTS")
NO_SWITCH = (None, 3, 0, "yes", "", NAN, [], [True], {}, THING, LIST)
NESTED = [["a1"]]
NO_NAMES = (3, 1.5, NAN, True, THING, ["a9"], [None], [3], NESTED, [NAN], [b"a1"], [THING])
NO_REGIME = (*NO_NAMES, "", "a9", "a1+a9", "a1+a1", b"a1", LIST, "+")
NO_TABLE = (3, NAN, True, "", [], [1.0], b"a1", THING, LIST, np.zeros((2, 2)), pd.Series([1.0]))
NO_MAPPING = (3, NAN, True, "a1", b"a1", [1.0], LIST, THING)
NO_POINTS = (
    *NO_TABLE,
    None,
    {},
    {"a1": 0.0},
    {"a1": 0.0, "a2": None},
    {"a1": 0.0, "a2": NAN},
    {"a1": 0.0, "a2": [INF]},
    {"a1": 0.0, "a2": "much"},
    {"a1": 0.0, "a2": ["1"]},
    {"a1": 0.0, "a2": b"1"},
    {"a1": 0.0, "a2": 1 + 2j},
    {"a1": 0.0, "a2": {}},
    {"a1": 0.0, "a2": THING},
    {"a1": 0.0, "a2": np.zeros((2, 2))},
    {"a1": [0.0, 0.1], "a2": [0.0, 0.1, 0.2]},
    {"a1": [], "a2": []},
    {"a1": [0.0, [0.1, 0.2]], "a2": 0.0},
    {"a1": 0.0, "a2": pd.NaT},
    {"a1": 0.0, "a2": 1e300},
    {"a1": 0.0, "a2": 10**400},
    pd.DataFrame({"a1": [0.0]}),
    pd.DataFrame({"a1": [0.0], "a2": ["x"]}),
    pd.DataFrame({"a1": [], "a2": []}),
    pd.DataFrame([[0.0, 0.0, 0.0]], columns=["a1", "a2", "a2"]),
    pl.DataFrame({"a1": [0.0], "a2": [None]}),
    pl.DataFrame({"a1": [0.0], "a2": [0.0]}).lazy(),
    pa.table({"a1": [0.0], "a2": ["x"]}),
)
BEYOND = {"beyond": NO_CHOICE}
POINTS = {"a1": [0.0, 0.5], "a2": 0.3}


@dataclass(frozen=True)
class Fixtures:
    """What the calls work on, made once."""

    frame: pd.DataFrame
    data: ig.RegimeData
    moments: ig.Moments
    fit: ig.Posterior
    mixed: ig.Posterior
    scm: Any
    joint: ig.RegimeData
    saved: Path


@dataclass(frozen=True)
class Use:
    """Stands for one of the fixtures among the arguments of a call."""

    name: str


@dataclass(frozen=True)
class Call:
    """A call that is good but for one argument.

    Parameters
    ----------
    name
        How it is written.
    make
        Makes the call, given the fixtures and its arguments.
    good
        The arguments when all is well.
    bad
        For each argument the values that must be refused. The message must name the argument.
    """

    name: str
    make: Callable[..., object]
    good: Mapping[str, Any]
    bad: Mapping[str, tuple[Any, ...]]

    def run(self, fixtures: Fixtures, **changed: Any) -> object:
        """Make the call, with some arguments changed."""
        arguments = {**self.good, **changed}
        for name, value in arguments.items():
            if isinstance(value, Use):
                arguments[name] = getattr(fixtures, value.name)
        return self.make(fixtures, **arguments)


@dataclass(frozen=True)
class Case:
    """One bad input."""

    name: str
    argument: str
    run: Callable[[Fixtures], object]


def cases(table: tuple[Call, ...]) -> Iterator[Case]:
    """List every bad input of a table."""
    for call in table:
        for argument, values in call.bad.items():
            for number, value in enumerate(values):
                name = f"{call.name}: {argument}={describe(value)} ({number})"
                yield Case(name, argument, _one(call, argument, value))


def describe(value: object) -> str:
    """Write a value in one line, without addresses."""
    if value is THING:
        return "object()"
    return " ".join(f"{type(value).__name__} {value!r}".split())[:90]


def _one(call: Call, argument: str, value: Any) -> Callable[[Fixtures], object]:
    return lambda fixtures: call.run(fixtures, **{argument: value})


def method(name: str) -> Callable[..., object]:
    """Call a method of the fit."""
    return lambda f, **arguments: getattr(f.fit, name)(**arguments)


def make(function: Callable[..., object]) -> Callable[..., object]:
    """Call something that needs no fixture."""
    return lambda f, **arguments: function(**arguments)


def changed(column: str, values: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return what replaces a column of a frame."""
    return lambda frame: frame.assign(**{column: values})


def first(column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return what replaces the first value of a column."""
    return lambda frame: frame.assign(**{column: [value, *frame[column].iloc[1:].astype(object)]})


def read_changed(f: Fixtures, **change: Callable[[pd.DataFrame], pd.DataFrame]) -> object:
    """Read a frame of which something was changed; the name says which argument that concerns."""
    *_, alter = change.values()
    return ig.RegimeData.from_frame(alter(f.frame), "y", ["a1", "a2"], "regime", (), ["z"])


LIFT = {"action": "a1", "from": 0.0, "to": 1.0, "effect": 1.0, "se": 0.1, "kind": "direct"}
BAD_COLUMN = (NAN, INF, -INF, None, "x", 1e300, 1 + 2j, THING, [1.0], pd.Timestamp("2020-01-01"))

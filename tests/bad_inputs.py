"""Bad inputs to the whole public interface: a table of calls, arguments and values.

``TABLE`` has a row per call: how it is made when all is well, and for every argument values that it
must refuse. Nothing here is random, so that a case that escapes can be found again by its name.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pymc as pm

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

TABLE = (
    Call(
        "RegimeData.from_frame",
        make(ig.RegimeData.from_frame),
        {"frame": Use("frame"), "outcome": "y", "actions": ["a1", "a2"], "regime": "regime"},
        {
            "frame": (
                *NO_TABLE,
                None,
                {},
                "nowhere.csv",
                Path("nowhere.parquet"),
                Path("."),
                "\0.csv",
                pd.DataFrame({"a1": [1.0], "a2": [1.0], "y": [1.0], "regime": ["obs"]}).iloc[:0],
                pl.DataFrame({"a1": [1.0]}).lazy(),
                pd.DataFrame([[1.0] * 5], columns=["a1", "a2", "a2", "y", "regime"]),
            ),
            "outcome": (*NO_TEXT, "", "a9", "a1", "regime"),
            "actions": (
                *NO_NAMES,
                None,
                "a1",
                b"a1",
                [],
                [""],
                ["a1", "a1"],
                ["a1", "obs"],
                ["a1", "mean"],
                ["a1+a2"],
                LIST,
            ),
            "regime": (*NO_TEXT, "", "a9", "a1", "y"),
            "categorical": (*NO_NAMES, None, "a1", b"a1", ["a1", "a9"], LIST, ["a1"]),
            "covariates": (*NO_NAMES, None, "z", b"z", ["a1"], ["y"], ["z", "z"], LIST),
        },
    ),
    Call(
        "RegimeData.from_frame, cells",
        read_changed,
        {"actions": lambda frame: frame},
        {
            "actions": (
                *(first("a1", value) for value in BAD_COLUMN),
                *(changed("a2", value) for value in (*BAD_COLUMN[:5], 1.0, 1 + 2j)),
                lambda frame: frame.assign(a1=1.0 + 1e-15 * frame["a1"]),
                lambda frame: frame.assign(a1=frame["a1"] * 1e200),
                lambda frame: frame.drop(columns="a1"),
            ),
            "outcome": (
                *(first("y", value) for value in BAD_COLUMN),
                *(changed("y", value) for value in (*BAD_COLUMN[:5], 0.0)),
                lambda frame: frame.drop(columns="y"),
            ),
            "covariates": (
                *(first("z", value) for value in BAD_COLUMN),
                *(changed("z", value) for value in (*BAD_COLUMN[:5], 0.0)),
                lambda frame: frame.drop(columns="z"),
            ),
            "regime": (
                *(first("regime", value) for value in (NAN, None, "", 3, "a9", "a1+a1", [1], True)),
                *(changed("regime", value) for value in (None, 3, 1.5, "a9", THING)),
                lambda frame: frame.drop(columns="regime"),
                lambda frame: frame.iloc[5:].pipe(lambda f: f[f["regime"] != "obs"].head(3)),
            ),
        },
    ),
    Call(
        "RegimeData.drop",
        lambda f, **rest: f.data.drop(**rest),
        {"regimes": "a1"},
        {"regimes": (*but(NO_REGIME, NESTED), None, ["obs", "a1", "a2"], ["obs", "a9"], "a1+a2")},
    ),
    Call(
        "RegimeData.rows",
        lambda f, **rest: f.data.rows(**rest),
        {"regime": "a1"},
        {"regime": (*NO_TEXT, "", "a9", "a1+a2")},
    ),
    Call(
        "HSGP",
        make(ig.HSGP),
        {"m": 10, "m_pair": 5, "c": 1.5},
        {
            "m": NO_COUNT,
            "m_pair": NO_SIZE,
            "c": (*NO_REAL, 1, 0.5, -2.0, 1e300),
        },
    ),
    Call("Polynomial", make(ig.Polynomial), {"degree": 3}, {"degree": (*NO_COUNT, 9)}),
    Call(
        "Categorical",
        make(ig.Categorical),
        {"order": 2},
        {"order": but((*NO_COUNT, 9), None)},
    ),
    Call(
        "LogNormal",
        make(ig.LogNormal),
        {"median": 1.0, "log_sd": 1.0},
        {"median": (*NO_REAL, 0, -1.0), "log_sd": (*NO_REAL, 0, -1.0)},
    ),
    Call(
        "Priors",
        make(ig.Priors),
        {},
        {
            name: (*NO_REAL, 0.0, -1.0, pm.Normal.dist(), pm.HalfNormal.dist(1, shape=2))
            for name in ("sigma", "linear", "wiggly", "level", "pair", "covariate", "higher")
        }
        | {
            "lengthscale": (*NO_REAL, 0.0, -1.0),
            "constant": (*NO_REAL, 0.0, -1.0, ig.LogNormal(1, 1)),
            "tail": (*NO_REAL, 1.0, ig.LogNormal(1, 1)),
            "variance": (*NO_REAL, 1.0),
        },
    ),
    Call(
        "InterventionModel",
        lambda f, **rest: ig.InterventionModel(**rest).fit(f.data, method="laplace"),
        {},
        {
            "basis": (
                *NO_TEXT,
                {"a1": ig.HSGP()},
                {"a1": ig.HSGP(), "a2": 3},
                {"a1": ig.HSGP(), "a2": ig.HSGP(), "a9": ig.HSGP()},
                ig.Categorical(),
                "hsgp",
                ig.HSGP,
            ),
            "structure": (
                None,
                3,
                NAN,
                True,
                b"full",
                THING,
                "another",
                "",
                ["a1"],
                ["a1", "a1"],
                ["a1", "a9"],
                [3, 4],
                [None],
                [("a1", "a9")],
                [("a1", "a2"), ("a2", "a1")],
                [("a1", "a1")],
                [("a1", "a2", "a1")],
                [(1, 2)],
                [(["a1"], "a2")],
                {"a1": "a2"},
                LIST,
                nx.Graph([("a1", "a2")]),
                nx.DiGraph([("a1", "a9")]),
                nx.DiGraph([("a1", "a2"), ("a2", "a1")]),
            ),
            "interactions": NO_CHOICE,
            "blocks": (
                3,
                NAN,
                True,
                THING,
                "a1+a2",
                b"a1",
                LIST,
                [3],
                [None],
                [[]],
                [""],
                ["a9"],
                ["a1+"],
                ["a1", "a1+a2"],
                [["a1", 3]],
                [[["a1"]]],
            ),
            "priors": but((*NO_TEXT, "wide", {}, ig.LogNormal(1, 1)), None),
            "variance": NO_CHOICE,
            "likelihood": NO_CHOICE,
        },
    ),
    Call(
        "InterventionModel.fit",
        make(ig.InterventionModel().fit),
        {"data": Use("data"), "method": "nuts"},
        {
            "data": (*NO_TABLE, None, {}, pd.DataFrame({"a1": [1.0]}), ig.RegimeData),
            "method": NO_CHOICE,
            "draws": NO_COUNT,
            "tune": but(NO_SIZE, None),
            "chains": NO_COUNT,
            "cores": but(NO_COUNT, None),
            "random_seed": (*NO_SEED, 2**40),
            "progressbar": NO_SWITCH,
            "target": NO_REGIME,
            "lifts": (*NO_TABLE, {}, pd.DataFrame({"a1": [1.0]})),
        },
    ),
    Call(
        "InterventionModel.sample_prior",
        make(ig.InterventionModel().sample_prior),
        {"data": Use("data")},
        {"data": NO_TABLE, "draws": NO_COUNT, "random_seed": (*NO_SEED, 2**40)},
    ),
    Call(
        "InterventionModel.build",
        make(ig.InterventionModel().build),
        {"data": Use("data")},
        {"data": NO_TABLE, "lifts": NO_TABLE},
    ),
    Call(
        "InterventionModel.identify",
        make(ig.InterventionModel().identify),
        {"data": Use("data")},
        {"data": NO_TABLE, "target": NO_REGIME, "lifts": NO_TABLE},
    ),
    Call(
        "Posterior.expected_outcome",
        method("expected_outcome"),
        {"at": POINTS},
        {"at": NO_POINTS, "do": NO_REGIME, **BEYOND},
    ),
    Call(
        "Posterior.expected_outcome, mixed",
        lambda f, **rest: f.mixed.expected_outcome(**rest),
        {"at": {"a1": 0.0, "a2": "low", "z": [0.0, 0.1]}},
        {
            "at": (
                {"a1": 0.0, "a2": "x"},
                {"a1": 0.0, "z": 0.0},
                {"a1": 0.0, "a2": "low", "z": NAN},
                {"a1": 0.0, "a2": "low", "z": "much"},
                {"a1": 0.0, "a2": None, "z": 0.0},
                {"a1": 0.0, "a2": 1.5, "z": 0.0},
                {"a1": 0.0, "a2": THING, "z": 0.0},
                {"a1": 0.0, "a2": [["low"]], "z": 0.0},
                {"a1": 0.0, "a2": b"low", "z": 0.0},
                {"a1": 0.0, "a2": {}, "z": 0.0},
                {"a1": 0.0, "a2": "low"},
            )
        },
    ),
    Call(
        "Posterior.predict",
        method("predict"),
        {"at": POINTS},
        {"at": NO_POINTS, "do": NO_REGIME, "random_seed": NO_SEED, **BEYOND},
    ),
    Call(
        "Posterior.contrast",
        method("contrast"),
        {"at": POINTS, "baseline": {"a1": 0.0, "a2": 0.0}},
        {
            "at": NO_POINTS,
            "baseline": (*NO_POINTS, {"a1": [0.0, 0.1, 0.2], "a2": 0.0}),
            "do": NO_REGIME,
            "scale": NO_CHOICE,
            **BEYOND,
        },
    ),
    Call(
        "Posterior.probability",
        method("probability"),
        {"at": POINTS},
        {
            "at": NO_POINTS,
            "baseline": but(NO_POINTS, None),
            "do": NO_REGIME,
            "threshold": NO_REAL,
            "scale": (*NO_CHOICE, "ratio"),
            **BEYOND,
        },
    ),
    Call(
        "Posterior.component",
        method("component"),
        {"action": "a1", "at": [0.0, 0.1]},
        {
            "action": (*NO_TEXT, "", "a9", "a1+a2"),
            "at": (None, "x", NAN, [INF], [], {"a9": 1.0}, {"a1": "x"}, THING, [[0.0]], b"1"),
            "kind": NO_CHOICE,
            **BEYOND,
        },
    ),
    Call(
        "Posterior.table",
        method("table"),
        {"at": POINTS},
        {
            "at": NO_POINTS,
            "do": NO_REGIME,
            "probability": (*NO_REAL, 0, 1, 1.5, -0.5),
            **BEYOND,
        },
    ),
    Call(
        "Posterior.synergy",
        lambda f, **rest: f.mixed.synergy(**rest),
        {"at": {"a1": 0.1, "a2": "low"}, "pair": ("a1", "a2")},
        {
            "at": (*NO_TABLE, None, {}, {"a1": 0.1}, {"a1": NAN, "a2": "low"}),
            "pair": (None, 3, "a1", ["a1"], ["a1", "a1"], ["a1", "a9"], [["a1"], "a2"], NAN, THING),
            "baseline": (*NO_MAPPING, {"z": 1.0}, {"a9": 1.0}, {"a1": NAN}, {"a1": "x"}),
            **BEYOND,
        },
    ),
    Call(
        "Posterior.decomposition",
        method("decomposition"),
        {"at": POINTS},
        {"at": NO_POINTS, **BEYOND},
    ),
    Call(
        "Posterior.dose_response",
        method("dose_response"),
        {"action": "a1"},
        {
            "action": (*NO_TEXT, "", "a9", "a1+a2"),
            "grid": ("x", NAN, [INF], [], {}, THING, [[0.0]], b"1", ["1"], True + 1j, 1e300),
            "at": (*NO_MAPPING, {"a1": 0.0}, {"a2": NAN}, {"a9": 0.0}, {"a2": [0.0, 0.1]}),
            "population": (*NO_TABLE, {}, {"a2": []}, {"a2": ["x"]}, {"a2": NAN}),
            "do": NO_REGIME,
            "weights": ([1.0], NAN, "x", [-1.0], THING),
            **BEYOND,
        },
    ),
    Call(
        "Posterior.dose_response over rows",
        method("dose_response"),
        {"action": "a1", "population": {"a2": [0.0, 0.1]}},
        {
            "weights": (
                [1.0],
                NAN,
                "x",
                [-1.0, 2.0],
                [0.0, 0.0],
                [NAN, 1.0],
                THING,
                {},
                [[1.0, 1.0]],
            )
        },
    ),
    Call(
        "Posterior.average_outcome",
        method("average_outcome"),
        {"population": POINTS},
        {
            "population": NO_POINTS,
            "do": NO_REGIME,
            "setting": (*NO_MAPPING, {"a9": 0.0}, {"a1": NAN}, {"a1": "x"}),
            "shift": (
                *NO_MAPPING,
                {"a9": 0.0},
                {"a1": NAN},
                {"a1": "x"},
                {"a1": None},
                {"a1": THING},
            ),
            "weights": ([1.0], NAN, "x", [-1.0, 2.0], [0.0, 0.0], [NAN, 1.0], THING, {}),
            **BEYOND,
        },
    ),
    Call(
        "Posterior.average_contrast",
        method("average_contrast"),
        {"population": POINTS, "shift": {"a1": 0.1}},
        {
            "population": NO_POINTS,
            "do": NO_REGIME,
            "setting": (*NO_MAPPING, {"a9": 0.0}, {"a2": NAN}, {"a2": "x"}),
            "shift": (*NO_MAPPING, None, {}, {"a9": 0.0}, {"a1": NAN}, {"a1": "x"}),
            "baseline": (*NO_MAPPING, {"a9": 0.0}, {"a1": NAN}, {"a1": "x"}),
            "weights": ([1.0], NAN, "x", [-1.0, 2.0], [0.0, 0.0], [NAN, 1.0], THING, {}),
            **BEYOND,
        },
    ),
    Call(
        "Posterior.best_action",
        method("best_action"),
        {"bounds": {"a1": (0.0, 1.0), "a2": (0.0, 1.0)}, "grid": 3},
        {
            "bounds": (
                *NO_MAPPING,
                {},
                {"a9": (0, 1)},
                {"a1": 3},
                {"a1": "ab"},
                {"a1": (1.0, 0.0)},
                {"a1": (0.0, NAN)},
                {"a1": (0.0, INF)},
                {"a1": (0.0, 1.0, 2.0)},
                {"a1": ("x", 1.0)},
                {"a1": (0.0, 1e300)},
                {"a1": {}},
                {"a1": THING},
            ),
            "budget": (*but(NO_REAL, None), -1e300),
            "cost": (*NO_MAPPING, {"a9": 1.0}, {"a1": NAN}, {"a1": "x"}, {"a1": None}, {"a1": {}}),
            "grid": (
                0,
                -1,
                1.5,
                NAN,
                True,
                "x",
                b"1",
                THING,
                10**12,
                {"a9": 3},
                {"a1": 0},
                {"a1": [9.0]},
                {"a1": [NAN]},
                {"a1": "x"},
                {"a1": [[0.5]]},
                [],
            ),
            "minimize": NO_SWITCH,
            "do": (*NO_REGIME, []),
            "at": (*NO_MAPPING, {"a1": 0.0}, {"a9": 0.0}, {"z": 0.0}),
            **BEYOND,
        },
    ),
    Call(
        "Posterior.save",
        method("save"),
        {"path": "fit.nc"},
        {"path": (None, 3, NAN, True, [], {}, THING, "", "/nowhere/at/all.nc", ".", "\0")},
    ),
    Call(
        "load",
        make(ig.load),
        {"path": Use("saved")},
        {"path": (None, 3, NAN, True, [], {}, THING, "", "nowhere.nc", ".", "\0", b"fit.nc")},
    ),
    Call(
        "identify",
        make(ig.identify),
        {"experiments": ["obs", "a1"], "target": "a1"},
        {
            "experiments": (None, 3, "a1", b"a1", [], [3], [None], [[3]], [""], THING, NAN, [b"a"]),
            "target": (None, 3, "", [3], [None], THING, NAN, b"a1", [["a1"]], LIST, "a1+a1"),
            "blocks": (3, "a1", b"a1", [3], [[]], [""], ["a1", "a1"], ["a9"], THING, NAN),
        },
    ),
    Call(
        "check",
        make(ig.check),
        {"data": Use("data")},
        {
            "data": (*NO_TABLE, None, {}),
            "posterior": NO_TABLE,
            "interactions": NO_CHOICE,
            "blocks": (3, "a1", b"a1", [3], [[]], [""], ["a1", "a1"], ["a9"], THING, NAN),
        },
    ),
    Call(
        "Moments.from_data",
        make(ig.Moments.from_data),
        {"data": Use("data")},
        {
            "data": (*NO_TABLE, None, {}),
            "like": NO_TABLE,
            "basis": (*but(NO_TEXT, None), "hsgp", {"a1": ig.HSGP()}),
        },
    ),
    Call(
        "Moments.merge",
        lambda f, **rest: f.moments.merge(**rest),
        {"other": Use("moments")},
        {"other": (*NO_TABLE, None, {})},
    ),
    *(
        Call(
            ridge.__name__,
            make(ridge),
            {},
            {"degree": (*NO_COUNT, 9), "estimator": NO_CHOICE},
        )
        for ridge in (ig.RidgeEstimator, ig.PooledRidge, ig.ObservationalRidge, ig.JointRidge)
    ),
    *(
        Call(
            f"{ridge.__name__}.fit",
            make(ridge().fit),
            {"data": Use("joint")},
            {"data": (*NO_TABLE, None, {})},
        )
        for ridge in (ig.RidgeEstimator, ig.PooledRidge, ig.ObservationalRidge, ig.JointRidge)
    ),
    Call(
        "RidgeEstimator.fit",
        lambda f, **rest: ig.RidgeEstimator().fit(f.data, **rest),
        {},
        {"target": NO_REGIME},
    ),
    Call(
        "RidgeEstimator.expected_outcome",
        lambda f, **rest: ig.RidgeEstimator().fit(f.data).expected_outcome(**rest),
        {"at": POINTS},
        {"at": NO_POINTS, "do": NO_REGIME},
    ),
    Call(
        "LiftTests.from_frame",
        lambda f, frame=None, others=None, **row: ig.LiftTests.from_frame(
            pd.DataFrame({name: [value] for name, value in {**LIFT, **row}.items()})
            if frame is None
            else frame,
            others,
        ),
        {},
        {
            "frame": (*NO_TABLE, {}, "nowhere.csv", pd.DataFrame({"action": ["a1"]})),
            "effect": ("many", None, NAN, INF, [1.0], THING, b"1"),
            "kind": (3, "another", True, [1], THING, b"total"),
            "others": (3, NAN, "", "nowhere.csv", [], [1, 2, 3], THING, b"1", LIST),
        },
    ),
    Call(
        "InterventionModel.fit, lifts",
        lambda f, lifts: ig.InterventionModel().fit(
            f.data,
            lifts=ig.LiftTests.from_frame(
                pd.DataFrame({name: [value] for name, value in {**LIFT, **lifts}.items()})
            ),
        ),
        {"lifts": {}},
        {
            "lifts": tuple(
                {column: value}
                for column, values in {
                    "action": ("a9", None, 3, "", "a1+a2"),
                    "from": ("x", None, NAN, INF, 1.0, [1.0], THING),
                    "to": ("x", None, NAN, INF, 0.0, [1.0], THING),
                    "se": ("x", None, NAN, INF, 0.0, -1.0, [1.0], THING, 1e-300),
                }.items()
                for value in values
            )
        },
    ),
    Call(
        "sample_polynomial_scm",
        make(ig.scm.sample_polynomial_scm),
        {"n_actions": 2, "random_seed": 1},
        {
            "n_actions": NO_COUNT,
            "random_seed": NO_SEED,
            "edge_probability": (*NO_REAL, -0.1, 1.1),
            "interactions": (*NO_REAL, -0.1),
        },
    ),
    Call(
        "sample_linear_scm",
        make(ig.scm.sample_linear_scm),
        {"n_actions": 2, "random_seed": 1},
        {"n_actions": NO_COUNT, "random_seed": NO_SEED, "edge_probability": (*NO_REAL, -0.1)},
    ),
    Call(
        "sample_common_support_scm",
        make(ig.scm.sample_common_support_scm),
        {"n_actions": 2, "random_seed": 1},
        {"n_actions": NO_COUNT, "random_seed": NO_SEED, "edge_probability": (*NO_REAL, -0.1)},
    ),
    Call(
        "scm.sample",
        lambda f, **rest: f.scm.sample(**rest),
        {"n": 10, "random_seed": 1},
        {"n": NO_COUNT, "do": NO_REGIME, "random_seed": NO_SEED},
    ),
    Call(
        "scm.sample_regimes",
        lambda f, **rest: f.scm.sample_regimes(**rest),
        {"regimes": ["obs"], "n": 10, "random_seed": 1},
        {
            "regimes": (None, 3, "a1", b"a1", [], [3], [None], ["a9"], THING, NAN, [b"a1"]),
            "n": NO_COUNT,
            "random_seed": NO_SEED,
        },
    ),
    Call(
        "scm.expected_outcome",
        lambda f, **rest: f.scm.expected_outcome(**rest),
        {"at": POINTS},
        {"at": NO_POINTS, "do": NO_REGIME},
    ),
)

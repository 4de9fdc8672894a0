"""Bad inputs to estimators, checks, moments, lift tests and simulators: a row per call."""

import pandas as pd

import bayes_intgen as ig
from tests.cases.bad_values import (
    INF,
    LIFT,
    LIST,
    NAN,
    NO_CHOICE,
    NO_COUNT,
    NO_POINTS,
    NO_REAL,
    NO_REGIME,
    NO_SEED,
    NO_TABLE,
    NO_TEXT,
    POINTS,
    THING,
    Call,
    Use,
    but,
    make,
)

OTHERS = (
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

"""Small fits of each kind that a page must be able to show."""

import numpy as np
import pandas as pd

import bayes_intgen as ig

HOSTILE = "<script>alert('a')</script>"
CHANNEL = '=ch"an,nel'
ROWS = 300


def _fit(frame, outcome, actions, model, lifts=None, categorical=(), covariates=(), target=None):
    data = ig.RegimeData.from_frame(
        frame,
        outcome=outcome,
        actions=actions,
        regime="regime",
        categorical=categorical,
        covariates=covariates,
    )
    options = {"method": "laplace", "draws": 300, "random_seed": 1, "progressbar": False}
    return model.fit(data, lifts=lifts, target=target, **options)


def fit_mixed():
    """Few levels, a number and text, hostile names, products of two, and an outcome of 0 and 1."""
    rng = np.random.default_rng(1)
    parts = []
    for regime in ("obs", "dose", HOSTILE, CHANNEL):
        c = rng.normal(size=(ROWS, 3))
        dose = np.clip(np.rint(1.5 + c[:, 0]), 0, 3)
        x = 5 + c[:, 1] + rng.normal(size=ROWS)
        level = np.where(c[:, 2] > 0.3, "web", "</script>")
        if regime == "dose":
            dose = rng.integers(0, 4, ROWS).astype(float)
        if regime == HOSTILE:
            x = rng.uniform(1, 9, ROWS)
        if regime == CHANNEL:
            level = rng.choice(["web", "</script>", "mail"], ROWS)
        mean = 0.05 + 0.1 * dose + 0.02 * x + 0.02 * dose * (x - 5) + 0.1 * (level == "web")
        y = (rng.uniform(size=ROWS) < np.clip(mean + 0.05 * np.tanh(c[:, 0]), 0, 1)).astype(float)
        columns = {"dose": dose, HOSTILE: x, CHANNEL: level, "y": y, "regime": regime}
        parts.append(pd.DataFrame(columns))
    model = ig.InterventionModel(basis=ig.HSGP(m=5, m_pair=2, warp=0), interactions="pairwise")
    actions = ["dose", HOSTILE, CHANNEL]
    return _fit(pd.concat(parts), "y", actions, model, categorical=[CHANNEL])


def fit_blocks():
    """A block of two, an arm that sets everything, a covariate, and a misfit."""
    rng = np.random.default_rng(2)
    parts = []
    for regime in ("obs", "a+b", "c", "a+b+c"):
        z, shared, own = rng.normal(size=(3, ROWS))
        a, b, c = (
            value + 0.3 * z + rng.normal(size=ROWS) for value in (shared, -0.5 * shared, 0.8 * own)
        )
        if "a" in regime:
            a, b = (0.5 if "c" in regime else 1.0) * rng.normal(size=(2, ROWS))
        if "c" in regime:
            c = rng.choice([-2.0, 2.0], ROWS) + 0.2 * rng.normal(size=ROWS)
        y = a - b + a * b + 2 * np.sin(2 * c) + shared + own + z + rng.normal(size=ROWS)
        parts.append(pd.DataFrame({"a": a, "b": b, "c": c, "z": z, "y": y, "regime": regime}))
    model = ig.InterventionModel(
        basis=ig.Polynomial(degree=2), blocks=["a+b", "c"], interactions="none", structure=[]
    )
    return _fit(pd.concat(parts), "y", ["a", "b", "c"], model, covariates=["z"])


def _two_actions():
    rng = np.random.default_rng(3)
    parts = []
    for regime in ("obs", "a"):
        c = rng.normal(size=(2, ROWS))
        a = rng.normal(size=ROWS) if regime == "a" else c[0] + rng.normal(size=ROWS)
        b = c[1] + rng.normal(size=ROWS)
        y = np.sin(a) + b + c[0] + 2 * c[1] + rng.normal(size=ROWS)
        parts.append(pd.DataFrame({"a": a, "b": b, "y": y, "regime": regime}))
    return pd.concat(parts)


def fit_lifts():
    """Lift tests in place of an experiment, so that contrasts only are identified."""
    tests = {
        "action": "b",
        "from": [-1.5, -0.5, 0.5],
        "to": [-0.5, 0.5, 1.5],
        "effect": [1.0, 1.1, 0.9],
        "standard_error": 0.1,
    }
    lifts = ig.LiftTests.from_frame(pd.DataFrame(tests))
    model = ig.InterventionModel(basis=ig.HSGP(m=5, m_pair=2, warp=0), structure=[])
    return _fit(_two_actions(), "y", ["a", "b"], model, lifts)


def fit_target():
    """One experiment of two, so that the effect of the other action is not identified."""
    model = ig.InterventionModel(basis=ig.Polynomial(degree=2), structure=[], interactions="none")
    return _fit(_two_actions(), "y", ["a", "b"], model, target=["a"])

"""The support flags of fits with lift tests and covariates, on summaries from rows."""


import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.summary import RegimeSummary, Summary
from bayes_intgen.support import OUTSIDE, SUPPORTED, classify_support


def summarise(n_actions, n_covariates=1, tested=None, regimes=None):
    """Rows uniform on (-1, 1), on (-2, 2) for an action that is set."""
    actions = tuple(f"a{k + 1}" for k in range(n_actions))
    rng = np.random.default_rng(1)
    parts = {}
    for regime in [(), *((action,) for action in actions)] if regimes is None else regimes:
        rows = rng.uniform(-1, 1, size=(500, n_actions + n_covariates + 1))
        for action in regime:
            rows[:, actions.index(action)] *= 2
        parts[regime] = RegimeSummary.from_rows(rows)
    covariates = tuple(f"z{k + 1}" for k in range(n_covariates))
    return Summary(actions, "y", parts, covariates=covariates, tested=tested or {})


def flags(points, summary, do=None):
    do = summary.actions if do is None else do
    parents = dict.fromkeys(summary.actions, ())
    return classify_support(np.array(points, dtype=float), do, summary, parents).tolist()


@pytest.mark.parametrize("n_actions", [1, 3])
def test_covariates_stand_beside_actions(n_actions):
    """Each variable is held against its own range, whatever the numbers of both."""
    rest = [0.0] * (n_actions - 1)
    points = [[0.0, *rest, 0.0], [1.5, *rest, 0.5], [2.5, *rest, 0.0], [0.0, *rest, 1.5]]
    for tested in ({}, {"a1": (-0.5, 0.5)}):  # what was tested of an action frees no covariate
        found = flags(points, summarise(n_actions, tested=tested))
        assert found == [SUPPORTED, SUPPORTED, OUTSIDE, OUTSIDE]


@pytest.mark.parametrize("lifted", [False, True])
def test_fits_with_covariates_answer(lifted):
    rng = np.random.default_rng(2)
    tables = []
    for regime in ("obs", "a1", "a2"):
        z = rng.uniform(-1, 1, 300)
        a1, a2 = rng.normal(size=(2, 300)) + z
        y = a1 - a2 + z + 0.3 * rng.normal(size=300)
        columns = {"a1": a1, "a2": a2, "z": z, "y": y}
        tables.append(pd.DataFrame(columns).assign(regime=regime))
    data = ig.RegimeData.from_frame(pd.concat(tables), "y", ["a1", "a2"], covariates=["z"])
    move = {"action": ["a1"], "from": [0.0], "to": [1.0], "effect": [1.0], "se": [0.2], "z": [0.0]}
    lifts = ig.LiftTests.from_frame(pd.DataFrame(move)) if lifted else None
    model = ig.InterventionModel(ig.Polynomial(1), structure=["a1", "a2"])
    posterior = model.fit(data, method="laplace", draws=20, lifts=lifts)
    found = posterior.expected_outcome({"a1": 0.5, "a2": 0.0, "z": [0.0, 3.0]})["support"]
    assert found.to_numpy().tolist() == [SUPPORTED, OUTSIDE]

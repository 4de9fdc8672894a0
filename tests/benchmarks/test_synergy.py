"""Synergy against a regression on joint rows, and the time that the best action takes.

``uv run pytest tests/benchmarks/test_synergy.py --benchmark-enable --benchmark-only -s``
"""

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.base.metrics import coverage, rmse
from tests.cases.synergy_study import known_product, study

pytestmark = pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")


def drawn(seed):
    return ig.scm.sample_polynomial_scm(3, random_seed=seed, interactions=1.0)


@pytest.mark.parametrize("systems", ["fifty systems", "one system"])
def test_synergy_is_recovered(benchmark, systems):
    """Fifty data sets of 2 x 10^4 rows per regime; settings of every pair."""

    def run():
        made = drawn if systems == "fifty systems" else lambda seed: known_product(0.1)
        return pd.concat([study(made(seed), 20_000, seed) for seed in range(1, 51)])

    found = benchmark.pedantic(run, rounds=1)
    share = coverage(found["lower"], found["upper"], found["truth"])
    error, joint = (rmse(found[name], found["truth"]) for name in ("mean", "joint"))
    total = rmse(found["joint_of_all"], found["truth"])
    print(
        f"\n{systems}: coverage {share:.3f}; error {error:.5f}, {error / joint:.2f} times that of "
        f"a quadratic regression on 2 x 10^4 joint rows, {error / total:.2f} times that on as many "
        f"joint rows as all regimes have (8 x 10^4)"
    )
    inside = (found["lower"] <= found["truth"]) & (found["truth"] <= found["upper"])
    print(inside.groupby(found["pair"]).mean())
    assert 0.86 <= share <= (0.96 if systems == "fifty systems" else 0.99)  # two of three are zero
    assert error <= 1.5 * joint


@pytest.mark.parametrize("budget", [None, "step", "no step"])
def test_best_of_five_actions_takes_seconds(benchmark, budget):
    """4000 draws, 41 points per action: 10^8 settings, with and without a common step of cost."""
    scm = ig.scm.sample_polynomial_scm(5, random_seed=2)
    frame = scm.sample_regimes(scm.single_regimes, 2000, random_seed=2)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    fit = ig.InterventionModel().fit(data, method="laplace", draws=4000)
    middle = {action: fit.summary.scales[action].centre for action in scm.actions}
    bounds = {action: (value - 0.2, value + 0.2) for action, value in middle.items()}
    limit = None if budget is None else sum(middle.values()) - 0.3
    wide = None if budget == "no step" else bounds
    found = benchmark.pedantic(lambda: fit.best_action(wide, limit), rounds=1)
    print(f"\n{found}")
    assert limit is None or found.cost <= limit + 1e-9
    assert np.all(found.draws["regret"] >= 0)

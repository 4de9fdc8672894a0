"""Plans of experiments against refits to rows of the truth, and how long a plan takes.

``uv run pytest tests/benchmarks/test_plans.py --benchmark-enable --benchmark-only -s``
"""

import time

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from tests.cases.plan_study import errors_of_allocations, fit, moves, spread_ratios

pytestmark = pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")


def test_the_sd_that_a_plan_promises_is_that_of_a_refit(benchmark):
    found = benchmark.pedantic(lambda: [spread_ratios(i) for i in range(60)], rounds=1)
    table = pd.DataFrame(found)
    print(f"\n{table.groupby('kind')[['contrasts', 'levels']].describe().T}")
    for kind in ("contrasts", "levels"):
        assert 0.9 <= table[kind].mean() <= 1.1
        assert table[kind].between(0.75, 1.3).mean() >= 0.9


@pytest.mark.parametrize(("uneven", "most"), [(True, 0.85), (False, 1.03)])
def test_the_optimal_split_against_equal_rows_at_equal_cost(benchmark, uneven, most):
    found = benchmark.pedantic(
        lambda: np.array([errors_of_allocations(i, uneven) for i in range(40)]), rounds=1
    )
    planned, equal = found.mean(axis=0)
    print(f"\nerror {planned:.4f}, with equal rows {equal:.4f}: {planned / equal:.2f}")
    assert planned <= most * equal


def test_a_plan_for_five_actions_takes_seconds(benchmark):
    scm = ig.scm.sample_polynomial_scm(5, random_seed=1)
    frame = scm.sample_regimes(scm.single_regimes, n=2000, random_seed=2)
    posterior = fit(frame, list(scm.actions), draws=4000)
    at, baseline = moves(frame, list(scm.actions))
    options = list(scm.actions)

    def plan():
        start = time.process_time()
        posterior.plan(at, baseline, options, rows=5000, beyond="clamp")
        return time.process_time() - start

    seconds = benchmark.pedantic(plan, rounds=1)
    print(f"\n{seconds:.1f} s of CPU time")
    assert seconds <= 10

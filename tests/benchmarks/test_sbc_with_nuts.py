"""Simulation-based calibration of hyperparameters and E[Y | do(a)], with NUTS.

``uv run pytest tests/benchmarks/test_sbc_with_nuts.py --benchmark-enable --benchmark-only``
"""

import pytest

import bayes_intgen as ig
from tests.cases.simulated_calibration import LibrarySBC, make_rows, uniformity

BASES = {"quadratic": ig.Polynomial(2), "smooth": ig.HSGP(m=4, m_pair=2, warp=0)}


@pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")
@pytest.mark.parametrize("basis", BASES.values(), ids=BASES)
def test_ranks_are_uniform(benchmark, basis):
    model = ig.InterventionModel(basis, [("a1", "a2")])
    study = LibrarySBC(model, make_rows(40, seed=1), "nuts", num_simulations=200, seed=5)
    benchmark.pedantic(study.run_simulations, rounds=1)
    found = uniformity(study)
    least = min(found, key=found.get)
    print(f"\n{len(found)} quantities, least p-value {found[least]:.3g} ({least})")
    assert found[least] > 0.01 / len(found)

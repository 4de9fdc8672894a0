"""Errors of all mixed effects and of blocks over many systems, at 20,000 rows per regime.

``uv run pytest tests/benchmarks/test_effect_errors.py --benchmark-enable --benchmark-only -s``
"""

import numpy as np
import pytest

import bayes_intgen as ig
from tests.cases.effect_errors import (
    error_of_a_block,
    error_of_random_blocks,
    errors_of_three,
    errors_of_two,
)

pytestmark = pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")


@pytest.mark.parametrize("errors_of", [errors_of_two, errors_of_three])
def test_mixed_effects_of_linear_chains(benchmark, errors_of):
    found = benchmark.pedantic(lambda: [errors_of(seed) for seed in range(10)], rounds=1)
    table = np.array([list(errors.values()) for errors in found])  # systems, sets, error and cover
    worst = table[:, :, 0].max(axis=1)
    print(f"\nrmse of each set (mean of 10): {table[:, :, 0].mean(axis=0).round(4)}")
    print(f"largest in each system: {worst.round(4)}; coverage {table[:, :, 1].mean():.3f}")
    assert (table[:, :, 0].mean(axis=0) <= 0.03).all()


def test_joint_effect_of_the_block_of_the_models(benchmark):
    found = np.array(
        benchmark.pedantic(lambda: [error_of_a_block(seed) for seed in range(20)], rounds=1)
    )
    print(f"\nrmse mean {found[:, 0].mean():.4f}, largest {found[:, 0].max():.4f}, ", end="")
    print(f"coverage {found[:, 1].mean():.3f}")
    assert found[:, 0].mean() <= 0.08
    assert 0.83 <= found[:, 1].mean() <= 0.97


@pytest.mark.parametrize("basis", [ig.HSGP(), ig.Polynomial(3)], ids=["hsgp", "cubic"])
def test_joint_effect_of_random_blocks(benchmark, basis):
    found = np.array(
        benchmark.pedantic(
            lambda: [error_of_random_blocks(seed, basis) for seed in range(20)], rounds=1
        )
    )
    print(f"\nrmse mean {found[:, 0].mean():.4f}, largest {found[:, 0].max():.4f}, ", end="")
    print(f"coverage {found[:, 1].mean():.3f}")
    assert found[:, 0].max() <= 0.08
    assert 0.82 <= found[:, 1].mean() <= 0.97

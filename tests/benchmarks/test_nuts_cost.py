"""Seconds and effective draws of NUTS through the approximation by blocks, against exact NUTS.

``uv run pytest tests/benchmarks/test_nuts_cost.py --benchmark-enable --benchmark-only -s`` prints
them for systems of five actions with ever more learned edges, 10^4 rows per regime: 4 chains of
1000 draws with their weights, on the cores that this process may use. The larger ones take minutes.
"""

import time

import pytest

import bayes_intgen as ig
from bayes_intgen.base.parallel import available_cores
from bayes_intgen.inference import nuts
from bayes_intgen.inference.draws_tree import build_tree, label_draws
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.options import Sampling
from bayes_intgen.inference.verdicts.convergence import check_nuts

SEEDS = (3, 6, 19, 0, 16, 1)  # of systems, by increasing number of weights


def sample(problem, mode):
    """Return hyperparameters with weights given them, and the verdict."""
    draws = nuts.sample_nuts(problem, mode, Sampling("nuts", cores=available_cores()))
    build_tree(problem, draws, random_seed=1)
    return draws, check_nuts(label_draws(problem, draws.x), draws.sample_stats)


@pytest.mark.parametrize("seed", SEEDS)
def test_blocks_take_less_time_and_converge(seed, benchmark, monkeypatch):
    scm = ig.scm.sample_polynomial_scm(5, random_seed=seed)
    frame = scm.sample_regimes(scm.single_regimes, 10_000, random_seed=seed + 1)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    problem = ig.InterventionModel()._prepare(data).problem
    mode = find_mode(problem)
    draws, verdict = benchmark.pedantic(sample, (problem, mode), rounds=1)
    assert "importance_efficiency" in draws.sample_stats
    monkeypatch.setattr(nuts, "block_density", lambda *parts: None)
    monkeypatch.setattr(nuts, "TRANSITIONS", 1)  # as many as where the approximation does not do
    seconds, start = benchmark.stats.stats.total, time.perf_counter()
    _, exact = sample(problem, mode)
    ratio = seconds / (time.perf_counter() - start)
    stats = draws.sample_stats
    worth, pareto_k = (float(stats[name].min()) for name in ("importance_efficiency", "pareto_k"))
    print(
        f"\nsystem {seed}: {len(problem.design.weights)} weights, {len(mode.mode)} "
        f"hyperparameters, {seconds:.0f} s, {ratio:.2f} times that of exact NUTS; "
        f"{float(stats['n_steps'].mean()):.1f} gradients a draw; weighted draws are worth "
        f"{worth:.2f} or more in each chain, Pareto k {pareto_k:.2f}; "
        f"{verdict}; exact {exact}"
    )
    assert verdict.ok
    assert ratio <= 0.6

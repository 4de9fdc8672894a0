"""Gradients, effective draws and seconds of NUTS, by number of weights.

``uv run pytest tests/benchmarks/test_nuts_cost.py --benchmark-enable --benchmark-only -s`` prints
them for systems of five actions with ever more learned edges, 10^4 rows per regime, with and
without a warped coordinate: 4 chains of 1000 draws, on the cores that this process may use. The
larger ones take many minutes.
"""

import time

import pytest

import bayes_intgen as ig
from bayes_intgen.base.parallel import available_cores
from bayes_intgen.inference.draws_tree import build_tree, label_draws
from bayes_intgen.inference.laplace import find_mode
from bayes_intgen.inference.sampling import Sampling, sample_nuts
from bayes_intgen.inference.verdicts.convergence import check_nuts

SEEDS = (3, 6, 19, 0, 16, 1)  # of systems, by increasing number of weights
BASES = {"raw": ig.HSGP(warp=0), "warped": ig.HSGP()}


@pytest.mark.parametrize("basis", BASES.values(), ids=BASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_gradients_and_seconds(seed, basis, benchmark):
    scm = ig.scm.sample_polynomial_scm(5, random_seed=seed)
    frame = scm.sample_regimes(scm.single_regimes, 10_000, random_seed=seed + 1)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    problem = ig.InterventionModel(basis)._prepare(data).problem
    mode = find_mode(problem)
    options = Sampling("nuts", cores=available_cores())
    draws = benchmark.pedantic(sample_nuts, (problem, mode, options), rounds=1)
    seconds, start = benchmark.stats.stats.total, time.perf_counter()
    build_tree(problem, draws, random_seed=1)
    weights = time.perf_counter() - start
    verdict = check_nuts(label_draws(problem, draws.x), draws.sample_stats)
    gradients = float(draws.sample_stats["n_steps"].mean())
    total = draws.sample_stats["n_steps"].size * gradients
    print(
        f"\nsystem {seed}: {len(problem.design.weights)} weights, {len(mode.mode)} "
        f"hyperparameters; {gradients:.1f} gradients a draw, {1000 * verdict.ess / total:.0f} "
        f"effective draws per 1000 gradients; {verdict}; {seconds:.0f} s for the hyperparameters, "
        f"{weights:.0f} s for the weights"
    )
    assert verdict.r_hat <= 1.01
    assert verdict.ess >= 400

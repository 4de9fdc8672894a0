"""What a fit costs, at the size of the paper's experiments: ``uv run pytest tests/benchmarks``
with ``--benchmark-enable --benchmark-only -s`` prints the figures.

Times are given as ratios within one run.
"""

import time

import pytest

import bayes_intgen as ig


def make(n):
    scm = ig.scm.sample_polynomial_scm(5, random_seed=3)
    frame = scm.sample_regimes(scm.single_regimes, n, random_seed=4)
    return ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)


@pytest.mark.parametrize(
    "model",
    [ig.InterventionModel(), ig.InterventionModel(ig.Polynomial(3), "full", variance="constant")],
    ids=["default", "cubic-full"],
)
def test_nuts_at_the_size_of_the_paper(benchmark, model):
    """K=5, 10^4 rows per regime: 4 chains of 1000 draws."""
    data = make(10_000)
    posterior = benchmark.pedantic(lambda: model.fit(data, progressbar=False), rounds=1)
    verdict = posterior.convergence
    scales, weights = posterior.design.groups, posterior.design.weights
    seconds = benchmark.stats.stats.total
    print(f"\n{verdict}; {len(scales)} scales, {len(weights)} weights; {seconds:.0f} s")
    assert verdict.ok


@pytest.mark.parametrize("method", ["laplace", "nuts"])
def test_cost_does_not_grow_with_the_rows(benchmark, method):
    """From moments: the time at 10^5 rows per regime over that at 10^3."""
    model = ig.InterventionModel(structure=[])
    times = {}
    for n in (1000, 100_000):
        moments = ig.Moments.from_data(make(n))
        model.fit(moments, method="laplace")
        start = time.perf_counter()
        model.fit(moments, method=method, progressbar=False)
        times[n] = time.perf_counter() - start
    benchmark.pedantic(lambda: None, rounds=1)
    ratio = times[100_000] / times[1000]
    print(f"\n{method}: {ratio:.2f} times the time at 100 times the rows")
    assert ratio < 3

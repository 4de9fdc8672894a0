"""A thousand outcomes: time, memory, equality with single fits, and false discoveries of real fits.

``uv run pytest tests/benchmarks/test_many_outcomes.py --benchmark-enable --benchmark-only -s``
"""

import resource
import time

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from tests.cases.outcome_screen import ACTIONS, sample_screen

pytestmark = pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")
AT, BASE = dict.fromkeys(ACTIONS, 0.5), dict.fromkeys(ACTIONS, -0.5)


@pytest.mark.parametrize("outcomes", [20, 1000])
def test_time_and_memory_of_many_fits(benchmark, tmp_path, outcomes):
    """The default model, 3000 rows in each of four regimes; every hundredth fit compared."""
    table, _ = sample_screen(outcomes, 3000, outcomes // 20, seed=1)
    many = ig.RegimeData.from_frame(table, ["y*"], ACTIONS)

    fits = benchmark.pedantic(lambda: ig.fit_outcomes(many, out=tmp_path), rounds=1)
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, peak = workers.ru_utime + workers.ru_stime, workers.ru_maxrss / 2**20
    start = time.perf_counter()
    answers = fits.contrast(AT, BASE)
    asked = time.perf_counter() - start
    print(
        f"\n{outcomes} outcomes: {benchmark.stats['mean']:.0f} s, CPU {cpu / outcomes:.2f} s each, "
        f"peak {peak:.2f} GiB per process; a question of all takes {asked:.1f} s"
    )
    for name in many.names[::100]:
        alone = ig.InterventionModel().fit(many[name], method="laplace", progressbar=False)
        own = alone.contrast(AT, BASE).to_numpy()
        assert_allclose(answers.sel(outcome=name).to_numpy(), own, rtol=1e-8)
    if outcomes == 1000:
        assert benchmark.stats["mean"] <= 120
        assert peak * 3 <= 3  # two workers and the study itself


@pytest.mark.parametrize(("rows", "share"), [(3000, 0.9), (500, 0.5)])
def test_false_discoveries_of_real_fits(benchmark, tmp_path, rows, share):
    """A thousand outcomes of which 50 respond, with polynomials, 20 repetitions.

    With 500 rows per regime most effects are below three standard errors, and the best threshold
    is one that chance has favoured: even errors that are known exactly would find .85 of it.
    """
    model = ig.InterventionModel(ig.Polynomial(2), interactions="none")

    def run():
        found = []
        for seed in range(20):
            table, slopes = sample_screen(1000, rows, 50, seed)
            many = ig.RegimeData.from_frame(table, ["y*"], ACTIONS)
            fits = ig.fit_outcomes(many, model, out=tmp_path / str(seed), progressbar=False)
            chosen = fits.discoveries(0.1, AT, BASE).loc[list(many.names)]
            truth = slopes.sum(axis=1)
            wrong = np.sign(truth) != np.sign(chosen["mean"].to_numpy())
            order = np.argsort(-np.abs(chosen["mean"] / chosen["sd"]).to_numpy())
            false = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
            most = int(np.flatnonzero(false <= 0.1).max(initial=-1)) + 1
            own = chosen["discovery"].to_numpy()
            best = (~wrong[order][:most]).sum()
            found.append((wrong[own].mean() if own.any() else 0.0, (own & ~wrong).sum(), best))
        return np.array(found)

    rate, power, best = benchmark.pedantic(run, rounds=1).mean(axis=0)
    print(f"\nfalse discovery rate {rate:.3f}, found {power:.1f}; best threshold {best:.1f}")
    assert rate <= 0.1
    assert power >= share * best

"""What covariates cost where they do nothing, and how well they are used where they matter.

``uv run pytest tests/benchmarks/test_covariates.py --benchmark-enable --benchmark-only -s``
"""

import time

import numpy as np
import pytest

import bayes_intgen as ig
from bayes_intgen.base.metrics import coverage, rmse
from tests.cases import covariate_system

pytestmark = pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")


def judge(frame, actions, points, truth, covariates, categorical=()):
    """Fit and return error, coverage of the 90% intervals, weights and seconds."""
    data = ig.RegimeData.from_frame(
        frame, "y", list(actions), categorical=categorical, covariates=covariates
    )
    start = time.perf_counter()
    posterior = ig.InterventionModel().fit(data, method="laplace")
    seconds = time.perf_counter() - start
    table = posterior.table(points, beyond="clamp")
    covered = coverage(table["lower"], table["upper"], truth)
    return rmse(table["mean"], truth), covered, len(posterior.design.weights), seconds


def without_and_with(seed, n_actions=3, n=5000):
    """Fit a system of the paper without and with two columns of noise as covariates."""
    scm = ig.scm.sample_polynomial_scm(n_actions, random_seed=seed)
    frame = scm.sample_regimes(scm.single_regimes, n, random_seed=seed)
    points = scm.sample(300, do=scm.actions, random_seed=seed + 1)[list(scm.actions)]
    truth = scm.expected_outcome(points).to_numpy()
    rng = np.random.default_rng(900 + seed)
    for table in (frame, points):
        table["z1"] = rng.normal(size=len(table))
        table["z2"] = rng.uniform(-1, 1, size=len(table))
    return [judge(frame, scm.actions, points, truth, names) for names in ([], ["z1", "z2"])]


def test_two_covariates_that_do_nothing(benchmark):
    """Twelve systems of three actions, 5000 rows per regime."""
    found = benchmark.pedantic(lambda: [without_and_with(s) for s in range(1, 13)], rounds=1)
    table = np.array(found)  # systems, without and with, figures
    error, covered, weights, seconds = table.mean(axis=0).T
    ratios = table[:, 1, 0] / table[:, 0, 0]
    print(f"\nerror {error}, ratio of means {error[1] / error[0]:.3f}, of each {ratios.round(2)}")
    print(f"coverage {covered}, weights {weights}, seconds {seconds}")
    assert error[1] < 1.2 * error[0]
    assert np.median(ratios) < 1.15


def test_covariates_that_matter(benchmark):
    """The system of tests/cases/covariate_system.py, 2000 rows per regime, 20 data sets."""

    def run(seed):
        frame = covariate_system.make_data(2000, seed)
        points = covariate_system.draw_points(300, 100 + seed)
        truth = covariate_system.truth(**points)
        actions = ["a1", "a2"]
        without = judge(frame, actions, points, truth, [])
        return without, judge(frame, actions, points, truth, ["z", "site"], ["site"])

    found = np.array(benchmark.pedantic(lambda: [run(seed) for seed in range(20)], rounds=1))
    (naive, _, _, _), (error, covered, weights, seconds) = found.mean(axis=0)
    print(f"\nerror {naive:.3f} without, {error:.3f} with; coverage {covered:.3f}")
    print(f"{weights:.0f} weights, {seconds:.1f} s")
    assert error < 0.2 * naive
    assert covered > 0.84

"""The figures of the README: error to the true joint effect, and coverage of the 90% intervals.

``uv run pytest tests/benchmarks/test_accuracy.py --benchmark-enable --benchmark-only -s``
"""

import numpy as np

import bayes_intgen as ig
from bayes_intgen.basis import FeatureMap, freeze_bases
from bayes_intgen.metrics import coverage, rmse
from models import polynomial


def fit(frame, actions):
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=actions)
    return data, ig.InterventionModel().fit(data, method="laplace")


def cubic_regression(posterior, rows, points):
    """Least squares on rows of actions and outcome, as a cubic of the actions."""
    bases = freeze_bases(ig.Polynomial(3), posterior.actions, posterior.summary)
    features = FeatureMap.within(bases, [posterior.actions])
    coefficients = np.linalg.lstsq(features.evaluate(rows[:, :-1]), rows[:, -1], rcond=None)[0]
    return features.evaluate(points) @ coefficients


def one_system(seed):
    scm = ig.scm.sample_polynomial_scm(3, random_seed=seed)
    frame = scm.sample_regimes(scm.single_regimes, 5000, random_seed=seed)
    data, posterior = fit(frame, scm.actions)
    points = scm.sample(500, do=scm.actions, random_seed=seed + 1)[list(scm.actions)]
    table, truth = posterior.table(points, beyond="clamp"), scm.expected_outcome(points).to_numpy()
    naive = cubic_regression(posterior, data.rows("obs"), points.to_numpy())
    covered = coverage(table["lower"], table["upper"], truth)
    return rmse(table["mean"], truth), rmse(naive, truth), covered


def test_forty_systems_like_that_of_the_demo(benchmark):
    found = benchmark.pedantic(lambda: [one_system(seed) for seed in range(1, 41)], rounds=1)
    ours, naive, covered = np.mean(found, axis=0)
    least = np.min(found, axis=0)[2]
    print(f"\nposterior {ours:.4f}, observational {naive:.3f}, coverage {covered:.2f}, {least:.2f}")
    assert abs(ours - 0.0106) < 0.001
    assert abs(naive - 0.200) < 0.005
    assert abs(covered - 0.89) < 0.03


def one_of_the_paper(seed):
    """Errors to the true joint mean at 5000 settings: ours, and a cubic fitted to joint rows."""
    scm = ig.scm.sample_polynomial_scm(5, random_seed=seed)
    frame = scm.sample_regimes(scm.single_regimes, 10_000, random_seed=seed)
    _, posterior = fit(frame, scm.actions)
    points = scm.sample(5000, do=scm.actions, random_seed=seed + 1)[list(scm.actions)]
    table, truth = posterior.table(points, beyond="clamp"), scm.expected_outcome(points).to_numpy()
    joint = scm.sample(10_000, do=scm.actions, random_seed=seed + 2)
    cubic = cubic_regression(posterior, joint.to_numpy(), points.to_numpy())
    covered = coverage(table["lower"], table["upper"], truth)
    return rmse(table["mean"], truth), rmse(cubic, truth), covered


def test_fifty_systems_at_the_size_of_the_paper(benchmark):
    found = benchmark.pedantic(
        lambda: [one_of_the_paper(seed) for seed in range(100, 150)], rounds=1
    )
    ours, cubic, covered = np.mean(found, axis=0)
    print(f"\nposterior {ours:.4f}, cubic on joint rows {cubic:.4f}, coverage {covered:.3f}")
    assert ours < cubic
    assert abs(ours - 0.0138) < 0.001
    assert abs(covered - 0.89) < 0.03


def test_coverage_under_strong_heteroscedasticity(benchmark):
    grid = np.meshgrid(np.linspace(-1.5, 1.5, 7), [-1.0, 0.0, 1.0])
    a1, a2 = (values.ravel() for values in grid)

    def one(seed):
        _, posterior = fit(polynomial.make_data(1000, seed), ["a1", "a2"])
        table = posterior.table({"a1": a1, "a2": a2})
        return coverage(table["lower"], table["upper"], polynomial.truth(a1, a2))

    found = benchmark.pedantic(lambda: [one(seed) for seed in range(60)], rounds=1)
    print(f"\n90% intervals hold the truth at {np.mean(found):.0%} of the settings")
    assert abs(np.mean(found) - 0.86) < 0.02

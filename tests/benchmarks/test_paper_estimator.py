"""The paper's estimator from moments: its time against scikit-learn's, its errors as in the paper.

``uv run pytest tests/benchmarks/test_paper_estimator.py --benchmark-enable --benchmark-only -s``
"""

import time

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from threadpoolctl import threadpool_limits

import bayes_intgen as ig
from bayes_intgen.base.metrics import rmse


def grid_search(rows):
    steps = [PolynomialFeatures(3, include_bias=False), StandardScaler(), Ridge()]
    pipeline = Pipeline([(str(i), step) for i, step in enumerate(steps)])
    search = GridSearchCV(pipeline, {"2__alpha": np.logspace(-8, -1, 8)}, cv=3)
    return search.fit(rows[:, :-1], rows[:, -1])


@pytest.mark.parametrize("threads", [1, None], ids=["one thread", "default threads"])
def test_faster_than_a_grid_search_over_rows(benchmark, threads):
    """K=5, 10^5 rows per regime: at least 15 times, with the same answer."""
    scm = ig.scm.sample_polynomial_scm(5, random_seed=3)
    frame = scm.sample_regimes(scm.single_regimes, 100_000, random_seed=4)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    rows = {label: data.rows(label) for label in data.labels}
    with threadpool_limits(threads):
        benchmark.pedantic(lambda: ig.RidgeEstimator().fit(data), rounds=3, warmup_rounds=1)
        start = time.perf_counter()
        searches = {label: grid_search(part) for label, part in rows.items()}
        theirs = time.perf_counter() - start
    ours = benchmark.stats.stats.min
    points = scm.sample(1000, do=scm.actions, random_seed=5)[list(scm.actions)]
    each = {label: search.predict(points.to_numpy()) for label, search in searches.items()}
    expected = sum(each[action] for action in scm.actions) - 4 * each["obs"]
    found = ig.RidgeEstimator().fit(data).expected_outcome(points)
    print(f"\n{ours:.2f} s against {theirs:.1f} s: {theirs / ours:.0f} times faster")
    np.testing.assert_allclose(found, expected, atol=1e-6 * frame["y"].std())
    assert theirs / ours >= 15


def one_system(seed):
    """Errors at the last fifth of the joint rows, after fits to the first four fifths of all."""
    scm = ig.scm.sample_polynomial_scm(5, random_seed=seed)
    joint = "+".join(scm.actions)
    frame = scm.sample_regimes([*scm.single_regimes, joint], 10_000, random_seed=seed)
    held_out = frame.groupby("regime").cumcount() >= 8000
    test = frame[held_out & (frame["regime"] == joint)]
    data = ig.RegimeData.from_frame(frame[~held_out], outcome="y", actions=scm.actions)
    without = data.drop(joint)
    answers = {
        "observational": ig.ObservationalRidge().fit(without),
        "ridge": ig.RidgeEstimator().fit(without),
        "joint": ig.JointRidge().fit(data),
        "pooled": ig.PooledRidge().fit(without),
        "perfect": scm,
    }
    truth = scm.expected_outcome(test).to_numpy()
    errors = {}
    for name, fit in answers.items():
        answer = fit.expected_outcome(test).to_numpy()
        errors[f"{name}, outcome"] = rmse(answer, test["y"])
        errors[f"{name}, effect"] = rmse(answer, truth)
    return errors


# Error to the outcome, mean and standard error over 100 systems of the authors' own generator.
AUTHORS = {
    "observational": (0.397, 0.009),
    "ridge": (0.364, 0.017),
    "joint": (0.300, 0.005),
    "pooled": (0.343, 0.006),
}


def test_errors_are_those_of_the_authors(benchmark):
    """K=5, 10^4 rows per regime, 100 systems: within three standard errors of theirs."""
    found = benchmark.pedantic(lambda: [one_system(seed) for seed in range(100)], rounds=1)
    table = pd.DataFrame(found)
    mean, error = table.mean(), table.sem()
    print("", *(f"{key}: {mean[key]:.4f} +- {error[key]:.4f}" for key in table), sep="\n")
    for name, (theirs, spread) in AUTHORS.items():
        key = f"{name}, outcome"
        assert abs(mean[key] - theirs) < 3 * np.hypot(error[key], spread), name

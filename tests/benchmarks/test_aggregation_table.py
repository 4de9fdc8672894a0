"""Table 1 of causal aggregation: coverage and length of its 95% intervals, and of pooled rows.

``uv run pytest tests/benchmarks/test_aggregation_table.py --benchmark-enable --benchmark-only -s``

The system is that of Gimenez and Rothenhaeusler (2022), JMLR 23:335, section 7, as their public
repository ``jroquerogimenez/CausalAggregation`` has it (``Simulations_table.ipynb``): H is hidden,
I an instrument of X1, all errors N(0, 1), X5 an effect of the outcome,

    X1 = 2 H (+ I in the first data set),   X2 = H + X1,   X3 = 2 X2 - X1,   X4 = X1 + X3,
    Y = H + X2 + 2 X4,                      X5 = 2 X2 + X4 - Y,      each plus its error.

Three data sets of n rows: I varies by lot; X3 and X5 are set by lot; X2 is set by lot, and there X4
is known to be unconfounded given X1 and X3. Published at n = 1000, over 500 repetitions and the
five coefficients (two standard errors): aggregation covers 0.9596 (0.0176) with a length of 0.328
(0.011), pooled least squares 0.0064 (0.0071) with 0.0698 (0.0014).
"""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import bayes_intgen as ig

REPETITIONS, N = 500, 1000
ACTIONS = ["x1", "x2", "x3", "x4", "x5"]
SLOPES = np.array([0.0, 1.0, 0.0, 2.0, 0.0])
REACH = float(norm.ppf(0.975))
PUBLISHED = {  # coverage and length, each with its standard error
    "aggregation": (0.9596, 0.0088, 0.3276, 0.0056),
    "pooled": (0.0064, 0.0036, 0.0698, 0.0007),
}


def draw(regime, rng):
    """Draw the rows of one data set; what the regime names is set to its error alone."""
    h, i, *errors = rng.normal(size=(8, N))
    of_x1, of_x2, of_x3, of_x4, of_x5, of_y = errors
    x1 = 2 * h + of_x1 + (i if regime == "i" else 0.0)
    x2 = of_x2 if regime == "x2" else h + x1 + of_x2
    x3 = of_x3 if regime == "x3+x5" else 2 * x2 - x1 + of_x3
    x4 = x1 + x3 + of_x4
    y = h + x2 + 2 * x4 + of_y
    x5 = of_x5 if regime == "x3+x5" else 2 * x2 + x4 - y + of_x5
    columns = {"i": i, "x1": x1, "x2": x2, "x3": x3, "x4": x4, "x5": x5, "y": y}
    return pd.DataFrame(columns).assign(regime=regime)


def aggregation(rows):
    """Return the slopes, and the half-widths of their 95% intervals."""
    data = ig.RegimeData.from_frame(rows, "y", ["i", *ACTIONS])
    model = ig.CausalAggregation(
        degree=1, instruments=["i"], unconfounded={"x2": {"x4": ["x1", "x3"]}}
    )
    steps = pd.DataFrame(np.eye(5), columns=ACTIONS)
    slopes = model.fit(data).contrast(steps, dict.fromkeys(ACTIONS, 0.0))
    return slopes.to_numpy(), REACH * slopes["sd"].to_numpy()


def pooled(rows):
    """Do the same by least squares on all rows."""
    x, y = rows[ACTIONS].to_numpy(), rows["y"].to_numpy()
    inverse = np.linalg.inv(x.T @ x)
    slopes = inverse @ x.T @ y
    variance = float(np.sum((y - x @ slopes) ** 2)) / (len(y) - len(slopes))
    return slopes, REACH * np.sqrt(variance * np.diag(inverse))


def study():
    """Return coverage and length, and their standard errors over repetitions."""
    found = {name: [] for name in PUBLISHED}
    for seed in range(REPETITIONS):
        rng = np.random.default_rng([335, seed])
        rows = pd.concat([draw(regime, rng) for regime in ("i", "x3+x5", "x2")])
        for name, estimate in (("aggregation", aggregation), ("pooled", pooled)):
            slopes, reach = estimate(rows)
            covered = np.abs(slopes - SLOPES) < reach
            found[name].append((covered.mean(), 2 * reach.mean()))
    answer = {}
    for name, pairs in found.items():
        means, errors = np.mean(pairs, axis=0), np.std(pairs, axis=0) / np.sqrt(REPETITIONS)
        answer[name] = (means[0], errors[0], means[1], errors[1])
        print("\n{}: coverage {:.4f} ({:.4f}), length {:.4f} ({:.4f})".format(name, *answer[name]))
    return answer


def test_coverage_and_length_are_the_published_ones(benchmark):
    found = benchmark.pedantic(study, rounds=1)
    for name, (coverage, its_error, length, error) in PUBLISHED.items():
        own = found[name]
        assert own[0] == pytest.approx(coverage, abs=3 * np.hypot(own[1], its_error))
        assert own[2] == pytest.approx(length, abs=3 * np.hypot(own[3], error))

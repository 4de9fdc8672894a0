"""Coverage of 90% predictive intervals on the paper's systems, beside a borrowed sigma's.

``uv run pytest tests/benchmarks/test_prediction.py --benchmark-enable --benchmark-only -s``
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayes_intgen as ig
from bayes_intgen.base.metrics import coverage, credible_interval
from tests.cases.true_variance import true_variance

pytestmark = pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")

Z = stats.norm.ppf(0.95)
SYSTEMS = range(100, 124)


def residual_sd(posterior, rows):
    """Of observational rows around the posterior mean."""
    mean = posterior.expected_outcome(rows, do=[], beyond="clamp").mean(("chain", "draw"))
    return float(np.std(rows["y"] - mean.to_numpy()))


def one_regime(posterior, scm, do, sigma, seed):
    """Shares of fresh rows of a regime inside intervals, at points that are supported."""
    rows = scm.sample(1000, do=do, random_seed=seed)
    flag = posterior.expected_outcome(rows, do=list(do), beyond="clamp")["support"]
    rows = rows[flag.to_numpy() == "supported"]
    draws = posterior.predict(rows, do=list(do), random_seed=seed)
    mean = posterior.expected_outcome(rows, do=list(do))
    y, lower, upper = rows["y"], *(end.to_numpy() for end in credible_interval(draws))
    borrowed = Z * np.hypot(sigma, mean.std(("chain", "draw")).to_numpy())
    centre = mean.mean(("chain", "draw")).to_numpy()
    oracle = Z * np.sqrt(true_variance(scm, rows[list(scm.actions)].to_numpy(), do))
    truth = scm.expected_outcome(rows, do=list(do)).to_numpy()
    return {
        "supported": len(rows) / 1000,
        "coverage": coverage(lower, upper, y),
        "width": np.mean(upper - lower),
        "below": np.mean(y < lower),
        "above": np.mean(y > upper),
        "borrowed": coverage(centre - borrowed, centre + borrowed, y),
        "oracle": coverage(truth - oracle, truth + oracle, y),
        "oracle_width": 2 * oracle.mean(),
        "at_floor": float(draws["at_floor"].mean()),
    }


def one_system(n_actions, n, seed):
    scm = ig.scm.sample_polynomial_scm(n_actions, random_seed=seed)
    frame = scm.sample_regimes(scm.single_regimes, n, random_seed=seed)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    posterior = ig.InterventionModel().fit(data, method="laplace")
    sigma = residual_sd(posterior, frame[frame["regime"] == "obs"].head(2000))
    regimes = {"joint": scm.actions, "obs": (), "a1": ("a1",), "a1+a2": ("a1", "a2")}
    found = (one_regime(posterior, scm, do, sigma, seed + 1000) for do in regimes.values())
    return [{"regime": name, **row} for name, row in zip(regimes, found, strict=True)]


@pytest.mark.parametrize(("n_actions", "n"), [(3, 10_000), (5, 10_000), (3, 1000)])
def test_coverage_of_predictive_intervals(benchmark, n_actions, n):
    def run():
        return [row for seed in SYSTEMS for row in one_system(n_actions, n, seed)]

    found = pd.DataFrame(benchmark.pedantic(run, rounds=1))
    means = found.groupby("regime", sort=False).mean()
    print(f"\nK {n_actions}, {n} rows per regime, {len(SYSTEMS)} systems")
    print(means.round(4).to_string())
    print(f"of single systems:\n{found.groupby('regime')['coverage'].agg(['min', 'max'])}")
    assert means["coverage"].between(0.88, 0.92).all()
    assert means.loc["joint", "borrowed"] < 0.85
    assert (means["width"] / means["oracle_width"]).between(0.97, 1.03).all()

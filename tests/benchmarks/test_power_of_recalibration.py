"""How many refits find intervals that are 30% too narrow or too wide, and how often for nothing.

``uv run pytest tests/benchmarks/test_power_of_recalibration.py --benchmark-enable --benchmark-only
-s``: five minutes on one core. A linear system and linear curves (3 actions, 1000 rows per
regime), 400 data sets drawn from the fit; then studies of fewer, drawn from these without
replacement, of all eight points (worth 1.7 independent ones) and of a single one. Intervals are
made too narrow or too wide by moving every draw towards or away from its mean.

Shares that say so, of 200 studies, and of 480 of one point ("nothing": false alarms):

                     eight points                    one point
    data sets    x 0.7    x 1.3    nothing      x 0.7    x 1.3    nothing
           20     0.86     0.51      0.04        0.66     0.28      0.04
           40     1.00     0.94      0.04        0.88     0.64      0.02
           60     1.00     1.00      0.02        0.98     0.87      0.04
          100     1.00     1.00      0.01        1.00     0.98      0.01

Studies that share data sets are not independent, so that shares at 100 of 400 are optimistic in
their spread, not in their mean. For one point the normal theory gives 0.98 and 0.87 at 60.
"""

from dataclasses import replace

import numpy as np

import bayes_intgen as ig

STUDIES = 200
VERDICTS = {1.0: "consistent", 0.7: "too narrow", 1.3: "too wide"}


def single(found, j):
    """Return what was found of one quantity."""
    parts = {name: getattr(found, name)[:, [j]] for name in ("truth", "mean", "sd", "quantiles")}
    return replace(found, names=(found.names[j],), independent=1.0, support=(), **parts)


def shares(found, rng, size, factor):
    """Return the share of studies with the right verdict."""
    right = 0
    for _ in range(STUDIES):
        chosen = rng.choice(found.n, size, replace=False)
        right += found.take(chosen).stretch(factor).verdict == VERDICTS[factor]
    return right / STUDIES


def test_refits_find_wrong_widths(benchmark):
    scm = ig.scm.sample_linear_scm(3, random_seed=1)
    frame = scm.sample_regimes(scm.single_regimes, n=1000, random_seed=2)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=scm.actions)
    posterior = ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace")
    at = scm.sample(8, do=scm.actions, random_seed=3)[list(scm.actions)]
    found = benchmark.pedantic(
        ig.refit_calibration, (posterior, data), {"at": at, "n": 400}, rounds=1
    )
    print(f"\n{found}")
    rng = np.random.default_rng(1)
    power = {}
    for size in (20, 40, 60, 100):
        for factor in VERDICTS:
            one = np.mean([shares(single(found, j), rng, size, factor) for j in range(8)])
            power[size, factor] = shares(found, rng, size, factor), one
            print(f"{size} data sets, x {factor}: {power[size, factor][0]:.2f}, one {one:.2f}")
    assert found.verdict == "consistent"
    assert min(power[100, 0.7] + power[100, 1.3] + power[60, 0.7]) >= 0.9
    assert min(power[size, 1.0][1] for size in (20, 40, 60, 100)) >= 0.93

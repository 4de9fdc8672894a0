"""Errors and intervals on curves that bend where the rows are, with and without a warped basis.

``uv run pytest tests/benchmarks/test_curves.py --benchmark-enable --benchmark-only -s`` prints, for
some families of curves, the error relative to the spread of the truth and the coverage of 90%
intervals of contrasts with the median setting, over twelve systems; and what the warped coordinate
costs on the paper's polynomials, which do not need it (five actions, twelve systems).
"""

import time
import warnings

import numpy as np
import pytest

import bayes_intgen as ig
from bayes_intgen.scm.seeds import named_generator
from bayes_intgen.studies.curves.families import CURVE_FAMILIES
from bayes_intgen.studies.curves.system import OUTCOME, draw_system
from bayes_intgen.studies.curves.unit import compare_curves, median_settings

SYSTEMS, POINTS = 12, 300
BENT = ("saturating", "many-zeros", "elasticity", "threshold", "smooth")


def judge(name, basis):
    """Return the mean error and the coverage of contrasts over the systems of a family."""
    rows = []
    for seed in range(SYSTEMS):
        system = draw_system(CURVE_FAMILIES[name], 3, named_generator(seed, f"{name} system"))
        frame = system.sample_regimes(named_generator(seed, f"{name} rows"))
        data = ig.RegimeData.from_frame(frame, outcome=OUTCOME, actions=system.actions)
        with warnings.catch_warnings():  # some are at the edge of what Laplace may be off by
            warnings.simplefilter("ignore", ig.ConvergenceWarning)
            posterior = ig.InterventionModel(basis).fit(data, method="laplace", random_seed=seed)
        asked = system.draw_settings(POINTS, named_generator(seed, f"{name} settings"))
        at = np.vstack([median_settings(frame, system.actions), asked])
        truth = system.expected_outcome(at)
        rows.append(compare_curves(posterior, at, truth, truth))  # no ridge is asked for
    return [np.mean([row[measure] for row in rows]) for measure in ("rmse", "coverage_contrast")]


@pytest.mark.parametrize("name", BENT)
def test_a_warped_coordinate_covers_curves_that_people_have(name, benchmark):
    raw = judge(name, ig.HSGP(warp=0))
    warped = benchmark.pedantic(judge, (name, ig.HSGP()), rounds=1)
    print(
        f"\n{name}: error {raw[0]:.3f} without, {warped[0]:.3f} with a warped coordinate; "
        f"contrasts covered {raw[1]:.2f} and {warped[1]:.2f}"
    )
    assert warped[0] <= 1.05 * raw[0]
    assert warped[1] >= 0.82


def judge_polynomials(n, basis):
    """Return mean error, coverage of levels and median seconds over the paper's systems."""
    names = [f"a{k}" for k in range(1, 6)]
    errors, covered, seconds = [], [], []
    for seed in range(SYSTEMS):
        scm = ig.scm.sample_polynomial_scm(5, random_seed=500 + seed)
        frame = scm.sample_regimes(["obs", *names], n=n, random_seed=seed)
        at = scm.sample(POINTS, do=names, random_seed=99)[names]
        truth = scm.expected_outcome(at).to_numpy()
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ig.ConvergenceWarning)
            data = ig.RegimeData.from_frame(frame, outcome="y", actions=names)
            posterior = ig.InterventionModel(basis).fit(data, method="laplace", random_seed=seed)
        seconds.append(time.perf_counter() - start)
        draws = posterior.expected_outcome(at, beyond="clamp").to_numpy()[0]
        errors.append(np.sqrt(np.mean((draws.mean(axis=0) - truth) ** 2)))
        lower, upper = np.quantile(draws, [0.05, 0.95], axis=0)
        covered.append(np.mean((lower <= truth) & (truth <= upper)))
    return np.mean(errors), np.mean(covered), np.median(seconds)


@pytest.mark.parametrize("n", [1000, 10_000])
def test_what_a_warped_coordinate_costs_on_polynomials(n, benchmark):
    raw = judge_polynomials(n, ig.HSGP(warp=0))
    warped = benchmark.pedantic(judge_polynomials, (n, ig.HSGP()), rounds=1)
    print(
        f"\npolynomials, {n} rows per regime: error {raw[0]:.4f} without, {warped[0]:.4f} with a "
        f"warped coordinate; covered {raw[1]:.2f} and {warped[1]:.2f}; {warped[2] / raw[2]:.1f} "
        f"times as long"
    )
    assert warped[1] >= 0.86

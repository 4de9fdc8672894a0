"""Learned interactions against the best explicit choice, and ten covariates against linear ones.

``uv run pytest tests/benchmarks/test_learned_interactions.py --benchmark-enable
--benchmark-only -s``
"""

import numpy as np
import pytest

import bayes_intgen as ig
from tests.cases import interacting_systems, many_covariates
from tests.cases.interacting_systems import NAMES

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

SYSTEMS, ROWS, POINTS = 50, 3000, 200
EXPLICIT = {
    "none": ("none",),
    "pairwise": ("pairwise",),
    "three": ("all",),
    "modified": ("none", "all"),
}


def judge(posterior, at, truth):
    """Root mean squared error of levels, and the share of contrasts within 90% intervals."""
    answer = posterior.expected_outcome(at, beyond="clamp")
    draws = answer.stack(sample=("chain", "draw")).transpose("sample", "point").to_numpy()
    contrasts, true = draws - draws[:, ::-1], truth - truth[::-1]
    low, high = np.quantile(contrasts, [0.05, 0.95], axis=0)
    error = np.sqrt(np.mean((draws.mean(axis=0) - truth) ** 2))
    return error, np.mean((low <= true) & (true <= high))


def describe(found):
    """Write errors and coverage by choice."""
    return ", ".join(f"{c} error {e:.4f} covered {s:.2f}" for c, (e, s) in found.items())


@pytest.mark.parametrize("kind", interacting_systems.KINDS)
def test_learned_interactions(benchmark, kind):
    """Error at most 1.1 times that of the best explicit choice, 1.05 where nothing interacts."""

    def study():
        found = {choice: [] for choice in ("learned", *EXPLICIT[kind])}
        for seed in range(100, 100 + SYSTEMS):
            system = interacting_systems.draw_system(kind, seed)
            data = ig.RegimeData.from_frame(system.frame(ROWS, seed), "y", list(NAMES))
            points = system.queries(POINTS, seed)
            at = dict(zip(NAMES, points.T, strict=True))
            for choice, own in found.items():
                fit = ig.InterventionModel(interactions=choice).fit(data, method="laplace")
                own.append(judge(fit, at, system.truth(points)))
        return {choice: np.mean(own, axis=0) for choice, own in found.items()}

    found = benchmark.pedantic(study, rounds=1)
    print(
        f"\n{kind}: "
        + ", ".join(f"{c} error {e:.4f} covered {s:.2f}" for c, (e, s) in found.items())
    )
    best = min(found[choice][0] for choice in EXPLICIT[kind])
    assert found["learned"][0] <= (1.05 if kind == "none" else 1.1) * best
    assert 0.86 <= found["learned"][1] <= 0.96


def class_of(system):
    """Return the narrowest class that holds a system: biases may depend on parents in each."""
    if any(not system.edges[k, j] for k, j, _ in system.modified):
        return "all"
    return ("none", "none", "pairwise", "all")[max(map(len, dict(system.products)), default=0)]


@pytest.mark.parametrize("kind", interacting_systems.KINDS)
def test_advice_of_check_and_fit(benchmark, kind):
    """They name the same class in each of 200 systems, and in 95% of them the right one."""

    def study():
        rows = []
        for seed in range(300, 300 + SYSTEMS):
            system = interacting_systems.draw_system(kind, seed)
            data = ig.RegimeData.from_frame(system.frame(ROWS, seed), "y", list(NAMES))
            fit = ig.InterventionModel().fit(data, method="laplace")
            advice = ig.check(data).needed_interactions
            rows.append((advice, fit.additivity.needed_interactions, class_of(system)))
        return rows

    rows = benchmark.pedantic(study, rounds=1)
    right = sum(advice == truth for advice, _, truth in rows)
    print(f"\n{kind}: right in {right} of {len(rows)}")
    assert all(advice == of_fit for advice, of_fit, _ in rows)
    assert right >= 0.95 * len(rows)


@pytest.mark.parametrize("modified", [False, True])
def test_ten_covariates(benchmark, modified):
    """Error against a fit with linear main effects of the covariates."""

    def study():
        found = {"learned": [], "linear": []}
        for seed in range(70, 78):
            system = many_covariates.draw_system(seed, modified)
            frame, at = system.frame(10_000, seed), system.points(POINTS, seed)
            names = system.actions, system.covariates
            data = ig.RegimeData.from_frame(frame, "y", names[0], covariates=names[1])
            truth = system.truth(*(at[list(part)].to_numpy() for part in names))
            linear = dict.fromkeys(names[0], ig.HSGP()) | dict.fromkeys(names[1], ig.Polynomial(1))
            for choice, basis in (("learned", ig.HSGP()), ("linear", linear)):
                fit = ig.InterventionModel(basis).fit(data, method="laplace")
                assert len(fit.design.weights) < 1500
                found[choice].append(judge(fit, at, truth))
        return {choice: np.mean(own, axis=0) for choice, own in found.items()}

    found = benchmark.pedantic(study, rounds=1)
    print(f"\n{describe(found)}")
    assert found["learned"][0] <= (0.5 if modified else 1.05) * found["linear"][0]

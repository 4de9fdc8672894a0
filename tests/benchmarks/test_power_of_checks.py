"""False alarms and power of the falsification suite.

``uv run pytest tests/benchmarks/test_power_of_checks.py --benchmark-enable --benchmark-only -s``,
for an hour or two, or a line per data set of a part of it with ``python -m
tests.benchmarks.test_power_of_checks SCENARIO ROWS FIRST LAST [STRENGTH [INTERACTIONS]]``.
"""

import sys
from collections import Counter

import pytest

import bayes_intgen as ig
from tests.cases.check_scenarios import SCENARIOS, make

ROWS = 20_000
SETS = 100
CURVE = (1000, 3000, 10_000, ROWS)
WEAK = 0.3


def outcomes(name, n, seeds, strength=1.0, interactions="none"):
    """Return (passed, needed interactions, whether violated, failed checks) for each data set."""
    found = []
    for seed in seeds:
        frame, actions = make(name, n, seed, strength)
        data = ig.RegimeData.from_frame(frame, outcome="y", actions=list(actions))
        result = ig.check(data, interactions=interactions)
        failed = sorted({finding.check for finding in result.failed})
        found.append(
            (result.passed, result.needed_interactions, bool(result.violations), tuple(failed))
        )
    return found


def report(name, n, found):
    checks = Counter(check for *_, failed in found for check in failed)
    needed = Counter(interactions for _, interactions, *_ in found)
    passed = sum(ok for ok, *_ in found)
    violated = sum(bad for _, _, bad, _ in found)
    print(
        f"\n{name}, {n} rows: passed {passed} of {len(found)}, violations that no "
        f"interactions cure {violated}, needed interactions {dict(needed)}, failed {dict(checks)}"
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_alarms_of_a_hundred_data_sets(benchmark, name):
    n = ROWS // 2 if name == "sound" else ROWS
    found = benchmark.pedantic(lambda: outcomes(name, n, range(SETS)), rounds=1)
    report(name, n, found)
    passed = sum(ok for ok, *_ in found)
    if name == "sound":
        assert SETS - passed <= 8
    elif name == "modifier":
        assert sum(interactions == "all" for _, interactions, *_ in found) >= 80
    else:
        assert SETS - passed >= 80


@pytest.mark.parametrize("strength", [1.0, WEAK])
@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "sound"])
def test_power_curve(benchmark, name, strength):
    def curve():
        for n in CURVE:
            report(f"{name} x {strength}", n, outcomes(name, n, range(SETS // 4), strength))

    benchmark.pedantic(curve, rounds=1)


if __name__ == "__main__":
    scenario, rows = sys.argv[1], int(sys.argv[2])
    results = []
    options = (float(sys.argv[5]) if len(sys.argv) > 5 else 1.0, *sys.argv[6:])
    for number in range(int(sys.argv[3]), int(sys.argv[4])):
        results += outcomes(scenario, rows, [number], *options)
        print(number, *results[-1], flush=True)
    report(scenario, rows, results)

"""How often jumps are found, and where there is none; and what the steps are worth.

``uv run pytest tests/benchmarks/test_jumps.py --benchmark-enable --benchmark-only -s``
"""

import pytest

import bayes_intgen as ig
from bayes_intgen.design.basis.jumps import find_jumps
from bayes_intgen.scm.seeds import named_generator
from bayes_intgen.studies.curves.families import CURVE_FAMILIES
from bayes_intgen.studies.curves.system import OUTCOME, draw_system
from tests.benchmarks.test_curves import judge

SYSTEMS = 24


def jumps_found(name):
    """Return how many of the actions of all systems of a family have a jump."""
    found = 0
    for seed in range(SYSTEMS):
        system = draw_system(CURVE_FAMILIES[name], 3, named_generator(seed, f"{name} system"))
        frame = system.sample_regimes(named_generator(seed, f"{name} rows"))
        summary = ig.RegimeData.from_frame(frame, OUTCOME, system.actions).summary
        found += sum(map(bool, find_jumps(summary, system.actions).values()))
    return found


def test_jumps_are_found_where_they_are(benchmark):
    names = [name for name in CURVE_FAMILIES if name != "jump"]
    right = benchmark.pedantic(jumps_found, ("jump",), rounds=1)
    wrong = {name: count for name in names if (count := jumps_found(name))}
    print(f"\nof {3 * SYSTEMS} jumps {right} are found; of {3 * SYSTEMS} actions each: {wrong}")
    assert right >= 0.8 * 3 * SYSTEMS
    assert sum(wrong.values()) <= 0.02 * 3 * SYSTEMS * len(names)


def test_steps_make_the_interval_hold_across_a_jump(benchmark, monkeypatch):
    with_steps = benchmark.pedantic(judge, ("jump", ig.HSGP()), rounds=1)
    with monkeypatch.context() as patch:
        patch.setattr("bayes_intgen.design.basis.jumps.SURE", float("inf"))
        without = judge("jump", ig.HSGP())
    print(
        f"\njump: error {without[0]:.3f} without, {with_steps[0]:.3f} with steps; "
        f"contrasts covered {without[1]:.2f} and {with_steps[1]:.2f}"
    )
    assert with_steps[0] < 0.85 * without[0]
    assert with_steps[1] == pytest.approx(0.9, abs=0.08)

"""Is a shared confounder that modifies nothing seen, and nothing else taken for one?

``uv run pytest tests/benchmarks/test_shared_confounders.py --benchmark-enable --benchmark-only -s``
for an hour or so: 10,000 rows per regime where it is to be seen, and the families of curves with
their own numbers of rows where nothing is shared.
"""

import pytest

import bayes_intgen as ig
from bayes_intgen.scm.seeds import named_generator
from bayes_intgen.studies.curves.families import CURVE_FAMILIES
from bayes_intgen.studies.curves.system import OUTCOME, draw_system

SYSTEMS = 40
SOUND = [name for name, family in CURVE_FAMILIES.items() if not family.breaks]


def alarms(tables):
    """Count data sets in which the check fails, and in which any does."""
    sharing = any_check = 0
    for frame, actions in tables:
        checks = ig.check(ig.RegimeData.from_frame(frame, outcome="y", actions=actions))
        sharing += any(finding.check == "sharing" for finding in checks.failed)
        any_check += not checks.passed
    print(f"\nshared confounder seen in {sharing}, any check failed in {any_check} of {SYSTEMS}")
    return sharing, any_check


def systems(draw, n):
    for seed in range(SYSTEMS):
        scm = draw(3, seed)
        yield scm.sample_regimes(scm.single_regimes, n, random_seed=seed), scm.actions


def curves(name):
    for seed in range(SYSTEMS):
        system = draw_system(CURVE_FAMILIES[name], 3, named_generator(seed, f"{name} system"))
        rows = system.sample_regimes(named_generator(seed, f"{name} rows"))
        yield rows.rename(columns={OUTCOME: "y"}), system.actions


@pytest.mark.parametrize(
    "draw", [ig.scm.sample_shared_confounder_scm, ig.scm.sample_correlated_noise_scm]
)
def test_it_is_seen(draw, benchmark):
    sharing, _ = benchmark.pedantic(lambda: alarms(systems(draw, 10_000)), rounds=1)
    assert sharing >= 0.9 * SYSTEMS


@pytest.mark.parametrize("name", SOUND)
def test_nothing_else_is_taken_for_it(name, benchmark):
    sharing, any_check = benchmark.pedantic(lambda: alarms(curves(name)), rounds=1)
    assert sharing <= 0.05 * SYSTEMS
    assert any_check <= 0.08 * SYSTEMS + 2

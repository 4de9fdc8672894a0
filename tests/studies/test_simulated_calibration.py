"""Simulation-based calibration at a small size; with NUTS and at full size it is a benchmark."""

import pytest

import bayes_intgen as ig
from tests.cases.simulated_calibration import LibrarySBC, make_rows, uniformity

pytestmark = pytest.mark.filterwarnings("ignore::bayes_intgen.ConvergenceWarning")
STRUCTURE = [("a1", "a2")]


def test_ranks_of_effects_and_spreads_are_uniform():
    """Laplace is exact enough for these; the prior scales take NUTS."""
    model = ig.InterventionModel(ig.Polynomial(1), STRUCTURE)
    study = LibrarySBC(model, make_rows(60, seed=1), "laplace", 60, seed=2)
    study.run_simulations()
    found = uniformity(study)
    chosen = {k: p for k, p in found.items() if k.startswith(("effect", "sigma"))}
    assert len(chosen) == 5
    assert min(chosen.values()) > 1e-3, chosen


@pytest.mark.slow
def test_overconfident_intervals_are_found():
    """The same with a posterior whose noise is held at a third of its size."""
    model = ig.InterventionModel(ig.Polynomial(1), STRUCTURE, priors=ig.Priors(sigma=0.6))
    wrong = ig.InterventionModel(ig.Polynomial(1), STRUCTURE, priors=ig.Priors(sigma=0.2))
    study = LibrarySBC(model, make_rows(60, seed=1), "laplace", 60, seed=2, fitted=wrong)
    study.run_simulations()
    found = uniformity(study)
    assert min(p for k, p in found.items() if k.startswith("effect")) < 1e-3

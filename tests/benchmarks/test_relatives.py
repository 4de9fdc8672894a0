"""The model beside the methods of related work, where their assumptions hold and where ours do.

``uv run pytest tests/benchmarks/test_relatives.py --benchmark-enable --benchmark-only -s`` prints,
for each family (three actions, 4000 rows per regime, 24 systems), the median error in sds of the
truth, and holds it to what crude versions of the methods reach.
"""

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.base.metrics import rmse
from bayes_intgen.studies.relatives.families import draw_case
from bayes_intgen.studies.relatives.report import format_comparison, summarise_comparison
from bayes_intgen.studies.relatives.unit import ESTIMATORS, CompareUnit

SYSTEMS = 24
BOUNDS = {  # most error of the method that should win
    "noise-linear": ("additive-noise", 0.024),
    "noise-products": ("additive-noise", 0.012),
    "shared-cubic": ("aggregation", 0.039),
}
BEHIND = "aggregation has the very cubics of this family: .065 of an sd against our .087"
OURS = (
    pytest.param("paper", marks=pytest.mark.xfail(reason=BEHIND)),  # a bar that is not met
    "smooth",
    "saturating",
)


def medians(family, estimators=ESTIMATORS):
    units = [CompareUnit(family, i, seed=7, estimators=estimators) for i in range(SYSTEMS)]
    summary = summarise_comparison(pd.DataFrame([row for unit in units for row in unit.run()]))
    print(f"\n{format_comparison(summary)}")
    return summary.set_index("estimator")["rmse"]


@pytest.mark.parametrize("family", BOUNDS)
def test_each_method_wins_where_its_assumptions_hold(family, benchmark):
    name, most = BOUNDS[family]
    others = tuple(estimator for estimator in ESTIMATORS if estimator not in ("bayes", "joint"))
    found = benchmark.pedantic(medians, (family, others), rounds=1)
    assert found[name] <= most
    assert found.idxmin() == name


@pytest.mark.parametrize("family", OURS)
def test_ours_is_the_best_where_confounders_are_not_shared(family, benchmark):
    found = benchmark.pedantic(medians, (family,), rounds=1)
    assert found["bayes"] <= found.drop("joint").min()


def cubic_medians():
    """Return the median errors of cubics by aggregation and by the model, on the paper's family."""
    errors = []
    for index in range(SYSTEMS):
        case = draw_case("paper", 3, 4000, 1000, np.random.SeedSequence([7, index]))
        data = ig.RegimeData.from_frame(case.rows, outcome="y", actions=case.actions)
        model = ig.InterventionModel(ig.Polynomial(3))
        posterior = model.fit(data, method="laplace", random_seed=index, progressbar=False)
        ours = posterior.table(case.settings, beyond="clamp")["mean"].to_numpy()
        theirs = ig.CausalAggregation(degree=3).fit(data).expected_outcome(case.settings)
        found = [rmse(answer, case.truth) for answer in (ours, theirs.to_numpy())]
        errors.append(np.array(found) / case.truth.std())
    ours, theirs = np.median(errors, axis=0)
    print(f"\ncubics on the paper's family: aggregation {theirs:.3f}, the model {ours:.3f}")
    return ours, theirs


def test_with_the_same_functions_ours_is_the_best_on_the_papers_family(benchmark):
    """With the default basis it is not: aggregation has the very functions of that family."""
    ours, theirs = benchmark.pedantic(cubic_medians, rounds=1)
    assert ours <= theirs

"""The model beside the methods of related work, where their assumptions hold and where ours do.

``uv run pytest tests/benchmarks/test_relatives.py --benchmark-enable --benchmark-only -s`` prints,
for each family (three actions, 4000 rows per regime, 24 systems), the median error in sds of the
truth, and holds it to what crude versions of the methods reach.

On the paper's family the default is not the best, and medians of 24 systems differ by their seed:
aggregation has 0.065, the model with Polynomial(3) 0.071 and by default 0.086 with seed 1, that of
the table in notebooks/results; 0.093, 0.084 and 0.102 with seed 7, the one of this file. Systems
are the same for all methods, so errors are better compared by system. Over the 48 of both seeds,
the geometric mean of the error over that of aggregation, with its standard error, at all settings
and at those inside: between the 1% and 99% quantiles of what the experiment on each action tries,
94% of all:

                                                            all            inside
    default                                             1.12 +- 0.05   1.06 +- 0.05
    default, interactions="none"                        1.09 +- 0.05   1.04 +- 0.05
    the same, and the true structure                    1.08 +- 0.04   1.03 +- 0.04
    the same, with squares and cubes of the actions     1.00 +- 0.04   0.98 +- 0.04
    the same, with effects that are just cubics         0.88 +- 0.04
    Polynomial(3)                                       0.95 +- 0.05   0.94 +- 0.05
    Polynomial(3), "none", true structure               0.93 +- 0.04   0.92 +- 0.04

So most of it is the functions. Effects are cubics there, and aggregation has just these, 9 numbers
for three effects; of the default's functions the rows determine about 20. Were it told that effects
are cubics, it would be ahead by an eighth; not to know takes a fifth. Half of the lag is in the 6%
of settings at the ends of what was tried, where a cubic is still held by the rows within. Of the
rest, 2 points are interactions that are learned (in 4 of 48 systems, where none exist: the level is
5%), and 1 point is the structure. It is not the level, whose error is the same (a median of 0.03
for each), nor settings beyond what was tried (0.1% of all), nor the Laplace approximation (1.09 at
the mode, 1.08 with it), nor the prior of the warped coordinate (with twice the spread of its log
scale: no change). Squares and cubes of all actions would lose elsewhere what they gain here: errors
rise by 4% (+- 2%) over families like those of bayes_intgen/studies/curves, by a quarter where an
experiment has 60 rows. To let the evidence decide between the default and effects that are cubics
gives 0.91 here. But bends that cubics come close to are taken for cubics where rows are few: with
300 rows per experiment 5 of 10 systems of kinks (and 1 of 10 with 1000), also if a test of lack of
fit must find nothing at 5%, and 90% intervals of contrasts then hold 50% instead of 90%. Squares
and cubes in effects only, with the waves of effects on a scale of their own or left out, give 0.96
to 0.97 here and add 17% to the error of kinks. Intervals of contrasts, 90% of which should hold the
truth, do so at 0.92 of the settings by default, at 0.89 with Polynomial(3), and at 0.88 by
aggregation.
"""

from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.base.metrics import rmse
from bayes_intgen.studies.relatives.families import draw_case
from bayes_intgen.studies.relatives.report import format_comparison, summarise_comparison
from bayes_intgen.studies.relatives.unit import ESTIMATORS, CompareUnit
from bayes_intgen.studies.runner.unit import fit_in_unit

SYSTEMS = 24
SEEDS = (1, 7)  # of the paper's family, where methods are compared by system
BOUNDS = {  # most error of the method that should win
    "noise-linear": ("additive-noise", 0.024),
    "noise-products": ("additive-noise", 0.012),
    "shared-cubic": ("aggregation", 0.039),
}
NOT_YET = pytest.mark.xfail(  # a bar that is not met
    reason="effects are cubics, which aggregation is told: .093 of an sd against our .102",
    raises=AssertionError,
)
OURS = (
    pytest.param("paper", marks=NOT_YET),
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


def inside(case):
    """Say which settings lie between the 1% and 99% quantiles of what is tried of each action."""
    kept = np.ones(len(case.settings), dtype=bool)
    for action in case.actions:
        tried = case.rows.loc[case.rows["regime"] == action, action]
        kept &= case.settings[action].between(*tried.quantile([0.01, 0.99])).to_numpy()
    return kept


@cache
def errors_on_the_papers_family():
    """Return errors in sds of the truth: a row per system and method, of all settings or inside."""
    rows = []
    for seed, index in product(SEEDS, range(SYSTEMS)):
        case = draw_case("paper", 3, 4000, 1000, np.random.SeedSequence([seed, index]))
        data = ig.RegimeData.from_frame(case.rows, outcome="y", actions=case.actions)
        comparator = ig.CausalAggregation(degree=3).fit(data)
        answers = {"aggregation": comparator.expected_outcome(case.settings).to_numpy()}
        for name, basis in (("default", ig.HSGP()), ("cubics", ig.Polynomial(3))):
            model = ig.InterventionModel(basis)
            posterior = fit_in_unit(model, data, method="laplace", random_seed=index)
            table = posterior.table(case.settings, beyond="clamp")
            answers[name] = table["mean"].to_numpy()
        for name, answer in answers.items():
            row = {"seed": seed, "index": index, "method": name}
            for where, kept in (("all", slice(None)), ("inside", inside(case))):
                row[where] = rmse(answer[kept], case.truth[kept]) / case.truth.std()
            rows.append(row)
    errors = pd.DataFrame(rows).pivot(index=["seed", "index"], columns="method")
    medians = errors.groupby("seed").median().T.assign(both=errors.median())
    print(f"\nmedian errors on the paper's family, by seed\n{medians.round(3).to_string()}")
    return errors


def ratio_to_aggregation(method, where):
    """Return the geometric mean over systems of the error of a method over that of aggregation."""
    errors = errors_on_the_papers_family()[where]
    logs = np.log(errors[method] / errors["aggregation"])
    ratio, log_se = float(np.exp(logs.mean())), float(logs.std() / np.sqrt(len(logs)))
    print(f"\n{method}, {where}: {ratio:.3f} of the error of aggregation, +- {ratio * log_se:.3f}")
    return ratio


@pytest.mark.parametrize("where", ["all", "inside"])
@pytest.mark.parametrize("method", ["cubics", pytest.param("default", marks=NOT_YET)])
def test_by_system_ours_is_ahead_on_the_papers_family(method, where, benchmark):
    """With the functions of aggregation, which effects are made of there, and with the default."""
    assert benchmark.pedantic(ratio_to_aggregation, (method, where), rounds=1) <= 1

"""Lift tests in place of a missing experiment, and wrong ones beside rows.

``uv run pytest tests/benchmarks/test_lift_study.py --benchmark-enable --benchmark-only -s``
"""

import pandas as pd
import pytest

from tests.cases.lift_study import CASES, one_data_set

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

DATA_SETS = 40


def test_five_lift_tests_in_place_of_an_experiment(benchmark):
    """Coverage of 90% intervals, error and width of contrasts; conflicts found."""
    found = benchmark.pedantic(lambda: [one_data_set(seed) for seed in range(DATA_SETS)], rounds=1)
    contrasts = pd.concat([part for part, _ in found])
    columns = ["covered", "error", "width"]
    table = contrasts.groupby(["question", "fit", "data_set"], sort=False)[columns].mean()
    print(f"\n{table.groupby(['question', 'fit'], sort=False).mean().round(3)}")
    flags = pd.concat([part for _, part in found])
    counts = flags.groupby(["beside", "case"], sort=False)["flagged"].agg(["sum", "size"])
    print(counts)
    cover = table["covered"].groupby(["question", "fit"]).mean()
    # between the tested values the prior is wide on purpose: 0.99 there, and 0.95 of joint settings
    assert abs(cover["tested", "five lift tests"] - 0.90) < 0.04
    assert cover["between", "five lift tests"] > 0.86
    assert 0.86 < cover["joint", "five lift tests"] < 0.98
    for beside in ("rows", "one another"):
        assert counts.loc[(beside, "right"), "sum"] <= 1
        for case in CASES[1:] if beside == "rows" else CASES[1:-1]:
            assert counts.loc[(beside, case), "sum"] >= 39

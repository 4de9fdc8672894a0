"""Foreign tables: data of others, on which published methods have been judged.

``BAYES_INTGEN_FOREIGN=FOLDER uv run pytest tests/benchmarks/test_foreign_tables.py
--benchmark-enable --benchmark-only -s``, with the data in the folder; a table that is not there is
skipped.

factorial/
    ``data_train.csv``, ``data_infer.csv`` and ``true_ate.csv`` of the folder
    ``ReplicationCodes/output_dedl_synth_2`` of the public repository ``ysd1123/DeDL_Replication``
    on GitHub (GPL-3.0): Ye, Zhang, Zhang, Zhang and Zhang (2025), "Deep Learning-Based Causal
    Inference for Large-Scale Combinatorial Experiments", Management Science. Four treatments
    assigned by lot in six of sixteen combinations, ten covariates, a sigmoid of cubes as the truth.
    Published mean squared errors over the ten unseen combinations: additive 0.720, regression
    0.0434, structured deep learning 0.0139, their best 0.0042.
"""

import ast
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig

FOLDER = Path(os.environ.get("BAYES_INTGEN_FOREIGN", ""))
TREATMENTS = ["a1", "a2", "a3", "a4"]
COVARIATES = [f"x{k + 1}" for k in range(10)]
SEEN = {(0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (1, 1, 0, 0)}
POPULATION = 1000


def table(*path):
    """Read a table, or skip the test that needs it."""
    file = FOLDER.joinpath(*path)
    if not os.environ.get("BAYES_INTGEN_FOREIGN") or not file.exists():
        pytest.skip(f"BAYES_INTGEN_FOREIGN names no folder with {'/'.join(path)}")
    return pd.read_csv(file)


def factorial_rows():
    parts = [table("factorial", f"data_{name}.csv") for name in ("train", "infer")]
    rows = pd.concat(parts, ignore_index=True)
    rows.columns = [*COVARIATES, *TREATMENTS, "y"]
    return rows.assign(regime="+".join(TREATMENTS))  # by lot, control included


def unseen_effects():
    """Return combinations never tested and the average effect of each against none."""
    truth = table("factorial", "true_ate.csv")
    combinations = [tuple(int(v) for v in ast.literal_eval(text)) for text in truth["t_vec"]]
    effects = dict(zip(combinations, truth["ATE_true"], strict=True))
    return {c: effect for c, effect in effects.items() if c not in SEEN}


def test_unseen_combinations_of_a_factorial_experiment(benchmark):
    rows = factorial_rows()
    data = ig.RegimeData.from_frame(rows, "y", TREATMENTS, covariates=COVARIATES)
    fit = ig.InterventionModel().fit
    posterior = benchmark.pedantic(
        lambda: fit(data, method="laplace", random_seed=1, progressbar=False), rounds=1
    )
    population = rows[COVARIATES].head(POPULATION)
    none = dict.fromkeys(TREATMENTS, 0)
    errors, covered = [], []
    for combination, truth in unseen_effects().items():
        effect = posterior.average_contrast(
            population.assign(**none),
            setting=dict(zip(TREATMENTS, combination, strict=True)),
            baseline=none,
            beyond="clamp",
        ).to_numpy()
        low, high = np.quantile(effect, [0.05, 0.95])
        errors.append(effect.mean() - truth)
        covered.append(low <= truth <= high)
    square = np.mean(np.square(errors))
    print(f"\nmean squared error {square:.4f}, {np.mean(covered):.2f} of 90% intervals cover")
    assert square <= 0.0139
    assert np.mean(covered) >= 0.8


def test_regressions_have_their_published_errors():
    """What the additive and the regression benchmark of the publication are, from the rows."""
    rows = factorial_rows()
    effects = unseen_effects()
    truth = np.array(list(effects.values()))
    t = np.array(list(effects), dtype=float)
    means = rows.groupby(TREATMENTS)["y"].mean()
    none = means[(0.0, 0.0, 0.0, 0.0)]
    single = np.array([means[tuple(row)] - none for row in np.eye(4).tolist()])
    columns = np.column_stack([np.ones(len(rows)), rows[COVARIATES], rows[TREATMENTS]])
    slopes = np.linalg.lstsq(columns, rows["y"].to_numpy())[0][-4:]
    additive, regression = (np.mean((t @ effect - truth) ** 2) for effect in (single, slopes))
    print(f"\nadditive {additive:.4f}, regression {regression:.4f}")
    assert additive < 0.8
    assert regression < 0.06

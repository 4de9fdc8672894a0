"""Systems whose rows depend on one another: clusters with intercepts or slopes, and weeks."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from bayes_intgen.base.types import Array

KINDS = ("independent", "intercepts", "slopes", "weeks")
SETTINGS = ("row", "cluster", "four weeks")
REGIMES = ("obs", "a1", "a2")
ROWS = 30  # of a cluster
PERSISTENCE = 0.8


class System(NamedTuple):
    """Rows, the columns that say how they depend on one another, and the truth."""

    frame: pd.DataFrame
    marks: dict[str, str]
    expected: Callable[[Array], Array]  # E[Y | do(a1, a2)] of settings, shape (n, 2)


def draw(kind: str, settings: str, units: int, seed: int) -> System:
    """Draw a system of two actions with a confounder each.

    Parameters
    ----------
    kind
        What rows share: nothing, an intercept of their cluster (sd 0.6, noise 0.5), that and slopes
        of both actions (sd 0.5), or what lingers from week to week.
    settings
        What actions and confounders are drawn for: each row, a cluster, or four weeks.
    units
        Number of clusters of 30 rows, or of weeks, in each regime.
    seed
        Of everything random.
    """
    rng = np.random.default_rng([seed, 77])
    shape = rng.normal(size=3)

    def expected(a: Array) -> Array:
        return np.asarray(shape[0] * np.tanh(1.5 * a[:, 0]) + shape[1] * np.sin(a[:, 1]))

    weeks = kind == "weeks"
    tables = []
    for k, regime in enumerate(REGIMES):
        cluster = np.zeros(units, int) if weeks else np.repeat(np.arange(units), ROWS)
        week = np.arange(units) if weeks else np.tile(np.arange(ROWS), units)
        n = len(cluster)
        of_row = {"row": np.arange(n), "cluster": cluster, "four weeks": week // 4}[settings]

        def fresh(size: int, of_row: Array = of_row) -> Array:
            return np.asarray(rng.normal(size=(int(of_row.max()) + 1, size))[of_row])

        confounders = fresh(2)
        a = np.clip(0.8 * confounders + 0.6 * fresh(2), -2.2, 2.2)
        if k:
            a[:, k - 1] = np.clip(fresh(1)[:, 0], -2, 2)
        noise = 0.5 * rng.normal(size=n)
        if kind in ("intercepts", "slopes"):
            noise += 0.6 * rng.normal(size=units)[cluster]
        if kind == "slopes":
            noise += np.sum(0.5 * rng.normal(size=(units, 2))[cluster] * a, axis=1)
        if weeks:
            noise = 0.6 * noise + 0.6 * _wander(n, rng)
        y = expected(a) + 0.8 * confounders @ shape[1:] + noise
        columns = {"a1": a[:, 0], "a2": a[:, 1], "y": y, "regime": regime, "week": week}
        columns["region"] = [f"{regime} {code}" for code in cluster]
        tables.append(pd.DataFrame(columns))
    marks = {"time": "week"} if weeks else {"cluster": "region"}
    return System(pd.concat(tables, ignore_index=True), marks, expected)


def _wander(n: int, rng: np.random.Generator) -> Array:
    """Draw a stationary autoregressive series of sd one."""
    series = rng.normal(size=n)
    for t in range(1, n):
        series[t] = PERSISTENCE * series[t - 1] + np.sqrt(1 - PERSISTENCE**2) * series[t]
    return np.asarray(series)

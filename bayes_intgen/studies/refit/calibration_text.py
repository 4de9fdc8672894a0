"""Sentences about a calibration: the ratio of errors to claims, ranks, coverage and bias."""

from math import sqrt

import numpy as np
import pandas as pd
from scipy import stats

from bayes_intgen.base.types import Array

__all__ = [
    "CAVEAT",
    "describe_bias",
    "describe_coverage",
    "describe_ranks",
    "describe_ratio",
    "standard_error",
]

CAVEAT = "A promise about data that the model itself makes: that the model is right is not tested."


def standard_error(values: Array) -> float:
    """Return the standard error of a mean over data sets; NaN for one of them."""
    n = len(values)
    return float(np.std(values, ddof=1) / sqrt(n)) if n > 1 else float("nan")


def describe_ratio(ratio: float, interval: tuple[float, float], verdict: str) -> str:
    """Say how errors compare with what the posteriors claim."""
    low, high = interval
    size = f"errors are {ratio:.2f} times what they claim (95% interval {low:.2f} to {high:.2f})"
    if verdict == "consistent":
        return f"Intervals are CONSISTENT with what they promise: {size}."
    return f"Intervals are {verdict.upper()}: {size}; intervals {ratio:.2f} times as wide would do."


def describe_ranks(p_values: "pd.Series[float]", uniform: bool) -> str:
    """Say whether the ranks of all quantities are uniform, and which is least so."""
    verdict = "are consistent with uniform" if uniform else "ARE NOT UNIFORM"
    least = f"least p {p_values.min():.2g} ({p_values.idxmin()})"
    return f"Ranks {verdict}: {least} of {len(p_values)} quantities."


def describe_coverage(coverage: pd.DataFrame) -> str:
    """List coverage with its standard error by nominal probability."""
    return ", ".join(
        f"{row['coverage']:.1%} ± {row['se']:.1%} of {p:.0%}" for p, row in coverage.iterrows()
    )


def describe_bias(names: tuple[str, ...], z: Array, level: float) -> list[str]:
    """Name the largest bias that is beyond chance, if any, at a level over all quantities.

    The level is split by Bonferroni; z is truth less mean in posterior standard deviations, shape
    (data sets, quantities).
    """
    mean, errors = z.mean(axis=0), np.array([standard_error(column) for column in z.T])
    sure = np.flatnonzero(np.abs(mean) > stats.norm.isf(level / 2 / len(names)) * errors)
    if not len(sure):
        return []
    worst = sure[np.argmax(np.abs(mean[sure]))]
    way = "low" if mean[worst] > 0 else "high"
    return [
        f"Biased beyond chance: {len(sure)} of {len(names)}, most of all {names[worst]}, too {way} "
        f"by {abs(mean[worst]):.2f} of its sd."
    ]

"""Means over random systems with their standard errors, as tables and as text."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

__all__ = ["format_means", "mean_over_systems"]


def mean_over_systems(groups: Any, measures: Sequence[str]) -> pd.DataFrame:
    """Average measures over systems, within groups of the rows of a study with equal settings.

    Returns
    -------
    pandas.DataFrame
        A row per group: its settings, ``scms`` (how many systems), the mean of each measure and, as
        ``<measure>_se``, the standard error of that mean (NaN for one system).

    Examples
    --------
    >>> rows = pd.DataFrame({"family": ["paper", "paper"], "rmse": [1.0, 3.0]})
    >>> mean_over_systems(rows.groupby("family"), ["rmse"]).to_dict("records")
    [{'family': 'paper', 'scms': 2, 'rmse': 2.0, 'rmse_se': 1.0}]
    """
    chosen = groups[list(measures)]
    errors = chosen.sem().add_suffix("_se")
    columns: list[pd.DataFrame] = [groups.size().rename("scms"), chosen.mean(), errors]
    return pd.concat(columns, axis=1).reset_index()


def format_means(means: pd.DataFrame, measure: str, style: str) -> list[str]:
    """Write mean +- standard error of a measure for reading, a text per row.

    Errors have one digit where the style is one of significant digits.

    Examples
    --------
    >>> table = pd.DataFrame({"rmse": [0.123456, float("nan")], "rmse_se": [0.0123, float("nan")]})
    >>> format_means(table, "rmse", ".3g"), format_means(table, "rmse", ".2f")
    (['0.123±0.01', '-'], ['0.12±0.01', '-'])
    """
    short = ".1g" if style.endswith("g") else style
    texts = []
    for mean, error in zip(means[measure], means[f"{measure}_se"], strict=True):
        spread = "" if pd.isna(error) else f"±{error:{short}}"
        texts.append("-" if pd.isna(mean) else f"{mean:{style}}{spread}")
    return texts

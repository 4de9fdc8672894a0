"""Errors of the paper's estimators: means over systems, and how many rows each estimator needs.

How many more rows does an estimator need than the regression on joint rows? With the error e_b(N)
of the first and e_j(N) of the second at N rows, both interpolated as straight lines in the
logarithms, the answer at N joint rows is N_b / N with e_b(N_b) = e_j(N).
"""

import numpy as np
import pandas as pd

from bayes_intgen.base.types import Array
from bayes_intgen.studies.means import format_means, mean_over_systems
from bayes_intgen.studies.paper.plans import FIGURES

__all__ = ["MEASURES", "average", "format_report", "rows_needed"]

MEASURES = {
    "rmse_outcome": "error to the outcome (unit of Y)",
    "rmse_effect": "error to E[Y | do(a)] (unit of Y)",
}
SETTING = ["K", "n_obs", "n_sint"]


def average(rows: pd.DataFrame) -> pd.DataFrame:
    """Average the rows of :class:`bayes_intgen.studies.paper.unit.ReproduceUnit` over systems.

    Returns
    -------
    pandas.DataFrame
        A row per setting and estimator: ``K``, ``n_obs``, ``n_sint``, ``n`` (rows per regime on
        average), ``total`` (n_obs + K n_sint), ``share`` (of observational rows in it),
        ``estimator``, ``scms`` (how many systems), and the mean of each measure with, as
        ``<measure>_se``, its standard error (NaN for one system).
    """
    groups = rows.groupby([*SETTING, "estimator"], sort=False)
    means = mean_over_systems(groups, [*MEASURES, "coverage", "seconds", "perfect", "converged"])
    means["total"] = means["n_obs"] + means["K"] * means["n_sint"]
    means["n"] = means["total"] / (means["K"] + 1)
    means["share"] = means["n_obs"] / means["total"]
    return means


def rows_needed(
    totals: Array, error: Array, joint_totals: Array, joint_error: Array
) -> tuple[Array, Array]:
    """Return how many times the rows of a joint regression an estimator needs for its error.

    Given are numbers of rows and errors, which must fall, of the estimator and of the regression on
    joint rows. Returned are the numbers of joint rows at which the answer lies within the curve of
    the estimator, and the ratios there.

    Examples
    --------
    >>> n = np.array([100.0, 1000.0, 10000.0])
    >>> rows_needed(n, 2 / np.sqrt(n), n, 1 / np.sqrt(n))
    (array([ 100., 1000.]), array([4., 4.]))
    """
    order = np.argsort(error)
    needed = np.exp(
        np.interp(np.log(joint_error), np.log(error)[order], np.log(totals)[order], np.nan, np.nan)
    )
    known = np.isfinite(needed)
    return joint_totals[known], (needed / joint_totals)[known]


def format_report(figure: str, means: pd.DataFrame) -> str:
    """Write the means for reading, and where rows vary the ratios of :func:`rows_needed`."""
    shown = means[[*SETTING, "estimator", "scms"]].copy()
    for name in MEASURES:
        shown[name] = format_means(means, name, ".4f")
    for name in ("coverage", "seconds"):
        shown[name] = format_means(means, name, ".2f")
    shown["converged"] = means["converged"]
    lines = [shown.to_string(index=False)]
    if FIGURES[figure].varies == "estimator":
        lines.append(f"A perfect predictor has rmse_outcome {means['perfect'].iloc[0]:.4f}.")
    if FIGURES[figure].varies == "size":
        for k in means["K"].unique():
            lines += _format_needed(means[means["K"] == k], k)
    return "\n".join(lines)


def _format_needed(means: pd.DataFrame, k: int) -> list[str]:
    lines = []
    joint = means[means["estimator"] == "joint"].sort_values("total")
    for name in ("ridge", "bayes"):
        part = means[means["estimator"] == name].sort_values("total")
        if len(part) > 1 and len(joint):
            columns = (part["total"], part["rmse_effect"], joint["total"], joint["rmse_effect"])
            totals, times = rows_needed(*(column.to_numpy(float) for column in columns))
            ratios = ", ".join(
                f"{ratio:.3g} at {n:,.0f}" for n, ratio in zip(totals, times, strict=True)
            )
            lines.append(
                f"K = {k}: {name} needs, for the rmse_effect of that many joint rows, this many "
                f"times the rows: {ratios or 'more than there are'}."
            )
    return lines

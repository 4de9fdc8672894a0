"""Table and picture of the comparison: the error of each estimator on each family.

Medians over systems, since a method outside of its assumptions can be off by any factor.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayes_intgen.plots.style import BLACK, BLUE, ORANGE
from bayes_intgen.studies.relatives.families import RELATIVES

__all__ = ["draw_comparison", "format_comparison", "summarise_comparison"]

TITLES = {
    "the paper": "one confounder per action",
    "additive noise": "correlated normal errors",
    "aggregation": "a shared confounder modifies nothing",
}
PER_ROW = 4
NOTES = """\
Median error of E[Y | do(a)] over systems, in sds of the truth; * the estimator's assumptions hold.
`joint` has rows of the joint experiment, which no other estimator sees."""
HOLDS = {"bayes": "the paper", "ridge": "the paper", "factor": "the paper"}
HOLDS |= {"additive-noise": "additive noise", "aggregation": "aggregation"}


def summarise_comparison(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row per family and estimator, over its systems.

    Returns
    -------
    pandas.DataFrame
        ``family``, ``estimator``, ``scms`` (systems answered), ``rmse`` (median), ``rmse_low`` and
        ``rmse_high`` (quartiles), ``coverage`` (mean) and whether the estimator's ``assumptions``
        hold there (of those that ignore regimes they never do).
    """
    groups = rows.groupby(["family", "estimator"], sort=False)
    errors = groups["rmse"]
    table = pd.DataFrame(
        {
            "scms": errors.count(),
            "rmse": errors.median(),
            "rmse_low": errors.quantile(0.25),
            "rmse_high": errors.quantile(0.75),
            "coverage": groups["coverage"].mean(),
        }
    ).reset_index()
    table["assumptions"] = [
        estimator == "joint" or HOLDS.get(estimator) in RELATIVES[family].keeps
        for family, estimator in zip(table["family"], table["estimator"], strict=True)
    ]
    return table


def format_comparison(summary: pd.DataFrame) -> str:
    """Write the medians for reading, a row per family."""
    marks = np.where(summary["assumptions"], "*", " ")
    texts = [
        f"{error:.3f}{mark}" if np.isfinite(error) else "-"
        for error, mark in zip(summary["rmse"], marks, strict=True)
    ]
    shown = summary.assign(rmse=texts)
    order = list(dict.fromkeys(summary["estimator"]))
    table = shown.pivot(index="family", columns="estimator", values="rmse")
    table = table.loc[list(dict.fromkeys(summary["family"])), order]
    covered = summary.dropna(subset="coverage").pivot(
        index="family", columns="estimator", values="coverage"
    )
    lines = [table.rename_axis(columns=None).to_string(), "", NOTES]
    if covered.size:
        lines += [
            "",
            "Coverage of 90% intervals:",
            covered.rename_axis(columns=None).round(2).to_string(),
        ]
    return "\n".join(lines)


def draw_comparison(rows: pd.DataFrame, summary: pd.DataFrame) -> Figure:
    """Draw the error of every system, a panel per family and a line per estimator."""
    families = list(dict.fromkeys(summary["family"]))
    names = list(dict.fromkeys(summary["estimator"]))
    down = -(-len(families) // PER_ROW)
    figure, axes = plt.subplots(
        down,
        min(PER_ROW, len(families)),
        figsize=(2.9 * min(PER_ROW, len(families)) + 0.6, (0.26 * len(names) + 0.9) * down),
        sharex=True,
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    for ax in axes.ravel()[len(families) :]:
        ax.set_axis_off()
    for ax, family in zip(axes.ravel(), families, strict=False):
        for line, name in enumerate(names):
            own = rows[(rows["family"] == family) & (rows["estimator"] == name)]
            kept = summary[(summary["family"] == family) & (summary["estimator"] == name)].iloc[0]
            colour = BLUE if kept["assumptions"] else ORANGE
            ax.plot(own["rmse"], np.full(len(own), line), "|", color=colour, ms=6, alpha=0.5)
            marker = "o" if kept["assumptions"] else "s"
            ax.plot(kept["rmse"], line, marker, color=colour, mec=BLACK, ms=5)
        keeps = ",\n".join(TITLES[kept] for kept in RELATIVES[family].keeps)
        ax.set_title(f"{family}\n{keeps}", fontsize="small")
        ax.set_xscale("log")
        ax.set_yticks(range(len(names)), names, fontsize="small")
        ax.grid(axis="x", color="0.9")
    axes[0, 0].invert_yaxis()
    figure.supxlabel(
        "error of E[Y | do(a)] in sds of the truth: systems and their median "
        "(circle: the estimator's assumptions hold; square: they do not)",
        fontsize="small",
    )
    return figure

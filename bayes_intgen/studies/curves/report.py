"""Table and picture of errors and coverage by family of curves."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayes_intgen.base.metrics import INTERVAL
from bayes_intgen.plots.dots import plot_dots
from bayes_intgen.plots.style import BLACK, legend_above
from bayes_intgen.studies.curves.families import CURVE_FAMILIES
from bayes_intgen.studies.means import format_means, mean_over_systems

__all__ = ["MEAN", "draw_curves", "format_curves", "summarise_curves"]

MEAN = "mean"
AT_SETTINGS = ("rmse", "rmse_ridge", "coverage", "coverage_contrast")
MEASURES: tuple[str, ...] = (
    *(f"{name}{ending}" for ending in ("", "_supported") for name in AT_SETTINGS),
    *("rmse_contrast", "rmse_ridge_contrast", "level", "shape"),
    *("supported", "extrapolated", "converged"),
)
HEADS = {
    "rmse": "error",
    "rmse_ridge": "ridge",
    "coverage": "levels",
    "coverage_contrast": "contrasts",
}
NOTES = """\
error, ridge: root mean squared error of the model and of the paper's estimator, in sds of the truth
levels, contrasts: share of 90% intervals that hold the truth, of expected outcomes and of changes
from the median setting; share: of the settings asked for, those flagged supported"""


def summarise_curves(rows: pd.DataFrame) -> pd.DataFrame:
    """Average the rows of the study over the systems of each family, and over families.

    Returns
    -------
    pandas.DataFrame
        A row per family, and `MEAN` for the mean over families: ``scms`` (how many systems), the
        mean of each measure over systems and, as ``<measure>_se``, its standard error (NaN for one
        system), the median of ``seconds``, and the assumption that the family ``breaks``, if any.
        A level counts by its size; systems and families in which nothing is supported do not count
        where supported settings are asked for.
    """
    sized = rows.assign(level=rows["level"].abs())
    groups = sized.astype(dict.fromkeys(MEASURES, float)).groupby("family", sort=False)
    means = mean_over_systems(groups, MEASURES)
    means["seconds"] = groups["seconds"].median().to_numpy()
    means["breaks"] = [CURVE_FAMILIES[name].breaks for name in means["family"]]
    columns = [name for measure in MEASURES for name in (measure, f"{measure}_se")]
    total: dict[str, object] = {"family": MEAN, "scms": means["scms"].sum(), "breaks": ""}
    for measure in MEASURES:
        known = means[means[measure].notna()]
        total[measure] = known[measure].mean()
        # families are given, not drawn: the error is that of the systems alone
        variance = (known[f"{measure}_se"] ** 2).sum(skipna=False)
        total[f"{measure}_se"] = np.sqrt(variance) / len(known) if len(known) else np.nan
    total["seconds"] = means["seconds"].mean()
    table = pd.concat([means, pd.DataFrame([total])], ignore_index=True)
    return table[["family", "scms", *columns, "seconds", "breaks"]]


def format_curves(summary: pd.DataFrame) -> str:
    """Write the summary for reading: mean +- standard error."""
    broken = summary["breaks"] != ""
    shown: dict[tuple[str, str], Any] = {}
    shown["", "family"] = summary["family"] + np.where(broken, "*", "")
    for ending, title in (("", "all settings"), ("_supported", "supported settings")):
        for name, head in HEADS.items():
            shown[title, head] = format_means(summary, f"{name}{ending}", ".2f")
    shown["", "share"] = format_means(summary, "supported", ".2f")
    shown["", "seconds"] = [f"{seconds:.1f}" for seconds in summary["seconds"]]
    lines = [pd.DataFrame(shown).to_string(index=False), "", NOTES]
    lines += [
        f"* {family}: {breaks}, which breaks an assumption: coverage is not owed"
        for family, breaks in summary.loc[broken, ["family", "breaks"]].itertuples(index=False)
    ]
    return "\n".join(lines)


def draw_curves(summary: pd.DataFrame) -> Figure:
    """Draw coverage at all and at supported settings, and the errors, a line per family."""
    names = list(summary["family"] + np.where(summary["breaks"] != "", "*", ""))
    panels = (
        ("Coverage, all settings", {"levels": "coverage", "contrasts": "coverage_contrast"}),
        (
            "Coverage, supported settings",
            {"levels": "coverage_supported", "contrasts": "coverage_contrast_supported"},
        ),
        ("Error, all settings", {"the model": "rmse", "the paper's ridge": "rmse_ridge"}),
    )
    figure, axes = plt.subplots(
        1, 3, figsize=(11, 1.6 + 0.27 * len(names)), sharey=True, layout="constrained"
    )
    for ax, (title, series) in zip(axes, panels, strict=True):
        of_error = title.startswith("Error")
        plot_dots(
            ax,
            names,
            {label: summary[name].to_numpy(float) for label, name in series.items()},
            {label: summary[f"{name}_se"].to_numpy(float) for label, name in series.items()},
            "error (sds of the truth)" if of_error else f"share of {INTERVAL:.0%} intervals",
            None if of_error else INTERVAL,
        )
        ax.axhline(len(names) - 1.5, color=BLACK, lw=0.8)  # below it the mean over families
        if of_error:
            ax.set_xscale("log")
            ax.xaxis.set_major_formatter("{x:g}")
        else:
            ax.set_xlim(right=1.02)
        legend_above(ax)
        ax.set_title(title, pad=24)
    axes[1].sharex(axes[0])
    if (summary["breaks"] != "").any():
        figure.supxlabel(
            "* breaks an assumption: coverage is not owed", fontsize="small", ha="left", x=0.01
        )
    return figure

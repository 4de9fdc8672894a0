"""Table and picture of coverage and errors over random systems."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from bayes_intgen.design.interactions import INTERACTIONS
from bayes_intgen.plots.studies import plot_coverage, plot_error_parts
from bayes_intgen.studies.means import format_means, mean_over_systems
from bayes_intgen.studies.random_systems.calibration import COVERAGES

__all__ = ["SETTINGS", "draw_calibration", "format_summary", "summarise"]

SETTINGS = ("all", "supported", "unsupported")
IN_UNIT_OF_OUTCOME = ("spread", "rmse", "level", "shape", "rmse_ridge")
MEASURES: tuple[str, ...] = ("share", *IN_UNIT_OF_OUTCOME, *COVERAGES, "seconds", "converged")
MEASURES += tuple(f"needs_{order}" for order in INTERACTIONS)


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Average the rows of the study over the systems of each family; a level counts by its size.

    Returns
    -------
    pandas.DataFrame
        A row per family and kind of settings: ``scms`` (how many systems), and for each measure its
        mean and, as ``<measure>_se``, the standard error of the mean over systems (NaN for one).
    """
    needed = rows["needed_interactions"]
    sized = rows.assign(
        level=rows["level"].abs(),
        **{f"needs_{order}": needed == order for order in INTERACTIONS},
    )
    groups = sized.astype(dict.fromkeys(MEASURES, float)).groupby(
        ["family", "settings"], sort=False
    )
    # each measure with its standard error beside it
    columns = [name for measure in MEASURES for name in (measure, f"{measure}_se")]
    return mean_over_systems(groups, MEASURES)[["family", "settings", "scms", *columns]]


def format_summary(summary: pd.DataFrame) -> str:
    """Write the summary for reading: mean +- standard error."""
    shown = summary[["family", "settings", "scms"]].copy()
    for measure in MEASURES:
        # shares and seconds with two decimals, quantities in the outcome's unit with three digits
        style = ".3g" if measure in IN_UNIT_OF_OUTCOME else ".2f"
        shown[measure] = format_means(summary, measure, style)
    return shown.to_string(index=False)


def draw_calibration(summary: pd.DataFrame) -> Figure:
    """Draw coverage at all, supported and unsupported settings, and the errors of each family."""
    figure, axes = plt.subplots(2, 2, figsize=(10.5, 9), layout="constrained")
    for ax, settings in zip(axes.flat, SETTINGS, strict=False):
        part = summary[summary["settings"] == settings].set_index("family")
        shares, errors = (
            {str(family): row.to_numpy(float) for family, row in part[columns].iterrows()}
            for columns in (list(COVERAGES), [f"{name}_se" for name in COVERAGES])
        )
        plot_coverage(ax, list(COVERAGES.values()), shares, errors)
        ax.set_title(f"Coverage at {settings} settings")
    part = summary[summary["settings"] == "all"].set_index("family")
    measures = ("rmse", "level", "shape")
    plot_error_parts(
        axes[1, 1],
        {name: dict(zip(part.index, part[name], strict=True)) for name in measures},
        {name: dict(zip(part.index, part[f"{name}_se"], strict=True)) for name in measures},
    )
    axes[1, 1].set_title("Error of the joint effect at all settings")
    return figure

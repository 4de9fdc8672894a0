"""What the calibration study says: means over systems with their standard errors, and a picture."""

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from bayes_intgen.design.design import INTERACTIONS
from bayes_intgen.plots.studies import plot_coverage, plot_error_parts
from bayes_intgen.studies.random_systems.calibration import COVERAGES

__all__ = ["SETTINGS", "draw_calibration", "format_summary", "summarise"]

SETTINGS = ("all", "supported", "unsupported")
MEASURES: tuple[str, ...] = ("share", "spread", "rmse", "level", "shape", "rmse_ridge")
MEASURES += (*COVERAGES, "seconds", "converged")
MEASURES += tuple(f"needs_{rung}" for rung in INTERACTIONS)


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Average over the systems of each family.

    Parameters
    ----------
    rows
        The rows of the study. A level counts by its size.

    Returns
    -------
    pandas.DataFrame
        A row per family and kind of settings: ``scms`` (how many systems), and for each measure its
        mean and, as ``<measure>_se``, the standard error of the mean over systems (NaN for one).
    """
    sized = rows.assign(
        level=rows["level"].abs(),
        converged=rows["converged"].astype(float),
        **{f"needs_{rung}": (rows["needed_rung"] == rung).astype(float) for rung in INTERACTIONS},
    )
    groups = sized.groupby(["family", "settings"], sort=False)
    columns: dict[str, pd.Series[Any]] = {"scms": groups.size()}
    for measure in MEASURES:
        columns[measure] = groups[measure].mean()
        columns[f"{measure}_se"] = groups[measure].sem()
    return pd.DataFrame(columns).reset_index()


def format_summary(summary: pd.DataFrame) -> str:
    """Write the summary for reading: mean +- standard error."""
    shown = summary[["family", "settings", "scms"]].copy()
    for measure in MEASURES:
        digits = 3 if measure in ("spread", "rmse", "level", "shape", "rmse_ridge") else 2
        pairs = zip(summary[measure], summary[f"{measure}_se"], strict=True)
        shown[measure] = [_format(mean, error, digits) for mean, error in pairs]
    return shown.to_string(index=False)


def draw_calibration(summary: pd.DataFrame) -> Figure:
    """Draw coverage at all, supported and unsupported settings, and the errors of each family."""
    figure, axes = plt.subplots(2, 2, figsize=(10.5, 9), layout="constrained")
    for ax, settings in zip(axes.flat, SETTINGS, strict=False):
        part = summary[summary["settings"] == settings].set_index("family")
        actual = {family: part.loc[family, list(COVERAGES)] for family in part.index}
        errors = {
            family: part.loc[family, [f"{name}_se" for name in COVERAGES]] for family in part.index
        }
        nominal = list(COVERAGES.values())
        plot_coverage(
            ax,
            nominal,
            {name: row.to_numpy(dtype=float) for name, row in actual.items()},
            {name: row.to_numpy(dtype=float) for name, row in errors.items()},
        )
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


def _format(mean: float, error: float, digits: int) -> str:
    if digits == 3:
        return f"{mean:.3g}" + ("" if error != error else f"±{error:.1g}")
    return f"{mean:.2f}" + ("" if error != error else f"±{error:.2f}")

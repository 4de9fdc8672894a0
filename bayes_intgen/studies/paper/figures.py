"""The paper's figures, each for the error to the outcome, as in the paper, and to the true mean."""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bayes_intgen.plots.paper import Curve, plot_against_rows, plot_against_share, plot_estimators
from bayes_intgen.studies.paper.plans import FIGURES, best_ratio
from bayes_intgen.studies.paper.report import MEASURES

__all__ = ["draw_figure"]


@dataclass(frozen=True)
class _Panel:
    """One set of axes: a measure of the error, some of the settings, and what tells them apart."""

    measure: str
    means: pd.DataFrame
    title: str


def draw_figure(figure: str, means: pd.DataFrame) -> Canvas:
    """Draw a figure of the paper for both measures, from what :func:`.report.average` returned."""
    varies = FIGURES[figure].varies
    panels = _arrange(means, varies)
    rows, columns = len(panels), len(panels[0])
    single = rows == 1
    canvas, grid = plt.subplots(
        rows,
        columns,
        figsize=(4.9 * columns, 4.1) if single else (4 * columns, 3.4 * rows),
        layout="constrained",
        squeeze=False,
    )
    draw = {"estimator": _draw_bars, "size": _draw_sizes, "ratio": _draw_ratios}[varies]
    for axes, row in zip(grid, panels, strict=True):
        for ax, panel in zip(axes, row, strict=True):
            draw(ax, panel.means, panel.measure)
            if not single:
                ax.set_title(panel.title, fontsize="medium")
    if varies != "estimator":
        handles, labels = grid[0, 0].get_legend_handles_labels()
        canvas.legend(
            handles, labels, loc="outside lower center", ncols=4 if single else columns,
            fontsize="small",
        )  # fmt: skip
    canvas.suptitle(_caption(means, varies))
    return canvas


def _arrange(means: pd.DataFrame, varies: str) -> list[list[_Panel]]:
    """Lay out the panels: rows of axes, where one setting alone puts both measures side by side."""
    by_k = [(f"K = {k}", of_k) for k, of_k in means.groupby("K", sort=False)]
    groups = [by_k]
    if varies == "ratio":
        groups = [
            [(f"{title}, {total:,} rows in all", part) for total, part in of_k.groupby("total")]
            for title, of_k in by_k
        ]
    rows = [
        [_Panel(name, part, title) for title, part in group]
        for group in groups
        for name in MEASURES
    ]
    if [len(row) for row in rows] == [1, 1]:
        return [[panel for row in rows for panel in row]]
    return rows


def _draw_bars(ax: Axes, means: pd.DataFrame, name: str) -> None:
    perfect = float(means["perfect"].iloc[0]) if name == "rmse_outcome" else None
    plot_estimators(ax, _by_estimator(means, name), MEASURES[name], perfect)


def _draw_sizes(ax: Axes, means: pd.DataFrame, name: str) -> None:
    curves = {key: _curve(means, key, "total", name) for key in means["estimator"].unique()}
    perfect = means.drop_duplicates("total").sort_values("total")
    line = (perfect["total"].to_numpy(float), perfect["perfect"].to_numpy(float))
    plot_against_rows(ax, curves, MEASURES[name], line if name == "rmse_outcome" else None)


def _draw_ratios(ax: Axes, means: pd.DataFrame, name: str) -> None:
    k = int(means["K"].iloc[0])
    mixed, alone = means[means["n_sint"] > 0], means[means["n_sint"] == 0]
    curves = {key: _curve(mixed, key, "share", name) for key in mixed["estimator"].unique()}
    baselines = _by_estimator(alone, name)
    plot_against_share(ax, curves, baselines, 1 / (1 + k * best_ratio(k)), k, MEASURES[name])


def _by_estimator(means: pd.DataFrame, name: str) -> dict[str, tuple[float, float]]:
    """Return the mean of a measure and its standard error by estimator."""
    errors = zip(means[name], means[f"{name}_se"], strict=True)
    return dict(zip(means["estimator"], errors, strict=True))


def _curve(means: pd.DataFrame, estimator: str, x: str, name: str) -> Curve:
    part = means[means["estimator"] == estimator].sort_values(x)
    places, mean, spread = (part[column].to_numpy(float) for column in (x, name, f"{name}_se"))
    return places, mean, spread


def _caption(means: pd.DataFrame, varies: str) -> str:
    systems = int(means["scms"].max())
    actions = ", ".join(str(k) for k in means["K"].unique())
    phrases = [f"{systems} random system{'s' * (systems > 1)}", f"K = {actions} actions"]
    if varies == "estimator":
        phrases.append(f"{round(means['n'].iloc[0]):,} rows per regime")
    elif varies == "ratio" and means["total"].nunique() == 1:
        phrases.append(f"{means['total'].iloc[0]:,} rows in all")
    return ", ".join(phrases)

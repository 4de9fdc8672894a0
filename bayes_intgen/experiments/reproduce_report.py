"""What the paper's experiments say: means over systems with standard errors, and the figures.

How many more rows does an estimator need than the regression on joint rows? With the error e_b(N)
of the first and e_j(N) of the second at N rows, both interpolated as straight lines in the
logarithms, the answer at N joint rows is N_b / N with e_b(N_b) = e_j(N).
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bayes_intgen.experiments.reproduce_plans import FIGURES, best_ratio
from bayes_intgen.files import replacing
from bayes_intgen.plots_paper import (
    Curve,
    plot_against_rows,
    plot_against_share,
    plot_estimators,
)

__all__ = ["average", "draw_figure", "format_means", "rows_needed", "save_figure"]

MEASURES = {
    "rmse_outcome": "error to the outcome (unit of Y)",
    "rmse_effect": "error to E[Y | do(a)] (unit of Y)",
}
SETTING = ["K", "n_obs", "n_sint"]

type Array = npt.NDArray[np.float64]


def average(rows: pd.DataFrame) -> pd.DataFrame:
    """Average over systems.

    Parameters
    ----------
    rows
        Rows of :class:`bayes_intgen.experiments.ReproduceUnit`.

    Returns
    -------
    pandas.DataFrame
        A row per setting and estimator: ``K``, ``n_obs``, ``n_sint``, ``n`` (rows per regime on
        average), ``total`` (n_obs + K n_sint), ``share`` (of observational rows in it),
        ``estimator``, ``scms`` (how many systems), and the mean of each measure with, as
        ``<measure>_se``, its standard error (NaN for one system).
    """
    groups = rows.groupby([*SETTING, "estimator"], sort=False)
    measures = [*MEASURES, "coverage", "seconds", "perfect", "converged"]
    values = groups[measures].mean()
    errors = groups[measures].sem().add_suffix("_se")
    found = pd.concat([groups.size().rename("scms"), values, errors], axis=1).reset_index()
    found["total"] = found["n_obs"] + found["K"] * found["n_sint"]
    found["n"] = found["total"] / (found["K"] + 1)
    found["share"] = found["n_obs"] / found["total"]
    return found


def rows_needed(
    totals: Array, error: Array, joint_totals: Array, joint_error: Array
) -> tuple[Array, Array]:
    """Return how many times the rows of a joint regression an estimator needs for its error.

    Parameters
    ----------
    totals, error
        Numbers of rows and errors of the estimator, which must fall.
    joint_totals, joint_error
        The same of the regression on joint rows.

    Returns
    -------
    tuple of arrays
        The numbers of joint rows at which the answer lies within the curve of the estimator, and
        the ratios there.

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


def format_means(figure: str, means: pd.DataFrame) -> str:
    """Write the means for reading, and where rows vary the ratios of :func:`rows_needed`."""
    shown = means[[*SETTING, "estimator", "scms"]].copy()
    for name, digits in {**dict.fromkeys(MEASURES, 4), "coverage": 2, "seconds": 2}.items():
        pairs = zip(means[name], means[f"{name}_se"], strict=True)
        shown[name] = [_format(mean, error, digits) for mean, error in pairs]
    shown["converged"] = means["converged"]
    lines = [shown.to_string(index=False)]
    if FIGURES[figure].varies == "estimator":
        lines.append(f"A perfect predictor has rmse_outcome {means['perfect'].iloc[0]:.4f}.")
    if FIGURES[figure].varies == "size":
        for k in means["K"].unique():
            lines += _format_needed(means[means["K"] == k], k)
    return "\n".join(lines)


def draw_figure(figure: str, means: pd.DataFrame) -> Canvas:
    """Draw a figure of the paper, for both measures of the error.

    Parameters
    ----------
    figure
        Its name.
    means
        What :func:`average` returned.
    """
    varies = FIGURES[figure].varies
    if varies == "estimator":
        canvas, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
        for ax, (name, label) in zip(axes, MEASURES.items(), strict=True):
            parts = means.set_index("estimator")[[name, f"{name}_se"]]
            errors = {str(key): (row.iloc[0], row.iloc[1]) for key, row in parts.iterrows()}
            perfect = float(means["perfect"].iloc[0]) if name == "rmse_outcome" else None
            plot_estimators(ax, errors, label, perfect)
        canvas.suptitle(_caption(means, f"{round(means['n'].iloc[0]):,} rows per regime"))
        return canvas
    panels = [(k, n) for k in means["K"].unique() for n in _sizes(means[means["K"] == k], varies)]
    columns = 2 if len(panels) == 1 else len(panels) if varies == "size" else _columns(panels)
    count = 2 * len(panels) // columns
    size = (4.8 * columns, 3.9 * count) if len(panels) == 1 else (4 * columns, 3.4 * count)
    canvas, grid = plt.subplots(count, columns, figsize=size, layout="constrained", squeeze=False)
    places = [(k, n, name) for k, n, name in _order(panels, columns)]
    for ax, (k, n, name) in zip(grid.flat, places, strict=True):
        part = means[means["K"] == k]
        if varies == "size":
            _draw_sizes(ax, part, name)
        else:
            _draw_ratios(ax, part[_near(part["n"], n)], k, name)
        if len(panels) > 1:
            rows = "" if varies == "size" else f", {(k + 1) * n:,} rows in all"
            ax.set_title(f"K = {k}{rows}", fontsize="medium")
    handles, labels = grid.flat[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 3 if columns > 2 else 4 if len(panels) == 1 else 2),
                  fontsize="small")  # fmt: skip
    alone = len(panels) == 1 and varies == "ratio"
    total = f"{means['total'].max():,} rows in all" if alone else ""
    canvas.suptitle(_caption(means, total))
    return canvas


def save_figure(canvas: Canvas, path: Path) -> None:
    """Write a figure whole or not at all; the kind of file follows from its name."""
    dated = {".pdf": {"CreationDate": None}}
    with replacing(path) as draft:
        canvas.savefig(draft, dpi=130, metadata=dated.get(path.suffix))


def _draw_sizes(ax: Axes, means: pd.DataFrame, name: str) -> None:
    curves = {key: _curve(means, key, "total", name) for key in means["estimator"].unique()}
    plot_against_rows(ax, curves, MEASURES[name])
    if name == "rmse_outcome":
        ax.plot(*_perfect(means), color="black", ls="--", lw=1, label="perfect predictor")


def _perfect(means: pd.DataFrame) -> tuple[Array, Array]:
    part = means.drop_duplicates("total").sort_values("total")
    return part["total"].to_numpy(), part["perfect"].to_numpy()


def _draw_ratios(ax: Axes, means: pd.DataFrame, k: int, name: str) -> None:
    mixed = means[means["n_sint"] > 0]
    alone = means[means["n_sint"] == 0].set_index("estimator")
    curves = {key: _curve(mixed, key, "share", name) for key in mixed["estimator"].unique()}
    baselines = {str(key): (row[name], row[f"{name}_se"]) for key, row in alone.iterrows()}
    plot_against_share(ax, curves, baselines, 1 / (1 + k * best_ratio(k)), k, MEASURES[name])


def _curve(means: pd.DataFrame, estimator: str, x: str, name: str) -> Curve:
    part = means[means["estimator"] == estimator].sort_values(x)
    return tuple(part[column].to_numpy(float) for column in (x, name, f"{name}_se"))  # type: ignore[return-value]


def _sizes(means: pd.DataFrame, varies: str) -> list[int]:
    return [0] if varies == "size" else sorted({round(n) for n in means["n"]})


def _near(n: pd.Series, size: int) -> "pd.Series[bool]":
    return n.round() == size


def _columns(panels: list[tuple[int, int]]) -> int:
    return len({n for _, n in panels})


def _order(panels: list[tuple[int, int]], columns: int) -> list[tuple[int, int, str]]:
    """Put the panels of one measure side by side, above those of the other."""
    if len(panels) == 1:
        return [(*panels[0], name) for name in MEASURES]
    starts = range(0, len(panels), columns)
    return [
        (k, n, name)
        for start in starts
        for name in MEASURES
        for k, n in panels[start : start + columns]
    ]


def _caption(means: pd.DataFrame, rows: str) -> str:
    systems = int(means["scms"].max())
    actions = ", ".join(str(k) for k in means["K"].unique())
    parts = [f"{systems} random system{'s' * (systems > 1)}", f"K = {actions} actions", rows]
    return ", ".join(part for part in parts if part)


def _format(mean: float, error: float, digits: int) -> str:
    if np.isnan(mean):
        return "-"
    return f"{mean:.{digits}f}" + ("" if np.isnan(error) else f"±{error:.{digits}f}")


def _format_needed(means: pd.DataFrame, k: int) -> list[str]:
    lines = []
    joint = means[means["estimator"] == "joint"].sort_values("total")
    for name in ("ridge", "bayes"):
        part = means[means["estimator"] == name].sort_values("total")
        if len(part) > 1 and len(joint):
            columns = (part["total"], part["rmse_effect"], joint["total"], joint["rmse_effect"])
            found = rows_needed(*(column.to_numpy(float) for column in columns))
            ratios = ", ".join(f"{ratio:.2g} at {n:,.0f}" for n, ratio in zip(*found, strict=True))
            lines.append(
                f"K = {k}: {name} needs, for the rmse_effect of that many joint rows, this many "
                f"times the rows: {ratios or 'more than there are'}."
            )
    return lines

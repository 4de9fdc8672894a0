"""Pictures of studies and of structure: against a known truth, over many systems, as a graph."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bayes_intgen.base.types import Array
from bayes_intgen.plots.style import BLACK, BLUE, ORANGE, SERIES

__all__ = [
    "plot_coverage",
    "plot_error_parts",
    "plot_errors",
    "plot_recovery",
    "plot_response",
    "plot_structure",
]

LINES = {"seen": "-", "given": "-", "implied": "--", "possible": "-.", "untested": ":"}


def plot_recovery(
    ax: Axes, truth: Array, estimate: Mapping[str, Array], naive: Array, unit: str
) -> Axes:
    """Compare predictions with the truth, point by point.

    Parameters
    ----------
    ax
        Where to draw.
    truth
        True E[Y | do(a)] at some points, shape (points,).
    estimate
        ``mean``, ``lower`` and ``upper`` of the posterior there.
    naive
        What a regression on observational rows predicts there.
    unit
        Name of the outcome, for the labels.

    Examples
    --------
    >>> ax = plt.figure().subplots()
    >>> truth = np.linspace(0.0, 1.0, 5)
    >>> ours = {"mean": truth, "lower": truth - 0.1, "upper": truth + 0.1}
    >>> plot_recovery(ax, truth, ours, 2 * truth, "sales").get_xlabel()
    'true effect on sales'
    >>> plt.close()
    """
    exact = np.array([truth.min(), truth.max()])
    ax.plot(exact, exact, color=BLACK, lw=1, ls="--", label="exact")
    ax.plot(truth, naive, "^", ms=5, mfc="none", color=ORANGE, label="observational regression")
    mean = estimate["mean"]
    ends = np.stack([mean - estimate["lower"], estimate["upper"] - mean])
    label = "posterior mean, 90% interval"
    ax.errorbar(truth, mean, yerr=ends, fmt="o", ms=3, lw=0.8, color=BLUE, label=label)
    ax.set(xlabel=f"true effect on {unit}", ylabel=f"predicted effect on {unit}")
    ax.legend(fontsize="small", loc="upper left")
    return ax


def plot_response(
    ax: Axes,
    grid: Array,
    curves: Mapping[str, Array],
    truth: Array,
    naive: Array,
    action: str,
    unit: str,
) -> Axes:
    """Draw the response to one action with its interval.

    Parameters
    ----------
    ax
        Where to draw.
    grid
        Values of the action, shape (points,).
    curves
        ``mean``, ``lower`` and ``upper`` of the posterior along the grid.
    truth, naive
        The true curve, and that of a regression on observational rows.
    action, unit
        Names of the action and the outcome, for the labels.

    Examples
    --------
    >>> ax = plt.figure().subplots()
    >>> grid = np.linspace(0.0, 1.0, 5)
    >>> curves = {"mean": grid, "lower": grid - 0.1, "upper": grid + 0.1}
    >>> plot_response(ax, grid, curves, grid, 2 * grid, "price", "sales").get_ylabel()
    'expected sales'
    >>> plt.close()
    """
    ax.fill_between(grid, curves["lower"], curves["upper"], color=BLUE, alpha=0.25, lw=0)
    ax.plot(grid, curves["mean"], color=BLUE, label="posterior mean, 90% interval")
    ax.plot(grid, truth, color=BLACK, ls="--", label="truth")
    ax.plot(grid, naive, color=ORANGE, ls=":", lw=2, label="observational regression")
    ax.set(xlabel=f"{action}, set by us", ylabel=f"expected {unit}")
    ax.legend(fontsize="small", loc="best")
    return ax


def plot_errors(ax: Axes, errors: Mapping[str, float], unit: str) -> Axes:
    """Draw root mean squared errors as labelled bars.

    Parameters
    ----------
    ax
        Where to draw.
    errors
        Error of each estimator by its name, ours last.
    unit
        Name of the outcome, for the label.

    Examples
    --------
    >>> ax = plt.figure().subplots()
    >>> plot_errors(ax, {"naive": 2.0, "ours": 0.5}, "sales").get_xlabel()
    'root mean squared error (sales)'
    >>> plt.close()
    """
    names = list(errors)
    colours = [ORANGE] * (len(names) - 1) + [BLUE]
    hatches = ["//"] * (len(names) - 1) + [""]
    bars = ax.barh(names, list(errors.values()), color=colours, edgecolor="white", hatch=hatches)
    ax.bar_label(bars, fmt="{:.3g}", padding=3)
    ax.set(xlabel=f"root mean squared error ({unit})", xlim=(0, 1.2 * max(errors.values())))
    return ax


def plot_structure(ax: Axes, actions: Sequence[str], edges: Sequence[tuple[str, str, str]]) -> Axes:
    """Draw a graph of dependences between actions.

    Parameters
    ----------
    ax
        Where to draw.
    actions
        Names of the actions, placed on a circle.
    edges
        Triples (parent, child, status): arrows are solid for ``seen`` and ``given`` edges, dashed
        for ``implied`` ones, dotted for those that no experiment tests (``untested``), dash-dotted
        for those that the experiments are too small to exclude (``possible``).

    Examples
    --------
    >>> ax = plt.figure().subplots()
    >>> plot_structure(ax, ["price", "tv"], [("price", "tv", "seen")]).get_title()
    'Dependences between actions'
    >>> plt.close()
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(actions)
    places = nx.circular_layout(graph)
    nx.draw_networkx_nodes(graph, places, ax=ax, node_size=1400, node_color="white",
                           edgecolors=BLACK)  # fmt: skip
    nx.draw_networkx_labels(graph, places, ax=ax, font_size=10)
    shown = {}
    for status, style in LINES.items():
        chosen = [(parent, child) for parent, child, of_edge in edges if of_edge == status]
        nx.draw_networkx_edges(
            graph, places, chosen, ax=ax, style=style, edge_color=BLUE, arrowsize=16,
            node_size=1400, connectionstyle="arc3,rad=0.12",
        )  # fmt: skip
        if chosen:
            shown[status] = Line2D([], [], color=BLUE, ls=style, label=status)
    if shown:
        ax.legend(handles=list(shown.values()), fontsize="small", loc="upper right")
    ax.set(title="Dependences between actions")
    ax.margins(0.25)
    ax.set_axis_off()
    return ax


def plot_coverage(
    ax: Axes,
    nominal: Sequence[float],
    actual: Mapping[str, Array],
    errors: Mapping[str, Array],
) -> Axes:
    """Compare how often intervals hold the truth with how often they should.

    Parameters
    ----------
    ax
        Where to draw.
    nominal
        Probabilities of the intervals, shape (intervals,).
    actual
        Share of true values inside them by series, each of shape (intervals,).
    errors
        Standard errors of these shares, NaN where there is none.

    Examples
    --------
    >>> ax = plt.figure().subplots()
    >>> shares, errors = {"paper": np.array([0.5, 0.9])}, {"paper": np.array([0.05, 0.03])}
    >>> plot_coverage(ax, [0.5, 0.9], shares, errors).get_ylabel()
    'share of true values inside it'
    >>> plt.close()
    """
    exact = [max(0.0, min(nominal) - 0.05), 1.0]
    ax.plot(exact, exact, color=BLACK, lw=1, ls="--", label="as promised")
    for (name, shares), style in zip(actual.items(), cycle(SERIES), strict=False):
        bars = np.nan_to_num(errors[name])
        ax.errorbar(nominal, shares, yerr=bars, ms=5, lw=1.2, capsize=2, label=name, **style)
    ax.set(xlabel="probability of the interval", ylabel="share of true values inside it")
    ax.legend(fontsize="small", loc="upper left")
    return ax


def plot_error_parts(
    ax: Axes, parts: Mapping[str, Mapping[str, float]], errors: Mapping[str, Mapping[str, float]]
) -> Axes:
    """Draw the parts of an error side by side, a group of bars per system family.

    Parameters
    ----------
    ax
        Where to draw.
    parts
        For each part of the error (rmse, level, shape) its size by family.
    errors
        Their standard errors, NaN where there is none.

    Examples
    --------
    >>> ax = plt.figure().subplots()
    >>> parts = {"level": {"paper": 0.02}, "shape": {"paper": 0.01}}
    >>> errors = {"level": {"paper": 0.001}, "shape": {"paper": 0.001}}
    >>> plot_error_parts(ax, parts, errors).get_ylabel()
    'error (unit of the outcome)'
    >>> plt.close()
    """
    families = list(next(iter(parts.values())))
    width = 0.8 / len(parts)
    styles = zip(parts.items(), cycle(SERIES), cycle(["", "//", ".."]), strict=False)
    for i, ((part, sizes), style, hatch) in enumerate(styles):
        places = np.arange(len(families)) + (i - (len(parts) - 1) / 2) * width
        ax.bar(
            places,
            [sizes[family] for family in families],
            width,
            yerr=np.nan_to_num([errors[part][family] for family in families]),
            capsize=2,
            color=style["color"],
            edgecolor="white",
            hatch=hatch,
            label=part,
        )
    ax.set(xticks=range(len(families)), xticklabels=families, ylabel="error (unit of the outcome)")
    ax.legend(fontsize="small")
    return ax

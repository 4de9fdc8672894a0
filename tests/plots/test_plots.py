"""Pictures draw on the axes they are given and show what they were told to."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch

import bayes_intgen as ig
from bayes_intgen.plots.dots import plot_dots
from bayes_intgen.plots.studies import (
    plot_coverage,
    plot_error_parts,
    plot_errors,
    plot_recovery,
    plot_response,
    plot_structure,
)
from models import linear

mpl.use("Agg")


@pytest.fixture
def ax():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_structure_has_an_arrow_per_edge_and_a_style_per_status(ax):
    edges = [("a", "b", "seen"), ("b", "c", "seen"), ("a", "c", "implied"), ("c", "d", "untested")]
    edges += [("d", "a", "possible")]
    assert plot_structure(ax, ["a", "b", "c", "d"], edges) is ax
    arrows = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    assert sorted(arrow.get_linestyle() for arrow in arrows) == ["-", "-", "--", "-.", ":"]
    assert {text.get_text() for text in ax.texts} == {"a", "b", "c", "d"}
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["seen", "implied", "possible", "untested"]


@pytest.mark.parametrize(
    ("structure", "arrows"), [("learned", 1), ([("a1", "a2")], 1), ([], 0), ("full", 2)]
)
def test_a_posterior_draws_its_structure(ax, structure, arrows):
    data = ig.RegimeData.from_frame(linear.make_data(500, 1), outcome="y", actions=["a1", "a2"])
    model = ig.InterventionModel(ig.Polynomial(1), structure)
    posterior = model.fit(data, method="laplace", draws=10)
    posterior.plot_structure(ax)
    assert len([patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]) == arrows


def test_recovery_shows_every_point_and_its_interval(ax):
    truth, spread = np.linspace(0, 1, 7), 0.1
    estimate = {"mean": truth + 0.02, "lower": truth - spread, "upper": truth + spread}
    plot_recovery(ax, truth, estimate, 2 * truth, "sales")
    exact, naive, points = ax.get_lines()[:3]
    assert np.allclose(exact.get_xdata(), exact.get_ydata())
    assert np.allclose(naive.get_ydata(), 2 * truth)
    assert np.allclose(points.get_ydata(), estimate["mean"])
    assert "sales" in ax.get_xlabel()


def test_response_and_errors_are_labelled(ax):
    grid = np.linspace(0, 1, 5)
    curves = {"mean": grid, "lower": grid - 1, "upper": grid + 1}
    plot_response(ax, grid, curves, grid, 2 * grid, "price", "sales")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("price, set by us", "expected sales")
    figure, other = plt.subplots()
    plot_errors(other, {"naive": 2.0, "ours": 0.5}, "sales")
    assert [patch.get_width() for patch in other.patches] == [2.0, 0.5]
    plt.close(figure)


def test_coverage_has_a_line_per_family_with_its_standard_errors(ax):
    actual = {"paper": np.array([0.4, 0.8]), "linear": np.array([0.5, 0.9])}
    errors = {"paper": np.array([0.1, 0.05]), "linear": np.full(2, np.nan)}
    assert plot_coverage(ax, [0.5, 0.9], actual, errors) is ax
    shown = {bars.get_label(): bars for bars in ax.containers}
    for name, shares in actual.items():
        line, _, (ends,) = shown[name].lines
        assert np.allclose(line.get_xydata(), np.column_stack([[0.5, 0.9], shares]))
        half = [(high - low) / 2 for (_, low), (_, high) in ends.get_segments()]
        assert np.allclose(half, np.nan_to_num(errors[name]))


def test_dots_stand_beside_their_names_with_their_standard_errors(ax):
    measures = {"levels": np.array([0.9, np.nan, 0.7]), "contrasts": np.array([0.8, 0.6, 0.5])}
    errors = {"levels": np.array([0.1, np.nan, 0.05]), "contrasts": np.full(3, np.nan)}
    assert plot_dots(ax, ["a", "b", "c"], measures, errors, "share", 0.9) is ax
    for name, bars in zip(measures, ax.containers, strict=True):
        dots, _, (ends,) = bars.lines
        assert bars.get_label() == name
        assert np.allclose(dots.get_xdata(), measures[name], equal_nan=True)
        assert np.rint(dots.get_ydata()).tolist() == [0, 1, 2]
        half = [np.ptp(bar[:, 0]) / 2 for bar in ends.get_segments() if len(bar)]
        known = np.isfinite(measures[name])
        assert np.allclose(half, np.nan_to_num(errors[name])[known])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b", "c"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top
    assert [line for line in ax.get_lines() if set(line.get_xdata()) == {0.9}]


def test_error_parts_are_grouped_by_family(ax):
    parts = {"rmse": {"a": 5.0, "b": 2.0}, "level": {"a": 4.0, "b": 1.0}, "shape": {"a": 3, "b": 1}}
    errors = {part: dict.fromkeys("ab", 0.1) for part in parts}
    plot_error_parts(ax, parts, errors)
    assert [patch.get_height() for patch in ax.patches] == [5, 2, 4, 1, 3, 1]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["a", "b"]
    centres = np.array([patch.get_x() + patch.get_width() / 2 for patch in ax.patches])
    assert np.allclose(centres.reshape(3, 2).mean(axis=0), [0, 1])

"""What a posterior draws of itself: the numbers of its answers, on the axes it is given."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import bayes_intgen as ig
from bayes_intgen.base.metrics import credible_interval
from bayes_intgen.plots.truth import plot_against_truth
from models import categorical, linear

mpl.use("Agg")

UNITS = {"a1": "EUR", "y": "units"}


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def posterior():
    data = ig.RegimeData.from_frame(linear.make_data(500, 1), outcome="y", actions=["a1", "a2"])
    return ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace", draws=200)


@pytest.fixture(scope="module")
def levels():
    frame = categorical.make_data(400, random_seed=1)
    names = [name for name in frame.columns if name not in ("y", "regime")]
    coded = [name for name in names if not pd.api.types.is_float_dtype(frame[name])]
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=names, categorical=coded)
    return ig.InterventionModel(ig.Polynomial(1)).fit(data, method="laplace", draws=100), coded[0]


@pytest.fixture
def ax():
    return plt.subplots()[1]


def line(ax, label):
    return next(line for line in ax.get_lines() if line.get_label() == label)


def test_dose_response_draws_the_answers_and_breaks_the_line_beyond_the_support(posterior, ax):
    grid = np.linspace(-1, 30, 40)
    assert posterior.plot_dose_response("a1", grid, {"a2": 0.5}, ax, units=UNITS) is ax
    curve = posterior.dose_response("a1", grid, {"a2": 0.5})
    known = curve["support"].to_numpy() == "supported"
    assert 0 < known.sum() < len(known)
    drawn = line(ax, "mean").get_ydata()
    assert np.allclose(drawn[known], curve.mean(("chain", "draw"))[known])
    assert np.isnan(drawn[~known]).all()
    shaded = [patch for patch in ax.patches if patch.get_hatch()]
    assert {patch.get_hatch() for patch in shaded} <= {"///", "xxx"}
    hidden = sum(patch.get_width() for patch in shaded)
    assert hidden == pytest.approx(31 * (~known).mean(), abs=31 / 39)
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        "a1 (EUR)\nat a2 0.5",
        "expected y (units)",
    )


def test_rug_shows_where_experiments_set_the_action_if_rows_are_at_hand(posterior, ax, tmp_path):
    posterior.plot_dose_response("a1", ax=ax)
    rows = posterior.summary.regimes[("a1",)].sample.rows[:, 0]
    assert np.isin(line(ax, "set in experiments").get_xdata(), rows).all()
    posterior.save(tmp_path / "fit.nc")
    later = ig.load(tmp_path / "fit.nc").plot_dose_response("a1")
    assert "set in experiments" not in [found.get_label() for found in later.get_lines()]


def test_decomposition_of_every_action_adds_up(posterior):
    axes = posterior.plot_decomposition()
    assert [ax.get_xlabel() for ax in axes] == ["a1", "a2"]
    for ax in axes:
        effect, seen, bias = (
            line(ax, name).get_ydata()
            for name in ("causal effect", "observational", "confounding bias")
        )
        assert np.allclose(effect + bias, seen)
        zero = line(ax, "effect is zero here").get_xdata()[0]
        assert np.interp(zero, line(ax, "causal effect").get_xdata(), effect) == pytest.approx(0)


def test_decomposition_of_one_action_on_given_axes(posterior, ax):
    (drawn,) = posterior.plot_decomposition("a2", axes=ax, grid=[0.0, 1.0])
    assert drawn is ax
    assert line(ax, "causal effect").get_xdata().tolist() == [0.0, 1.0]


def test_surface_shows_mean_and_width(posterior):
    mean, width = posterior.plot_surface("a1", "a2", grid=5)
    image, wide = (ax.collections[0].get_array().ravel() for ax in (mean, width))
    x, y = (np.unique(ax) for ax in _centres(mean))
    points = {"a1": np.tile(x, 5), "a2": np.repeat(y, 5)}
    table = posterior.table(points)
    assert np.allclose(image, table["mean"])
    assert np.allclose(wide, table["upper"] - table["lower"])


def _centres(ax):
    corners = ax.collections[0].get_coordinates()
    middle = (corners[1:, 1:] + corners[:-1, :-1]) / 2
    return middle[..., 0].round(9), middle[..., 1].round(9)


def test_surface_hatches_what_is_not_supported(posterior):
    joint, _ = posterior.plot_surface("a1", "a2", grid=9)
    assert "hatched" not in joint.get_title()
    seen, _ = posterior.plot_surface("a1", "a2", grid=9, do=[])
    assert "hatched" in seen.get_title()
    (region,) = (found for found in seen.collections if getattr(found, "hatches", [None])[0])
    x, y = (np.unique(places) for places in _centres(seen))
    points = {"a1": np.tile(x, 9), "a2": np.repeat(y, 9)}
    unknown = posterior.table(points, [])["support"] != "supported"
    inside = [region.get_paths()[0].contains_point(p) for p in zip(*points.values(), strict=True)]
    assert inside == unknown.tolist()


def test_pictures_say_where_the_others_are_held(levels):
    fit, action = levels
    other = next(name for name in fit.actions if name != action)
    level = fit.summary.levels[action][1]
    curve = fit.plot_dose_response(other, at={action: level})
    assert curve.get_xlabel() == f"{other}\nat {action} {level}"
    rows = pd.DataFrame({action: [level] * 3})
    mean = fit.plot_dose_response(other, population=rows)
    assert mean.get_xlabel() == f"{other}\naveraged over a population"
    assert "\n" not in fit.plot_surface(action, other, grid=3)[0].get_xlabel()


def test_contrasts_of_moves_arrays_and_mappings_agree(posterior):
    moves = pd.DataFrame({"action": ["a1", "a2"], "from": [0.0, 0.0], "to": [1.0, 2.0]})
    forest = posterior.plot_contrasts(moves, units=UNITS)
    assert [text.get_text() for text in forest.get_yticklabels()] == ["a1: 0 to 1", "a2: 0 to 2"]
    assert forest.get_xlabel() == "change in y (units)"
    usual = {name: posterior.summary.scales[name].centre for name in ("a1", "a2")}
    draws = posterior.contrast({**usual, "a1": 1.0}, {**usual, "a1": 0.0})
    marker = next(found for found in forest.get_lines() if found.get_marker() == "o")
    assert marker.get_xdata()[0] == pytest.approx(float(draws.mean()))
    lower, upper = credible_interval(draws.isel(point=0))
    ends = forest.collections[0].get_segments()[0][:, 0]
    assert ends == pytest.approx([float(lower), float(upper)])
    one = posterior.plot_contrasts({"price": draws}).get_yticklabels()
    assert [text.get_text() for text in one] == ["price"]
    assert len(posterior.plot_contrasts(draws).get_yticklabels()) == 1
    assert len(posterior.plot_contrasts().get_yticklabels()) == 2


def test_equal_moves_are_all_drawn(posterior):
    moves = {"action": ["a1"] * 2, "from": [0.0] * 2, "to": [1.0] * 2, "a2": [0.0, 1.0]}
    forest = posterior.plot_contrasts(pd.DataFrame(moves))
    names = [text.get_text() for text in forest.get_yticklabels()]
    assert names == ["a1: 0 to 1", "a1: 0 to 1 (row 1)"]


def test_best_action_draws_its_marginals(posterior):
    best = posterior.best_action({"a1": (0, 1), "a2": (0, 1)}, budget=1.0, grid=5)
    for ax, (action, share) in zip(best.plot(units=UNITS), best.marginals.items(), strict=True):
        assert [bar.get_height() for bar in ax.patches] == pytest.approx(share.to_numpy())
        assert line(ax, "recommended").get_xdata()[0] == best.recommended[action]
    with pytest.raises(ig.QueryError, match="axes"):
        best.plot(plt.subplots()[1])


def test_budget_draws_what_each_budget_buys(posterior):
    bounds = {"a1": (0, 1), "a2": (0, 1)}
    ax = posterior.plot_budget([1.0, 0.5], bounds=bounds, grid=5)
    curve = ax.get_lines()[0]
    expected = [
        float(posterior.best_action(bounds, b, grid=5).draws["outcome"].mean()) for b in (0.5, 1)
    ]
    assert curve.get_xdata().tolist() == [0.5, 1.0]
    assert curve.get_ydata() == pytest.approx(expected)


def test_categorical_actions_are_drawn_by_level(levels):
    fit, action = levels
    names = list(fit.summary.levels[action])
    other = next(name for name in fit.actions if name != action)
    for ax in (
        fit.plot_dose_response(action),
        fit.plot_decomposition(action)[0],
        fit.plot_surface(action, other, grid=4)[0],
        fit.best_action(grid=3).plot()[fit.actions.index(action)],
    ):
        assert [text.get_text() for text in ax.get_xticklabels()] == names


def test_truth_is_compared_with_every_estimator(posterior, ax):
    points = linear.make_data(50, 3)[["a1", "a2"]]
    truth = linear.truth(points["a1"], points["a2"])
    draws = posterior.expected_outcome(points, beyond="clamp")
    plot_against_truth(draws, truth, {"twice": 2 * truth}, ax=ax, unit="EUR")
    error = float(np.sqrt(np.mean(truth**2)))
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert f"twice: error {error:.3g}" in labels
    twice = next(found for found in ax.get_lines() if found.get_label().startswith("twice"))
    assert np.allclose(twice.get_ydata(), 2 * twice.get_xdata())


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda p: p.plot_dose_response("tv"), "action must be one of"),
        (lambda p: p.plot_decomposition("tv"), "action must be one of"),
        (lambda p: p.plot_decomposition(grid=[1.0]), "grid"),
        (lambda p: p.plot_decomposition(axes=[plt.subplots()[1]]), "axes"),
        (lambda p: p.plot_surface("a1", "a1"), "two actions"),
        (lambda p: p.plot_surface("a1", "tv"), "y must be one of"),
        (lambda p: p.plot_surface("a1", "a2", {"a2": 1.0}), "two actions"),
        (lambda p: p.plot_surface("a1", "a2", grid=1), "grid"),
        (lambda p: p.plot_surface("a1", "a2", axes=[plt.subplots()[1]]), "axes"),
        (lambda p: p.plot_contrasts(pd.DataFrame({"action": ["a1"]})), "'from' and 'to'"),
        (lambda p: p.plot_contrasts({"x": p.expected_outcome({"a1": [0, 1], "a2": 0})}), "dims"),
        (lambda p: p.plot_contrasts("a1"), "table of moves"),
        (lambda p: p.plot_budget([]), "budgets"),
    ],
)
def test_what_cannot_be_drawn_is_refused(posterior, ask, words):
    with pytest.raises(ig.QueryError, match=words):
        ask(posterior)


@pytest.mark.parametrize("size", [(3.5, 2.8), (10.0, 7.0)])
def test_nothing_is_cut_off_at_two_sizes(posterior, size):
    for draw in (
        lambda: posterior.plot_dose_response("a1", units=UNITS),
        lambda: posterior.plot_contrasts(units=UNITS),
        lambda: posterior.plot_budget([0.5, 1.0], grid=3, units=UNITS),
    ):
        draw()
        figure = plt.gcf()
        figure.set_size_inches(*size)
        figure.canvas.draw()
        box, page = figure.get_tightbbox(), figure.get_size_inches()
        assert box.x0 >= -0.02
        assert box.y0 >= -0.02
        assert box.x1 <= page[0] + 0.02
        assert box.y1 <= page[1] + 0.02
        plt.close(figure)

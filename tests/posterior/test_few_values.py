"""Numeric actions with a few values: they are varied, held, drawn and chosen among these alone."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayes_intgen as ig
from bayes_intgen.data.few_values import few_values, two_values
from bayes_intgen.data.reference import reference_values
from bayes_intgen.plots.best import plot_marginals


@pytest.fixture(scope="module")
def fit():
    """The best price lies between 8 and 12 for a curve, and of promo no half exists."""
    rng = np.random.default_rng(1)
    parts = []
    for regime in ("obs", "promo", "mails", "price"):
        rows = pd.DataFrame({"promo": rng.binomial(1, 0.7, 150), "mails": rng.integers(0, 4, 150)})
        rows["price"] = rng.uniform(8, 12, 150)
        mean = rows["promo"] - (rows["mails"] - 1.4) ** 2 - (rows["price"] - 10.1) ** 2
        parts.append(rows.assign(y=mean + rng.normal(0, 0.3, 150), regime=regime))
    data = ig.RegimeData.from_frame(pd.concat(parts), "y", ["promo", "mails", "price"])
    model = ig.InterventionModel(ig.Polynomial(2), structure=[], interactions="none")
    return model.fit(data, method="laplace", draws=200, random_seed=1)


def test_values_are_told_from_rows_and_from_a_file_without_them(fit, tmp_path):
    fit.save(tmp_path / "fit.nc")
    for own in (fit, ig.load(tmp_path / "fit.nc")):
        assert two_values(own.summary, "promo") == (0.0, 1.0)
        assert two_values(own.summary, "mails") is None
        found = {name: few_values(own.summary, name) for name in own.actions}
        assert found == {"promo": (0.0, 1.0), "mails": (0.0, 1.0, 2.0, 3.0), "price": None}


def test_values_at_which_actions_are_held_are_ones_that_occur(fit):
    promo, mails, price = reference_values(fit.summary)
    assert promo == 1.0
    assert mails == 2.0  # the mean of 1.6 lies between two values that experiments set
    assert price == fit.summary.scales["price"].centre
    assert "promo holds two values: treated as levels 0 and 1" in str(fit)
    assert "mails holds" not in str(fit)


def test_the_best_is_sought_among_them(fit):
    best = fit.best_action()
    assert best.recommended["promo"] == 1.0
    assert best.recommended["mails"] == 1.0
    assert {*best.draws["best:mails"].to_numpy().ravel()} <= {0.0, 1.0, 2.0, 3.0}
    assert best.recommended["price"] not in (8.0, 9.0, 10.0, 11.0, 12.0)
    assert best.untested == ()
    assert "of promo, mails the values that rows hold" in best.method
    bounded = fit.best_action({"mails": (1.6, 3)}).recommended
    assert bounded == {"mails": 2.0}
    between = fit.best_action({"mails": (1.2, 1.8)}, grid=7).recommended["mails"]
    assert between == pytest.approx(1.4, abs=0.11)
    assert fit.best_action({"mails": (1.2, 1.8)}).recommended["mails"] == pytest.approx(
        1.4, abs=0.1
    )


def test_what_is_not_chosen_and_what_it_costs_are_told(fit):
    best = fit.best_action({"price": None}, at={"mails": 2})
    assert best.held == {"promo": 1.0, "mails": 2.0}
    assert "held: promo = 1, mails = 2" in str(best)
    assert "cost" not in str(best)
    assert "cost" in str(fit.best_action({"price": None}, cost={"price": 1}))
    assert "held" not in str(fit.best_action())


def test_two_values_are_points_not_a_curve(fit):
    assert fit.dose_response("promo").sizes["promo"] == 2
    ticks = [text.get_text() for text in fit.plot_dose_response("promo").get_xticklabels()]
    assert ticks == ["0", "1"]
    mean, _ = fit.plot_surface("price", "promo", grid=3)
    assert [text.get_text() for text in mean.get_yticklabels()] == ["0", "1"]
    plt.close("all")


def test_bars_of_few_values_stand_side_by_side(fit):
    ax = fit.best_action().plot()[1]
    assert ax.get_xticks().tolist() == [0, 1, 2, 3]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1", "2", "3"]
    doses = xr.DataArray([0.2, 0.7, 0.1], {"a": [0.01, 1.0, 100.0]}, dims="a")
    (ax,) = plot_marginals([plt.figure().subplots()], {"a": doses}, {"a": 1.0})
    middles = [bar.get_x() + bar.get_width() / 2 for bar in ax.patches]
    assert middles == pytest.approx([0, 1, 2])
    assert ax.lines[0].get_xdata()[0] == 1
    plt.close("all")

"""Axes are logarithmic where experiments spread doses over decades, and linear elsewhere."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.posterior.dose_axis import read_dose_axis

DOSES = [0.0, 0.1, 0.3, 1.0, 3.0, 10.0]


@pytest.fixture(scope="module")
def posterior():
    """A dose with zeros, one without, one on a linear scale, and one below zero."""
    rng, n = np.random.default_rng(1), 80
    parts = []
    for regime in ("obs", "dose", "conc", "share", "shift"):
        part = pd.DataFrame(
            {
                "dose": rng.exponential(1.0, n),
                "conc": rng.lognormal(0.0, 0.3, n),
                "share": rng.uniform(0.0, 1.0, n),
                "shift": rng.normal(size=n),
            }
        )
        if regime == "dose":
            part["dose"] = rng.choice(DOSES, n)
        if regime == "conc":
            part["conc"] = 10.0 ** rng.uniform(-2.0, 1.0, n)
        part["y"] = part["dose"] / (1 + part["dose"]) + rng.normal(size=n)
        parts.append(part.assign(regime=regime))
    data = ig.RegimeData.from_frame(
        pd.concat(parts, ignore_index=True), "y", ["dose", "conc", "share", "shift"]
    )
    model = ig.InterventionModel(ig.Polynomial(2), structure=[], interactions="none")
    return model.fit(data, method="laplace", progressbar=False)


@pytest.fixture
def ax():
    yield plt.figure().subplots()
    plt.close()


def test_doses_over_decades_get_points_in_every_decade_and_at_zero(posterior):
    axis = read_dose_axis(posterior, "dose", None, 50)
    assert axis.has_zero
    assert axis.least == pytest.approx(0.1)
    assert len(axis.grid) == 50
    assert (axis.grid[0], axis.grid[-1]) == pytest.approx((0.0, 10.0))
    assert (np.diff(axis.grid) > 0).all()
    counts = np.histogram(axis.grid, [0.1 - 1e-6, 1.0, 10.0 + 1e-6])[0]
    assert (counts >= 20).all()


def test_the_picture_shows_them_so_and_others_as_before(posterior, ax):
    posterior.plot_dose_response("dose", ax=ax)
    assert ax.get_xscale() == "symlog"
    assert ax.get_xticks().tolist() == pytest.approx([0.0, 0.1, 1.0, 10.0])
    ax.clear()
    posterior.plot_dose_response("conc", ax=ax)
    assert ax.get_xscale() == "log"
    ax.clear()
    posterior.plot_dose_response("dose", ax=ax, log=False)
    assert ax.get_xscale() == "linear"
    assert read_dose_axis(posterior, "share", None, 50) is None
    assert read_dose_axis(posterior, "shift", None, 50) is None
    assert read_dose_axis(posterior, "share", True, 50) is not None


def test_curves_and_surfaces_have_the_same_axes(posterior):
    (curve, other) = posterior.plot_decomposition(["dose", "share"])
    assert (curve.get_xscale(), other.get_xscale()) == ("symlog", "linear")
    for ax in posterior.plot_surface("dose", "conc", grid=9):
        assert (ax.get_xscale(), ax.get_yscale()) == ("symlog", "log")
    plt.close("all")


def test_a_loaded_fit_draws_the_same_axis(posterior, tmp_path):
    posterior.save(tmp_path / "fit.nc")
    again = read_dose_axis(ig.load(tmp_path / "fit.nc"), "dose", None, 50)
    own = read_dose_axis(posterior, "dose", None, 50)
    assert (again.least, again.has_zero) == (own.least, own.has_zero)
    np.testing.assert_array_equal(again.grid, own.grid)


def test_a_logarithm_of_what_has_none_is_refused(posterior):
    with pytest.raises(ig.QueryError, match="log: values of 'shift' go down to"):
        posterior.plot_dose_response("shift", log=True)
    with pytest.raises(ig.QueryError, match="log must be True, False or None"):
        posterior.plot_decomposition(log="y")

"""The curves of the decomposition: they add up to the regime means, and match a known system."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig
from models import linear


@pytest.fixture(scope="module")
def posterior():
    data = ig.RegimeData.from_frame(linear.make_data(4000, random_seed=1), "y", ["a1", "a2"])
    return ig.InterventionModel(ig.Polynomial(1), [("a1", "a2")]).fit(data, method="laplace")


GRID = np.array([-1.0, 0.0, 0.5, 2.0])


def test_they_add_up_to_the_mean_of_every_regime(posterior):
    """m_S(a) = m_all(reference) + sum_k int_k + sum over k not in S of bias_k, draw by draw."""
    at = {"a1": GRID, "a2": GRID[::-1].copy()}
    reference = {name: posterior.summary.scales[name].centre for name in ("a1", "a2")}
    causal = posterior.expected_outcome(reference).to_numpy()
    for action in ("a1", "a2"):
        causal = causal + posterior.component(action, at, "int").to_numpy()
    for do in ([], ["a1"], ["a2"], ["a1", "a2"]):
        total = causal.copy()
        for action in {"a1", "a2"} - set(do):
            total += posterior.component(action, at, "bias").to_numpy()
        assert_allclose(total, posterior.expected_outcome(at, do=do).to_numpy(), atol=1e-8)


def test_obs_is_int_plus_bias(posterior):
    kinds = [posterior.component("a2", GRID, kind) for kind in ("int", "bias", "obs")]
    assert_allclose(kinds[0] + kinds[1], kinds[2], atol=1e-10)
    assert kinds[0].dims == ("chain", "draw", "point")
    assert kinds[0].name == "int:a2"


def test_they_are_those_of_the_system(posterior):
    """u_1 has slope 1, and d_1 = 2 E[C_1 | a_1] = 2 a_1 / (1 + 1/4) up to a constant."""
    for kind, slope in (("int", 1.0), ("bias", 1.6), ("obs", 2.6)):
        curve = posterior.component("a1", GRID, kind)
        steps = (curve.isel(point=3) - curve.isel(point=0)) / 3
        assert abs(float(steps.mean()) - slope) < 4 * float(steps.std())
        assert float(steps.std()) < 0.1


def test_the_bias_of_a_child_moves_with_its_parent(posterior):
    """d_2 = E[C_2 | a_1, a_2] = (a_2 - a_1 / 2) / 1.25: slope -0.4 in a_1."""
    curve = posterior.component("a2", {"a2": 0.0, "a1": GRID}, "bias")
    steps = (curve.isel(point=3) - curve.isel(point=0)) / 3
    assert abs(float(steps.mean()) + 0.4) < 4 * float(steps.std())


def test_what_is_not_there_is_refused(posterior):
    with pytest.raises(ig.QueryError, match=r"action must be one of \['a1', 'a2'\], got 'price'"):
        posterior.component("price", {"a1": GRID})
    with pytest.raises(ig.QueryError, match=r"kind must be one of .*'bias'.*got 'causal'"):
        posterior.component("a1", GRID, "causal")
    with pytest.raises(ig.QueryError, match="missing or infinite"):
        posterior.component("a1", [0.0, np.nan])

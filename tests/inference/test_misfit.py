"""Row weights are learned only where the mean fits: a wrong mean is made worse by them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

import bayes_intgen as ig

GRID = np.linspace(-1.5, 1.5, 7)


def make_data(random_seed, product, n=1000):
    """Two actions of which the second decides the spread of the outcome, and their product."""
    rng = np.random.default_rng(random_seed)
    tables = []
    for regime in ("obs", "a1", "a2"):
        confounders = rng.normal(size=(2, n))
        a1, a2 = confounders + 0.5 * rng.normal(size=(2, n))
        if regime == "a1":
            a1 = 1.1 * rng.normal(size=n)
        elif regime == "a2":
            a2 = 1.1 * rng.normal(size=n)
        y = a1 - 0.3 * a1**2 + 0.5 * a2 + product * a1 * a2 + 0.5 * confounders.sum(axis=0)
        y += 0.3 * np.exp(a2) * rng.normal(size=n)
        tables.append(pd.DataFrame({"a1": a1, "a2": a2, "y": y, "regime": regime}))
    return ig.RegimeData.from_frame(pd.concat(tables), "y", ["a1", "a2"])


def fit(data, variance="learned", interactions="none"):
    model = ig.InterventionModel(
        ig.Polynomial(2), structure=[], variance=variance, interactions=interactions
    )
    return model.fit(data, method="laplace", draws=100)


def effect_of_a1(posterior):
    """Means of the effect of a1, where a2 is at its mean."""
    contrast = posterior.contrast({"a1": GRID, "a2": 0.0}, {"a1": 0.0, "a2": 0.0})
    return contrast.mean(("chain", "draw")).to_numpy()


@pytest.fixture(scope="module")
def misfit():
    return fit(make_data(1, product=0.3))


def test_a_wrong_mean_gets_equal_weights(misfit):
    equal = fit(make_data(1, product=0.3), "constant")
    assert_array_equal(effect_of_a1(misfit), effect_of_a1(equal))
    assert misfit.idata.attrs["misfit"].startswith("a1 x a2 (p ")
    assert "misfit" not in equal.idata.attrs


def test_the_reason_is_told_and_kept(misfit, tmp_path):
    words = "rows of a regime count the same, not by learned variances: the mean does not fit"
    misfit.save(tmp_path / "fit.nc")
    for posterior in (misfit, ig.load(tmp_path / "fit.nc")):
        assert f"{words} (without a1 x a2 (p " in str(posterior)
        assert words in posterior._repr_html_()
    assert words not in str(fit(make_data(1, product=0.0)))


@pytest.mark.parametrize("product", [0.1, 0.3])
def test_the_rule_spares_what_learned_weights_cost(product, monkeypatch):
    truth = GRID - 0.3 * GRID**2
    tables = [make_data(seed, product) for seed in range(4)]
    errors = {}
    for rule in ("on", "off"):
        if rule == "off":
            monkeypatch.setattr(
                "bayes_intgen.inference.interaction_learning.name_misfit", lambda *given: ""
            )
        found = [effect_of_a1(fit(data)) - truth for data in tables]
        errors[rule] = np.sqrt(np.mean(np.square(found)))
    assert errors["on"] < 0.8 * errors["off"]


def test_a_mean_that_fits_keeps_its_weights():
    """Where nothing is left out, learned weights pay; no table of fourteen loses them."""
    truth = GRID - 0.3 * GRID**2
    errors = {"learned": [], "constant": []}
    for seed in range(14):
        data = make_data(100 + seed, product=0.0, n=400)
        for variance, found in errors.items():
            posterior = fit(data, variance)
            assert "misfit" not in posterior.idata.attrs
            found.append(np.mean((effect_of_a1(posterior) - truth) ** 2))
    assert np.mean(errors["learned"]) < 0.6 * np.mean(errors["constant"])


@pytest.mark.parametrize("interactions", ["pairwise", "all"])
def test_interactions_that_the_model_has_are_no_misfit(interactions):
    posterior = fit(make_data(1, product=0.3), interactions=interactions)
    assert "misfit" not in posterior.idata.attrs


def test_a_misfit_too_small_to_matter_is_none():
    """With many rows it is found by the test of additivity, and is less than a twentieth of sd."""
    posterior = fit(make_data(5, product=0.01, n=60_000))
    clearest = min(posterior.additivity.tests, key=lambda test: test.p_value)
    assert clearest.p_value < 1e-6
    assert "misfit" not in posterior.idata.attrs

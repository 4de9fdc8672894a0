"""The names that the examples of docstrings start from, made once for all of them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import bayes_intgen as ig


@pytest.fixture(scope="session")
def example_names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Make a system with two actions, 200 rows per regime, and a fit to them."""
    scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    frame = scm.sample_regimes(["obs", "a1", "a2"], n=200, random_seed=2)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    model = ig.InterventionModel(ig.Polynomial(2))
    posterior = model.fit(data, method="laplace")
    fit = {"scm": scm, "frame": frame, "data": data, "model": model, "posterior": posterior}
    outcomes = frame.assign(sales=frame["y"], visits=10 - 2 * frame["y"])
    many = ig.RegimeData.from_frame(outcomes, ["sales", "visits"], ["a1", "a2"])
    folder = tmp_path_factory.mktemp("fits")
    fit["fits"] = ig.fit_outcomes(many, model, out=folder, workers=1, progressbar=False)
    return {"ig": ig, "np": np, "pd": pd, "plt": plt, **fit}


@pytest.fixture(autouse=True)
def _namespace(doctest_namespace: dict[str, Any], example_names: dict[str, Any]) -> None:
    doctest_namespace.update(example_names)

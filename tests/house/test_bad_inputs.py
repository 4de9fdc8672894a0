"""Whatever is put into the public interface: an answer, or an error that names the argument."""

import re
import warnings
from collections import Counter
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen import intervention_model
from bayes_intgen.inference import interaction_learning
from tests.cases.bad_inputs import TABLE
from tests.cases.bad_values import Fixtures, cases


class Started(BaseException):
    """Sampling, or the search for the mode, was about to start."""


@pytest.fixture(autouse=True)
def never_sampling(monkeypatch, fixtures):
    """End a test that would go on to sample."""

    def start(*arguments, **options):
        raise Started

    monkeypatch.setattr(interaction_learning, "find_mode", start)
    for name in ("sample_integrated", "sample_rowwise"):
        monkeypatch.setattr(interaction_learning, name, start)
    monkeypatch.setattr(intervention_model, "sample_prior", start)


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory):
    """A numeric fit, one with a categorical action and a covariate, and what they come from."""
    rng = np.random.default_rng(1)
    regime = np.repeat(["obs", "a1", "a2"], 100)
    z, a2 = rng.normal(size=300), rng.normal(size=300)
    a1 = rng.normal(size=300) + np.where(regime == "a1", 0.0, z)
    y = a1 + a2 + z + rng.normal(size=300)
    frame = pd.DataFrame({"a1": a1, "a2": a2, "z": z, "y": y, "regime": regime})
    data = ig.RegimeData.from_frame(frame, "y", ["a1", "a2"])
    model = ig.InterventionModel(ig.Polynomial(2), structure=["a1", "a2"])
    mixed = ig.InterventionModel(
        ig.Polynomial(2), structure=["a1", "a2"], interactions="pairwise"
    ).fit(
        ig.RegimeData.from_frame(
            frame.assign(a2=np.where(a2 > 0, "low", "high")),
            "y",
            ["a1", "a2"],
            categorical=["a2"],
            covariates=["z"],
        ),
        method="laplace",
        draws=20,
    )
    fit = model.fit(data, method="laplace", draws=20)
    saved = tmp_path_factory.mktemp("fit") / "fit.nc"
    fit.save(saved)
    joint = pd.concat([frame, frame.head(100).assign(regime="a1+a2")])
    return Fixtures(
        frame,
        data,
        ig.Moments.from_data(data),
        fit,
        mixed,
        ig.scm.sample_polynomial_scm(2, random_seed=1),
        ig.RegimeData.from_frame(joint, "y", ["a1", "a2"]),
        saved,
    )


def test_there_are_enough_cases_and_no_two_are_called_the_same():
    names = Counter(case.name for case in cases(TABLE))
    assert len(names) >= 500
    assert max(names.values()) == 1


@pytest.mark.parametrize("call", TABLE, ids=lambda call: call.name)
def test_the_call_is_good_but_for_the_argument(call, fixtures, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with suppress(Started):  # when nothing else is left to complain about
        call.run(fixtures)


@pytest.mark.parametrize("call", TABLE, ids=lambda call: call.name)
def test_bad_inputs_are_refused_by_name(call, fixtures, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    problems = [problem for case in cases((call,)) if (problem := judge(case, fixtures))]
    assert problems == []


def judge(case, fixtures):
    """Say what is wrong with the answer to a bad input, if anything."""
    try:
        case.run(fixtures)
    except ig.BayesIntgenError as error:
        if re.search(rf"(?<!\w){re.escape(case.argument)}(?!\w)", str(error)):
            return None
        return f"{case.name}: the message does not name the argument: {error}"
    except Started:
        return f"{case.name}: went on to sample"
    except Exception as error:
        return f"{case.name}: {type(error).__name__}: {error}"
    return f"{case.name}: was accepted"


@pytest.mark.parametrize("kind", [int, np.int64, np.int32, np.uint8])
def test_whole_numbers_of_numpy_are_as_good(kind):
    assert ig.HSGP(m=kind(12)).m == 12
    assert ig.Polynomial(kind(3)).degree == 3
    assert len(ig.scm.sample_polynomial_scm(kind(2), kind(1)).sample(kind(9), random_seed=1)) == 9


@pytest.mark.parametrize("kind", [float, np.float64, np.float32, np.int64])
def test_numbers_of_numpy_are_as_good(kind, fixtures):
    at = {"a1": kind(0), "a2": kind(0)}
    found = fixtures.fit.probability(at, threshold=kind(0))
    assert 0 <= found.item() <= 1
    assert fixtures.fit.best_action({"a1": (kind(0), kind(1))}, budget=kind(1)).cost <= 1


def test_a_long_value_is_cut_in_the_message():
    with pytest.raises(ig.ModelError, match=r"got \[0, 1, 2.*\.\.\. \(list\)\.$") as caught:
        ig.InterventionModel(variance=list(range(10_000)))
    assert len(str(caught.value)) < 400


def test_the_watch_would_see_sampling_start(fixtures):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Started):
            ig.InterventionModel().fit(fixtures.data)

"""Rows of several regimes, and the arguments that an SCM refuses."""

import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from bayes_intgen.base.errors import ModelError, RegimeError
from bayes_intgen.scm import Polynomial, sample_polynomial_scm


def test_sample_regimes_labels_and_counts_rows(scm):
    frame = scm.sample_regimes(["a2+a1", "obs"], {"obs": 5, "a1+a2": 3}, random_seed=1)
    assert frame.columns.tolist() == ["a1", "a2", "a3", "a4", "y", "regime"]
    assert frame["regime"].tolist() == ["a1+a2"] * 3 + ["obs"] * 5
    assert frame.index.tolist() == list(range(8))


@pytest.mark.parametrize(
    ("regimes", "n", "message"),
    [
        ("a1", 5, "regimes must be several"),
        ([], 5, "distinct and at least one"),
        (["a1+a2", ("a2", "a1")], 5, "distinct and at least one"),
        (["obs", "a1"], {"obs": 5}, "n must give a number of rows"),
        (["obs"], {"obs": 5, "a1": 5}, "n must give a number of rows"),
        (["obs"], {"obs": 5, "b": 5}, r"names \['b'\]"),
    ],
)
def test_sample_regimes_refuses_what_does_not_fit(scm, regimes, n, message):
    with pytest.raises(RegimeError, match=message):
        scm.sample_regimes(regimes, n, random_seed=1)


@pytest.mark.parametrize("do", ["a9", "", ["a1", "a9"], ["a1", "a1"], None, 3, [1]])
def test_unknown_regimes_are_refused(scm, do):
    with pytest.raises(RegimeError):
        scm.sample(5, do=do, random_seed=1)


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "5", None])
def test_numbers_of_rows_must_be_positive_integers(scm, n):
    with pytest.raises(ModelError, match="n must be a positive whole number of rows"):
        scm.sample(n, random_seed=1)
    with pytest.raises(ModelError, match="n must be"):
        scm.sample_regimes(["obs"], n, random_seed=1)
    if n != "5":
        with pytest.raises(ModelError, match="n_actions must be"):
            sample_polynomial_scm(n, random_seed=1)


def test_an_scm_cannot_change(scm):
    for owner, name in [(scm, "edges"), (scm.effects[0], "powers"), (scm.outcome_noise, "sd")]:
        with pytest.raises(FrozenInstanceError):
            setattr(owner, name, None)
    scm.parents["a4"] = ()
    assert scm.parents["a4"] == ("a1", "a2", "a3")
    assert hash(scm) == hash(pickle.loads(pickle.dumps(scm)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"actions": ("a1", "a2", "a3", "y")}, "'y' or 'regime'"),
        ({"edges": (("a4", "a1"),)}, "edges must lead from earlier"),
        ({"intervention_sds": (1.0,)}, "one entry for each of the 4 actions"),
        ({"edges": ()}, "effects and mechanisms must have"),
        ({"extra": (Polynomial(((1, 1),), (1.0,)),)}, r"extra .* 8 inputs .* got \[2\]"),
        ({"link": "logit"}, "link must be one of"),
    ],
)
def test_parts_must_fit_together(scm, changes, message):
    with pytest.raises(ModelError, match=message):
        replace(scm, **changes)

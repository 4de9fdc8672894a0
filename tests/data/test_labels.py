"""Labels that are spelt otherwise: all are told at once, and a mapping says what they mean."""

import pandas as pd
import pytest

import bayes_intgen as ig
from bayes_intgen.data.labels import guess_label
from models import linear

SPELT = {"obs": "history", "a1": "a1 test", "a2": "A2_promo"}
MEANING = {spelt: label for label, spelt in SPELT.items()}


@pytest.fixture(scope="module")
def frame():
    return linear.make_data(20, random_seed=1).replace({"regime": SPELT})


def test_a_mapping_says_what_labels_mean(frame, tmp_path):
    plain = ig.RegimeData.from_frame(linear.make_data(20, random_seed=1), "y", ["a1", "a2"])
    frame.to_csv(tmp_path / "rows.csv", index=False)
    for table in (frame, tmp_path / "rows.csv"):
        data = ig.RegimeData.from_frame(table, "y", ["a1", "a2"], labels=MEANING)
        assert data.labels == ("obs", "a1", "a2")
        assert (data.rows("a1") == plain.rows("a1")).all()
    many = ig.RegimeData.from_frame(frame, ["y"], ["a1", "a2"], labels=MEANING)
    assert many.drop("a2")["y"].labels == ("obs", "a1")


def test_further_rows_are_read_with_it(frame):
    data = ig.RegimeData.from_frame(frame, "y", ["a1", "a2"], labels=MEANING)
    first = ig.Moments.from_data(data, basis=ig.Polynomial(1))
    assert ig.Moments.from_data(frame, like=first, labels=MEANING).regimes == first.regimes


def test_labels_that_are_numbers_can_be_mapped():
    codes = {"obs": 0, "a1": 1, "a2": 2}
    frame = linear.make_data(20, random_seed=1)
    frame["regime"] = frame["regime"].map(codes)
    labels = {code: label for label, code in codes.items()}
    assert ig.RegimeData.from_frame(frame, "y", ["a1", "a2"], labels=labels).labels[0] == "obs"
    with pytest.raises(ig.RegimeError, match=r"labels 0, 1, 2 name no regime.*labels=\{0: '\?'"):
        ig.RegimeData.from_frame(frame, "y", ["a1", "a2"])


def test_all_unknown_labels_are_told_at_once_with_what_they_seem_to_mean(frame):
    with pytest.raises(ig.RegimeError) as caught:
        ig.RegimeData.from_frame(frame, "y", ["a1", "a2"])
    text = str(caught.value)
    assert "'history', 'a1 test', 'A2_promo' name no regime" in text
    suggested = text.partition("labels=")[2].partition(", if that")[0]
    assert suggested == str(MEANING)
    with pytest.raises(ig.RegimeError, match=r"not among the actions.*Or say what it means") as one:
        ig.RegimeData.from_frame(
            frame, "y", ["a1", "a2"], labels={k: v for k, v in MEANING.items() if v != "a2"}
        )
    assert "history" not in str(one.value)


@pytest.mark.parametrize(
    ("label", "guess"),
    [
        ("do(a1)", "a1"),
        ("a2 and a1", "a1+a2"),
        ("a11", None),
        ("price-a", "price_a"),
        ("Control", "obs"),
        ("xyz", None),
    ],
)
def test_guesses(label, guess):
    assert guess_label(label, ["a1", "a2", "price_a"]) == guess


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"labels": ["obs"]}, ig.DataError, "labels must be a mapping"),
        ({"labels": {"history": "tv"}}, ig.RegimeError, "^labels: 'history' is to stand for"),
        ({"labels": {"x": "obs"}, "regime": {"a1": "flag"}}, ig.DataError, "^labels: .*flags"),
    ],
)
def test_mappings_that_cannot_be_used(frame, arguments, error, words):
    with pytest.raises(error, match=words):
        ig.RegimeData.from_frame(pd.DataFrame(frame), "y", ["a1", "a2"], **arguments)

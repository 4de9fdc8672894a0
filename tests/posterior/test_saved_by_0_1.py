"""Fits and moments in files of version 0.1.0: read, and answering as they did then."""

import json
from pathlib import Path

import numpy as np
import pytest

import bayes_intgen as ig
from tests.posterior.saved_by_0_1.make import HERE, answers, ask_moments


def read_json(name):
    return json.loads((HERE / name).read_text())


@pytest.mark.parametrize("name", ["learned", "mixed"])
def test_a_fit_answers_as_before(name):
    expected = read_json(f"{name}.json")
    found = answers(ig.load(HERE / f"{name}.nc"), name)
    assert found["texts"] == expected["texts"]
    assert found["numbers"].keys() == expected["numbers"].keys()
    for key, numbers in expected["numbers"].items():
        size = np.nanmax(np.abs(np.array(numbers, dtype=float)))
        np.testing.assert_allclose(
            found["numbers"][key], numbers, rtol=1e-10, atol=1e-10 * size, err_msg=key
        )


@pytest.mark.parametrize("name", ["learned", "mixed"])
def test_a_fit_is_saved_with_the_same_contents(name, tmp_path):
    """The digest covers names, shapes, numbers and texts, but for the version of the library."""
    first = ig.load(HERE / f"{name}.nc")
    first.save(tmp_path / "again.nc")
    again = ig.load(tmp_path / "again.nc")
    texts = [dict(fit.idata.attrs) for fit in (first, again)]
    for attributes in texts:
        assert attributes.pop("library_version")
        assert attributes.pop("digest")
    assert texts[0] == texts[1]
    assert first.idata.equals(again.idata)


def test_moments_hold_the_same_sums(tmp_path):
    ig.Moments.load(HERE / "moments.npz").save(tmp_path / "again.npz")
    before, after = np.load(HERE / "moments.npz"), np.load(tmp_path / "again.npz")
    assert sorted(before.files) == sorted(after.files)
    for name in before.files:
        if name == "state":
            texts = [json.loads(file[name].tobytes()) for file in (before, after)]
            assert texts[0] == texts[1]
        else:
            np.testing.assert_array_equal(before[name], after[name], err_msg=name)


def test_moments_are_fitted_nearly_as_before():
    """The prior of a bias is another since then: that of one centred given the parents."""
    found = np.array(ask_moments(ig.Moments.load(HERE / "moments.npz")))
    before = np.array(read_json("moments.json"))
    assert np.abs((found[:, 0] - before[:, 0]) / before[:, 1]).max() < 0.25
    np.testing.assert_allclose(found[:, 1], before[:, 1], rtol=0.2)


def test_the_files_are_small():
    assert max(path.stat().st_size for path in Path(HERE).iterdir() if path.is_file()) < 200_000

"""Fits on disk: complete, whole or absent, and never executed."""

import os
import pickle

import h5py
import numpy as np
import pytest
import xarray as xr

import bayes_intgen as ig
from bayes_intgen.base.files import replacing
from models import linear


@pytest.fixture(scope="module")
def posterior():
    frame = linear.make_data(100, random_seed=1)
    data = ig.RegimeData.from_frame(frame, outcome="y", actions=["a1", "a2"])
    model = ig.InterventionModel(ig.Polynomial(2), structure=["a1", "a2"])
    return model.fit(data, method="laplace", draws=50)


@pytest.mark.parametrize("do", [None, [], ["a1"], ["a2"]])
def test_loaded_fit_answers_every_query(posterior, tmp_path, do):
    posterior.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc")
    at = {"a1": np.linspace(-4, 4, 9), "a2": 0.3}
    xr.testing.assert_identical(again.expected_outcome(at, do), posterior.expected_outcome(at, do))
    assert str(again) == str(posterior)


def test_tree_survives(posterior, tmp_path):
    posterior.save(tmp_path / "fit.nc")
    again = ig.load(tmp_path / "fit.nc").idata
    for group in posterior.idata.children:
        xr.testing.assert_equal(again[group].dataset, posterior.idata[group].dataset)
    assert again.attrs["method"] == "laplace"
    assert again.attrs["random_seed"] == 1


def test_a_fit_can_be_saved_over_itself(posterior, tmp_path):
    path = tmp_path / "fit.nc"
    posterior.save(path)
    ig.load(path).save(path)
    assert str(ig.load(path)) == str(posterior)
    assert os.listdir(tmp_path) == ["fit.nc"]


def test_failure_leaves_the_earlier_file_alone(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("earlier")

    def fail():
        with replacing(path) as draft:
            draft.write_text("half a ta")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "earlier"
    assert os.listdir(tmp_path) == ["table.csv"]


def test_missing_folder_is_named(posterior, tmp_path):
    with pytest.raises(ig.FileError, match="nowhere"):
        posterior.save(tmp_path / "nowhere" / "fit.nc")
    with pytest.raises(ig.FileError, match="is a folder"):
        posterior.save(tmp_path)


class Boom:
    def __reduce__(self):
        return os.mkdir, ("executed",)


def truncated(path, posterior):
    posterior.save(path)
    path.write_bytes(path.read_bytes()[:5000])


def foreign(path, posterior):
    xr.Dataset({"x": [1.0]}).to_netcdf(path, engine="h5netcdf")


def pickled(path, posterior):
    path.write_bytes(pickle.dumps(Boom()))


def without_design(path, posterior):
    posterior.save(path)
    with h5py.File(path, "a") as file:
        del file.attrs["design"]


def with_broken_design(path, posterior):
    posterior.save(path)
    with h5py.File(path, "a") as file:
        file.attrs["design"] = '{"features": 3}'


def with_unknown_basis(path, posterior):
    posterior.save(path)
    with h5py.File(path, "a") as file:
        file.attrs["design"] = file.attrs["design"].replace("polynomial", "os.system")


def without_draws(path, posterior):
    posterior.save(path)
    with h5py.File(path, "a") as file:
        del file["posterior"]


def without_weights(path, posterior):
    posterior.save(path)
    with h5py.File(path, "a") as file:
        del file["weights"]["weight"]


def without_variance_weights(path, posterior):
    posterior.save(path)
    with h5py.File(path, "a") as file:
        del file["variance"]["weight"]


def absent(path, posterior):
    pass


@pytest.mark.parametrize(
    "damage",
    [
        truncated,
        foreign,
        pickled,
        without_design,
        with_broken_design,
        with_unknown_basis,
        without_draws,
        without_weights,
        without_variance_weights,
        absent,
    ],
)
def test_bad_files_are_refused(posterior, tmp_path, monkeypatch, damage):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "fit.nc"
    damage(path, posterior)
    with pytest.raises(ig.FileError, match=r"fit\.nc"):
        ig.load(path)
    assert not (tmp_path / "executed").exists()

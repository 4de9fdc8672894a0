"""Bad files of every kind: refused with an error that names them, and never executed."""

import os
import re
import shutil
import tempfile
import time
from pathlib import Path

import pytest

import bayes_intgen as ig
from bayes_intgen.cli.main import main
from models import linear
from tests.cases.bad_files import FITS, TABLES

CASES = [(suffix, name) for suffix, makers in TABLES.items() for name in makers]
ROLES = ("frame", "actions", "outcome", "regime")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A folder with a good fit and a good table in both formats."""
    folder = tmp_path_factory.mktemp("good")
    frame = linear.make_data(60, random_seed=1)
    frame.to_csv(folder / "data.csv", index=False)
    frame.to_parquet(folder / "data.parquet")
    data = ig.RegimeData.from_frame(folder / "data.csv", "y", ["a1", "a2"])
    model = ig.InterventionModel(ig.Polynomial(2), structure=["a1", "a2"])
    model.fit(data, method="laplace", draws=10).save(folder / "fit.nc")
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder, in which a pickle would leave its trace."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not list(tmp_path.rglob("executed"))
    assert not (tmp_path.parent / "executed").exists()


@pytest.mark.parametrize("name", FITS)
def test_a_bad_fit_is_refused(name, good, here):
    path = here / "fit.nc"
    FITS[name](path, good / "fit.nc")
    start = time.monotonic()
    with pytest.raises(ig.FileError, match=r"^path: .*fit\.nc"):
        ig.load(path)
    assert time.monotonic() - start < 10


def test_a_good_fit_is_read(good, here):
    shutil.copy(good / "fit.nc", here / "copy.nc")
    assert ig.load(here / "copy.nc").actions == ("a1", "a2")


@pytest.mark.parametrize(("suffix", "name"), CASES)
def test_a_bad_table_is_refused(suffix, name, good, here):
    path = here / f"data{suffix}"
    TABLES[suffix][name](path, good / f"data{suffix}")
    with pytest.raises(ig.BayesIntgenError) as caught:
        ig.RegimeData.from_frame(path, "y", ["a1", "a2"])
    assert str(caught.value).startswith(ROLES)


@pytest.mark.parametrize(("suffix", "name"), CASES)
def test_commands_refuse_bad_tables(suffix, name, good, here, capsys):
    path = here / f"data{suffix}"
    TABLES[suffix][name](path, good / f"data{suffix}")
    columns = ["--outcome", "y", "--actions", "a1,a2", "--method", "laplace"]
    out = ["--out", str(here / "out.nc")]
    query = ["query", str(good / "fit.nc"), "--points", str(path), "--out", str(here / "out.csv")]
    lifts = ["fit", str(good / "data.csv"), *columns, *out, "--lifts", str(path)]
    commands = {"fit": ["fit", str(path), *columns, *out], "query": query, "lifts": lifts}
    for command, arguments in commands.items():
        assert main(arguments) == 2, command
        shown = capsys.readouterr().err
        assert shown.startswith(f"bayes-intgen {arguments[0]}: "), command
        assert "Traceback" not in shown
    assert not list(here.glob("out.*"))


@pytest.mark.parametrize("name", ["absent", "empty", "first_half", "pickled", "foreign", "flip"])
def test_the_query_command_refuses_bad_fits(name, good, here, capsys):
    path = here / "fit.nc"
    FITS[name](path, good / "fit.nc")
    assert main(["query", str(path), "--points", str(good / "data.csv")]) == 2
    assert str(path) in capsys.readouterr().err


@pytest.fixture
def unprivileged():
    """Give up the rights of the superuser for the length of a test."""
    if not hasattr(os, "seteuid"):
        pytest.skip("rights are kept in another way here")
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    yield
    os.seteuid(me)


@pytest.fixture
def public(good):
    """A folder of good files that everybody may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for path in good.iterdir():
            shutil.copy(path, folder)
        yield folder


@pytest.mark.parametrize("name", ["fit.nc", "data.csv", "data.parquet"])
def test_files_that_may_not_be_read(name, public, request):
    (public / name).chmod(0)
    request.getfixturevalue("unprivileged")
    with pytest.raises(ig.FileError, match=re.escape(name)):
        read(public / name)


@pytest.mark.parametrize("name", ["fit.nc", "data.csv", "data.parquet"])
def test_folders_that_may_not_be_entered(name, public, request):
    public.chmod(0)
    request.getfixturevalue("unprivileged")
    with pytest.raises(ig.FileError, match=re.escape(name)):
        read(public / name)


def read(path):
    if path.suffix == ".nc":
        return ig.load(path)
    return ig.RegimeData.from_frame(path, "y", ["a1", "a2"])


def test_a_folder_that_may_not_be_written_to(public, request):
    posterior = ig.load(public / "fit.nc")
    public.chmod(0o555)
    request.getfixturevalue("unprivileged")
    with pytest.raises(ig.FileError, match="cannot write into"):
        posterior.save(public / "fit.nc")

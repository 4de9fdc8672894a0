"""Studies on a Dask cluster: the same numbers as here, and errors that say what to do."""

import sys

import pytest
from distributed import LocalCluster

from bayes_intgen.base.errors import ModelError
from bayes_intgen.cli.main import main
from bayes_intgen.studies.paper.unit import ReproduceUnit
from bayes_intgen.studies.runner.dask_cluster import dask_cluster
from bayes_intgen.studies.runner.sweep import run_sweep
from tests.cases.studies import Deadly, Power

SETTINGS = ["fig2a", "--scms", "3", "--n", "120", "--n-actions", "2", "--seed", "3"]


@pytest.fixture(scope="module")
def address():
    """Two worker processes that run two units at a time."""
    with LocalCluster(
        n_workers=2,
        threads_per_worker=2,
        processes=True,
        dashboard_address=":0",
        host="127.0.0.1",
    ) as cluster:
        yield cluster.scheduler_address


def without_seconds(path):
    return [line.rpartition(",")[0] for line in path.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # those of Dask's own connections are not ours
def test_the_table_is_that_of_local_processes(tmp_path, address):
    here, there = tmp_path / "here", tmp_path / "there"
    command = ["reproduce", *SETTINGS, "--out"]
    assert main([*command, str(there), "--scheduler", address]) == 0
    assert main([*command, str(here), "--workers", "1"]) == 0
    assert without_seconds(there / "fig2a.csv") == without_seconds(here / "fig2a.csv")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_unit_that_fails_there_is_reported_and_the_others_go_on(tmp_path, address):
    units = [
        ReproduceUnit("fig2a", scm, 50, 50, 50, n_actions=2, estimators=("ridge",), degree=degree)
        for scm, degree in ((0, 3), (1, 200))
    ]
    with dask_cluster(address) as pool:
        assert pool.workers == 4
        result = run_sweep(units, tmp_path, pool)
    assert [row["scm"] for row in result.rows] == [0]
    (failure,) = result.failures
    assert "ModelError" in failure.traceback


@pytest.mark.filterwarnings("default")
def test_a_worker_that_dies_there_is_replaced_and_the_others_go_on(tmp_path, address):
    folder = str(tmp_path)
    units = [Power(1, folder), Deadly(2, folder), Power(3, folder)]
    with dask_cluster(address) as pool:
        result = run_sweep(units, tmp_path / "out", pool)
    assert [row["number"] for row in result.rows] == [1, 1, 2, 2, 3, 3]
    assert (tmp_path / "deaths-2").read_text() == "1"


@pytest.mark.filterwarnings("default")
def test_a_cluster_that_is_not_there(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("bayes_intgen.studies.runner.dask_cluster.SECONDS_TO_CONNECT", 0.5)
    command = ["reproduce", *SETTINGS, "--out", str(tmp_path), "--scheduler"]
    assert main([*command, "tcp://127.0.0.1:9"]) == 2
    assert "no Dask scheduler answers at 'tcp://127.0.0.1:9'" in capsys.readouterr().err


def test_without_dask_the_error_names_the_extra(monkeypatch, capsys, tmp_path):
    monkeypatch.delitem(sys.modules, "bayes_intgen.studies.runner.dask_cluster")
    monkeypatch.setitem(sys.modules, "distributed", None)
    command = ["reproduce", *SETTINGS, "--out", str(tmp_path), "--scheduler"]
    assert main([*command, "tcp://127.0.0.1:9"]) == 2
    assert "pip install 'bayes-intgen[dask]'" in capsys.readouterr().err


@pytest.mark.filterwarnings("default")
def test_a_cluster_without_workers():
    with (
        LocalCluster(n_workers=0, dashboard_address=":0", host="127.0.0.1") as cluster,
        pytest.raises(ModelError, match="has no workers"),
        dask_cluster(cluster.scheduler_address),
    ):
        pass

"""Moments on a Dask cluster: the same numbers, also when a worker dies on the way."""

import os
import time

import dask
import dask.dataframe as dd
import numpy as np
import pytest
from distributed import Client, LocalCluster

import bayes_intgen as ig
from bayes_intgen.cli.main import main

COLUMNS = {"outcome": "y", "actions": ["a1", "a2"]}


@pytest.fixture(scope="module")
def frame():
    scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    rows = scm.sample_regimes(scm.single_regimes, n=1000, random_seed=2)
    return rows.sample(frac=1, random_state=3).reset_index(drop=True)


@pytest.fixture(scope="module")
def expected(frame):
    return ig.Moments.from_data(ig.RegimeData.from_frame(frame, **COLUMNS))


@pytest.fixture(scope="module")
def cluster():
    soon = {"distributed.comm.timeouts.connect": "2s", "distributed.comm.retry.count": 0}
    with (
        dask.config.set(soon),  # how long the survivor asks for what the other had
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            host="127.0.0.1",
        ) as found,
    ):
        yield found


def assert_same(found, expected, rtol=1e-10):
    assert found.regimes == expected.regimes
    for regime in expected.regimes:
        assert [f.n for f in found.folds[regime]] == [f.n for f in expected.folds[regime]]
        for one, two in zip(found.folds[regime], expected.folds[regime], strict=True):
            size = np.sqrt(np.diag(two.scatter))
            size[size == 0] = 1.0
            assert np.abs((one.mean - two.mean) / size).max() < rtol
            assert np.abs((one.scatter - two.scatter) / np.outer(size, size)).max() < rtol
        kept = [m.summary.regimes[regime].sample.rows for m in (found, expected)]
        np.testing.assert_array_equal(*kept)


def test_partitions_in_threads_of_this_machine(frame, expected):
    table = dd.from_pandas(frame, npartitions=5)
    data = ig.RegimeData.from_frame(table, **COLUMNS)
    assert data.n_rows == len(frame)
    assert_same(ig.Moments.from_data(data), expected)
    assert_same(ig.Moments.from_data(table, like=expected), expected)


def test_clusters_that_several_partitions_share(frame):
    """Groups are keyed by a hash of their name, the same in every partition."""
    rng = np.random.default_rng(4)
    rows = frame.assign(
        user=[f"u{code}" for code in rng.integers(0, 40, size=len(frame))],
        n=rng.integers(1, 9, size=len(frame)),
    )
    marks = {"cluster": "user", "weights": "n"}
    whole, parts = (
        ig.Moments.from_data(ig.RegimeData.from_frame(table, **COLUMNS, **marks))
        for table in (rows, dd.from_pandas(rows, npartitions=5))
    )
    assert_same(parts, whole)
    for regime in whole.regimes:
        one, two = whole.clusters[regime], parts.clusters[regime]
        np.testing.assert_array_equal(one.keys, two.keys)
        for name in ("rows", "weight", "sums"):
            np.testing.assert_allclose(getattr(one, name), getattr(two, name), atol=1e-10)


def test_samples_of_partitions_are_those_of_all_rows(frame, monkeypatch):
    monkeypatch.setattr("bayes_intgen.data.regime_summary.SAMPLE_ROWS", 100)
    whole = ig.Moments.from_data(ig.RegimeData.from_frame(frame, **COLUMNS))
    table = dd.from_pandas(frame, npartitions=7)
    assert_same(ig.Moments.from_data(ig.RegimeData.from_frame(table, **COLUMNS)), whole)


def test_a_fit_to_partitions_is_that_to_the_table(frame):
    table = dd.from_pandas(frame, npartitions=3)
    at = {"a1": [0.0, 0.3], "a2": 0.1}
    one, two = (
        ig.InterventionModel()
        .fit(ig.RegimeData.from_frame(rows, **COLUMNS), method="laplace")
        .expected_outcome(at)
        for rows in (frame, table)
    )
    np.testing.assert_allclose(one.mean("draw"), two.mean("draw"), rtol=1e-5, atol=1e-5)


def test_categorical_columns_in_partitions(frame):
    coded = frame.assign(a2=np.where(frame["a2"] > 0, "high", "low"))
    columns = {**COLUMNS, "categorical": ["a2"]}
    parts = [dask.delayed(coded.iloc[i : i + 900]) for i in range(0, len(coded), 900)]
    expected = ig.Moments.from_data(ig.RegimeData.from_frame(coded, **columns))
    assert_same(ig.Moments.from_data(ig.RegimeData.from_frame(parts, **columns)), expected)


def test_a_bad_partition_is_reported(frame):
    bad = frame.assign(a1=frame["a1"].where(frame.index != 2500))
    with pytest.raises(ig.DataError, match="'a1' must hold finite numbers"):
        ig.RegimeData.from_frame(dd.from_pandas(bad, npartitions=3), **COLUMNS)


def slow_part(frame, start, folder):
    """A part of the table; the first attempt at the third kills its worker in the middle."""
    time.sleep(0.2)
    mark = folder / "killed"
    if start == 1200 and not mark.exists():
        mark.write_text(str(os.getpid()))
        os._exit(1)
    return frame.iloc[start : start + 600]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # those of Dask's own connections are not ours
def test_a_worker_that_is_killed_changes_nothing(frame, expected, cluster, tmp_path):
    with Client(cluster):
        make = dask.delayed(slow_part, pure=False)
        parts = [make(frame, start, tmp_path) for start in range(0, len(frame), 600)]
        found = ig.Moments.from_data(parts, like=expected)
    assert (tmp_path / "killed").exists()
    assert_same(found, expected)


@pytest.mark.filterwarnings("default")
def test_the_command_line_on_a_cluster(frame, cluster, tmp_path, capsys):
    paths = [tmp_path / "one.parquet", tmp_path / "two.csv"]
    frame.iloc[:1700].to_parquet(paths[0], row_group_size=300)
    frame.iloc[1700:].to_csv(paths[1], index=False)
    here, there = tmp_path / "here.npz", tmp_path / "there.npz"
    command = ["moments", *map(str, paths), "--outcome", "y", "--actions", "a1,a2", "--out"]
    assert main([*command, str(here)]) == 0
    assert main([*command, str(there), "--scheduler", cluster.scheduler_address]) == 0
    assert "a1: 1,000 rows" in capsys.readouterr().out
    assert_same(ig.Moments.load(there), ig.Moments.load(here))

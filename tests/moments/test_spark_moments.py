"""Moments of a Spark table: the same numbers, also when a task is killed on the way.

Skipped where pyspark or a Java runtime is missing: the download has 400 MB.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

import bayes_intgen as ig

pyspark = pytest.importorskip("pyspark", reason="Spark is not installed (the extra 'spark')")
if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
    pytest.skip("Spark needs a Java runtime, and there is none", allow_module_level=True)

from tests.moments.test_dask_moments import COLUMNS, assert_same  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    """Two tasks at a time, of which each may fail three times."""
    folder = tmp_path_factory.mktemp("spark")
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": str(folder),
        "spark.local.dir": str(folder),
        "spark.driver.memory": "512m",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "300",
    }
    builder = pyspark.sql.SparkSession.builder.master("local[2,4]").appName("tests")
    for name, value in settings.items():
        builder = builder.config(name, value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()


@pytest.fixture(scope="module")
def frame():
    scm = ig.scm.sample_polynomial_scm(2, random_seed=1)
    rows = scm.sample_regimes(scm.single_regimes, n=1000, random_seed=2)
    return rows.sample(frac=1, random_state=3).reset_index(drop=True)


@pytest.fixture(scope="module")
def expected(frame):
    return ig.Moments.from_data(ig.RegimeData.from_frame(frame, **COLUMNS))


def partitioned(spark, frame, partitions):
    """The rows of a table, in their order, in so many partitions."""
    rows = spark.sparkContext.parallelize(frame.to_dict("records"), partitions)
    return spark.createDataFrame(rows)


def test_moments_equal_those_of_the_table(spark, frame, expected):
    table = partitioned(spark, frame, 5)
    data = ig.RegimeData.from_frame(table, **COLUMNS)
    assert (data.n_rows, data.source.partitions) == (len(frame), 5)
    assert_same(ig.Moments.from_data(data), expected)
    assert_same(ig.Moments.from_data(table, like=expected), expected)


def test_many_partitions_are_merged_by_spark(spark, frame, expected, monkeypatch):
    """Also some without rows."""
    monkeypatch.setattr("bayes_intgen.data.spark_source.FEW", 3)
    table = partitioned(spark, frame, 40).where("y > -1000")
    assert_same(ig.Moments.from_data(ig.RegimeData.from_frame(table, **COLUMNS)), expected)


def test_a_killed_task_is_done_again(spark, frame, expected, tmp_path):
    """The worker of one partition kills itself once in every pass."""
    lives = tmp_path / "lives"
    lives.write_text("..")

    def die_twice(batches):
        number = pyspark.TaskContext.get().partitionId()
        left = Path(lives).read_text()
        if number == 2 and left:
            Path(lives).write_text(left[1:])
            os.kill(os.getpid(), signal.SIGKILL)
        yield from batches

    table = partitioned(spark, frame, 5)
    fragile = table.mapInArrow(die_twice, table.schema)
    assert_same(ig.Moments.from_data(ig.RegimeData.from_frame(fragile, **COLUMNS)), expected)
    assert lives.read_text() == ""


def test_a_fit_reads_partitions(spark, frame):
    model = ig.InterventionModel(ig.Polynomial(2), structure="full")
    at = {"a1": 0.1, "a2": 0.0}
    table = partitioned(spark, frame, 3)
    fits = [
        model.fit(ig.RegimeData.from_frame(rows, **COLUMNS), method="laplace", progressbar=False)
        for rows in (frame, table)
    ]
    one, two = (fit.expected_outcome(at).to_numpy() for fit in fits)
    np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-8)


def test_faults_are_told_in_our_words(spark, frame):
    with pytest.raises(ig.DataError, match="'tv'"):
        ig.RegimeData.from_frame(partitioned(spark, frame, 2), "y", ["a1", "tv"])
    with pytest.raises(ig.RegimeError, match="b7"):
        ig.RegimeData.from_frame(partitioned(spark, frame.assign(regime="b7"), 2), **COLUMNS)


def test_partitions_that_change_are_an_error(spark, frame, tmp_path):
    place = tmp_path / "read"

    def grow(batches):
        for batch in batches:
            yield batch
            if place.exists():
                yield batch

    table = partitioned(spark, frame, 2)
    data = ig.RegimeData.from_frame(table.mapInArrow(grow, table.schema), **COLUMNS)
    place.touch()
    with pytest.raises(ig.FileError, match="must stay the same"):
        ig.Moments.from_data(data)

"""Rows from Arrow streams and databases: the same numbers, read anew at every pass."""

import os
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose

import bayes_intgen as ig

ACTIONS = ["a1", "a2", "a3"]


class Stream:
    """Rows that stay elsewhere, and offer a new Arrow stream each time."""

    def __init__(self, frame):
        self.table, self.asked = pa.Table.from_pandas(frame), 0

    def __arrow_c_stream__(self, requested_schema=None):
        self.asked += 1
        return self.table.__arrow_c_stream__(requested_schema)


@pytest.fixture
def connection(frame, tmp_path):
    path = tmp_path / "rows.duckdb"
    with duckdb.connect(path) as made:
        made.register("given", frame.assign(**{'odd "name"': frame["y"]}))
        made.execute("CREATE TABLE rows AS SELECT * FROM given")
    with duckdb.connect(path, read_only=True) as opened:
        yield opened


def sums(data):
    moments = ig.Moments.from_data(data, basis=ig.Polynomial(2))
    return {regime: moments.regression(regime) for regime in moments.regimes}


def assert_same_sums(data, other):
    for (regime, one), (also, two) in zip(sums(data).items(), sums(other).items(), strict=True):
        assert (regime, one.n) == (also, two.n)
        assert_allclose(one.gram, two.gram, rtol=1e-12, atol=1e-12 * np.abs(two.gram).max())
        assert_allclose(one.cross, two.cross, rtol=1e-12, atol=1e-12 * np.abs(two.cross).max())


def test_a_stream_is_asked_again_at_every_pass(frame, data):
    stream = Stream(frame)
    streamed = ig.RegimeData.from_frame(stream, "y", ACTIONS)
    before = stream.asked
    assert_same_sums(streamed, data)
    assert stream.asked == before + 1


def test_duckdb_and_ibis_are_read_where_they_are(connection, data):
    relation = connection.table("rows")
    assert_same_sums(ig.RegimeData.from_frame(relation, "y", ACTIONS), data)
    with warnings.catch_warnings():  # Ibis calls methods that DuckDB has renamed
        warnings.simplefilter("ignore", DeprecationWarning)
        table = ibis.duckdb.from_connection(connection).table("rows")
    assert_same_sums(ig.RegimeData.from_frame(table, "y", ACTIONS), data)


def test_a_query_yields_the_rows_that_it_selects(connection, frame):
    query = "SELECT *, y / 2 AS half -- a remark\nFROM rows WHERE regime <> 'a3' ORDER BY a1;"
    data = ig.RegimeData.from_sql(query, connection, "half", ACTIONS)
    kept = frame[frame["regime"] != "a3"].sort_values("a1")
    expected = ig.RegimeData.from_frame(kept.assign(half=kept["y"] / 2), "half", ACTIONS)
    assert_same_sums(data, expected)
    named = ig.RegimeData.from_sql("FROM rows", connection, 'odd "name"', ACTIONS)
    assert named.n_rows == 100


def test_many_outcomes_come_from_a_query(connection):
    query = "SELECT *, -y AS minus, 'x' AS word FROM rows"
    many = ig.RegimeData.from_sql(query, connection, ["y", "minus", "word"], ACTIONS)
    assert many.names == ("y", "minus")
    assert [*many.excluded] == ["word"]


def test_a_database_that_cannot_answer_is_quoted_in_our_words(connection):
    with pytest.raises(ig.DataError, match=r"query: the database could not answer: .*absent"):
        ig.RegimeData.from_sql("SELECT * FROM absent", connection, "y", ACTIONS)
    with pytest.raises(ig.DataError, match="has no column 'sales'"):
        ig.RegimeData.from_sql("SELECT * FROM rows", connection, "sales", ACTIONS)
    text = "SELECT a1, a2, a3, regime, 'x' AS y FROM rows"
    with pytest.raises(ig.DataError, match="must hold numbers, but its type is string"):
        ig.RegimeData.from_sql(text, connection, "y", ACTIONS)
    missing = "SELECT * REPLACE (CASE WHEN a1 > 2 THEN y END AS y) FROM rows"
    with pytest.raises(ig.DataError, match=r"values are missing \(NaN\)"):
        ig.RegimeData.from_sql(missing, connection, "y", ACTIONS)
    with pytest.raises(ig.DataError, match="must be a connection of DuckDB or ADBC, got str"):
        ig.RegimeData.from_sql("SELECT 1", "rows.duckdb", "y", ACTIONS)
    with pytest.raises(ig.DataError, match="must be a query in SQL"):
        ig.RegimeData.from_sql(" ", connection, "y", ACTIONS)


def test_rows_that_come_and_go_between_passes_are_an_error(frame):
    stream = Stream(frame)
    data = ig.RegimeData.from_frame(stream, "y", ACTIONS)
    stream.table = pa.Table.from_pandas(frame.head(99))
    with pytest.raises(ig.FileError, match="there were 100 rows, and now there are 99"):
        sums(data)


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL server of our own, reached by a socket in its folder."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]  # not on the path there
    places = os.pathsep.join([os.environ.get("PATH", ""), *map(str, debian)])
    tools = {name: shutil.which(name, path=places) for name in ("initdb", "pg_ctl")}
    missing = [name for name, path in tools.items() if path is None]
    if missing:
        pytest.skip(f"PostgreSQL's server is not installed: no {', '.join(missing)}")
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short, as the path of a socket must be
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    if os.geteuid() == 0:  # it does not run as root
        shutil.chown(folder, "nobody")
        quiet |= {"user": "nobody", "cwd": folder}
    try:
        initdb = [tools["initdb"], "-A", "trust", "-U", "me", "-D", folder / "data"]
        subprocess.run(initdb, **quiet)
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        control = [tools["pg_ctl"], "-D", folder / "data", "-l", folder / "log", "-w"]
        subprocess.run([*control, "-o", options, "start"], **quiet)
        yield f"postgresql://me@/postgres?host={folder}"
        subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_postgresql_is_read_through_adbc(server, frame, data):
    dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi")
    with dbapi.connect(server) as connection:
        with connection.cursor() as cursor:
            cursor.adbc_ingest("rows", pa.Table.from_pandas(frame, preserve_index=False))
        connection.commit()
        found = ig.RegimeData.from_sql("SELECT * FROM rows", connection, "y", ACTIONS)
        assert_same_sums(found, data)
        with pytest.raises(ig.DataError, match="query: the database could not answer"):
            ig.RegimeData.from_sql("SELECT * FROM absent", connection, "y", ACTIONS)

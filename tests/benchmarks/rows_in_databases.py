"""What rows in a database cost beside those in Parquet.

``python -m tests.benchmarks.rows_in_databases``, with ``--rows N``: rows of all regimes, 10^7 by
default; ``--postgres N``: those of a PostgreSQL server that is started for it, 10^6 by default,
none for 0; ``--folder``: where files of a gigabyte may be written. Both passes over the rows of
three actions are made, with the cubic features of the paper (``--smooth``: those of the default
basis, among which reading weighs less), each in a process of its own.
"""

import argparse
import inspect
import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.dataset

import bayes_intgen as ig
from tests.benchmarks.scale_bars import cpu_seconds, line, say, write_rows
from tests.data.test_stream_sources import server

ACTIONS = ["a1", "a2", "a3"]
SELECT = "SELECT * FROM rows"
PEAK = "VmHWM"  # of the memory of this process alone, not of that which started it


def read(kind, place):
    """Open the rows of a kind of source."""
    if kind == "parquet":
        return ig.RegimeData.from_frame(place, "y", ACTIONS)
    if kind == "duckdb":
        connection = duckdb.connect(place, read_only=True)
    else:
        from adbc_driver_postgresql import dbapi

        connection = dbapi.connect(place)
    return ig.RegimeData.from_sql(SELECT, connection, "y", ACTIONS)


def sums(kind, place, out, smooth):
    """Make both passes and keep the moments."""
    basis = ig.HSGP() if smooth else ig.Polynomial(3)
    start, cpu = time.perf_counter(), cpu_seconds()
    moments = ig.Moments.from_data(read(kind, place), basis=basis)
    found = {"wall": time.perf_counter() - start, "cpu": cpu_seconds() - cpu}
    moments.save(out)
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(text.split()[1]) for text in status if text.startswith(PEAK))
    note = f"{len(moments.features.features)} features"
    print(json.dumps({**found, "peak": peak / 2**20, "note": note}))


def measure(kind, place, out, smooth=False):
    """Run it in a process of its own; seconds are those of the passes."""
    command = [sys.executable, "-m", "tests.benchmarks.rows_in_databases", "--measure"]
    command += [kind, str(place), str(out), *(["--smooth"] if smooth else [])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def difference(one, two):
    """The largest difference of means and sums of products, in units of the columns' spread."""
    one, two = ig.Moments.load(one), ig.Moments.load(two)
    worst = 0.0
    for regime in one.regimes:
        for a, b in zip(one.folds[regime], two.folds[regime], strict=True):
            size = np.sqrt(np.diag(b.scatter))
            size[size == 0] = 1.0
            mean = np.abs((a.mean - b.mean) * np.sqrt(b.weight) / size).max() / np.sqrt(b.weight)
            scatter = np.abs((a.scatter - b.scatter) / np.outer(size, size)).max()
            worst = max(worst, float(mean), float(scatter))
    return worst


def into_duckdb(path, place):
    with duckdb.connect(str(place)) as connection:
        connection.execute(f"CREATE TABLE rows AS SELECT * FROM read_parquet('{path}')")


def into_postgres(path, uri):
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(uri) as connection:
        with connection.cursor() as cursor:
            reader = pyarrow.dataset.dataset(path).scanner().to_reader()
            cursor.adbc_ingest("rows", reader)
        connection.commit()


def compare(kind, rows, folder, place, smooth=False):
    """Print a source beside the same rows in Parquet; return both, and how far sums differ."""
    path = folder / f"{kind}.parquet"
    write_rows(path, rows // 4, n_actions=3)
    into_duckdb(path, place) if kind == "duckdb" else into_postgres(path, place)
    outs = [folder / f"{name}.npz" for name in ("parquet", kind)]
    base = measure("parquet", path, outs[0], smooth)
    found = measure(kind, place, outs[1], smooth)
    total = f"{4 * (rows // 4):,} rows"
    line(f"Parquet, {total}", base, base)
    line(f"{kind}, {total}", found, base)
    apart = difference(*outs)
    say("1, time over that of Parquet", found["wall"] / base["wall"], 1.3)
    say("1, peak memory", max(base["peak"], found["peak"]), 1.0, " GiB")
    print(f"  bar 1, moments: {apart:.1e}, at most 1e-12", flush=True)
    return base, found, apart


postgres = contextmanager(inspect.unwrap(server))


def main(rows, in_postgres, smooth, where):
    print(f"{'':<38} {'wall s':>8} {'CPU s':>8} {'peak GiB':>8} {'ratios: wall, CPU':>17}")
    with tempfile.TemporaryDirectory(dir=where) as name:
        folder = Path(name)
        if rows:
            compare("duckdb", rows, folder, folder / "rows.duckdb", smooth)
        if in_postgres:
            with postgres() as uri:
                compare("postgres", in_postgres, folder, uri, smooth)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10**7)
    parser.add_argument("--postgres", type=int, default=10**6)
    parser.add_argument("--smooth", action="store_true")
    parser.add_argument("--folder", help="where the files are written")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        sums(*options.measure, options.smooth)
    else:
        main(options.rows, options.postgres, options.smooth, options.folder)

"""What many rows and many actions cost, as a table: ``python -m tests.benchmarks.scale_bars``.

``--rows N``: rows of each of six regimes, 10^6 by default; ``--more N``: those of a second file of
which only the memory is measured; ``--folder``: where files of a few gigabytes may be written. Each
line is measured in a process of its own, so that its peak memory is its own, and given beside
what it is to be compared with in the same run: the estimator of the paper as scikit-learn computes
it, or reading the file plus one matrix product of the same shape. CPU seconds stand beside wall
seconds, since on a machine that others use only the former mean much.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import nutpie
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import bayes_intgen as ig
from bayes_intgen.baselines.penalised import ALPHAS
from bayes_intgen.data.file_sources import read_batches
from bayes_intgen.design.basis.choice import freeze_bases
from bayes_intgen.design.basis.features import FeatureMap
from bayes_intgen.moments.moments import Moments

WIDE = 20
PIECE = 200_000


def write_rows(path, rows, n_actions=5):
    """Write a table with ``rows`` rows in each regime, a piece at a time."""
    scm = ig.scm.sample_polynomial_scm(n_actions, random_seed=3)
    writer = None
    for position, regime in enumerate(scm.single_regimes):
        for start in range(0, rows, PIECE):
            seed = 1000 * position + start // PIECE
            frame = scm.sample_regimes([regime], min(PIECE, rows - start), random_seed=seed)
            table = pa.Table.from_pandas(frame, preserve_index=False)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
    writer.close()


def wide_rows(rows, seed=1):
    """A system of twenty actions with twenty direct edges, and the actions they end in."""
    rng = np.random.default_rng(seed)
    edges = [(2 * i, 2 * i + 1) for i in range(WIDE // 2)]
    edges += [(2 * i, 2 * i + 3) for i in range(WIDE // 2 - 1)] + [(0, 19)]
    frames = []
    for regime in [None, *range(WIDE)]:
        hidden = rng.normal(size=(rows, WIDE))
        actions = np.empty((rows, WIDE))
        for k in range(WIDE):
            cause = sum(
                (actions[:, parent] for parent, child in edges if child == k), np.zeros(rows)
            )
            actions[:, k] = hidden[:, k] + rng.normal(size=rows) + 0.6 * cause
            if k == regime:
                actions[:, k] = 1.5 * rng.normal(size=rows)
        outcome = (np.sin(actions) + 0.3 * hidden).sum(axis=1) + 0.1 * rng.normal(size=rows)
        frame = pd.DataFrame(actions, columns=names(WIDE)).assign(y=outcome)
        frames.append(frame.assign(regime="obs" if regime is None else f"a{regime + 1}"))
    return pd.concat(frames, ignore_index=True)


def names(n_actions):
    return [f"a{k + 1}" for k in range(n_actions)]


def read(path):
    return ig.RegimeData.from_frame(path, outcome="y", actions=names(5))


# What is measured: each function takes the file and returns what it says of itself


def fit_laplace(path):
    posterior = ig.InterventionModel().fit(read(path), method="laplace", random_seed=1)
    return str(posterior.convergence)


def fit_nuts(path):
    """Sampling is timed apart: from the start of the chains to their end, without compilation."""
    seconds, sample = [], nutpie.sample

    def timed(*args, **options):
        start = time.perf_counter()
        result = sample(*args, **options)
        seconds.append(time.perf_counter() - start)
        return result

    nutpie.sample = timed
    posterior = ig.InterventionModel().fit(read(path), random_seed=1, progressbar=False)
    steps = posterior.idata["sample_stats"].dataset["n_steps"].mean()
    note = f"sampling {sum(seconds):.1f} s, {float(steps):.1f} steps a draw"
    return {"sampling": sum(seconds), "note": note}


def fit_wide(path):
    data = ig.RegimeData.from_frame(path, outcome="y", actions=names(WIDE))
    posterior = ig.InterventionModel().fit(data, method="laplace", random_seed=1)
    edges = sum(edge.status != "absent" for edge in posterior.learned.edges)
    return f"{edges} edges, {posterior.idata['weights'].sizes['term']} weights"


def ridge(path):
    """The paper's estimator: cubic ridge of every regime, alpha from a grid by three folds."""
    table = pq.read_table(path).to_pandas()
    for _, rows in table.groupby("regime"):
        steps = make_pipeline(PolynomialFeatures(3, include_bias=False), StandardScaler(), Ridge())
        search = GridSearchCV(steps, {"ridge__alpha": ALPHAS}, cv=3)
        search.fit(rows[names(5)].to_numpy(), rows["y"].to_numpy())
    return "scikit-learn"


def features_of(path):
    data = read(path)
    summary = data.summary
    features = FeatureMap.within(freeze_bases(ig.HSGP(), data.variables, summary), [data.variables])
    return data, summary, features


def one_pass(path):
    """The moments of all features, once basis and units are settled."""
    data, summary, features = features_of(path)
    start, cpu = time.perf_counter(), cpu_seconds()
    Moments.compute(data, summary, features, summary.scales["y"])
    return {
        "wall": time.perf_counter() - start,
        "cpu": cpu_seconds() - cpu,
        "note": f"{len(features.features)} features",
    }


def read_and_multiply(path):
    """Reading the file, and one product of a matrix of that shape with its transpose, in blocks."""
    data, _, features = features_of(path)
    size = len(features.features) + 1
    block = np.random.default_rng(1).normal(size=(size, 2**14))
    start, cpu = time.perf_counter(), cpu_seconds()
    for _ in read_batches(data.source._dataset(), data.columns):
        pass
    for _ in range(-(-data.n_rows // block.shape[1])):
        block @ block.T
    return {"wall": time.perf_counter() - start, "cpu": cpu_seconds() - cpu, "note": "read + BLAS"}


MEASURED = {
    f.__name__: f for f in (fit_laplace, fit_nuts, fit_wide, ridge, one_pass, read_and_multiply)
}


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(name, path):
    """Run a function in a process of its own; seconds are all of its, from its first import."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "tests.benchmarks.scale_bars", "--measure", name, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return {"wall": time.perf_counter() - start, **found}


def report(name, path):
    found = MEASURED[name](path)
    found = found if isinstance(found, dict) else {"note": found}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"cpu": cpu_seconds(), "peak": peak, **found}))


def say(bar, value, most, unit=""):
    """Print whether a bar is met."""
    print(f"  bar {bar}: {value:.2f}{unit}, at most {most:g}{unit}", flush=True)


def line(what, found, against):
    ratios = [found[key] / against[key] for key in ("wall", "cpu")]
    print(
        f"{what:<38} {found['wall']:8.1f} {found['cpu']:8.1f} {found['peak']:8.2f} "
        f"{ratios[0]:8.2f} {ratios[1]:8.2f}  {found['note']}",
        flush=True,
    )


def main(rows, more, with_nuts, with_wide, where):
    print(f"{'':<38} {'wall s':>8} {'CPU s':>8} {'peak GiB':>8} {'ratios: wall, CPU':>17}")
    with tempfile.TemporaryDirectory(dir=where) as folder:
        path, small = Path(folder) / "rows.parquet", Path(folder) / "small.parquet"
        write_rows(path, rows)
        total = f"{6 * rows:,} rows"
        paper = measure("ridge", path)
        line(f"ridge of the paper, {total}", paper, paper)
        laplace = measure("fit_laplace", path)
        line(f"laplace, {total}", laplace, paper)
        say("1, laplace", laplace["wall"], 30, " s")
        if with_nuts:
            nuts = measure("fit_nuts", path)
            line(f"NUTS, {total}", nuts, paper)
            say("1, NUTS over ridge", nuts["wall"] / paper["wall"], 0.5)
            write_rows(small, max(rows // 100, 100))
            few = measure("fit_nuts", small)
            line("NUTS, a hundredth of the rows", few, paper)
            say("1, sampling over that of few rows", nuts["sampling"] / few["sampling"], 1.2)
        base = measure("read_and_multiply", path)
        line("reading + one product", base, base)
        once = measure("one_pass", path)
        line("one pass over the rows", once, base)
        say("2, pass over reading + product", once["wall"] / base["wall"], 3)
        say(f"3, {total}", laplace["peak"], 1.5, " GiB")
        if more:
            path.unlink()
            write_rows(path, more)
            larger = measure("fit_laplace", path)
            line(f"laplace, {6 * more:,} rows", larger, paper)
            say(f"3, {6 * more:,} rows", larger["peak"], 1.5, " GiB")
        if with_wide:
            wide_rows(10_000).to_parquet(path)
            wide = measure("fit_wide", path)
            line("laplace, K=20, 10,000 rows/regime", wide, paper)
            say("6, time", wide["wall"], 120, " s")
            say("6, memory", wide["peak"], 3, " GiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of each regime")
    parser.add_argument("--more", type=int, default=0, help="rows of each regime, for memory")
    parser.add_argument("--folder", help="where the files are written")
    parser.add_argument("--no-nuts", action="store_true")
    parser.add_argument("--no-wide", action="store_true")
    parser.add_argument("--measure", nargs=2, metavar=("WHAT", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        report(options.measure[0], Path(options.measure[1]))
    else:
        main(options.rows, options.more, not options.no_nuts, not options.no_wide, options.folder)

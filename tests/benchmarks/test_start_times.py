"""Seconds from pressing Enter to an answer, of calls that need no data.

``uv run pytest tests/benchmarks/test_start_times.py --benchmark-enable --benchmark-only -n0`` runs
each in a process of its own, five times after a first that leaves compiled files behind, and fails
where the median exceeds its bar. What is loaded on the way is tested in ``tests/house``.
"""

import os
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "bayes_intgen.cli.main"]
CALLS = {
    "import": ([sys.executable, "-c", "import bayes_intgen"], 1.0),
    "--help": ([*COMMAND, "--help"], 0.5),
    "--version": ([*COMMAND, "--version"], 0.5),
    "fit --help": ([*COMMAND, "fit", "--help"], 0.5),
    "identify": ([*COMMAND, "identify", "obs,a,b", "a+b"], 1.5),
}


@pytest.mark.parametrize(("call", "seconds"), CALLS.values(), ids=CALLS)
def test_it_starts_in_time(call, seconds, benchmark):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    options = {"check": True, "stdout": subprocess.DEVNULL, "env": environment}
    benchmark.pedantic(subprocess.run, (call,), options, rounds=5, warmup_rounds=1)
    assert benchmark.stats.stats.median < seconds

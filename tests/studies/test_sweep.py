"""Studies: every unit once, whatever is killed in between, and the same rows whoever runs them."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bayes_intgen.base.errors import FileError, ModelError
from bayes_intgen.studies.runner.pool import Pool
from bayes_intgen.studies.runner.progress import Progress
from bayes_intgen.studies.runner.sweep import run_sweep
from bayes_intgen.studies.runner.unit import unit_key
from tests.cases import studies
from tests.cases.studies import Deadly, Faulty, Power, Spectrum


def threads(workers=2):
    return Pool(workers, lambda: ThreadPoolExecutor(workers))


@pytest.fixture
def sweep(tmp_path):
    """Run units in threads; return the result and what was written."""

    def run(units, pool=None):
        stream = io.StringIO()
        return run_sweep(units, tmp_path / "out", pool or threads(), stream), stream.getvalue()

    return run


def started(folder):
    """Return the numbers of the units that were started, and by which processes."""
    file = Path(folder, "started")
    lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    return Counter(float(number) for number, _ in lines), {int(pid) for _, pid in lines}


def test_rows_come_in_the_order_of_the_units_and_nothing_is_done_twice(tmp_path, sweep):
    units = [Power(n, str(tmp_path), pause=0.05 * (n == 3)) for n in (3, 1, 2)]
    result, shown = sweep(units)
    assert [row["value"] for row in result.rows] == [3, 9, 1, 1, 2, 4]
    assert result.failures == ()
    assert "3 of 3 units" in shown
    again, shown = sweep([Power(5, str(tmp_path)), *units])
    assert again.rows == [row for n in (5, 3, 1, 2) for row in replace(units[0], number=n).run()]
    assert "3 of 4 units were done before" in shown


def test_a_unit_that_is_done_is_not_started_again(tmp_path, sweep):
    sweep([Power(1, str(tmp_path))])
    sweep([Power(1, str(tmp_path)), Power(2, str(tmp_path))])
    assert started(tmp_path)[0] == {1: 1, 2: 1}
    sweep([Power(1, str(tmp_path), pause=0.01)])  # another setting is another unit
    assert started(tmp_path)[0] == {1: 2, 2: 1}


def test_damaged_and_foreign_files_are_not_taken_for_results(tmp_path, sweep):
    units = [Power(n, str(tmp_path)) for n in (1, 2)]
    first, _ = sweep(units)
    files = [tmp_path / "out" / ".units" / f"{unit_key(unit)}.json" for unit in units]
    files[0].write_text(files[0].read_text()[:50])
    files[1].write_text(files[1].read_text().replace('"number": 2', '"number": 7'))
    again, _ = sweep(units)
    assert again == first
    assert started(tmp_path)[0] == {1: 2, 2: 2}


def test_a_failure_is_reported_and_the_others_go_on(tmp_path, sweep):
    units = [Power(1, str(tmp_path)), Faulty(2, str(tmp_path)), Power(3, str(tmp_path))]
    result, shown = sweep(units, threads(1))
    assert [row["number"] for row in result.rows] == [1, 1, 3, 3]
    (failure,) = result.failures
    assert failure.key == unit_key(units[1])
    assert "ZeroDivisionError: no power of 2" in failure.traceback
    assert "in run" in failure.traceback
    told = shown.index(f"unit {failure.key} failed:")  # at once, with what went wrong
    assert told < shown.index("no power of 2") < shown.index("3 of 3 units, 1 failed")
    assert len(sweep(units)[0].failures) == 1  # tried again, and no success is made up


def test_rows_that_are_not_json_are_a_failure_of_their_unit(sweep):
    @dataclass(frozen=True)
    class Odd:
        name = "odd"

        def run(self):
            return [{"value": object()}]

    result, _ = sweep([Odd()])
    assert "not JSON serializable" in result.failures[0].traceback


@pytest.mark.parametrize("workers", [1, 3])
def test_numbers_do_not_depend_on_the_executor(tmp_path, workers):
    units = [Spectrum(seed) for seed in range(3)]
    reference = run_sweep(units, tmp_path / "reference", threads(1), io.StringIO())
    found = run_sweep(units, tmp_path / "found", threads(workers), io.StringIO())
    assert found.rows == reference.rows


class Mortal(Executor):
    """Runs each unit in a thread; a deadly unit breaks it for all, as a dead process does."""

    def __init__(self):
        self.broken, self.futures, self.most = False, [], 0
        self.threads = ThreadPoolExecutor(4)

    def submit(self, function, unit):
        if self.broken:
            raise BrokenExecutor("broken before")
        future = Future()
        self.futures = [other for other in self.futures if not other.done()] + [future]
        self.most = max(self.most, len(self.futures))
        self.threads.submit(self.work, function, unit, future)
        return future

    def work(self, function, unit, future):
        if isinstance(unit, Deadly):
            time.sleep(0.05)
            self.broken = True
            for other in self.futures:
                other.set_exception(BrokenExecutor("a process died"))
            return
        time.sleep(0.2)
        found = function(unit)
        if not self.broken:
            future.set_result(found)


def test_a_unit_that_kills_its_worker_takes_nobody_down(tmp_path, sweep):
    units = [Power(1, str(tmp_path)), Deadly(2, str(tmp_path)), Power(3, str(tmp_path))]
    made = []

    def make():
        made.append(Mortal())
        return made[-1]

    result, shown = sweep(units, Pool(3, make))
    assert [row["number"] for row in result.rows] == [1, 1, 3, 3]
    assert "died 3 times" in result.failures[0].traceback
    assert f"unit {unit_key(units[1])}: a process died while it ran (time 2 of at most 3)" in shown
    assert made[0].most == 3
    assert {pool.most for pool in made[1:]} == {1}  # suspects run alone
    assert "3 of 3 units, 1 failed" in shown


def test_an_executor_that_never_works_ends_the_study(tmp_path, sweep):
    def broken():
        pool = Mortal()
        pool.broken = True
        return pool

    result, _ = sweep([Power(n, str(tmp_path)) for n in range(3)], Pool(2, broken))
    assert len(result.failures) == 3


def alive(pid):
    """Say whether a process runs; one that only waits for its parent to notice does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="forks, and reads /proc")
def test_a_killed_study_is_taken_up_where_it_was(tmp_path):
    command = [sys.executable, studies.__file__, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as study:
        wait_until(lambda: len(list(tmp_path.glob(".units/[!.]*.json"))) >= 3)
        study.send_signal(signal.SIGKILL)
    before, workers = started(tmp_path)
    done = [json.loads(path.read_text())["unit"] for path in tmp_path.glob(".units/[!.]*.json")]
    kept = {unit["fields"]["number"] for unit in done}
    assert 3 <= len(kept) < 8
    wait_until(lambda: not any(map(alive, workers)), seconds=10)
    assert started(tmp_path)[0] == before  # nothing ran on

    study = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found = json.loads(study.stdout)
    assert [row["value"] for row in found["rows"]] == [
        number**k for number in (*range(7), 10, 7) for k in (1, 2)
    ]
    after, _ = started(tmp_path)
    assert all(after[number] == 1 for number in kept)
    assert set(after) == {*range(8), 10}
    assert f"{len(kept)} of 10 units were done before" in study.stderr
    # 10 killed its process once and was tried again, 11 killed it whenever it could
    (failed,) = found["failed"].items()
    assert failed[0].startswith("power-11-")
    assert "died 3 times" in failed[1]
    assert f"unit {failed[0]}: a process died while it ran (time 1 of at most 3)" in study.stderr
    assert study.stderr.count("Segmentation fault") == 3  # each told with where it happened
    assert len(re.findall(r'studies\.py", line \d+ in run', study.stderr)) == 3


def test_keys_tell_units_apart_and_stay_the_same():
    first = Power(1.0, "a")
    assert unit_key(first) == unit_key(Power(1.0, "a"))
    others = [Power(1.0, "b"), Power(1.5, "a"), Faulty(1.0, "a"), replace(first, pause=1.0)]
    assert len({unit_key(unit) for unit in (first, *others)}) == 5


def test_units_that_cannot_be_kept_apart_are_refused(tmp_path, sweep):
    with pytest.raises(ModelError, match="units must differ"):
        sweep([Power(1, "a"), Power(1, "a")])
    with pytest.raises(ModelError, match="JSON types"):
        sweep([Power(1, tmp_path)])
    with pytest.raises(ModelError, match="object of a dataclass"):
        sweep([Power])
    with pytest.raises(ModelError, match="a unit's name"):
        sweep([NamedOddly(1, "a")])
    (tmp_path / "out").write_text("a file")
    with pytest.raises(FileError, match="cannot make the folder"):
        sweep([Power(1, "a")])
    with pytest.raises(ModelError, match="workers must be"):
        Pool(0, ThreadPoolExecutor)


class NamedOddly(Power):
    name = "a/b"


def test_progress_estimates_the_time_left():
    clock = iter([0.0, 30.0, 30.0, 31.0, 31.0, 400.0, 400.0]).__next__
    stream = io.StringIO()
    progress = Progress(5, 2, stream, clock)
    progress.add(failed=False)
    progress.add(failed=True)  # a second later: too soon for a line of its own
    progress.add(failed=False)
    assert stream.getvalue().splitlines() == [
        "2 of 5 units were done before",
        "3 of 5 units, about 60 s left",
        "5 of 5 units, 1 failed, in 7 min",
    ]


def test_progress_rewrites_one_line_on_a_terminal():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    progress = Progress(2, 0, stream)
    progress.add(failed=False)
    progress.add(failed=False)
    assert stream.getvalue().count("\r\033[K") == 2
    assert stream.getvalue().count("\n") == 1

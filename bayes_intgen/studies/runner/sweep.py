"""Resumable run of the units of a study, each once, whatever dies in between.

The rows of a unit are written as soon as it ends, in one step. Started again, a study takes up
where it was stopped or killed. A unit that raises is reported at once and the others go on. When
a worker dies, every unit that was being run is under suspicion: suspects are run again, one at a
time and after all others, so that a unit that kills its worker takes nobody down with it. Every
death is reported at once, and the third of one unit counts as its failure.

Rows are gathered in the order of the units, and each unit runs with one thread of linear algebra,
so that the numbers depend neither on the executor nor on the number of workers.
"""

import sys
import traceback
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from bayes_intgen.base.errors import FileError, ModelError
from bayes_intgen.base.files import replacing
from bayes_intgen.base.parallel import one_blas_thread
from bayes_intgen.studies.runner.pool import Pool
from bayes_intgen.studies.runner.progress import Progress
from bayes_intgen.studies.runner.unit import Row, Unit, dump_rows, read_rows, unit_key

__all__ = ["Failure", "SweepResult", "run_sweep"]

FOLDER = ".units"
MOST_DEATHS = 3


@dataclass(frozen=True)
class Failure:
    """A unit that did not end well, and the text of what went wrong."""

    key: str
    traceback: str


@dataclass(frozen=True)
class SweepResult:
    """Rows of all units that ended well, and the other units; both in the order of the units."""

    rows: list[Row] = field(repr=False)
    failures: tuple[Failure, ...]


def run_sweep(
    units: Sequence[Unit], out: Path, pool: Pool, stream: TextIO | None = None
) -> SweepResult:
    """Run all units that are not done yet, and gather the rows of all.

    Parameters
    ----------
    units
        The study.
    out
        Its folder, which is made; finished units are kept in ``.units`` in it.
    pool
        Where to run the units.
    stream
        Where to report progress, deaths and failures, as they happen; None means the standard
        error.

    Returns
    -------
    SweepResult
        A unit that failed is tried again the next time.

    Raises
    ------
    ModelError
        If two units are equal, or one is not a dataclass of JSON types.
    FileError
        If the folder cannot be made or written to.
    """
    stream = sys.stderr if stream is None else stream
    keys = [unit_key(unit) for unit in units]
    repeated = [key for key, count in Counter(keys).items() if count > 1]
    if repeated:
        raise ModelError(f"units must differ, got {repeated[:5]} more than once.")
    folder = out / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"out: cannot make the folder {str(folder)!r}: {error}") from error
    files = {key: folder / f"{key}.json" for key in keys}
    todo = {
        key: unit
        for key, unit in zip(keys, units, strict=True)
        if read_rows(unit, files[key]) is None
    }
    progress = Progress(len(units), len(units) - len(todo), stream)
    failed = _Run(todo, files, progress).to_the_end(pool)
    failures = tuple(Failure(key, failed[key]) for key in keys if key in failed)
    rows: list[Row] = []
    for key, unit in zip(keys, units, strict=True):
        rows += read_rows(unit, files[key]) or []
    return SweepResult(rows, failures)


class _Run:
    """The units that wait, those that run, and how the others ended."""

    def __init__(self, units: dict[str, Unit], files: dict[str, Path], progress: Progress) -> None:
        self._units, self._files, self._progress = units, files, progress
        self._waiting = deque(units)
        self._running: dict[Future[tuple[bool, str]], str] = {}
        self._deaths: Counter[str] = Counter()
        self._failed: dict[str, str] = {}

    def to_the_end(self, pool: Pool) -> dict[str, str]:
        """Run everything; return the text of what went wrong by key."""
        while self._waiting:
            with pool.open() as executor:
                intact = True
                while intact and (self._waiting or self._running):
                    intact = self._collect(self._hand_out(executor, pool.workers))
        return self._failed

    def _hand_out(self, executor: Executor, workers: int) -> bool:
        """Hand out as many units as there are workers, a suspect only alone."""
        while self._waiting:
            key = self._waiting[0]
            alone = any(self._deaths[other] for other in (key, *self._running.values()))
            if len(self._running) >= (1 if alone else workers):
                break
            try:
                future = executor.submit(_execute, self._units[key])
            except BrokenExecutor:
                if not self._running:  # nobody else can have broken it
                    self._bury(self._waiting.popleft())
                return False
            self._running[future] = self._waiting.popleft()
        return True

    def _collect(self, intact: bool) -> bool:
        """Wait for a unit to end, for all of them if the executor broke; say if it is intact."""
        while self._running:
            finished, _ = wait(self._running, return_when=FIRST_COMPLETED)
            for future in finished:
                key = self._running.pop(future)
                try:
                    ended_well, text = future.result()
                except BrokenExecutor:
                    intact = False
                    self._bury(key)
                except Exception:
                    self._end(key, traceback.format_exc())
                else:
                    if ended_well:
                        with replacing(self._files[key]) as draft:
                            draft.write_text(text, encoding="utf-8")
                    self._end(key, None if ended_well else text)
            if intact:
                break
        return intact

    def _bury(self, key: str) -> None:
        """Put a unit whose worker died at the end of the queue, unless that is a habit."""
        self._deaths[key] += 1
        if self._deaths[key] < MOST_DEATHS:
            self._waiting.append(key)
            self._progress.tell(
                f"unit {key}: a process died while it ran (time {self._deaths[key]} of at most "
                f"{MOST_DEATHS}); it will be run again, alone and after the others"
            )
        else:
            self._end(
                key,
                f"The process that ran it died {MOST_DEATHS} times, the last times while it ran "
                f"nothing else. Is there enough memory?",
            )

    def _end(self, key: str, problem: str | None) -> None:
        if problem is not None:
            self._failed[key] = problem
            self._progress.tell(f"unit {key} failed:\n{problem}")
        self._progress.add(problem is not None)


def _execute(unit: Unit) -> tuple[bool, str]:
    """Run a unit in a worker; return its rows as JSON text, or what went wrong."""
    try:
        with one_blas_thread():
            return True, dump_rows(unit, unit.run())
    except Exception:
        return False, traceback.format_exc()
